"""A service-level clock as a sentence, a tone and a bar; the bar is drawn in hundredths of its width.

The bar is wall time from start to due, hatched where waiting did not count, with a tick at 75 % of the running time;
after the target it is wall time to now, and the tick marks what was due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _

from handlers import clocks
from webapp.language import N_
from webapp.routes.words import duration

WARN_SHARE = 0.75  # amber from three quarters of the target on (C-54)
NAMES: Mapping[str, str] = {
    "response": N_("响应"),
    "acceptance": N_("受理"),
    "restoration": N_("恢复"),
    "closure": N_("关闭"),
}
NO_TIME = timedelta()
Period = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Clock:
    """``tone``: run, warn, over, pause, met or none; ``parts`` are (tone, left, width), ``tick`` a place, in %.

    ``target`` is the length agreed, or, with ``asked_for``, what whoever reported demands (C-40).
    """

    name: str
    text: str
    tone: str
    due_at: datetime | None = None
    parts: tuple[tuple[str, float, float], ...] = ()
    tick: float | None = None
    target: timedelta | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    asked_for: bool = False


def task_clock(incident: Mapping[str, Any], now: datetime, periods: Sequence[Period] = ()) -> Clock:
    """The clock that counts for an incident now: of its state, or of the state to which its waiting goes back."""
    name = _counting(incident)
    if name is None:
        return Clock(N_("时限"), _("不计时"), "none")
    return incident_clock(incident, name, now, periods)


def _counting(incident: Mapping[str, Any]) -> str | None:
    state = incident["held_state"] if incident["state"] == "waiting" else incident["state"]
    return clocks.CLOCK_OF_STATE.get(state)


def _is_to_come(incident: Mapping[str, Any], name: str) -> bool:
    """Whether a clock belongs to a later state: what it measured before the incident came back no longer holds."""
    counting = _counting(incident)
    return counting is not None and clocks.CLOCKS.index(name) > clocks.CLOCKS.index(counting)


def incident_clock(incident: Mapping[str, Any], name: str, now: datetime, periods: Sequence[Period] = ()) -> Clock:
    """One of the four clocks of an incident; ``periods`` are its ended waitings, for the hatching (§5.1.6, §5.1.7)."""
    found = clocks.clock(incident, name)
    if found.started_at is None or (not found.runs and _is_to_come(incident, name)):
        return Clock(NAMES[name], _("未开始"), "none", target=found.target)
    if found.target is None:
        return Clock(NAMES[name], _("尚无目标"), "none")
    target = _target(incident, name, found)
    spent = max(clocks.running_time(found, now), NO_TIME)
    seen_at = found.stopped_at or now
    paused = clocks.paused_time(found, now)
    stands_still = found.runs and found.waiting_since is not None
    tone, text = _sentence(target, spent, stopped=not found.runs, waiting=stands_still)
    spans = _spans(found.started_at, seen_at, _within(found, periods, now))
    total = max(target - spent, NO_TIME) + spent + paused if found.runs else max(target, spent) + paused
    parts, reached = _parts(spans, total, target, tone)
    tick = reached / total * 100 if spent > target else _place_of(spans, target * WARN_SHARE, total)
    return Clock(
        name=NAMES[name],
        text=text,
        tone=tone,
        due_at=found.started_at + target + paused,
        parts=parts,
        tick=None if tone == "met" else tick,
        target=target,
        started_at=found.started_at,
        stopped_at=found.stopped_at,
        asked_for=bool(name == "restoration" and incident["external_deadline"]),
    )


def _target(incident: Mapping[str, Any], name: str, found: clocks.Clock) -> timedelta:
    """The target as a length; an external deadline replaces that of the restoration (C-40)."""
    assert found.started_at is not None and found.target is not None  # noqa: S101  (asked before)
    deadline = incident["external_deadline"] if name == "restoration" else None
    target = deadline - found.started_at - found.paused if deadline else found.target
    return max(target, timedelta(minutes=1))


def _sentence(target: timedelta, spent: timedelta, *, stopped: bool, waiting: bool) -> tuple[str, str]:
    if spent > target:
        over = _spaced(duration(spent - target, up=True))
        if stopped:
            return "over", _("超时%(span)s", span=over)
        return "over", _("已暂停，已超%(span)s", span=over) if waiting else _("已超%(span)s", span=over)
    if stopped:
        return "met", _("用时%(span)s", span=_spaced(duration(spent, up=True)))
    left = _spaced(duration(target - spent))
    if waiting:
        return "pause", _("已暂停，剩余%(span)s", span=left)
    return ("warn" if spent >= target * WARN_SHARE else "run"), _("剩余%(span)s", span=left)


def _spaced(words: str) -> str:
    """One space between a word and a number, none between words."""
    return f" {words}" if words[0].isdigit() else words


def _within(found: clocks.Clock, periods: Sequence[Period], now: datetime) -> list[Period]:
    assert found.started_at is not None  # noqa: S101
    end = found.stopped_at or now
    listed = [*periods, (found.waiting_since, now)] if found.waiting_since and found.runs else list(periods)
    cut = [(max(begin, found.started_at), min(until, end)) for begin, until in listed]
    return sorted(period for period in cut if period[0] < period[1])


def _spans(start: datetime, end: datetime, waits: Sequence[Period]) -> list[tuple[bool, timedelta]]:
    """The time from start to end as (counts, length), in order."""
    spans, at = [], start
    for begin, until in waits:
        if begin > at:
            spans.append((True, begin - at))
        spans.append((False, until - max(begin, at)))
        at = max(at, until)
    if end > at:
        spans.append((True, end - at))
    return spans


def _parts(
    spans: Sequence[tuple[bool, timedelta]], total: timedelta, target: timedelta, tone: str
) -> tuple[tuple[tuple[str, float, float], ...], timedelta]:
    """The coloured parts of the bar, and how far from its start the target was reached."""
    parts: list[tuple[str, float, float]] = []
    ran = left = NO_TIME
    reached = NO_TIME
    usual = {"met": "met", "warn": "warn"}.get(tone, "run")
    for counts, length in spans:
        within = min(length, max(target - ran, NO_TIME)) if counts else length
        for name, piece in ((usual if counts else "pause", within), ("over", length - within)):
            if piece > NO_TIME:
                parts.append((name, left / total * 100, piece / total * 100))
            if name == "over" and piece > NO_TIME and not reached:
                reached = left
            left += piece
        ran += length if counts else NO_TIME
    return tuple(parts), reached


def _place_of(spans: Sequence[tuple[bool, timedelta]], running: timedelta, total: timedelta) -> float:
    """Where on the bar so much running time is, was or will be reached."""
    left = NO_TIME
    for counts, length in spans:
        if counts and running <= length:
            return (left + running) / total * 100
        running -= length if counts else NO_TIME
        left += length
    return (left + running) / total * 100
