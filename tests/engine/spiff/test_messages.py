"""A message goes to one waiting task by its id, or to nobody; what is thrown leaves the instance."""

from __future__ import annotations

from typing import Any

import pytest

from engine import spiff
from engine.errors import ConflictError
from tests.engine.spiff.diagrams import (
    Desk,
    Message,
    boundary,
    call,
    catch,
    end,
    flow,
    flows,
    fork,
    instances,
    message,
    node,
    outputs,
    process,
    program,
    start,
    throw,
    timer,
    user,
    xor,
)

DONE = Message("child_done", variable="result")
STOP = Message("stop")


def waiting(**properties: str) -> spiff.Program:
    body = start() + catch("c", message("child_done"), **properties) + user("u") + end()
    return program(process("p", body, flows("start", "c", "u", "end"), messages=(DONE, STOP)))


def test_a_wait_is_addressed_by_the_value_of_its_key() -> None:
    desk = Desk(waiting(key="child_id"), {"child_id": 41})
    (wait,) = desk.waits.subscriptions
    assert (wait.element_id, wait.name, wait.key) == ("c", "child_done", "41")


@pytest.mark.parametrize("key", [None, True, 1.5, "", ["a"], "k" * 121, "a\0b"])
def test_a_key_that_is_no_identifier_fails_the_step(key: Any) -> None:
    with pytest.raises(spiff.StepError) as caught:
        Desk(waiting(key="child_id"), {"child_id": key})
    assert caught.value.element_id == "c"


def test_a_key_may_be_as_long_as_its_column() -> None:
    desk = Desk(waiting(key="child_id"), {"child_id": "k" * 120})
    assert desk.waits.subscriptions[0].key == "k" * 120


def test_a_wait_without_a_key_or_without_its_value_fails_the_step() -> None:
    with pytest.raises(spiff.StepError, match="属性 key"):
        Desk(waiting(), {"child_id": 1})
    with pytest.raises(spiff.StepError, match="child_id"):
        Desk(waiting(key="child_id"))


@pytest.mark.parametrize("payload", [False, None, 0, "done", {"a": [1]}])
def test_the_payload_goes_where_the_diagram_wants_it(payload: Any) -> None:
    desk = Desk(waiting(key="child_id"), {"child_id": 1})
    assert desk.send("child_done", 1, payload)
    assert desk.task("u").data == {"child_id": 1, "result": payload}


def test_a_payload_that_is_not_plain_is_refused() -> None:
    desk = Desk(waiting(key="child_id"), {"child_id": 1})
    with pytest.raises(spiff.DataRefusedError):
        desk.send("child_done", 1, object())


def test_a_message_of_another_name_or_to_a_task_that_does_not_wait_is_a_conflict() -> None:
    desk = Desk(waiting(key="child_id"), {"child_id": 1})
    wait = desk.waits.subscriptions[0].task_id
    with pytest.raises(ConflictError):
        spiff.deliver(desk.workflow, wait, "stop", None)
    desk.send("child_done", 1)
    with pytest.raises(ConflictError):
        spiff.deliver(desk.workflow, wait, "child_done", None)
    with pytest.raises(ConflictError):
        spiff.deliver(desk.workflow, desk.task("u").task_id, "child_done", None)


def test_one_message_ends_one_of_three_waits_for_the_same_name() -> None:
    wait = process("wait", start("s1"), catch("c", message("child_done"), key="child_id"), end("e1"),
                   flows("s1", "c", "e1"), messages=(DONE,))  # fmt: skip
    many = instances("children", "child_id")
    body = start() + call("m", "wait", many) + user("u") + end() + flows("start", "m", "u", "end")
    desk = Desk(program(process("p", body), wait), {"children": ["A", "B", "C"]})
    assert desk.send("child_done", "B")
    assert sorted(one.key for one in desk.waits.subscriptions) == ["A", "C"]
    assert not desk.send("child_done", "B")
    assert desk.send("child_done", "A")
    assert desk.send("child_done", "C")
    assert desk.open == ["u"]


