"""The manager's board: what is late, who has how much, what waits for a decision. Eight statements.

Every number is counted by the very conditions of the list to which it links (``webapp.queries.filters``). All that is
read is open work: ranges of ``ix_incident_state`` and ``ix_incident_responsible_group``, and the open tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select

from engine.persistence import user_task
from handlers.records.tables import child, incident
from webapp.queries.filters import SOON, Filter, conditions, pressing
from webapp.queries.rows import Record, records
from webapp.queries.work import INCIDENT_COLUMNS
from webapp.rights import OPEN

TILES = ("over", "soon", "unclaimed", "escalated", "overwaited")
LISTED = 12  # rows of a list; the tile above it leads to all of them
MANAGER = "manager"  # the group to which decisions are offered
HIGH = (1, 2)
_i, _t = incident.c, user_task.c


@dataclass(slots=True)
class Queue:
    """What a group has: counts by state, and how much of it is late."""

    group: str
    states: dict[str, int] = field(default_factory=dict)
    over: int = 0

    @property
    def total(self) -> int:
        """All that is open."""
        return sum(self.states.values())

    @property
    def to_accept(self) -> int:
        """待受理: what the group has not begun."""
        return sum(self.states.get(state, 0) for state in ("new", "to_dispatch", "to_accept"))

    @property
    def waiting(self) -> int:
        """等待."""
        return self.states.get("waiting", 0)

    @property
    def under_way(self) -> int:
        """处理中: everything else."""
        return self.total - self.to_accept - self.waiting


@dataclass(frozen=True, slots=True)
class Decision:
    """A task of the manager's: of a child record (``child``) or of the incident itself."""

    task: Record
    child: Record | None
    incident: Row[Any]


def tiles(connection: Connection, now: datetime) -> dict[str, int]:
    """The numbers of the tiles, and of each the high ones (``…_high``): one statement."""
    wanted = {name: and_(*conditions(Filter(due=name), now)) for name in TILES}
    columns = [_count(condition).label(name) for name, condition in wanted.items()]
    columns += [_count(and_(wanted[name], _i.priority.in_(HIGH))).label(f"{name}_high") for name in ("over", "soon")]
    columns += [_count().label("open"), _count(_i.state == "waiting").label("waiting")]
    return dict(connection.execute(select(*columns)).one()._mapping)


def queues(connection: Connection, now: datetime) -> list[Queue]:
    """The groups that have open incidents, the fullest first: two statements."""
    found: dict[str, Queue] = {}
    by_state = select(_i.responsible_group, _i.state, func.count().label("n")).where(*_ANSWERED)
    for row in connection.execute(by_state.group_by(_i.responsible_group, _i.state)):
        found.setdefault(row.responsible_group, Queue(row.responsible_group)).states[row.state] = row.n
    late = select(_i.responsible_group, func.count().label("n")).where(*_ANSWERED, pressing("over", now))
    for row in connection.execute(late.group_by(_i.responsible_group)):
        found[row.responsible_group].over = row.n
    return sorted(found.values(), key=lambda queue: (-queue.total, queue.group))


def late(connection: Connection, now: datetime) -> Sequence[Row[Any]]:
    """What is overdue or soon due, the longest overdue first: rows as the lists show them; two statements."""
    due = select(_t.business_key).where(_t.due_at <= now + SOON).order_by(_t.due_at, _t.id).limit(LISTED * 4)
    ids = list(dict.fromkeys(int(key) for key in connection.scalars(due) if key.isdigit()))[:LISTED]
    found = {row.id: row for row in connection.execute(select(*INCIDENT_COLUMNS).where(_i.id.in_(ids)))}
    return [found[each] for each in ids if each in found]


def decisions(connection: Connection) -> list[Decision]:
    """Open tasks of the manager with the incident that each is about, the most urgent first; three statements."""
    wanted = select(user_task).where(_t.candidate_group == MANAGER).order_by(_t.priority, _t.created_at, _t.id)
    tasks = records(connection.execute(wanted.limit(LISTED)))
    keys = [task["business_key"] for task in tasks]
    children = records(connection.execute(select(child).where(child.c.number.in_(keys))))
    about = {each["number"]: each for each in children}
    ids = {each["incident_id"] for each in children} | {int(key) for key in keys if key.isdigit()}
    incidents = {row.id: row for row in connection.execute(select(*INCIDENT_COLUMNS).where(_i.id.in_(sorted(ids))))}
    found = []
    for task in tasks:
        record = about.get(task["business_key"])
        incident_id = record["incident_id"] if record else int(task["business_key"])
        found.append(Decision(task, record, incidents[incident_id]))
    return found


_ANSWERED = (_i.responsible_group.is_not(None), _i.state.in_(sorted(OPEN)))


def _count(*conditions: ColumnElement[bool]) -> Any:
    return select(func.count()).where(_i.state.in_(sorted(OPEN)), *conditions).select_from(incident).scalar_subquery()
