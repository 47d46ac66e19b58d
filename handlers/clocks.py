"""Service-level clocks: four per incident, elapsed time, stopped while it waits (§5.1.6, §5.1.7, R191, R230–R239).

| clock | runs from | to |
|---|---|---|
| response 响应 | receipt of the report, or its return to the desk | dispatch |
| acceptance 受理 | dispatch or transfer, anew for each group | acceptance |
| restoration 恢复 | the first acceptance, never anew (C-21) | resolution; a rejection lets it run on |
| closure 关闭 | resolution | closing |

All functions are pure: they read a clock's four columns from an incident and return the columns to change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

CLOCKS = ("response", "acceptance", "restoration", "closure")
# Which clock counts in which state (T-8); a waiting incident has none.
CLOCK_OF_STATE: Mapping[str, str] = {
    "new": "response",
    "to_dispatch": "response",
    "to_accept": "acceptance",
    "in_progress": "restoration",
    "resolved": "closure",
}

Incident = Mapping[str, Any]
Fields = dict[str, Any]

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock; ``waiting_since`` is set while it stands still because the incident waits."""

    target: timedelta | None
    started_at: datetime | None
    stopped_at: datetime | None
    paused: timedelta
    waiting_since: datetime | None = None

    @property
    def runs(self) -> bool:
        """Started and not stopped; a paused clock runs too, it only does not count."""
        return self.started_at is not None and self.stopped_at is None


def clock(incident: Incident, name: str) -> Clock:
    """The clock ``name`` (one of CLOCKS) of an incident."""
    stopped_at = incident[f"{name}_stopped_at"]
    return Clock(
        incident[f"{name}_for"],
        incident[f"{name}_started_at"],
        stopped_at,
        incident[f"{name}_paused"],
        incident["waiting_since"] if stopped_at is None else None,
    )


def wall_time(clock: Clock, now: datetime) -> timedelta:
    """Time from start to stop, or to ``now``; zero for a clock that never started."""
    if clock.started_at is None:
        return timedelta()
    return (clock.stopped_at or now) - clock.started_at


def paused_time(clock: Clock, now: datetime) -> timedelta:
    """Time that does not count (R244), including the present waiting."""
    if clock.started_at is None:
        return timedelta()
    if clock.waiting_since is None or not clock.runs:
        return clock.paused
    return clock.paused + (now - max(clock.waiting_since, clock.started_at))


def running_time(clock: Clock, now: datetime) -> timedelta:
    """Time that counts towards the target: wall time without paused time."""
    return wall_time(clock, now) - paused_time(clock, now)


def due_of(clock: Clock) -> datetime | None:
    """When the target is or was reached; None without start or target, and while the incident waits."""
    if clock.started_at is None or clock.target is None or (clock.runs and clock.waiting_since):
        return None
    return clock.started_at + clock.target + clock.paused


def due_at(incident: Incident, name: str) -> datetime | None:
    """The due instant of one of CLOCKS; an external deadline replaces the restoration target (C-40)."""
    found = clock(incident, name)
    if name == "restoration" and incident["external_deadline"] and found.started_at:
        return None if found.runs and found.waiting_since else incident["external_deadline"]
    return due_of(found)


def current_clock(incident: Incident) -> str | None:
    """The clock that counts in the incident's state (T-8); None while it waits, is a slave or closed."""
    return CLOCK_OF_STATE.get(incident["state"])


def current_due_at(incident: Incident) -> datetime | None:
    """When the present step is due; None where no clock counts."""
    name = current_clock(incident)
    return due_at(incident, name) if name else None


def started(name: str, now: datetime) -> Fields:
    """Start a clock anew: nothing paused yet."""
    return {f"{name}_started_at": now, f"{name}_stopped_at": None, f"{name}_paused": timedelta()}


def stopped(incident: Incident, name: str, now: datetime) -> Fields:
    """Stop a running clock; nothing for one that does not run."""
    return {f"{name}_stopped_at": now} if clock(incident, name).runs else {}


def unstarted(name: str) -> Fields:
    """A clock that has not begun, whatever it had counted."""
    return {f"{name}_started_at": None, f"{name}_stopped_at": None, f"{name}_paused": timedelta()}


def unstopped(name: str) -> Fields:
    """Let a clock run as if it had never been stopped."""
    return {f"{name}_stopped_at": None}


def continued(incident: Incident, name: str, now: datetime) -> Fields:
    """Let a stopped clock run on where it had stopped: the time since counts as paused (R376)."""
    found = clock(incident, name)
    if found.started_at is None or found.stopped_at is None:
        return {}
    return {f"{name}_stopped_at": None, f"{name}_paused": found.paused + (now - found.stopped_at)}


def after_waiting(incident: Incident, now: datetime) -> Fields:
    """Add the waiting that ends now to every clock that runs (R244)."""
    running = {name: clock(incident, name) for name in CLOCKS if clock(incident, name).runs}
    return {f"{name}_paused": paused_time(found, now) for name, found in running.items()}


def targets(answer: Mapping[str, Any]) -> Fields:
    """The target columns from an answer of decision ``targets``: clock → duration (``PT10M`` or a timedelta)."""
    return {f"{name}_for": duration(answer[name]) for name in CLOCKS}


def duration(value: str | timedelta) -> timedelta:
    """Read an ISO 8601 duration of days, hours, minutes and seconds; raises ValueError for anything else."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value)
    if match is None or not any(match.groups()):
        raise ValueError(f"not a duration of days, hours, minutes or seconds: {value!r}")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
