"""Service-level clocks: pure arithmetic over instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers import clocks

START = datetime(2026, 11, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)


def blank(**given: Any) -> dict[str, Any]:
    """An incident as far as clocks read it."""
    fields: dict[str, Any] = {"waiting_since": None, "external_deadline": None, "state": "new"}
    for name in clocks.CLOCKS:
        fields |= {f"{name}_for": HOUR, f"{name}_started_at": None, f"{name}_stopped_at": None}
        fields[f"{name}_paused"] = timedelta()
    return {**fields, **given}


@pytest.mark.proves("R191", "R244", "R245")
@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.sampled_from(["hold", "resume", "stop", "go on"]), st.timedeltas(timedelta(), 90 * HOUR))))
def test_running_and_paused_time_always_add_up_to_the_wall_time(acts: list[tuple[str, timedelta]]) -> None:
    now = START
    incident = blank(**clocks.started("restoration", now))
    for act, later in acts:
        now += later
        if act == "hold" and incident["waiting_since"] is None:
            incident["waiting_since"] = now
        elif act == "resume" and incident["waiting_since"] is not None:
            incident |= clocks.after_waiting(incident, now) | {"waiting_since": None}
        elif act == "stop" and incident["waiting_since"] is None:
            incident |= clocks.stopped(incident, "restoration", now)
        elif act == "go on" and incident["waiting_since"] is None:
            incident |= clocks.continued(incident, "restoration", now)
        found = clocks.clock(incident, "restoration")
        assert clocks.running_time(found, now) + clocks.paused_time(found, now) == clocks.wall_time(found, now)
        assert timedelta() <= clocks.running_time(found, now)
        due = clocks.due_of(found)
        if due is not None and found.runs:
            # Not yet due exactly as long as less than the target has run.
            assert (now < due) == (clocks.running_time(found, now) < HOUR)


@pytest.mark.proves("R244")
def test_nothing_is_due_while_an_incident_waits_and_afterwards_the_wait_is_added() -> None:
    incident = blank(state="in_progress", **clocks.started("restoration", START))
    assert clocks.current_due_at(incident) == START + HOUR
    incident |= {"waiting_since": START + HOUR / 2}
    assert clocks.due_at(incident, "restoration") is None
    incident |= clocks.after_waiting(incident, START + HOUR) | {"waiting_since": None}
    assert clocks.due_at(incident, "restoration") == START + HOUR + HOUR / 2


def test_a_wait_before_the_start_of_a_clock_does_not_pause_it() -> None:
    incident = blank(waiting_since=START - HOUR, **clocks.started("closure", START))
    assert clocks.paused_time(clocks.clock(incident, "closure"), START + HOUR) == HOUR


@pytest.mark.proves("R195")
@pytest.mark.parametrize("deadline", [START + HOUR / 2, START + 5 * HOUR])
def test_an_external_deadline_replaces_the_restoration_target_earlier_or_later(deadline: datetime) -> None:
    incident = blank(
        external_deadline=deadline, **clocks.started("restoration", START), **clocks.started("closure", START)
    )
    assert clocks.due_at(incident, "restoration") == deadline
    assert clocks.due_at(incident, "closure") == START + HOUR
    assert clocks.due_at({**incident, "restoration_started_at": None}, "restoration") is None


@pytest.mark.proves("R239")
def test_a_new_target_counts_from_the_start_of_the_same_stage_and_keeps_the_paused_time() -> None:
    incident = blank(**clocks.started("response", START)) | {"response_paused": HOUR}
    assert clocks.due_at(incident, "response") == START + 2 * HOUR
    answer = {"response": "PT10M", "acceptance": "PT20M", "restoration": "PT8H", "closure": "P1D"}
    assert clocks.due_at(incident | clocks.targets(answer), "response") == START + HOUR + timedelta(minutes=10)


@pytest.mark.proves("R376")
def test_a_clock_that_goes_on_resumes_where_it_had_stopped() -> None:
    incident = blank(**clocks.started("restoration", START))
    incident |= clocks.stopped(incident, "restoration", START + HOUR / 4)
    incident |= clocks.continued(incident, "restoration", START + 10 * HOUR)
    assert clocks.running_time(clocks.clock(incident, "restoration"), START + 10 * HOUR) == HOUR / 4
    assert clocks.due_at(incident, "restoration") == START + 10 * HOUR + 3 * HOUR / 4


def test_a_clock_that_never_started_has_no_time_and_nothing_to_stop() -> None:
    incident = blank()
    found = clocks.clock(incident, "closure")
    assert clocks.wall_time(found, START) == clocks.running_time(found, START) == timedelta()
    assert clocks.due_of(found) is None
    assert clocks.stopped(incident, "closure", START) == clocks.continued(incident, "closure", START) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT10M", timedelta(minutes=10)),
        ("PT8H", timedelta(hours=8)),
        ("P1D", timedelta(days=1)),
        ("P1DT2H3M4S", timedelta(days=1, hours=2, minutes=3, seconds=4)),
    ],
)
def test_durations_of_days_and_hours_are_read(text: str, expected: timedelta) -> None:
    assert clocks.duration(text) == expected
    assert clocks.duration(expected) == expected


@pytest.mark.parametrize("text", ["", "P", "PT", "P1DT", "1D", "P1M", "PT1.5H", "-PT1H"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        clocks.duration(text)
