"""What the log itself says must come out, computed without our engine, and the comparison with what came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from webapp.replay.log import CLOSED, RESOLVED, WAITING_CODES, Event, Log

ESCALATES_AT = 3  # moves after the first dispatch, C-12 (b)
AUTOMATIC_CLOSING = timedelta(days=5)
CLOSING_BAND = (timedelta(days=4.9), timedelta(days=5.2))
CLOSING_TOLERANCE = timedelta(hours=5)
SHOWN_DIFFERENCES = 50
UNEXPLAINED = "unexplained"
REJECTED_TOO_LATE = "rejected_later_than_five_days"
RESOLVED_AGAIN = "resolved_at_moved_while_resolved"
MOVED_WHEN_RESOLVED = "moved_while_resolved"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the desk's own records say of one logged incident after the replay (its recurrences included)."""

    moves: int
    rejections: int
    waited_s: int
    closed_at: datetime | None
    recurrences: int


@dataclass(slots=True)
class Comparison:
    """``compared`` facts, of which ``equal`` were as logged; the others by incident and class (docs/replay.md)."""

    compared: int = 0
    equal: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)

    def add(self, number: str, logged: Any, ours: Any, why: str = UNEXPLAINED, *, equal: bool | None = None) -> None:
        """Count one fact; ``why`` is the class of its difference, should it differ."""
        self.compared += 1
        if logged == ours if equal is None else equal:
            self.equal += 1
        else:
            self.differences.append({"incident": number, "logged": logged, "ours": ours, "class": why})

    def report(self) -> dict[str, Any]:
        """The comparison as JSON; long lists of differences are cut, and say so."""
        report: dict[str, Any] = {"compared": self.compared, "equal": self.equal}
        if self.differences:
            report["classes"] = dict(Counter(difference["class"] for difference in self.differences))
            report["differences"] = self.differences[:SHOWN_DIFFERENCES]
            report["differences_not_shown"] = max(0, len(self.differences) - SHOWN_DIFFERENCES)
        return report


def logged_moves(events: Sequence[Event]) -> int:
    """The log's own counter at its end."""
    return events[-1].moves


def logged_rejections(events: Sequence[Event]) -> int:
    """How often a resolved incident went back to work."""
    states = [event.state for event in events if event.state is not None]
    return sum(before == RESOLVED and after not in (RESOLVED, CLOSED) for before, after in pairwise(states))


def logged_recurrences(events: Sequence[Event]) -> int:
    """How often a closed incident went on, which the handbook forbids (R277): a recurrence takes over."""
    states = [event.state for event in events if event.state is not None]
    return sum(before == CLOSED != after for before, after in pairwise(states))


def logged_waiting_s(events: Sequence[Event]) -> int:
    """Seconds spent in any waiting state."""
    stated = [event for event in events if event.state is not None]
    pairs = pairwise(stated)
    return int(sum((after.at - before.at).total_seconds() for before, after in pairs if before.state in WAITING_CODES))


def rejected_too_late(events: Sequence[Event]) -> bool:
    """Whether the user came back when the five days had closed the incident: then a recurrence took over (R269)."""
    resolved_at: datetime | None = None
    for event in events:
        if event.state == RESOLVED:
            resolved_at = resolved_at or event.at
        elif event.state not in (None, CLOSED):
            if resolved_at is not None and event.at - resolved_at >= AUTOMATIC_CLOSING:
                return True
            resolved_at = None
    return False


def resolved_again(events: Sequence[Event]) -> bool:
    """Whether the log moved its instant of resolution while the incident stayed resolved: our five days do not move."""
    began: datetime | None = None
    for event in events:
        if event.state == RESOLVED:
            began = began or event.at
        elif event.state not in (None, CLOSED):
            began = None
    resolved_at = events[-1].resolved_at
    return began is not None and resolved_at is not None and resolved_at - began > CLOSING_TOLERANCE


def moved_when_resolved(events: Sequence[Event]) -> bool:
    """Whether the log counts a move of a resolved incident, which the handbook does not know."""
    pairs = pairwise(event for event in events if event.state is not None)
    return any(before.state == after.state == RESOLVED and before.moves < after.moves for before, after in pairs)


def compare(log: Log, outcomes: Mapping[str, Outcome], priorities: Comparison) -> dict[str, Any]:
    """All oracles of the report, in the order of the report."""
    moves, rejections, recurrences, waiting = Comparison(), Comparison(), Comparison(), Comparison()
    for number, events in log.by_incident.items():
        outcome = outcomes[number]
        late = REJECTED_TOO_LATE if rejected_too_late(events) else UNEXPLAINED
        moved = MOVED_WHEN_RESOLVED if moved_when_resolved(events) else UNEXPLAINED
        moves.add(number, logged_moves(events), outcome.moves, moved)
        rejections.add(number, logged_rejections(events), outcome.rejections, late)
        recurrences.add(number, logged_recurrences(events), outcome.recurrences, late)
        waiting.add(number, logged_waiting_s(events), outcome.waited_s)
    return {
        "priority": priorities.report(),
        "moves": moves.report(),
        "escalated_by_moves": {
            "expected": sum(logged_moves(events) >= ESCALATES_AT for events in log.by_incident.values()),
            "got": sum(outcome.moves >= ESCALATES_AT for outcome in outcomes.values()),
        },
        "rejections": {
            "expected": sum(logged_rejections(events) for events in log.by_incident.values()),
            "got": sum(outcome.rejections for outcome in outcomes.values()),
            **rejections.report(),
        },
        "recurrences": {
            "expected": sum(logged_recurrences(events) for events in log.by_incident.values()),
            "got": sum(outcome.recurrences for outcome in outcomes.values()),
            **recurrences.report(),
        },
        "waiting_seconds": waiting.report(),
        "closing": _closing(log, outcomes),
    }


def _closing(log: Log, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    """Three groups: closed by the five days, sooner (by a person), later in the log than the five days allow."""
    groups = {"at_five_days": Comparison(), "sooner": Comparison(), "later": Comparison()}
    for number, events in log.by_incident.items():
        last = events[-1]
        if last.resolved_at is None or last.closed_at is None:
            continue
        ours = outcomes[number].closed_at
        took = last.closed_at - last.resolved_at
        if took < CLOSING_BAND[0]:
            name, equal = "sooner", ours == _logged_closing(events)
        elif took <= CLOSING_BAND[1]:
            name, equal = "at_five_days", ours is not None and abs(ours - last.closed_at) <= CLOSING_TOLERANCE
        else:
            name, equal = "later", ours is not None and ours < last.closed_at
        shown = (last.closed_at.isoformat(), ours.isoformat() if ours else None)
        why = RESOLVED_AGAIN if resolved_again(events) else UNEXPLAINED
        groups[name].add(number, *shown, why, equal=equal)
    return {name: comparison.report() for name, comparison in groups.items()}


def _logged_closing(events: Sequence[Event]) -> datetime:
    """The instant of the event that closed the incident for good."""
    closing = events[-1].at
    for event in reversed(events):
        if event.state != CLOSED:
            break
        closing = event.at
    return closing
