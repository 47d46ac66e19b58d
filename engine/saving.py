"""Writing what a step led to: the instance's row first, then what changed among its waits, then what happened.

Rows of waits are found by comparing the waits before and after; nothing is read, and nothing unchanged is written.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import BindParameter, Column, Delete, Table, bindparam, delete, insert, or_, select, update

from engine import persistence as db
from engine import spiff
from engine.bundles import Bundle
from engine.context import Context
from engine.errors import ConflictError
from engine.offers import Offer
from engine.texts import MAX_KEY, storable, trouble

RUNNING = "running"
SUSPENDED = "suspended"
STUCK = "stuck"
COMPLETED = "completed"
CANCELLED = "cancelled"

MAX_HOPS = 50
"""Messages in a row, each sent by the step that the one before it caused; more are a ring between instances."""

MESSAGES = "messages"
"""Note for the door: after the commit there may be messages to deliver."""

# Made once: building a statement costs more than executing it.
_GONE: BindParameter[Any] = bindparam("gone", expanding=True)
_MOVE = update(db.instance).where(
    db.instance.c.id == bindparam("of_id"), db.instance.c.revision == bindparam("at_revision")
)
_DELETE_TASKS = delete(db.user_task).where(
    db.user_task.c.id.in_(_GONE),
    or_(db.user_task.c.id != bindparam("own"), db.user_task.c.revision == bindparam("seen")),
)
_INSERTS = {
    table: insert(table) for table in (db.user_task, db.timer, db.subscription, db.message, db.history, db.decision_log)
}
_DELETES: dict[Column[Any], Delete] = {
    column: delete(column.table).where(column.in_(_GONE))
    for column in (
        db.user_task.c.id,
        db.timer.c.task_id,
        db.timer.c.instance_id,
        db.subscription.c.task_id,
        db.subscription.c.instance_id,
    )
}


@dataclass(frozen=True, slots=True)
class Step:
    """What a step led to: the user tasks that it opened, in the order of opening, and whether the instance ended."""

    instance_id: int
    opened: tuple[str, ...]
    completed: bool


@dataclass(frozen=True, slots=True)
class Held:
    """An instance's row, read under its lock, with its bundle and the newest deployment's fingerprint."""

    id: int
    process_key: str
    business_key: str
    status: str
    revision: int
    state: bytes | None
    started_at: datetime
    bundle: Bundle
    fingerprint: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """A finished step, not written yet; ``state`` is None when the instance is completed."""

    after: spiff.Waits
    offers: Mapping[str, Offer]
    left: Sequence[spiff.Left]
    thrown: Sequence[spiff.Thrown]
    state: bytes | None
    notes: Mapping[str, str]
    decisions: Sequence[dict[str, Any]]
    on_behalf_of: str | None
    token: tuple[str, int] | None  # the user task that a person completed, and the revision that he saw


def save(ctx: Context, instance: Held, before: spiff.Waits, result: Result) -> Step:
    """Write a step. Raises :class:`ConflictError` if the instance was moved by somebody else meanwhile."""
    completed = result.state is None
    write_instance(
        ctx,
        instance,
        status=COMPLETED if completed else RUNNING,
        state=result.state,
        ended_at=ctx.now if completed else None,
        end_reason=None,
    )
    _write_user_tasks(ctx, instance, before, result)
    write_waits(ctx, instance.id, before, result.after)
    _insert(ctx, db.message, [_message(ctx, thrown) for thrown in result.thrown])
    if result.thrown:
        ctx.notes.add(MESSAGES)
    rows = left_rows(ctx, instance, result.left, result.on_behalf_of, result.notes)
    if completed:
        rows.append(process_row(ctx, instance, COMPLETED))
    _insert(ctx, db.history, rows)
    _insert(ctx, db.decision_log, result.decisions)
    ctx.settle()
    return Step(instance.id, tuple(result.offers), completed)


def write_instance(ctx: Context, instance: Held, **values: Any) -> None:
    """UPDATE the instance's row if it is still at the revision that was read; else raise :class:`ConflictError`."""
    keys = {"of_id": instance.id, "at_revision": instance.revision}
    changed = ctx.connection.execute(_MOVE, {**keys, "revision": instance.revision + 1, **values})
    if changed.rowcount != 1:
        raise ConflictError("别人刚刚处理了这个流程")


def write_waits(ctx: Context, instance_id: int, before: spiff.Waits, after: spiff.Waits) -> None:
    """Bring the rows of timers and subscriptions from ``before`` to ``after``; messages may wait for new ones."""
    if set(after.subscriptions) - set(before.subscriptions):
        ctx.notes.add(MESSAGES)
    for table, rows_of in ((db.timer, _timer_rows), (db.subscription, _subscription_rows)):
        old, new = rows_of(before, instance_id), rows_of(after, instance_id)
        _delete(ctx, table.c.task_id, [task for task, rows in old.items() if new.get(task) != rows])
        _insert(ctx, table, [row for task, rows in new.items() if old.get(task) != rows for row in rows])


def park(ctx: Context, instance_id: int) -> None:
    """Take timers and subscriptions of an instance that does not run out of the scans; mark its user tasks."""
    _delete(ctx, db.timer.c.instance_id, [instance_id])
    _delete(ctx, db.subscription.c.instance_id, [instance_id])
    _mark_tasks(ctx, instance_id, suspended=True)


