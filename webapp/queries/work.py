"""My work: the open tasks of a person and of the groups he stands in, the most urgent first (R194).

One range of ``ix_user_task_assignee`` or, per group, of ``ix_user_task_candidate_group`` is read and cut at one page;
the ranges are then merged. An OR over the groups would sort all open tasks instead. Counts stop at ``COUNT_TO``: a
list of more than 99 tasks is not counted to the end for a number that nobody needs (shown as 99+).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, literal, select, union_all

from engine.offers import PRIORITIES
from engine.persistence import user_task
from handlers.records.tables import child, incident
from webapp.queries.keyset import PAGE, pack
from webapp.queries.work_filter import EVERYTHING, Filter, free_in, ranges_of
from webapp.rights import OPEN, Person

COUNT_TO = 100
Place = tuple[int, datetime | None, str]
_t, _i, _c = user_task.c, incident.c, child.c


@dataclass(frozen=True, slots=True)
class Task:
    """A task of a list with what its row shows of the incident, or of the child record and its incident."""

    id: str
    name: str
    element_id: str
    candidate_group: str | None
    assignee: str | None
    priority: int
    due_at: datetime | None
    created_at: datetime
    revision: int
    suspended: bool
    incident: Row[Any] | None
    child: Row[Any] | None = None

    @property
    def place(self) -> str:
        """Where the next page begins if this is the last row of this one."""
        return pack(self.priority, self.due_at, self.id)


@dataclass(frozen=True, slots=True)
class Page:
    """At most one page of rows; ``after`` is the place where the next begins, if there is one."""

    rows: Sequence[Any]
    after: str | None


def mine(connection: Connection, person: Person, after: Place | None = None, wanted: Filter = EVERYTHING) -> Page:
    """等我办理: what the person has claimed or was given."""
    return _page(connection, ranges_of(person, "mine"), after, wanted.on_tasks())


def pool(connection: Connection, person: Person, after: Place | None = None, wanted: Filter = EVERYTHING) -> Page:
    """本组待领: what is offered to one of the person's groups and nobody has."""
    return _page(connection, ranges_of(person, "pool", wanted), after, wanted.on_tasks())


def one(connection: Connection, task_id: str) -> Task | None:
    """One open task as a row of a list; None when it is done or never was."""
    query: Select[Any] = select(*_TASK_COLUMNS).where(_t.id == task_id)
    row = connection.execute(query).first()
    return _task(row, _records(connection, {row.business_key})) if row else None


def several(connection: Connection, task_ids: Sequence[str]) -> list[Task]:
    """Open tasks as rows of a list, in no order; those that are done are left out."""
    rows = connection.execute(select(*_TASK_COLUMNS).where(_t.id.in_(task_ids))).all()
    known = _records(connection, {row.business_key for row in rows})
    return [_task(row, known) for row in rows]


def counts(connection: Connection, person: Person) -> dict[str, int]:
    """How many rows each tab has, at most COUNT_TO: one statement of index ranges, each cut there."""
    groups = sorted(person.groups)
    own = (_i.recorder == person.account) & (_i.state.in_(OPEN))
    ranges = {"mine": [capped(select(_t.id).where(_t.assignee == person.account))]}
    ranges["pool"] = [capped(select(_t.id).where(free_in(group))) for group in groups]
    ranges["recorded"] = [capped(select(_i.id).where(own))]
    ranges["waiting"] = [capped(_waiting(person, group)) for group in groups or [""]]
    columns = [_sum(parts).label(name) if parts else literal(0).label(name) for name, parts in ranges.items()]
    row = connection.execute(select(*columns)).one()
    return {name: min(getattr(row, name), COUNT_TO) for name in ranges}


def recorded(connection: Connection, person: Person, after: int | None = None, wanted: Filter = EVERYTHING) -> Page:
    """我登记的: open incidents that the person recorded, the newest first (R354)."""
    query = select(*INCIDENT_COLUMNS).where(_i.recorder == person.account, _i.state.in_(OPEN))
    return _incident_page(connection, query.where(*wanted.on_incidents()), after)


def waiting(connection: Connection, person: Person, after: int | None = None, wanted: Filter = EVERYTHING) -> Page:
    """等待中: waiting incidents for which the person or a group of his answers."""
    groups = wanted.groups_of(person)
    if not groups:
        return Page([], None)
    query = select(*INCIDENT_COLUMNS).where(_i.responsible_group.in_(groups), _i.state == "waiting")
    return _incident_page(connection, query.where(*wanted.on_incidents()), after)


INCIDENT_COLUMNS = (
    _i.id,
    _i.number,
    _i.summary,
    _i.state,
    _i.stage,
    _i.source,
    _i.department,
    _i.customer_name,
    _i.external_deadline,
    _i.priority,
    _i.priority_provisional,
    _i.waiting_code,
    _i.waiting_since,
    _i.waiting_until,
    _i.responsible_group,
    _i.responsible_person,
    _i.occurred_at,
    _i.recorded_at,
    _i.updated_at,
    *(column for column in incident.columns if column.name.endswith(("_for", "_started_at", "_stopped_at", "_paused"))),
    _i.held_state,
)