def test_an_early_message_finds_nobody_and_is_delivered_once_the_wait_is_there() -> None:
    body = start() + user("ask") + catch("c", message("child_done"), key="child_id") + user("u") + end()
    drawn = program(process("p", body, flows("start", "ask", "c", "u", "end"), messages=(DONE,)))
    desk = Desk(drawn, {"child_id": 1})
    assert not desk.send("child_done", 1, "early")
    desk.do("ask")
    assert desk.send("child_done", 1, "early")
    assert desk.task("u").data["result"] == "early"


def interrupted() -> spiff.Program:
    """A stage with a call inside and two interrupting messages on its border."""
    inner = process("q", start("s1"), user("a"), end("e1"), flows("s1", "a", "e1"))
    wrapped = start("s2") + call("c", "q") + end("e2") + flows("s2", "c", "e2")
    body = start() + xor("m") + node("subProcess", "handling", wrapped) + user("z") + end()
    body += flows("start", "m", "handling", "z", "end")
    for name in ("child_done", "stop"):
        body += boundary(f"b_{name}", "handling", message(name), key="incident_id", outcome=name)
        body += user(f"after_{name}") + flows(f"b_{name}", f"after_{name}", "m")
    return program(process("p", body, messages=(DONE, STOP)), inner)


def test_an_interrupting_message_takes_everything_inside_away() -> None:
    desk = Desk(interrupted(), {"incident_id": 5})
    assert desk.send("stop", 5)
    assert desk.open == ["after_stop"]
    assert desk.task("after_stop").data == {"incident_id": 5, "outcome": "stop"}
    assert not desk.waits.subscriptions
    assert desk.trail()[-4:] == ["b_stop=stop", "handling=cancelled", "c=cancelled", "a=cancelled"]


def test_a_second_command_before_the_first_was_advanced_is_refused() -> None:
    desk = Desk(interrupted(), {"incident_id": 5}, saved=False)
    one, other = desk.waits.subscriptions
    task = desk.task("a").task_id
    spiff.deliver(desk.workflow, one.task_id, one.name, None)
    with pytest.raises(spiff.StateError):
        spiff.deliver(desk.workflow, other.task_id, other.name, None)
    with pytest.raises(spiff.StateError):
        spiff.complete(desk.workflow, task, {})
    with pytest.raises(spiff.StateError):
        spiff.dump(desk.workflow)
    spiff.advance(desk.workflow)
    assert desk.open == [f"after_{one.name}"]


def test_after_the_first_of_two_interrupting_messages_nobody_waits_for_the_second() -> None:
    desk = Desk(interrupted(), {"incident_id": 5})
    assert desk.send("child_done", 5)
    assert not desk.send("stop", 5)
    assert len(desk.open) == 1


def test_what_an_interrupted_stage_wrote_is_gone() -> None:
    inside = start("s1") + user("a") + user("b") + end("e1") + flows("s1", "a", "b", "e1")
    body = start() + node("subProcess", "sp", inside) + user("z") + end() + flows("start", "sp", "end")
    body += boundary("b1", "sp", message("stop"), key="incident_id") + flows("b1", "z", "end")
    desk = Desk(program(process("p", body, messages=(STOP,))), {"incident_id": 5, "n": 1})
    desk.do("a", n=7, m=1)
    desk.send("stop", 5)
    assert desk.task("z").data == {"incident_id": 5, "n": 1}


# ---------------------------------------------------------------- thrown


def throwing(payload: str | None) -> spiff.Program:
    body = start() + throw("t", message("told")) + end("end", body=message("told")) + flows("start", "t", "end")
    return program(process("p", body, messages=(Message("told", payload),)))


def test_thrown_messages_leave_with_key_and_value_in_order() -> None:
    desk = Desk(throwing("{'key': incident_id, 'value': {'to': outcome}}"), {"incident_id": 5, "outcome": "x"})
    assert desk.completed
    assert [(one.name, one.key, one.payload) for one in desk.sent] == [("told", "5", {"to": "x"})] * 2


