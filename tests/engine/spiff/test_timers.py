"""Timers know when they are due from the run's instant alone, and fire one by one when they are told to."""

from __future__ import annotations

import datetime as real
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import SpiffWorkflow.bpmn.specs.event_definitions.timer as library
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import spiff
from engine.errors import ConflictError
from engine.spiff.instants import Duration, InstantError, parse_cycle, parse_duration, parse_instant
from tests.engine.spiff.diagrams import (
    NOW,
    Desk,
    boundary,
    call,
    catch,
    end,
    flow,
    flows,
    fork,
    node,
    process,
    program,
    service,
    start,
    timer,
    user,
    xor,
)


def waiting(text: str, kind: str = "timeDuration") -> spiff.Program:
    return program(
        process("p", start(), catch("t", timer(text, kind)), user("u"), end(), flows("start", "t", "u", "end"))
    )


def reminding(text: str) -> spiff.Program:
    """A user task with a repeating reminder that calls a handler."""
    body = start() + user("u") + end() + boundary("t", "u", timer(text, "timeCycle"), interrupting=False)
    return program(process("p", body, service("remind"), end("side", side="true"), flows("start", "u", "end"),
                           flows("t", "remind", "side")))  # fmt: skip


class NoClock(real.datetime):
    """Stands in for the library's clock."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        raise AssertionError("the library read its own clock")

    utcnow = today = now


@pytest.fixture
def no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "datetime", NoClock)


@pytest.mark.usefixtures("no_clock")
@pytest.mark.parametrize("saved", [True, False])
def test_no_kind_of_timer_reads_the_librarys_clock(saved: bool) -> None:
    events = node("eventBasedGateway", "g") + catch("t4", timer("'PT1H'")) + flows("g", "t4", "end")
    body = start() + catch("t1", timer("'PT1H'")) + catch("t2", timer("'2026-03-03T00:00:00Z'", "timeDate")) + user("u")
    body += (
        boundary("t3", "u", timer("'R2/P1D'", "timeCycle"), interrupting=False)
        + service("s")
        + end("side", side="true")
    )
    drawn = program(process("p", body, events, end(), flows("start", "t1", "t2", "u", "g"), flows("t3", "s", "side")))
    desk = Desk(drawn, saved=saved)
    for fired in ("t1", "t2", "t3", "t3"):
        desk.move(days=1)
        desk.fire(fired)
    desk.do("u")
    desk.move(hours=1)
    assert desk.fire("t4").completed


def test_the_clock_of_the_server_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)
    desk = Desk(waiting("'PT1H'"))
    assert desk.waits.timers[0].due_at == NOW + timedelta(hours=1)
    desk.move(hours=1)
    desk.fire("t").do("u")
    assert {one.left_at for one in desk.history} == {NOW, NOW + timedelta(hours=1)}


@pytest.mark.parametrize(
    ("text", "kind", "due"),
    [
        ("'PT30M'", "timeDuration", NOW + timedelta(minutes=30)),
        ("'P30D'", "timeDuration", NOW + timedelta(days=30)),
        ("'P1W'", "timeDuration", NOW + timedelta(days=7)),
        ("'PT1.5S'", "timeDuration", NOW + timedelta(seconds=1.5)),
        ("'P1M'", "timeDuration", datetime(2026, 4, 2, 1, tzinfo=UTC)),
        ("'P1Y2M10DT2H30M'", "timeDuration", datetime(2027, 5, 12, 3, 30, tzinfo=UTC)),
        ("'PT' + str(hours) + 'H'", "timeDuration", NOW + timedelta(hours=8)),
        ("'2030-01-01T09:00:00+08:00'", "timeDate", datetime(2030, 1, 1, 1, tzinfo=UTC)),
        ("due", "timeDate", datetime(2026, 3, 9, tzinfo=UTC)),
        ("'2020-01-01T00:00:00Z'", "timeDate", datetime(2020, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_timer_carries_the_instant_at_which_it_is_due(text: str, kind: str, due: datetime) -> None:
    desk = Desk(waiting(text, kind), {"hours": 8, "due": "2026-03-09T00:00:00Z"})
    assert [(one.element_id, one.due_at) for one in desk.waits.timers] == [("t", due)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("'-PT5M'", "timeDuration"),
        ("'P'", "timeDuration"),
        ("'PT'", "timeDuration"),
        ("'5 minutes'", "timeDuration"),
        ("'P101Y'", "timeDuration"),
        ("'PT9999999999S'", "timeDuration"),
        ("''", "timeDuration"),
        ("30", "timeDuration"),
        ("missing", "timeDuration"),
        ("'2026-03-09T09:00:00'", "timeDate"),
        ("'tomorrow'", "timeDate"),
    ],
)
def test_a_timer_text_that_is_not_iso_fails_the_step_with_its_element(text: str, kind: str) -> None:
    with pytest.raises(spiff.StepError) as caught:
        Desk(waiting(text, kind))
    assert caught.value.element_id == "t"


@pytest.mark.parametrize(
    "text", ["'R/PT0S'", "'R0/PT1H'", "'PT1H'", "'R3'", "'R-1/PT1H'", "'R3/PT1H/PT1H'", "'0 0 * * *'"]
)
def test_a_cycle_text_that_is_not_a_repetition_fails_the_step(text: str) -> None:
    with pytest.raises(spiff.StepError):
        Desk(reminding(text))


@pytest.mark.parametrize(("early", "fires"), [(1, False), (0, True), (-1, True)])
def test_a_timer_fires_at_its_instant_and_not_before(early: int, fires: bool) -> None:
    desk = Desk(waiting("'PT1H'"))
    desk.move(hours=1, seconds=-early)
    if fires:
        assert desk.fire("t").open == ["u"]
    else:
        with pytest.raises(ConflictError) as caught:
            desk.fire("t")
        assert caught.value.at == NOW + timedelta(hours=1)


def test_advancing_never_fires_a_timer_by_itself() -> None:
    body = start() + fork("f") + user("a") + catch("t", timer("'PT1H'")) + fork("j") + end()
    desk = Desk(program(process("p", body, flows("start", "f", "a", "j", "end"), flows("f", "t", "j"))))
    desk.move(days=9)
    desk.do("a")
    assert [one.element_id for one in desk.waits.timers] == ["t"]


def test_of_several_due_timers_only_the_one_that_is_named_fires() -> None:
    body = (
        start()
        + fork("f")
        + catch("t1", timer("'PT1H'"))
        + catch("t2", timer("'PT1H'"))
        + user("a")
        + user("b")
        + fork("j")
    )
    body += end() + flows("start", "f", "t1", "a", "j", "end") + flows("f", "t2", "b", "j")
    desk = Desk(program(process("p", body)))
    desk.move(hours=2)
    assert desk.fire("t2").open == ["b"]
    assert [one.element_id for one in desk.waits.timers] == ["t1"]


def test_a_timer_that_fired_or_went_away_is_a_conflict() -> None:
    body = start() + user("u") + end() + boundary("t", "u", timer("'PT1H'")) + user("late") + flows("t", "late", "end")
    desk = Desk(program(process("p", body, flows("start", "u", "end"))))
    task = desk.waits.timers[0].task_id
    desk.move(hours=1)
    desk.fire("t")
    with pytest.raises(ConflictError):
        spiff.fire_timer(desk.workflow, task)


def test_completing_the_work_takes_its_timers_away() -> None:
    inner = process("q", start("s1"), user("a"), user("b"), end("e1"), flows("s1", "a", "b", "e1"))
    body = start() + call("c", "q") + user("u") + end() + boundary("t", "c", timer("'PT1H'"), interrupting=False)
    body += service("s") + end("side", side="true") + flows("start", "c", "u", "end") + flows("t", "s", "side")
    desk = Desk(program(process("p", body), inner))
    desk.do("a")
    assert len(desk.waits.timers) == 1
    desk.do("b")
    assert desk.waits.timers == ()


def test_a_duration_starts_anew_when_the_work_is_entered_again() -> None:
    body = start() + xor("m") + user("u") + xor("x", "f_x_end") + end() + flows("start", "m", "u", "x", "end")
    body += boundary("t", "u", timer("'P30D'")) + flows("t", "end")
    body += flow("x", "m", "again")
    desk = Desk(program(process("p", body)))
    desk.move(days=29, hours=12)
    desk.do("u", again=True)
    assert desk.waits.timers[0].due_at == NOW + timedelta(days=59, hours=12)


# ---------------------------------------------------------------- cycles


def test_a_cycle_fires_as_often_as_it_says_and_then_is_gone() -> None:
    desk = Desk(reminding("'R3/P7D'"))
    for week in (1, 2, 3):
        assert [one.due_at for one in desk.waits.timers] == [NOW + timedelta(weeks=week)]
        desk.move(weeks=1)
        desk.fire("t")
        assert desk.trail().count("remind") == week
    assert desk.waits.timers == ()
    assert desk.do("u").completed


@pytest.mark.parametrize(
    ("hours", "left_over", "next_due"),
    [(1, 4, 2), (1.99, 4, 2), (2, 3, 3), (3.5, 2, 4), (4.99, 1, 5), (5, 0, None), (99, 0, None)],
)
def test_missed_occurrences_count_as_fired_with_the_one_that_fires(
    hours: float, left_over: int, next_due: int | None
) -> None:
    desk = Desk(reminding("'R5/PT1H'"))
    desk.move(hours=hours)
    desk.fire("t")
    assert desk.trail().count("remind") == 1
    expected = [] if next_due is None else [NOW + timedelta(hours=next_due)]
    assert [one.due_at for one in desk.waits.timers] == expected
    for _ in range(left_over):
        desk.move(hours=1)
        desk.fire("t")
    assert desk.waits.timers == ()


def test_an_endless_cycle_stays_small_however_often_it_fires() -> None:
    desk = Desk(reminding("'R/P1D'"))
    sizes = []
    for _ in range(60):
        desk.move(days=1)
        desk.fire("t")
        sizes.append(desk.size)
    assert desk.trail().count("remind") == desk.trail().count("t") == 60
    assert max(sizes) - min(sizes) <= 16
    assert desk.do("u").completed


def test_a_cycle_with_a_start_begins_there() -> None:
    desk = Desk(reminding("'R2/2026-03-10T00:00:00Z/P1M'"))
    assert desk.waits.timers[0].due_at == datetime(2026, 3, 10, tzinfo=UTC)
    desk.move(days=8)
    assert desk.fire("t").waits.timers[0].due_at == datetime(2026, 4, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start_day", "months", "expected"),
    [((2026, 1, 31), 1, (2026, 2, 28)), ((2028, 1, 31), 1, (2028, 2, 29)), ((2026, 1, 31), 2, (2026, 3, 31))],
)
def test_months_keep_the_day_where_it_exists(start_day: Any, months: int, expected: Any) -> None:
    assert Duration(months, timedelta()).after(datetime(*start_day, tzinfo=UTC)) == datetime(*expected, tzinfo=UTC)


@settings(deadline=None, max_examples=100)
@given(
    count=st.integers(1, 12),
    minutes=st.integers(1, 5000),
    firings=st.lists(st.integers(0, 20_000), min_size=1, max_size=15),
)
def test_a_cycle_never_fires_more_than_its_count_and_is_next_due_in_the_future(
    count: int, minutes: int, firings: list[int]
) -> None:
    cycle = parse_cycle(f"R{count}/PT{minutes}M", NOW)
    done, now, fired = 0, NOW, 0
    for wait in firings:
        due = cycle.occurrence(done)
        if due is None:
            break
        now = max(now, due) + timedelta(minutes=wait)
        before, done, fired = done, cycle.done_at(done, now), fired + 1
        assert before < done <= count
        following = cycle.occurrence(done)
        assert following is None or following > now
    assert fired <= count


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="PTRYMWDHS0123456789./:-+Z ", max_size=20))
def test_any_text_is_an_iso_value_or_refused(text: str) -> None:
    for parse in (parse_duration, parse_instant, lambda given: parse_cycle(given, NOW)):
        try:
            parse(text)
        except InstantError:
            continue


# ---------------------------------------------------------------- event gateway


def gateway() -> spiff.Program:
    body = start() + node("eventBasedGateway", "g") + catch("t1", timer("'PT1H'")) + catch("t2", timer("'PT3H'"))
    body += (
        user("a")
        + user("b")
        + xor("m")
        + end()
        + flows("start", "g", "t1", "a", "m", "end")
        + flows("g", "t2", "b", "m")
    )
    return program(process("p", body))


def test_each_timer_of_an_event_gateway_has_its_own_due_and_the_first_one_fires() -> None:
    desk = Desk(gateway())
    assert [(one.element_id, one.due_at) for one in desk.waits.timers] == [("t1", NOW + timedelta(hours=1))]
    desk.move(hours=9)
    assert desk.fire("t1").open == ["a"]
    assert desk.trail() == ["start", "g=t1", "t1"]
    assert desk.waits.timers == ()
