"""What a list of incidents is narrowed to: one definition for the list, its export and every count that links to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, or_, select

from engine.persistence import user_task
from handlers.records.tables import child, incident
from webapp.rights import OPEN

STATES: Mapping[str, Collection[str]] = {
    "open": OPEN,
    "unaccepted": ("new", "to_dispatch", "to_accept"),
    "new": ("new",),
    "to_dispatch": ("to_dispatch",),
    "to_accept": ("to_accept",),
    "in_progress": ("in_progress",),
    "waiting": ("waiting",),
    "slave": ("slave",),
    "resolved": ("resolved",),
    "closed": ("closed",),
    "all": (),
}
SOON = timedelta(hours=1)  # what falls due within this is pressing
_i, _t = incident.c, user_task.c


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for; empty parts narrow nothing. ``since`` and ``until`` are local days of recording."""

    text: str = ""
    state: str = "open"
    priority: int | None = None
    group: str = ""
    source: str = ""
    category: str = ""
    since: date | None = None
    until: date | None = None
    due: str = ""  # a key of PRESSING

    @property
    def narrows(self) -> bool:
        """Whether anything but the state is asked for."""
        return any(getattr(self, each.name) for each in fields(self) if each.name != "state")

    def states(self) -> Collection[str]:
        """The states that are asked for; none are all of them."""
        return STATES[self.state]


def conditions(wanted: Filter, now: datetime) -> list[ColumnElement[bool]]:
    """Everything but the state and the text."""
    found = []
    if wanted.priority:
        found.append(_i.priority == wanted.priority)
    if wanted.group:
        found.append(_of_group(wanted.group, wanted.states()))
    if wanted.source:
        found.append(_i.source == wanted.source)
    if wanted.category:
        found.append(_i.category == wanted.category)
    if wanted.since:
        found.append(_i.number >= f"SJ{wanted.since:%y%m%d}")  # a number begins with its day: a range of its index
    if wanted.until:
        found.append(_i.number < f"SJ{wanted.until + timedelta(days=1):%y%m%d}")
    if wanted.due:
        found.append(pressing(wanted.due, now))
    return found


def pressing(kind: str, now: datetime) -> ColumnElement[bool]:
    """The condition of one of PRESSING: found through the open tasks, which are few beside all incidents."""
    over = _t.due_at <= now
    found: dict[str, ColumnElement[bool]] = {
        "over": _i.id.in_(_with_task(over)),
        "soon": and_(
            _i.id.in_(_with_task(and_(_t.due_at > now, _t.due_at <= now + SOON))), _i.id.not_in(_with_task(over))
        ),
        "unclaimed": _i.id.in_(_with_task(_t.assignee.is_(None))),
        "escalated": _i.id.in_(select(child.c.incident_id).where(*_ESCALATED)),
        "overwaited": and_(_i.state == "waiting", _i.waiting_until < now),
    }
    return found[kind]


PRESSING = ("over", "soon", "unclaimed", "escalated", "overwaited")
_ESCALATED = (child.c.kind == "escalation", child.c.state == "open")


def _of_group(group: str, states: Collection[str]) -> ColumnElement[bool]:
    """Open ones for which the group answers, closed ones that it resolved: nobody answers for those any more."""
    answers, resolved = _i.responsible_group == group, and_(_i.state == "closed", _i.resolving_group == group)
    if not states:
        return or_(answers, resolved)
    return resolved if "closed" in states else answers


def _with_task(condition: ColumnElement[bool]) -> Select[Any]:
    """Ids of incidents with such an open task; tasks of child records, whose keys have a dash, are not theirs."""
    own = case((_t.business_key.contains("-"), None), else_=_t.business_key)
    return select(cast(own, BigInteger)).where(condition, _t.business_key.not_like("%-%"))