@pytest.mark.parametrize(
    "payload", [None, "{'key': incident_id}", "'text'", "{'key': None, 'value': 1}", "{'key': missing, 'value': 1}"]
)
def test_a_message_that_can_reach_nobody_fails_the_step(payload: str | None) -> None:
    with pytest.raises(spiff.StepError) as caught:
        Desk(throwing(payload), {"incident_id": 5})
    assert caught.value.element_id == "t"


def test_a_message_is_never_caught_by_the_instance_that_throws_it() -> None:
    told = Message("told", "{'key': incident_id, 'value': None}")
    body = (
        start() + fork("f") + throw("t", message("told")) + catch("c", message("told"), key="incident_id") + fork("j")
    )
    body += end() + flows("start", "f", "t", "j", "end") + flows("f", "c", "j")
    desk = Desk(program(process("p", body, messages=(told,))), {"incident_id": 5})
    assert len(desk.sent) == 1
    assert len(desk.waits.subscriptions) == 1


# ---------------------------------------------------------------- event gateway


def gateway() -> spiff.Program:
    body = start() + xor("m") + user("ask") + node("eventBasedGateway", "g") + xor("x", "f_x_end") + end()
    body += flows("start", "m", "ask", "g") + flows("x", "end") + flow("x", "m", "again == True")
    for name, waits in (("c1", message("child_done")), ("c2", message("stop")), ("c3", timer("'PT48H'"))):
        body += catch(name, waits, key="incident_id") + user(f"after_{name}") + flows("g", name, f"after_{name}", "x")
    return program(process("p", body, messages=(DONE, STOP)))


@pytest.mark.parametrize("saved", [True, False])
def test_an_event_gateway_takes_the_first_event_pass_after_pass(saved: bool) -> None:
    desk = Desk(gateway(), {"incident_id": 5}, saved=saved)
    for event, again in (("stop", True), ("timer", True), ("child_done", False)):
        desk.do("ask")
        assert sorted((one.name, one.key) for one in desk.waits.subscriptions) == [("child_done", "5"), ("stop", "5")]
        assert len(desk.waits.timers) == 1
        if event == "timer":
            desk.move(hours=48)
            desk.fire("c3")
        else:
            desk.send(event, 5, event)
        after = {"stop": "after_c2", "timer": "after_c3", "child_done": "after_c1"}[event]
        assert desk.open == [after]
        assert not desk.waits.subscriptions
        assert not desk.waits.timers
        desk.do(after, again=again)
    assert desk.completed
    assert desk.final["result"] == "child_done"


# ---------------------------------------------------------------- called processes


def test_only_declared_outputs_come_back_and_everything_goes_in() -> None:
    inner = process("q", outputs("outcome"), start("s1"), user("a"), end("e1", "done"), flows("s1", "a", "e1"))
    body = start() + call("c", "q") + user("u") + end() + flows("start", "c", "u", "end")
    desk = Desk(program(process("p", body), inner), {"incident_id": 5, "self": 1})
    assert desk.task("a").data == {"incident_id": 5, "self": 1}
    desk.do("a", junk=1)
    assert desk.task("u").data == {"incident_id": 5, "self": 1, "outcome": "done"}
    assert "c=done" in desk.trail()


def test_declared_inputs_restrict_what_goes_in() -> None:
    inner = process("q", outputs("r", inputs=("x",)), start("s1"), user("a"), end("e1"), flows("s1", "a", "e1"))
    body = start() + call("c", "q") + user("u") + end() + flows("start", "c", "u", "end")
    desk = Desk(program(process("p", body), inner), {"x": 1, "y": 2})
    assert desk.task("a").data == {"x": 1}
    with pytest.raises(spiff.StepError, match="'r'"):
        desk.do("a")
    with pytest.raises(spiff.StepError, match="'x'"):
        Desk(program(process("p", body), inner), {"y": 2})