def _waiting(person: Person, group: str) -> Select[Any]:
    return select(_i.id).where(_i.responsible_group == group, _i.state == "waiting")


def capped(query: Select[Any]) -> Any:
    """How many rows a query has, at most COUNT_TO, as a part of another SELECT."""
    return select(func.count()).select_from(query.limit(COUNT_TO).subquery()).scalar_subquery()


def _sum(parts: Sequence[Any]) -> Any:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _page(
    connection: Connection,
    ranges: Iterable[ColumnElement[bool]],
    after: Place | None,
    conditions: Sequence[ColumnElement[bool]],
) -> Page:
    bands = _bands(after)
    order = (_t.priority, _t.due_at, _t.id)
    pieces = [
        select(*_TASK_COLUMNS).where(wanted, band, *conditions).order_by(*order).limit(PAGE + 1).subquery()
        for wanted in ranges
        for band in bands
    ]
    if not pieces:
        return Page([], None)
    merged = union_all(*(select(piece) for piece in pieces)).subquery()
    m = merged.c
    query = select(merged).order_by(m.priority, m.due_at.is_(None), m.due_at, m.id).limit(PAGE + 1)
    found = connection.execute(query).all()
    known = _records(connection, {row.business_key for row in found[:PAGE]})
    rows = [_task(row, known) for row in found[:PAGE]]
    return Page(rows, rows[-1].place if len(found) > PAGE else None)


_TASK_COLUMNS = (
    _t.id,
    _t.name,
    _t.element_id,
    _t.candidate_group,
    _t.assignee,
    _t.priority,
    _t.due_at,
    _t.created_at,
    _t.revision,
    _t.suspended,
    _t.business_key,
)


LEVELS = tuple(PRIORITIES)


def _bands(after: Place | None) -> list[ColumnElement[bool]]:
    """Index ranges that together are everything after a place; what is not due (it waits) comes last of its priority.

    Each range is either due or not due: databases differ in where they sort nulls. What is not due is asked for by the
    priorities one by one, so that a database reads nothing but it.
    """
    due, paused = _t.due_at.is_not(None), _t.due_at.is_(None)
    if after is None:
        return [due, and_(_t.priority.in_(LEVELS), paused)]
    priority, due_at, task_id = after
    same = _t.priority == priority
    later = [level for level in LEVELS if level > priority]
    bands = [and_(_t.priority > priority, due), and_(_t.priority.in_(later), paused)]
    if due_at is None:
        return [*bands, and_(same, paused, _t.id > task_id)]
    bands += [and_(same, _t.due_at == due_at, _t.id > task_id), and_(same, _t.due_at > due_at)]
    return [*bands, and_(same, paused)]


def _records(connection: Connection, keys: Iterable[str]) -> dict[str, Row[Any]]:
    """Incidents and child records by the business keys of their tasks; those of children are never all digits."""
    known = list(keys)
    ids = [int(key) for key in known if key.isascii() and key.isdigit()]
    numbers = [key for key in known if not key.isdigit()]
    found: dict[str, Row[Any]] = {}
    if ids:
        rows = connection.execute(select(*INCIDENT_COLUMNS).where(_i.id.in_(ids)))
        found |= {str(row.id): row for row in rows}
    if numbers:
        of_children = select(*_CHILD_COLUMNS).join(incident, _i.id == _c.incident_id)
        rows = connection.execute(of_children.where(_c.number.in_(numbers)))
        found |= {row.child_number: row for row in rows}
    return found


_CHILD_COLUMNS = (
    _c.number.label("child_number"),
    _c.kind,
    _c.title,
    _c.priority,
    _i.id.label("incident_id"),
    _i.number,
    _i.summary,
    _i.source,
    _i.department,
    _i.customer_name,
)


def _task(row: Any, known: dict[str, Row[Any]]) -> Task:
    record = known.get(row.business_key)
    is_child = record is not None and "child_number" in record._mapping
    return Task(
        id=row.id,
        name=row.name,
        element_id=row.element_id,
        candidate_group=row.candidate_group,
        assignee=row.assignee,
        priority=row.priority,
        due_at=row.due_at,
        created_at=row.created_at,
        revision=row.revision,
        suspended=row.suspended,
        incident=None if is_child else record,
        child=record if is_child else None,
    )


def _incident_page(connection: Connection, query: Select[Any], after: int | None) -> Page:
    if after is not None:
        query = query.where(_i.id < after)
    found = connection.execute(query.order_by(_i.id.desc()).limit(PAGE + 1)).all()
    return Page(found[:PAGE], str(found[PAGE - 1].id) if len(found) > PAGE else None)
