"""Saved state: compact, flat in the number of loops, refused when it is not ours."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import spiff
from tests.engine.spiff.diagrams import (
    NOW,
    Desk,
    Message,
    boundary,
    call,
    end,
    flow,
    flows,
    node,
    outputs,
    process,
    program,
    rule,
    service,
    start,
    timer,
    user,
    xor,
)


def stage(id: str, *steps: str, outcomes: tuple[str, ...]) -> bytes:
    """A stage: its steps, then the first of its outcomes that ``found`` names, else the last one."""
    ids = [one.split('id="')[1].split('"')[0] for one in steps]
    ends = "".join(end(f"{id}_{outcome}", outcome) for outcome in outcomes)
    default = f"{id}_{outcomes[-1]}"
    ways = flow(f"{id}_x", default) + "".join(
        flow(f"{id}_x", f"{id}_{outcome}", f"found == '{outcome}'") for outcome in outcomes[:-1]
    )
    body = start(f"{id}_s") + "".join(steps) + xor(f"{id}_x", f"f_{id}_x_{default}") + ends
    return process(id, outputs("outcome"), body, flows(f"{id}_s", *ids, f"{id}_x"), ways)


def incident() -> spiff.Program:
    """The incident as it is built: stages called, the frame around them interrupted, the gateways on ``outcome``."""
    inside = start("h") + xor("m2") + xor("m3") + xor("x2", "f_x2_m3") + xor("x3", "f_x3_m2") + xor("x4", "f_x4_he")
    inside += call("c2", "stage_2") + call("c3", "stage_3") + call("c4", "stage_4") + node("endEvent", "he")
    inside += flows("h", "m2", "c2", "x2", "m3", "c3", "x3", "m2") + flow("x3", "c4", "outcome == 'solution'")
    inside += flows("c4", "x4", "he") + flow("x4", "m2", "outcome == 'disagreed'")
    inside += flow("x4", "m3", "outcome == 'not_restored'")
    frame = "".join(
        boundary(f"b_{name}", "handling", message_of(name), outcome=name, key="incident_id")
        for name in ("reassigned", "slave", "withdrawn")
    )
    body = (
        start()
        + xor("m")
        + node("subProcess", "handling", inside)
        + frame
        + call("c5", "stage_5")
        + xor("x5", "f_x5_end")
    )
    edges = flows("start", "m", "handling", "m5", "c5", "x5", "end") + flow("x5", "m", "outcome == 'dissatisfied'")
    edges += flow("b_reassigned", "m") + flow("b_slave", "m") + flow("b_withdrawn", "m5")
    names = tuple(Message(name) for name in ("reassigned", "slave", "withdrawn"))
    resolved = start("rs") + user("check") + user("ask") + end("re") + flows("rs", "check", "ask", "re")
    closing = node("subProcess", "resolved", resolved) + boundary("auto", "resolved", timer("'P30D'"), outcome="closed")
    closing += boundary("remind", "resolved", timer("'R3/P7D'", "timeCycle"), interrupting=False) + service("reminder")
    closing += end("reminded", side="true") + flows("remind", "reminder", "reminded") + end("auto_end", "closed")
    five = process(
        "stage_5", outputs("outcome"), start("s5"), closing, xor("x53", "f_x53_ok"), end("ok", "closed"),
        end("no", "dissatisfied"), flows("s5", "resolved", "x53", "ok"), flow("x53", "no", "satisfied == False"),
        flow("auto", "auto_end"),
    )  # fmt: skip
    two = (user("classify"), rule("priority", "priority"), user("dispatch"), user("accept"))
    four = (user("agree"), user("recover"), user("verify"))
    return program(
        process("p", body, xor("m5"), end(), edges, messages=names),
        stage("stage_2", *two, outcomes=("dispatched",)),
        stage("stage_3", user("analyse"), user("try"), outcomes=("no_solution", "solution")),
        stage("stage_4", *four, outcomes=("disagreed", "not_restored", "restored")),
        five,
    )


def message_of(name: str) -> str:
    return f'<bpmn:messageEventDefinition messageRef="M_{name}"/>'


DATA = {"incident_id": 4711, "outcome": "recorded", "priority": None, "group": "billing_accounts", "found": None}


def through(desk: Desk, *steps: str, **written: Any) -> None:
    for step in steps:
        desk.move(minutes=7)
        desk.do(step, **(written if step == steps[-1] else {}))


@pytest.mark.parametrize("way", ["loops inside", "interrupts", "rejections"])
def test_the_state_of_an_incident_is_small_and_flat_over_300_loops(way: str) -> None:
    desk = Desk(incident(), dict(DATA), {"priority": 3})
    sizes = []
    for _ in range(300):
        through(desk, "classify", "dispatch", "accept")
        through(desk, "analyse", "try", found="solution")
        if way == "interrupts":
            assert desk.send("reassigned", 4711)
        elif way == "loops inside":
            through(desk, "agree", "recover", "verify", found="disagreed")
        else:
            through(desk, "agree", "recover", "verify", found="restored")
            through(desk, "check", "ask", satisfied=False)
        assert desk.open == ["classify"]
        sizes.append(desk.size)
        desk.history.clear()
    assert max(sizes) <= 2000
    assert max(sizes[1:]) - min(sizes[1:]) <= 24  # compression of other ids


def test_a_rejected_resolution_takes_its_timers_along_and_the_next_one_counts_anew() -> None:
    desk = Desk(incident(), dict(DATA), {"priority": 3})
    for _ in range(2):
        through(desk, "classify", "dispatch", "accept")
        through(desk, "analyse", "try", found="solution")
        through(desk, "agree", "recover", "verify", found="restored")
        assert sorted((one.element_id, one.due_at - desk.now) for one in desk.waits.timers) == [
            ("auto", timedelta(days=30)),
            ("remind", timedelta(days=7)),
        ]
        desk.move(days=29, hours=12)
        desk.fire("remind")
        assert [one.element_id for one in desk.waits.timers] == ["auto"]
        through(desk, "check", "ask", satisfied=False)
        assert desk.waits.timers == ()
    assert desk.open == ["classify"]


def test_automatic_closing_ends_the_incident() -> None:
    desk = Desk(incident(), dict(DATA), {"priority": 3})
    through(desk, "classify", "dispatch", "accept")
    through(desk, "analyse", "try", found="solution")
    through(desk, "agree", "recover", "verify", found="restored")
    desk.move(days=30)
    assert desk.fire("auto").completed
    assert desk.final["outcome"] == "closed"


def test_the_history_tells_what_happened_in_order_with_its_instants() -> None:
    desk = Desk(incident(), dict(DATA), {"priority": 3})
    desk.move(hours=1)
    desk.do("classify")
    user_task = next(one for one in desk.history if one.element_id == "classify")
    assert (user_task.type, user_task.entered_at, user_task.left_at) == ("userTask", NOW, NOW + timedelta(hours=1))
    desk.move(hours=2)
    desk.send("withdrawn", 4711)
    assert desk.trail() == [
        "start", "m=f_m_handling", "h", "m2=f_m2_c2", "stage_2_s", "classify", "priority=3",
        "b_withdrawn=withdrawn", "handling=cancelled", "c2=cancelled", "dispatch=cancelled", "m5=f_m5_c5", "s5", "rs",
    ]  # fmt: skip
    cancelled = next(one for one in desk.history if one.element_id == "c2")
    assert (cancelled.entered_at, cancelled.left_at) == (NOW, NOW + timedelta(hours=3))


def test_cancelling_tells_of_everything_that_was_open() -> None:
    desk = Desk(incident(), dict(DATA), {"priority": 3})
    spiff.cancel(desk.workflow)
    assert spiff.is_completed(desk.workflow)
    assert not spiff.waits(desk.workflow)
    told = {(one.element_id, one.outcome) for one in spiff.left(desk.workflow)}
    assert told == {("handling", "cancelled"), ("c2", "cancelled"), ("classify", "cancelled")}


# ---------------------------------------------------------------- bytes

SIMPLE = program(process("p", start(), user("u"), user("v"), end(), flows("start", "u", "v", "end")))


def run(now: datetime = NOW) -> spiff.Run:
    return spiff.Run(now=now, operate=lambda element, data: None, decide=lambda element, data: None)


def state() -> bytes:
    workflow = spiff.start(SIMPLE, {"a": 1}, run())
    spiff.advance(workflow)
    return spiff.dump(workflow)


def test_the_library_is_the_version_that_these_tests_prove() -> None:
    assert version("SpiffWorkflow") == "3.2.0"  # a newer one may read and run our states differently


def test_the_first_byte_is_the_format() -> None:
    assert state()[0] == 1


@pytest.mark.parametrize("first", [0, 2, 40, 255])
def test_an_unknown_format_is_refused(first: int) -> None:
    with pytest.raises(spiff.StateError, match="格式"):
        spiff.load(SIMPLE, bytes((first,)) + state()[1:], run())


def test_empty_and_damaged_states_are_refused() -> None:
    good = state()
    for bad in (b"", good[:1], good[:5], good[:9], good[:-3], good[:9] + b"\0" * 40):
        with pytest.raises(spiff.StateError):
            spiff.load(SIMPLE, bad, run())


@settings(deadline=None, max_examples=100)
@given(place=st.integers(0, 400), byte=st.integers(0, 255))
def test_no_single_changed_byte_changes_an_instance_unnoticed(place: int, byte: int) -> None:
    good = state()
    changed = bytearray(good)
    changed[place % len(good)] = byte
    try:
        loaded = spiff.load(SIMPLE, bytes(changed), run())
    except spiff.StateError:
        return
    assert spiff.dump(loaded) == good  # some bits of the compressed frame's header say nothing


def test_the_state_of_another_program_is_refused() -> None:
    other = program(process("p", start(), user("u"), end(), flows("start", "u", "end")))
    with pytest.raises(spiff.StateError, match="另一个版本"):
        spiff.load(other, state(), run())


def test_loading_and_saving_again_gives_the_same_bytes() -> None:
    desk = Desk(incident(), dict(DATA), {"priority": 3})
    through(desk, "classify", "dispatch")
    for _ in range(3):
        first = spiff.dump(desk.workflow)
        desk.workflow = spiff.load(desk.program, first, desk.run())
        assert spiff.dump(desk.workflow) == first


def test_a_workflow_that_was_not_advanced_cannot_be_saved() -> None:
    with pytest.raises(spiff.StateError):
        spiff.dump(spiff.start(SIMPLE, {}, run()))


def test_a_completed_workflow_can_be_saved_and_loaded() -> None:
    desk = Desk(SIMPLE, {"a": 1}).do("u").do("v", b=2)
    assert desk.completed
    assert desk.final == {"a": 1, "b": 2}


def test_task_ids_stay_the_same_over_saving() -> None:
    desk = Desk(incident(), dict(DATA), {"priority": 3})
    before = desk.waits
    desk.workflow = spiff.load(desk.program, spiff.dump(desk.workflow), desk.run())
    assert desk.waits == before
    assert re.fullmatch("[0-9a-f]{32}", before.user_tasks[0].task_id)


def test_a_run_needs_an_aware_instant() -> None:
    with pytest.raises(ValueError, match="aware"):
        run(datetime(2026, 3, 2))  # noqa: DTZ001 - that is the point
    assert run(datetime(2026, 3, 2, tzinfo=UTC)).now.tzinfo is UTC