def unpark(ctx: Context, instance_id: int) -> None:
    """Give the user tasks of an instance that runs again back to people; :func:`write_waits` restores the rest."""
    _mark_tasks(ctx, instance_id, suspended=False)


def _mark_tasks(ctx: Context, instance_id: int, *, suspended: bool) -> None:
    t = db.user_task.c
    ctx.connection.execute(update(db.user_task).where(t.instance_id == instance_id).values(suspended=suspended))


def process_row(ctx: Context, instance: Held, outcome: str, note: str | None = None) -> dict[str, Any]:
    """The history row of what happened to the instance as a whole."""
    return {
        "instance_id": instance.id,
        "element_id": instance.process_key,
        "element_type": "process",
        "task_id": "",
        "entered_at": instance.started_at,
        "left_at": ctx.now,
        "actor": ctx.actor,
        "on_behalf_of": ctx.on_behalf_of,
        "outcome": outcome,
        "note": note,
    }


def _timer_rows(waits: spiff.Waits, instance_id: int) -> dict[str, list[dict[str, Any]]]:
    return {
        one.task_id: [
            {"task_id": one.task_id, "instance_id": instance_id, "element_id": one.element_id, "due_at": one.due_at}
        ]
        for one in waits.timers
    }


def _subscription_rows(waits: spiff.Waits, instance_id: int) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for one in waits.subscriptions:
        key = _message_key(one.key, one.element_id)
        row = {"task_id": one.task_id, "name": one.name, "key": key, "instance_id": instance_id}
        rows.setdefault(one.task_id, []).append(row)
    return rows


def _write_user_tasks(ctx: Context, instance: Held, before: spiff.Waits, result: Result) -> None:
    still_open = {task.task_id for task in result.after.user_tasks}
    gone = [task.task_id for task in before.user_tasks if task.task_id not in still_open]
    if gone:
        _delete_user_tasks(ctx, gone, result.token)
    new = [task for task in result.after.user_tasks if task.task_id in result.offers]
    _insert(ctx, db.user_task, [_user_task_row(ctx, instance, task, result.offers[task.task_id]) for task in new])


def _delete_user_tasks(ctx: Context, gone: list[str], token: tuple[str, int] | None) -> None:
    if token is None:
        _delete(ctx, db.user_task.c.id, gone)
        return
    own, revision = token
    found = ctx.connection.execute(_DELETE_TASKS, {"gone": gone, "own": own, "seen": revision})
    if found.rowcount != len(gone):
        # A claim does not lock the instance: it may have come between our reading and our writing.
        t = db.user_task.c
        now = ctx.connection.execute(select(t.changed_by, t.changed_at).where(t.id == own)).one()
        raise ConflictError("任务刚刚被别人改动，请重新打开", by=now.changed_by, at=now.changed_at)


def _user_task_row(ctx: Context, instance: Held, task: spiff.UserTask, offer: Offer) -> dict[str, Any]:
    element = instance.bundle.program.elements[task.element_id]
    form = instance.bundle.forms.get(element.properties.get("form", ""))
    return {
        "id": task.task_id,
        "instance_id": instance.id,
        "business_key": instance.business_key,
        "element_id": element.id,
        "name": element.name,
        "lane": element.lane,
        "candidate_group": offer.candidate_group,
        "assignee": offer.assignee,
        "priority": offer.priority,
        "due_at": offer.due_at,
        "form_id": form.definition_id if form else None,
        "revision": 1,
        "created_at": ctx.now,
        "suspended": False,
    }


def left_rows(
    ctx: Context,
    instance: Held,
    left: Sequence[spiff.Left],
    on_behalf_of: str | None,
    notes: Mapping[str, str] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """The history rows of what tokens left; ``notes`` are remarks by task id."""
    return [
        {
            "instance_id": instance.id,
            "element_id": one.element_id,
            "element_type": one.type,
            "task_id": one.task_id,
            "entered_at": one.entered_at,
            "left_at": one.left_at,
            "actor": ctx.actor,
            "on_behalf_of": on_behalf_of,
            "outcome": None if one.outcome is None else storable(one.outcome, MAX_KEY),
            "note": notes.get(one.task_id),
        }
        for one in left
    ]


def next_hops(ctx: Context) -> int:
    """The hops of a message that is sent now. Raises ``spiff.LoopBudgetExceededError`` in a ring of messages."""
    if ctx.hops > MAX_HOPS:
        raise spiff.LoopBudgetExceededError(
            None, f"消息接连引发了 {ctx.hops} 条消息，中间没有人参与：流程之间可能在循环发送"
        )
    return ctx.hops


def _message(ctx: Context, thrown: spiff.Thrown) -> dict[str, Any]:
    return {
        "message_id": uuid.uuid4().hex,
        "name": thrown.name,
        "key": _message_key(thrown.key, None),
        "payload": thrown.payload,
        "sent_at": ctx.now,
        "hops": next_hops(ctx),
    }


def _message_key(key: object, element_id: str | None) -> str:
    """The key as its column keeps it. Raises ``spiff.DataRefusedError``, which leaves the step stuck."""
    text = str(key)
    if found := trouble(text, MAX_KEY):
        raise spiff.DataRefusedError(element_id, f"消息的键{found}")
    return text


def _insert(ctx: Context, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        ctx.connection.execute(_INSERTS[table], rows)


def _delete(ctx: Context, column: Column[Any], values: Collection[Any]) -> None:
    if values:
        ctx.connection.execute(_DELETES[column], {"gone": list(values)})
