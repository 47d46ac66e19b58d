"""Everything that happened to an incident, from eight tables, as one list: the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, or_, select

from engine.persistence import decision_log, definition, history
from handlers.records.tables import comment, field_change, person, waiting_period
from webapp.queries import children
from webapp.queries.rows import Record, records

LIMIT = 400  # rows of each table; an incident with more shows its latest
PATH = 2_000  # elements of a path; an incident that went round more often shows its latest
PROPOSAL = "s2_8_propose"
STAYS = {"waiting", "in_progress"}  # states that are reached without changing hands
LAST_MOVES = 20  # rows among which the last move is sought
SHOWN = ("userTask", "serviceTask", "businessRuleTask", "receiveTask", "boundaryEvent", "intermediateCatchEvent")


@dataclass(slots=True)
class Event:
    """One thing that somebody did. ``kind`` is step, comment, hold, resume, change, child, link or file.

    ``changes`` are the facts that it changed, ``decisions`` the answers of rules that it asked for.
    """

    kind: str
    at: datetime
    actor: str
    order: int
    on_behalf_of: str | None = None
    element_id: str | None = None
    row: Record | None = None
    changes: list[Record] = field(default_factory=list)
    decisions: list[Record] = field(default_factory=list)
    child: Record | None = None  # to which a change belongs


@dataclass(frozen=True, slots=True)
class Beside:
    """What a page has read already and the timeline tells, too: children, links, attachments."""

    children: Sequence[Record] = ()
    links: Sequence[Record] = ()
    files: Sequence[Record] = ()
    walked: Sequence[Record] | None = None  # all of ``walked``, of which the steps are a part


def events(
    connection: Connection, incident_id: int, instance_ids: Sequence[int], beside: Beside | None = None
) -> list[Event]:
    """The events of an incident and its process instances, each with the changes and decisions that belong to it."""
    beside = beside or Beside()
    steps = _steps(walked(connection, instance_ids) if beside.walked is None else beside.walked)
    acts = [*steps, *_comments(connection, incident_id), *_waitings(connection, incident_id)]
    changes = _changes(connection, incident_id)
    decisions = _decisions(connection, instance_ids)
    alone = _hang_on(acts, changes, decisions)
    others = [*of_children(connection, beside.children), *_plain("link", beside.links), *_plain("file", beside.files)]
    return sorted([*acts, *alone, *others], key=_place, reverse=True)


def of_child(connection: Connection, record: Record, left: Sequence[Record]) -> list[Event]:
    """The events of one child record and its process (``walked``), the newest first."""
    found = [*_steps(left), *of_children(connection, [record])]
    return sorted(found, key=_place, reverse=True)


def of_children(connection: Connection, listed: Sequence[Record]) -> list[Event]:
    """What was changed in children, what one step or act changed together."""
    known = {each["id"]: each for each in listed}
    found: dict[tuple[int, datetime, str | None, str], Event] = {}
    for row in children.changes(connection, sorted(known)):
        key = (row["child_id"], row["at"], row["element_id"], row["actor"])
        if key not in found:
            found[key] = Event("child", row["at"], row["actor"], row["id"], row["on_behalf_of"], row["element_id"], row)
            found[key].child = known[row["child_id"]]
        found[key].changes.append(row)
    return list(found.values())


def _plain(kind: str, rows: Sequence[Record]) -> list[Event]:
    return [Event(kind, row["at"], row["actor"], row["id"], row["on_behalf_of"], None, row) for row in rows]


def last_handover(connection: Connection, incident_id: int) -> Record | None:
    """The last move from hand to hand: ``actor`` and his ``name``, ``at``, ``reason``; None before the first.

    A move changes the state or the group that answers; the rule's proposal, first values, waiting and acceptance are
    none.
    """
    c = field_change.c
    query = (
        select(c.at, c.actor, c.reason, c.field, c.old, c.new, person.c.name)
        .outerjoin(person, person.c.account == c.actor)
        .where(c.incident_id == incident_id, c.field.in_(("state", "responsible_group")))
        .where(or_(c.element_id.is_(None), c.element_id != PROPOSAL))
    )
    rows = records(connection.execute(query.order_by(c.id.desc()).limit(LAST_MOVES)))
    return next((row for row in rows if row["old"] is not None and not {row["old"], row["new"]} & STAYS), None)


def _place(event: Event) -> tuple[datetime, int, int]:
    """Where an event stands; within one instant the record's first values come before the steps, verbs after them."""
    if event.kind == "step":
        return event.at, 1, event.order
    first_values = event.kind == "change" and all(row["old"] is None for row in event.changes)
    return event.at, 0 if first_values else 2, event.order


