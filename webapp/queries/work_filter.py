"""What narrows my work: step, priority, overdue, source, own group; and which steps there are to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, String, and_, cast, func, select, union_all

from engine.persistence import user_task
from handlers.records.tables import incident
from webapp.rights import OPEN, Person

SCANNED = 500  # tasks of one range that are looked at for the list of steps
_t, _i = user_task.c, incident.c


@dataclass(frozen=True, slots=True)
class Filter:
    """What is wanted; empty wants everything. ``overdue_at`` is the instant before which a task must have been due."""

    step: str = ""
    priority: int | None = None
    overdue_at: datetime | None = None
    source: str = ""
    group: str = ""

    def on_tasks(self) -> list[ColumnElement[bool]]:
        """Conditions on ``user_task``; the group of free tasks is the range's own (``groups_of``)."""
        found: list[ColumnElement[bool]] = []
        if self.step:
            found.append(_t.element_id == self.step)
        if self.priority is not None:
            found.append(_t.priority == self.priority)
        if self.overdue_at is not None:
            found.append(_t.due_at < self.overdue_at)
        if self.source:
            keys = select(cast(_i.id, String)).where(_i.source == self.source, _i.state.in_(OPEN))
            found.append(_t.business_key.in_(keys))
        if self.group:
            found.append(_t.candidate_group == self.group)
        return found

    def on_incidents(self) -> list[ColumnElement[bool]]:
        """Conditions on ``incident``: neither a step nor a due instant is one of its columns."""
        found: list[ColumnElement[bool]] = []
        if self.priority is not None:
            found.append(_i.priority == self.priority)
        if self.source:
            found.append(_i.source == self.source)
        if self.group:
            found.append(_i.responsible_group == self.group)
        return found

    def groups_of(self, person: Person) -> list[str]:
        """The person's groups that are asked for."""
        return [group for group in sorted(person.groups) if self.group in ("", group)]


EVERYTHING = Filter()


def free_in(group: str) -> ColumnElement[bool]:
    """The tasks that are offered to a group and that nobody has: one range of an index."""
    return and_(_t.candidate_group == group, _t.assignee.is_(None))


def ranges_of(person: Person, tab: str, wanted: Filter = EVERYTHING) -> list[ColumnElement[bool]]:
    """The index ranges of a tab's tasks: of the person's own, or of each of his groups."""
    if tab == "mine":
        return [_t.assignee == person.account]
    return [free_in(group) for group in wanted.groups_of(person)]


def steps(connection: Connection, person: Person, tab: str) -> Sequence[tuple[str, str, int]]:
    """(element id, name, how many) of the steps in a tab, by name; of long ranges the first SCANNED tasks count."""
    pieces = [
        select(select(_t.element_id, _t.name).where(each).limit(SCANNED).subquery()) for each in ranges_of(person, tab)
    ]
    if not pieces:
        return []
    seen = union_all(*pieces).subquery().c
    query = select(seen.element_id, func.min(seen.name), func.count()).group_by(seen.element_id)
    return sorted(((row[0], row[1], row[2]) for row in connection.execute(query)), key=lambda each: each[1])
