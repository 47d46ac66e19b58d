"""The rows of my work: a task of an incident, a task of a child record, or an incident that others work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from handlers.records.children import KINDS
from webapp.queries import work
from webapp.rights import allowed
from webapp.routes import words
from webapp.routes.clock import Clock, task_clock
from webapp.routes.reading import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRow:
    """One row of a list of work; ``kind`` names a child record's, ``token`` is the task's revision."""

    url: str
    title: str
    second: str
    origin: str
    step: str
    clock: Clock
    priority: int | None
    provisional: bool = False
    kind: str = ""
    state: str = ""
    waiting_code: str | None = None
    task_id: str = ""
    token: int = 0
    claimable: bool = False
    markable: bool = False
    stopped: bool = False


def task_row(reader: Reader, task: work.Task) -> WorkRow:
    """The row of a task: what to do, for which record, until when."""
    common: dict[str, Any] = {
        "url": url_for("pages.task", task_id=task.id),
        "step": task.name,
        "task_id": task.id,
        "token": task.revision,
        "claimable": task.assignee is None and allowed(reader.person, "claim", task=task),
        "markable": allowed(reader.person, "assign", task=task),
        "stopped": task.suspended,
    }
    record = task.incident
    if record is not None:
        return WorkRow(
            title=record.summary or task.name,
            second=record.number or _("尚无单号"),
            origin=_origin(reader, record),
            state=record.state,
            waiting_code=record.waiting_code,
            priority=record.priority,
            provisional=record.priority_provisional,
            clock=task_clock(record._asdict(), reader.ctx.now),
            **common,
        )
    child = task.child
    if child is not None:
        common |= {
            "title": child.title,
            "second": f"{child.child_number} · {child.number or ''} {child.summary or ''}".rstrip(),
            "origin": _origin(reader, child),
            "kind": KINDS[child.kind].name,
        }
    else:
        common |= {"title": task.name, "second": "", "origin": ""}
    return WorkRow(priority=task.priority, clock=due_clock(reader, task.due_at), **common)


def incident_row(reader: Reader, record: Any, accounts: Mapping[str, str]) -> WorkRow:
    """The row of an incident that somebody else works on."""
    return WorkRow(
        url=url_for("pages.incident", key=record.number or record.id),
        title=record.summary or _("尚未登记概要"),
        second=record.number or _("尚无单号"),
        origin=_origin(reader, record),
        step=reader.holder(record.responsible_group, record.responsible_person, accounts),
        state=record.state,
        waiting_code=record.waiting_code,
        priority=record.priority,
        provisional=record.priority_provisional,
        clock=task_clock(record._mapping, reader.ctx.now),
    )


def _origin(reader: Reader, record: Any) -> str:
    where = reader.name("departments", record.department) or record.customer_name or ""
    parts = [reader.name("sources", record.source), where]
    return " · ".join(part for part in parts if part)


def due_clock(reader: Reader, due_at: Any) -> Clock:
    """What a task without an incident's clocks is due by."""
    name = _("时限")
    if not due_at:
        return Clock(name, _("没有时限"), "none")
    due = words.due(due_at, reader.ctx.now, reader.zone)
    return Clock(name, _("%(due)s 前", due=due), "over" if due_at < reader.ctx.now else "none")