def walked(connection: Connection, instance_ids: Sequence[int]) -> list[Record]:
    """Every element that these processes left, the latest first: the path of a diagram, and the steps of a story."""
    c = history.c
    query = select(history).where(c.instance_id.in_(instance_ids)).order_by(c.id.desc()).limit(PATH)
    return records(connection.execute(query))


def _steps(left: Sequence[Record]) -> list[Event]:
    rows = [row for row in left if row["element_type"] in SHOWN][:LIMIT]
    return [Event("step", r["left_at"], r["actor"], r["id"], r["on_behalf_of"], r["element_id"], r) for r in rows]


def _decisions(connection: Connection, instance_ids: Sequence[int]) -> list[Record]:
    c = decision_log.c
    columns = (*decision_log.columns, definition.c.name, definition.c.key, definition.c.version)
    query = select(*columns).join(definition, definition.c.id == c.definition_id).where(c.instance_id.in_(instance_ids))
    return records(connection.execute(query.order_by(c.id.desc()).limit(LIMIT)))[::-1]


def _comments(connection: Connection, incident_id: int) -> list[Event]:
    c = comment.c
    query = select(comment).where(c.incident_id == incident_id).order_by(c.id.desc()).limit(LIMIT)
    rows = records(connection.execute(query))
    return [Event("comment", r["at"], r["actor"], r["id"], r["on_behalf_of"], None, r) for r in rows]


def _waitings(connection: Connection, incident_id: int) -> list[Event]:
    c = waiting_period.c
    query = select(waiting_period).where(c.incident_id == incident_id).order_by(c.id.desc()).limit(LIMIT)
    found = []
    for row in records(connection.execute(query)):
        found.append(Event("hold", row["began_at"], row["actor"], row["id"], row["on_behalf_of"], None, row))
        if row["ended_at"]:
            found.append(Event("resume", row["ended_at"], row["ended_by"] or "system", row["id"], None, None, row))
    return found


def _changes(connection: Connection, incident_id: int) -> list[Record]:
    c = field_change.c
    query = select(field_change).where(c.incident_id == incident_id).order_by(c.id.desc()).limit(LIMIT * 3)
    return records(connection.execute(query))[::-1]


def _hang_on(acts: Sequence[Event], changes: Sequence[Record], decisions: Sequence[Record]) -> list[Event]:
    """Give each change to its actor's act of the same instant and step, each decision to the act that asked for it.

    Rows of no act become events of their own: what two people did in one instant stays apart.
    """
    places: dict[tuple[datetime, str | None, str], Event] = {}
    asked: dict[tuple[datetime, str | None], Event] = {}  # a decision does not know its actor
    alone: list[Event] = []

    def place(event: Event) -> Event:
        asked.setdefault((event.at, event.element_id), event)
        return places.setdefault((event.at, event.element_id, event.actor), event)

    for act in sorted(acts, key=lambda event: event.order):
        place(act)
    for row in changes:
        act = places.get((row["at"], row["element_id"], row["actor"])) or _alone(row, row["at"], row["actor"], alone)
        place(act).changes.append(row)
    for row in decisions:
        act = asked.get((row["decided_at"], row["element_id"])) or _alone(row, row["decided_at"], "system", alone)
        place(act).decisions.append(row)
    return alone


def _alone(row: Record, at: datetime, actor: str, alone: list[Event]) -> Event:
    alone.append(Event("change", at, actor, row["id"], row.get("on_behalf_of"), row["element_id"], row))
    return alone[-1]
