"""What happened to an incident, in one list: steps, changes, decisions, waiting, comments (R014, R016, R180)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Literal

from sqlalchemy import Row, Table, select

from engine.context import Context
from engine.persistence import decision_log, definition, history, instance
from handlers.records import labels
from handlers.records.tables import comment, field_change, waiting_period

Kind = Literal["step", "change", "decision", "waiting", "resumed", "comment"]
# Within one instant the step comes first, then what it decided and changed.
_ORDER: Mapping[Kind, int] = {"comment": 0, "resumed": 1, "step": 2, "decision": 3, "change": 4, "waiting": 5}


@dataclass(frozen=True, slots=True)
class Change:
    """One field, as staff read it; ``old`` and ``new`` are "" where there is no value."""

    field: str
    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline.

    ``text`` is the reason, the comment or the waiting's reason. ``facts`` are: of a step ``type``, ``outcome`` and
    ``entered_at``; of a decision ``decision``, ``version``, ``inputs``, ``rows`` and ``outputs``; of a waiting
    ``code``, ``name``, ``expected_end`` and ``ended_at``; of a comment ``kind`` and ``channel``.
    """

    at: datetime
    kind: Kind
    actor: str
    on_behalf_of: str | None = None
    element_id: str | None = None
    text: str | None = None
    changes: tuple[Change, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def timeline(ctx: Context, incident_id: int) -> list[Entry]:
    """Everything in the order in which it happened; five statements, whatever the incident's age."""
    entries = [
        *_steps(ctx, incident_id),
        *_changes(ctx, incident_id),
        *_decisions(ctx, incident_id),
        *_waiting(ctx, incident_id),
        *_comments(ctx, incident_id),
    ]
    return sorted(entries, key=lambda entry: (entry.at, _ORDER[entry.kind]))


def _of_incident(ctx: Context, table: Table, incident_id: int) -> list[Row[Any]]:
    query = select(table).where(table.c.incident_id == incident_id).order_by(table.c.id)
    return list(ctx.connection.execute(query))


def _steps(ctx: Context, incident_id: int) -> list[Entry]:
    """What people did, and which timers and messages took the process on."""
    told = ("userTask", "boundaryEvent", "intermediateCatchEvent", "startEvent", "endEvent")
    query = (
        select(history)
        .join(instance, instance.c.id == history.c.instance_id)
        .where(instance.c.business_key == str(incident_id), history.c.element_type.in_(told))
        .order_by(history.c.id)
    )
    return [
        Entry(
            row.left_at,
            "step",
            row.actor,
            row.on_behalf_of,
            row.element_id,
            facts={"type": row.element_type, "outcome": row.outcome, "entered_at": row.entered_at},
        )
        for row in ctx.connection.execute(query)
    ]


def _changes(ctx: Context, incident_id: int) -> list[Entry]:
    def together(row: Row[Any]) -> tuple[Any, ...]:
        return row.at, row.actor, row.on_behalf_of, row.element_id, row.reason

    entries = []
    for (at, actor, on_behalf_of, element_id, reason), rows in groupby(
        _of_incident(ctx, field_change, incident_id), together
    ):
        changes = tuple(
            Change(
                row.field,
                labels.FIELDS[row.field],
                labels.shown(ctx, row.field, row.old),
                labels.shown(ctx, row.field, row.new),
            )
            for row in rows
        )
        entries.append(Entry(at, "change", actor, on_behalf_of, element_id, reason, changes))
    return entries


def _decisions(ctx: Context, incident_id: int) -> list[Entry]:
    query = (
        select(decision_log, definition.c.key, definition.c.name, definition.c.version)
        .join(instance, instance.c.id == decision_log.c.instance_id)
        .join(definition, definition.c.id == decision_log.c.definition_id)
        .where(instance.c.business_key == str(incident_id))
        .order_by(decision_log.c.id)
    )
    return [
        Entry(
            row.decided_at,
            "decision",
            "system",
            element_id=row.element_id,
            text=row.name,
            facts={
                "decision": row.key,
                "version": row.version,
                "inputs": row.inputs,
                "rows": row.row_ids,
                "outputs": row.outputs,
            },
        )
        for row in ctx.connection.execute(query)
    ]


def _waiting(ctx: Context, incident_id: int) -> list[Entry]:
    entries = []
    for row in _of_incident(ctx, waiting_period, incident_id):
        facts = {
            "code": row.code,
            "name": labels.shown(ctx, "waiting_code", row.code),
            "expected_end": row.expected_end,
            "ended_at": row.ended_at,
        }
        entries.append(Entry(row.began_at, "waiting", row.actor, row.on_behalf_of, text=row.reason, facts=facts))
        if row.ended_at is not None:
            entries.append(Entry(row.ended_at, "resumed", row.ended_by, text=row.end_reason, facts=facts))
    return entries


def _comments(ctx: Context, incident_id: int) -> list[Entry]:
    return [
        Entry(
            row.at,
            "comment",
            row.actor,
            row.on_behalf_of,
            text=row.text,
            facts={"kind": row.kind, "channel": row.channel},
        )
        for row in _of_incident(ctx, comment, incident_id)
    ]
