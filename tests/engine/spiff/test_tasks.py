"""User, service and business rule tasks: what they are asked, what they write, and how a fault goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import spiff
from engine.errors import BpmnError, ConflictError, InvalidValuesError
from tests.engine.spiff.diagrams import (
    NOW,
    Desk,
    boundary,
    call,
    end,
    fault,
    flow,
    flows,
    fork,
    instances,
    node,
    process,
    program,
    rule,
    service,
    start,
    throw,
    user,
    xor,
)


def line(*nodes: str, more: str = "", codes: tuple[str, ...] = ()) -> spiff.Program:
    ids = [one.split('id="')[1].split('"')[0] for one in nodes]
    return program(process("p", start(), *nodes, end(), flows("start", *ids, "end"), more, codes=codes))


ASKED = line(service("s", "from_service"), rule("r", "from_rule"), user("u", "from_user"))


@pytest.mark.parametrize("answer", [False, None, 0, True, "", [], {}, 1.5, "text", [1, {"a": None}]])
def test_whatever_plain_value_comes_back_is_written_under_the_one_key(answer: Any) -> None:
    desk = Desk(ASKED, {"incident_id": 1}, {"s": answer, "r": answer})
    assert desk.task("u").data == {"incident_id": 1, "from_service": answer, "from_rule": answer}
    desk.do("u", from_user=answer)
    assert desk.completed
    assert desk.final["from_user"] == answer


@pytest.mark.parametrize(
    ("answer", "noted"), [("a\0b", "a?b"), ("x" * 119, "x" * 119), ("x" * 120, "x" * 120), ("x" * 121, "x" * 120)]
)
def test_the_history_keeps_an_outcome_that_every_database_can_keep(answer: str, noted: str) -> None:
    desk = Desk(line(service("s", "answer"), user("u")), {}, {"s": answer})
    assert desk.trail() == ["start", f"s={noted}"]
    assert desk.task("u").data == {"answer": answer}


def test_a_service_task_without_a_result_writes_nothing() -> None:
    desk = Desk(line(service("s"), user("u")), {"a": 1}, {"s": "ignored"})
    assert desk.task("u").data == {"a": 1}


def test_operations_and_decisions_are_told_the_element_and_the_data() -> None:
    asked: list[tuple[str, str, dict[str, Any]]] = []
    run = spiff.Run(
        now=NOW,
        operate=lambda element, data: asked.append(("operate", element.id, dict(data))),
        decide=lambda element, data: asked.append(("decide", element.id, dict(data))),
    )
    spiff.advance(spiff.start(ASKED, {"a": [1]}, run))
    assert asked == [("operate", "s", {"a": [1]}), ("decide", "r", {"a": [1], "from_service": None})]


def test_an_operation_cannot_change_process_data_behind_the_engine() -> None:
    def spoil(data: dict[str, Any]) -> str:
        data["groups"].append("B")
        data["new"] = 1
        return "done"

    desk = Desk(ASKED, {"groups": ["A"]}, {"s": spoil})
    assert desk.task("u").data["groups"] == ["A"]
    assert "new" not in desk.task("u").data


@pytest.mark.parametrize(
    "answer", [object(), {1, 2}, (1,), {1: 2}, NOW, b"x", float("nan"), float("inf"), 2**63, "\ud800", [[object()]]]
)
def test_data_that_saving_would_change_or_lose_are_refused_with_the_element(answer: Any) -> None:
    with pytest.raises(spiff.DataRefusedError) as caught:
        Desk(ASKED, {}, {"s": answer})
    assert caught.value.element_id == "s"


@pytest.mark.parametrize(("number", "fits"), [(2**63 - 2, True), (2**63 - 1, True), (2**63, False), (-(2**63), False)])
def test_whole_numbers_fit_up_to_64_bits(number: int, fits: bool) -> None:
    if fits:
        assert Desk(ASKED, {"n": number}).task("u").data["n"] == number
    else:
        with pytest.raises(spiff.DataRefusedError):
            Desk(ASKED, {"n": number})


def test_form_values_and_start_data_must_be_plain_too() -> None:
    with pytest.raises(spiff.DataRefusedError):
        Desk(ASKED, {"at": NOW})
    with pytest.raises(spiff.DataRefusedError):
        Desk(ASKED).do("u", at=NOW)


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.text(max_size=6),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.text(max_size=8)
            | st.floats(allow_nan=False, allow_infinity=False),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
            max_leaves=8,
        ),
        max_size=5,
    )
)  # fmt: skip
def test_plain_data_survive_saving_exactly(data: dict[str, Any]) -> None:
    desk = Desk(line(user("u"), user("v")), data)
    written = {"typename": "x", "self": "y"}
    spiff.complete(desk.workflow, desk.task("u").task_id, written)
    desk._advance()
    assert json.dumps(desk.task("v").data, sort_keys=True) == json.dumps(data | written, sort_keys=True)


def test_a_user_task_that_is_done_or_unknown_is_a_conflict() -> None:
    desk = Desk(line(user("u"), user("v")))
    task = desk.task("u").task_id
    desk.do("u")
    for gone in (task, "0" * 32, "no id"):
        with pytest.raises(ConflictError):
            spiff.complete(desk.workflow, gone, {})


def test_what_an_operation_refuses_reaches_the_caller_unchanged() -> None:
    with pytest.raises(InvalidValuesError):
        Desk(ASKED, {}, {"s": InvalidValuesError({"x": "不对"})})


def test_any_other_failure_names_the_element_and_the_workflow_cannot_be_saved() -> None:
    run = spiff.Run(now=NOW, operate=lambda element, data: 1 / 0, decide=lambda element, data: None)
    workflow = spiff.start(ASKED, {}, run)
    with pytest.raises(spiff.StepError) as caught:
        spiff.advance(workflow)
    assert caught.value.element_id == "s"
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(spiff.StateError):
        spiff.dump(workflow)


# ---------------------------------------------------------------- faults

CAUGHT = user("repair") + flows("b", "repair", "end")


def test_an_error_boundary_event_on_the_task_itself_catches_its_code() -> None:
    drawn = line(service("s", "x"), user("u"), more=boundary("b", "s", fault("error", "E1")) + CAUGHT, codes=("E1",))
    desk = Desk(drawn, {}, {"s": BpmnError("E1", "no such account")})
    assert desk.open == ["repair"]
    assert "x" not in desk.task("repair").data
    assert desk.trail() == ["start", "b", "s=E1"]
    assert desk.do("repair").completed


def test_a_boundary_event_without_a_code_catches_what_no_other_does() -> None:
    more = boundary("b", "s", fault("error", None)) + boundary("c", "s", fault("error", "E1")) + CAUGHT
    more += user("exact") + flows("c", "exact", "end")
    drawn = line(service("s"), more=more, codes=("E1", "E2"))
    assert Desk(drawn, {}, {"s": BpmnError("E1")}).open == ["exact"]
    assert Desk(drawn, {}, {"s": BpmnError("E2")}).open == ["repair"]


def test_an_error_of_a_decision_is_caught_too() -> None:
    drawn = line(rule("s", "x"), more=boundary("b", "s", fault("error", "E1")) + CAUGHT, codes=("E1",))
    assert Desk(drawn, {}, {"s": BpmnError("E1")}).open == ["repair"]


def test_an_error_is_caught_around_the_called_process() -> None:
    inner = process("q", start("s1"), user("a"), service("s"), end("e1"), flows("s1", "a", "s", "e1"))
    middle = process("m", start("s2"), call("c2", "q"), end("e2"), flows("s2", "c2", "e2"))
    main = process(
        "p", start(), call("c", "m"), user("u"), end(), flows("start", "c", "u", "end"),
        boundary("b", "c", fault("error", "E1")), CAUGHT, codes=("E1",),
    )  # fmt: skip
    desk = Desk(program(main, middle, inner), {}, {"s": BpmnError("E1")})
    desk.do("a")
    assert desk.open == ["repair"]
    assert desk.trail()[-4:] == ["b", "c=cancelled", "c2=cancelled", "s=E1"]


def test_an_error_inside_an_instance_of_many_ends_them_all() -> None:
    inner = process("q", start("s1"), user("a"), service("s"), end("e1"), flows("s1", "a", "s", "e1"))
    main = process(
        "p", start(), call("c", "q", instances("items", "item")), user("u"), end(), flows("start", "c", "u", "end"),
        boundary("b", "c", fault("error", "E1")), CAUGHT, codes=("E1",),
    )  # fmt: skip
    desk = Desk(program(main, inner), {"items": ["A", "B", "C"]}, {"s": BpmnError("E1")})
    desk.do("a", {"item": "B"})
    assert desk.open == ["repair"]
    assert desk.trail().count("a=cancelled") == 2
    assert desk.do("repair").completed


def test_an_error_is_not_caught_by_the_boundary_event_of_a_neighbour() -> None:
    body = start() + fork("f") + service("s") + user("u") + fork("j") + end() + boundary("b", "u", fault("error", "E1"))
    body += user("repair") + xor("m") + flows("start", "f", "s", "j", "end") + flows("f", "u", "m", "j")
    drawn = program(process("p", body, flows("b", "repair", "m"), codes=("E1",)))
    with pytest.raises(spiff.UnhandledEventError) as caught:
        Desk(drawn, {}, {"s": BpmnError("E1")})
    assert caught.value.element_id == "s"


def test_an_error_that_nobody_catches_fails_the_step() -> None:
    with pytest.raises(spiff.UnhandledEventError, match="E1"):
        Desk(line(service("s")), {}, {"s": BpmnError("E1")})


@pytest.mark.parametrize("kind", ["error", "escalation"])
def test_a_fault_end_event_is_caught_around_the_process(kind: str) -> None:
    inner = process(
        "q", start("s1"), user("a"), end("e1", body=fault(kind, "E1")), flows("s1", "a", "e1"), codes=("E1",)
    )
    main = process(
        "p", start(), call("c", "q"), user("u"), end(), flows("start", "c", "u", "end"),
        boundary("b", "c", fault(kind, "E1")), CAUGHT, codes=("E1",),
    )  # fmt: skip
    desk = Desk(program(main, inner))
    desk.do("a")
    assert desk.open == ["repair"]
    assert desk.waits.user_tasks[0].element_id == "repair"
    assert desk.do("repair").completed


@pytest.mark.parametrize("kind", ["error", "escalation"])
def test_a_fault_end_event_that_nobody_catches_fails_the_step(kind: str) -> None:
    inner = process("q", start("s1"), end("e1", body=fault(kind, "E1")), flows("s1", "e1"), codes=("E1",))
    with pytest.raises(spiff.UnhandledEventError):
        Desk(program(process("p", start(), call("c", "q"), end(), flows("start", "c", "end")), inner))


def test_an_escalation_that_does_not_interrupt_lets_the_work_go_on() -> None:
    inside = start("s1") + throw("t", fault("escalation", "L1")) + user("a") + end("e1") + flows("s1", "t", "a", "e1")
    body = start() + node("subProcess", "sp", inside) + user("u") + end() + flows("start", "sp", "u", "end")
    body += boundary("b", "sp", fault("escalation", "L1"), interrupting=False) + service("tell")
    body += end("side", side="true") + flows("b", "tell", "side")
    desk = Desk(program(process("p", body, codes=("L1",))))
    assert desk.open == ["a"]
    assert {"t", "b", "tell", "side"} < set(desk.trail())
    assert desk.do("a").do("u").completed


def test_a_user_task_whose_operation_fails_goes_to_its_error_boundary_event() -> None:
    drawn = line(user("u"), user("v"), more=boundary("b", "u", fault("error", "E1")) + CAUGHT, codes=("E1",))
    desk = Desk(drawn)
    spiff.fail(desk.workflow, desk.task("u").task_id, BpmnError("E1"))
    desk._advance()
    assert desk.open == ["repair"]
    assert desk.trail() == ["start", "b", "u=E1"]


def test_a_gateway_without_a_condition_that_holds_fails_the_step() -> None:
    body = (
        start() + xor("x") + user("a") + user("b") + end() + flow("start", "x") + flows("a", "end") + flows("b", "end")
    )
    drawn = program(process("p", body, flow("x", "a", "n == 1"), flow("x", "b", "n == 2")))
    assert Desk(drawn, {"n": 2}).open == ["b"]
    with pytest.raises(spiff.StepError, match="没有一个条件成立") as caught:
        Desk(drawn, {"n": 3})
    assert caught.value.element_id == "x"
    with pytest.raises(spiff.StepError, match="流程数据里没有 n"):
        Desk(drawn, {})
