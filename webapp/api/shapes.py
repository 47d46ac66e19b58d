"""Rows of the queries as the API answers them (``schemas``); contacts of customers are masked as on the pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from engine.tasks import UserTask
from handlers import clocks
from handlers.records.incidents import TRACKED
from webapp.api.operations import published
from webapp.contacts import CONTACTS, masked
from webapp.queries.rows import Record
from webapp.queries.timeline import Event
from webapp.queries.work import Task

_APART = frozenset({"number", "state", "stage", "responsible_group", "responsible_person"})
FACTS = tuple(name for name in TRACKED if name not in _APART)


def summary(row: Any) -> dict[str, Any]:
    """An incident as a line of a list."""
    names = ("number", "summary", "state", "stage", "source", "priority", "priority_provisional", "department")
    plain = {name: getattr(row, name) for name in (*names, "customer_name", "occurred_at", "recorded_at", "updated_at")}
    return plain | {"responsible": _responsible(row._mapping), "waiting": _waiting(row._mapping)}


def incident(row: Record, now: datetime) -> dict[str, Any]:
    """An incident's own row as its reader may see it; what hangs on it is added by the endpoint."""
    facts = {name: _plain(row[name]) for name in FACTS if row[name] is not None}
    return {
        **{name: row[name] for name in ("number", "state", "stage", "revision", "updated_at")},
        "responsible": _responsible(row),
        "waiting": _waiting(row),
        "facts": facts,
        "clocks": [_clock(row, name, now) for name in clocks.CLOCKS],
    }


def open_task(row: Record) -> dict[str, Any]:
    """An open task of an incident, from its row."""
    same = {name: row[name] for name in ("id", "name", "assignee", "due_at")}
    return same | {"element": row["element_id"], "group": row["candidate_group"], "token": row["revision"]}


def task(row: Task) -> dict[str, Any]:
    """A task as a line of my work."""
    known = row.incident
    return {
        **{name: getattr(row, name) for name in ("id", "name", "assignee", "priority", "due_at", "created_at")},
        "element": row.element_id,
        "incident": known.number if known else None,
        "summary": known.summary if known else None,
        "group": row.candidate_group,
        "token": row.revision,
    }


def whole_task(found: UserTask) -> dict[str, Any]:
    """A task with its form, by which ``complete`` is validated."""
    form = found.form
    return {
        **{name: getattr(found, name) for name in ("id", "business_key", "assignee", "priority", "due_at")},
        "name": found.element.name or found.element.id,
        "element": found.element.id,
        "process": found.process_key,
        "purpose": found.element.documentation or None,
        "group": found.candidate_group,
        "created_at": found.created_at,
        "token": found.token,
        "form": form and {"key": form.key, "title": form.title, "schema": published(form), "ui": dict(form.ui)},
    }


def child(row: Record) -> dict[str, Any]:
    """A child record as its incident lists it."""
    return {name: row[name] for name in ("number", "kind", "state", "title", "group", "person", "result")}


def timeline(events: Iterable[Event], *, contacts: bool) -> list[dict[str, Any]]:
    """What happened, the newest first; without ``contacts`` telephones and the like are masked in it, too."""
    return [_event(event, contacts) for event in events]


def _event(event: Event, contacts: bool) -> dict[str, Any]:
    said = (event.row or {}).get("text") if event.kind == "comment" else (event.row or {}).get("reason")
    return {
        "kind": event.kind,
        "at": event.at,
        "actor": event.actor,
        "on_behalf_of": event.on_behalf_of,
        "element": event.element_id,
        "text": said,
        "changes": [_change(row, contacts) for row in event.changes],
        "decisions": [_decision(row) for row in event.decisions],
    }


def _change(row: Record, contacts: bool) -> dict[str, Any]:
    hidden = not contacts and row["field"] in CONTACTS
    old, new = (masked(row[name]) if hidden else row[name] for name in ("old", "new"))
    return {"field": row["field"], "old": old, "new": new, "reason": row["reason"]}


def _decision(row: Record) -> dict[str, Any]:
    return {"decision": row["key"], "version": row["version"], "inputs": row["inputs"], "answer": row["outputs"]}


def _responsible(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"group": row["responsible_group"], "person": row["responsible_person"]}


def _waiting(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[f"waiting_{name}"] for name in ("code", "since", "until")}


def _clock(row: Record, name: str, now: datetime) -> dict[str, Any]:
    found = clocks.clock(row, name)
    started = found.started_at is not None
    return {
        "name": name,
        "target_seconds": _plain(found.target),
        "started_at": found.started_at,
        "stopped_at": found.stopped_at,
        "due_at": clocks.due_at(row, name),
        "counted_seconds": _plain(clocks.running_time(found, now)) if started else None,
        "paused_seconds": _plain(clocks.paused_time(found, now)) if started else None,
    }


def _plain(value: Any) -> Any:
    """A duration in seconds; JSON can write everything else."""
    return value.total_seconds() if isinstance(value, timedelta) else value
