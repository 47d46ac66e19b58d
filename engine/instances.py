"""Instances: everything that moves one. Each function is one step inside the caller's transaction; none commits.

A step that cannot be carried out raises ``StepFailedError``: the door rolls back and calls :func:`mark_stuck`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from engine import moves, spiff, tasks
from engine import persistence as db
from engine.bundles import bundle_for
from engine.context import Context
from engine.errors import ConflictError, InvalidValuesError
from engine.forms import validate
from engine.saving import (
    CANCELLED,
    COMPLETED,
    RUNNING,
    STUCK,
    SUSPENDED,
    Held,
    Step,
    left_rows,
    park,
    process_row,
    unpark,
    write_instance,
    write_waits,
)
from engine.spiff.data import require_json, require_json_items
from engine.starts import Starter
from engine.steps import Work, held, hold, instance_select, last_change, refuse_unless
from engine.stuck import mark_stuck, reopen, retry
from engine.texts import MAX_KEY, MAX_REASON, require_texts
from engine.timers import DueTimer

__all__ = [
    "Started",
    "Step",
    "cancel",
    "complete",
    "deliver",
    "fire",
    "mark_stuck",
    "reopen",
    "resume",
    "retry",
    "start",
    "start_by_message",
    "suspend",
]

_t = db.user_task.c
_OPEN_TASK = (  # made once: building a statement costs more than executing it
    instance_select(_t.element_id, _t.revision.label("token"), _t.changed_by, _t.changed_at, _t.on_behalf_of)
    .add_columns(_t.candidate_group, _t.assignee)
    .join(db.user_task, _t.instance_id == db.instance.c.id)
    .where(_t.id == bindparam("task_id"))
)
_LOOKS = 3  # how often a receiver that vanished under our eyes is looked for again


@dataclass(frozen=True, slots=True)
class Started:
    """``created`` is False when an instance with these keys was running already; then ``opened`` is empty."""

    instance_id: int
    created: bool
    opened: tuple[str, ...] = ()
    completed: bool = False


def start(ctx: Context, process_key: str, business_key: str, data: Mapping[str, Any]) -> Started:
    """Start ``process_key`` for ``business_key`` and run to the first waits.

    At most one instance of these keys runs at a time: a repeated start returns the first, also in a race.
    Raises :class:`NotFoundError` if the process is not in force, and ``spiff.DataRefusedError`` if ``data`` are not
    plain JSON (then nothing could be kept for a retry), or InvalidValuesError for a key that cannot be kept.
    """
    require_texts(MAX_KEY, business_key=business_key)
    require_json_items(data, None)
    instance, created = _one_running(ctx, process_key, business_key)
    if not created:
        return Started(instance.id, False)
    step = moves.start(ctx, instance, data, fresh=True)
    return Started(instance.id, True, step.opened, step.completed)


def start_by_message(ctx: Context, starter: Starter, key: str, payload: Any, message_row: int) -> Step | None:
    """Start a process with a buffered message, whose key is the business key; marked as delivered in the same step.

    Where an instance of the process runs for this key already, the message is delivered to it without effect: None.
    Raises :class:`ConflictError` if another node was faster; the roll-back takes the new instance away.
    """
    data = {starter.message.key: key, starter.message.variable: payload}
    instance, created = _one_running(ctx, starter.process_key, key)
    taken = moves.take(ctx, message_row, instance.id)
    if not created:
        return None
    if not taken:
        raise ConflictError("这条消息已经启动了流程")
    return moves.start(ctx, instance, data, fresh=True, message_row=message_row)


def _one_running(ctx: Context, process_key: str, business_key: str) -> tuple[Held, bool]:
    """The one running instance of these keys, and whether it was made here (then nothing in it has run yet)."""
    bundle = bundle_for(ctx, process_key)
    make = sqlite.insert if ctx.connection.dialect.name == "sqlite" else postgresql.insert
    row = make(db.instance).values(
        bundle_id=bundle.id,
        process_key=process_key,
        business_key=business_key,
        status=RUNNING,
        revision=1,
        started_at=ctx.now,
    )
    for _ in range(_LOOKS):
        instance_id = ctx.connection.execute(row.on_conflict_do_nothing().returning(db.instance.c.id)).scalar()
        if instance_id is not None:
            return Held(instance_id, process_key, business_key, RUNNING, 1, None, ctx.now, bundle, None), True
        i = db.instance.c
        running = select(i.id).where(i.process_key == process_key, i.business_key == business_key, i.ended_at.is_(None))
        if (first := ctx.connection.execute(running).scalar()) is not None:
            return Held(first, process_key, business_key, RUNNING, 1, None, ctx.now, bundle, None), False
    raise ConflictError("同一业务的流程正在结束，请重试")


@dataclass(frozen=True, slots=True)
class Asked:
    """A user task as a door needs it to say who may complete it, and with which values."""

    element: spiff.Element
    candidate_group: str | None
    assignee: str | None


Answering = Callable[[Asked], Mapping[str, Any]]


def complete(ctx: Context, task_id: str, values: Mapping[str, Any] | Answering, token: int) -> Step:
    """Complete a user task with a form's ``values``; ``token`` is the version that the page was rendered from.

    ``values`` may be a function that is given the task: it answers the values or refuses, for example who may not.
    Raises :class:`InvalidValuesError`, :class:`NotFoundError`, or :class:`ConflictError` with who and when if the task
    was finished or changed by somebody else, or its instance does not run.
    """
    found = ctx.connection.execute(_OPEN_TASK, {"task_id": task_id}).one_or_none()
    if found is None or found.status in (COMPLETED, CANCELLED):
        raise tasks.gone(ctx, task_id)
    instance = held(ctx, found)
    if callable(values):
        element = instance.bundle.program.elements[found.element_id]
        values = values(Asked(element, found.candidate_group, found.assignee))
    refuse_unless(ctx, instance, RUNNING)
    if found.token != token:
        raise ConflictError("任务已被别人改动，请重新打开", by=found.changed_by, at=found.changed_at)
    clean = _validated(instance, found.element_id, values)
    return moves.complete(ctx, instance, task_id, clean, token=token, on_behalf_of=found.on_behalf_of)


def fire(ctx: Context, timer: DueTimer) -> Step | None:
    """Fire a due timer. None if it is gone, not due any more, or its instance does not run: that is no error."""
    t = db.timer.c
    found = ctx.connection.execute(
        instance_select().join(db.timer, t.instance_id == db.instance.c.id).where(t.task_id == timer.task_id)
    ).one_or_none()
    if found is None or found.status != RUNNING:
        return None
    return moves.fire(ctx, held(ctx, found), timer.task_id)


def deliver(ctx: Context, name: str, key: str, payload: Any = None, *, message_row: int | None = None) -> Step | None:
    """Give a message to one task that waits for ``name`` and ``key``, the oldest instance's; None if none waits.

    ``message_row`` is the buffered row, marked as delivered in the same step. Without it a person gave a command;
    then more than one waiting task is a :class:`ConflictError`.
    """
    require_texts(MAX_KEY, name=name, key=key)
    s = db.subscription.c
    receivers = (
        instance_select(s.task_id)
        .join(db.subscription, s.instance_id == db.instance.c.id)
        .where(s.name == name, s.key == key)
        .order_by(db.instance.c.id, s.task_id)
        .limit(1 if message_row is not None else 2)
    )
    require_json(payload, None, "payload")
    for _ in range(_LOOKS):
        found = ctx.connection.execute(receivers).all()
        if len(found) > 1:
            raise ConflictError("有多个任务在等待这个消息，无法确定交给哪一个")
        if not found:
            return None
        if found[0].status == RUNNING:
            command = {
                "do": "deliver",
                "task_id": found[0].task_id,
                "name": name,
                "payload": payload,
                "row": message_row,
            }
            work = Work(ctx, held(ctx, found[0]), command, automatic=message_row is not None)
            if work.load().waits_for(found[0].task_id, name):
                return moves.deliver(work)
    return None


def suspend(ctx: Context, instance_id: int, reason: str) -> None:
    """Stop a running instance: its tasks refuse work, its timers and messages wait until it is resumed."""
    require_texts(MAX_REASON, reason=reason)
    instance = hold(ctx, instance_id)
    refuse_unless(ctx, instance, RUNNING)
    write_instance(ctx, instance, status=SUSPENDED, end_reason=reason)
    park(ctx, instance.id)
    ctx.connection.execute(insert(db.history), [process_row(ctx, instance, "suspended", reason)])


def resume(ctx: Context, instance_id: int, reason: str) -> None:
    """Let a suspended instance go on; timers that fell due meanwhile fire at the next tick."""
    require_texts(MAX_REASON, reason=reason)
    instance = hold(ctx, instance_id)
    refuse_unless(ctx, instance, SUSPENDED)
    waits = Work(ctx, instance, None).load().before
    write_instance(ctx, instance, status=RUNNING, end_reason=None)
    write_waits(ctx, instance.id, spiff.Waits(), waits)
    unpark(ctx, instance.id)
    ctx.connection.execute(insert(db.history), [process_row(ctx, instance, "resumed", reason)])


def cancel(ctx: Context, instance_id: int, reason: str, *, revision: int | None = None) -> None:
    """End an instance for good: its waits go, its history stays. ``revision`` is what the decision was based on.

    Raises :class:`ConflictError`, with who and when, if it has ended or was moved since ``revision``.
    """
    require_texts(MAX_REASON, reason=reason)
    instance = hold(ctx, instance_id)
    refuse_unless(ctx, instance, RUNNING, SUSPENDED, STUCK)
    if revision is not None and revision != instance.revision:
        by, at = last_change(ctx, instance.id)
        raise ConflictError("流程在此期间已经前进", by=by, at=at)
    rows = [*_cancelled_rows(ctx, instance), process_row(ctx, instance, CANCELLED, reason)]
    write_instance(ctx, instance, status=CANCELLED, state=None, ended_at=ctx.now, end_reason=reason)
    for table in (db.user_task, db.timer, db.subscription, db.stuck):
        ctx.connection.execute(delete(table).where(table.c.instance_id == instance.id))
    ctx.connection.execute(insert(db.history), rows)


def _cancelled_rows(ctx: Context, instance: Held) -> list[dict[str, Any]]:
    """The history rows of everything open in an instance that is being cancelled."""
    try:
        left = Work(ctx, instance, None).load().cancel()
    except spiff.StateError:
        return tasks.cancelled_rows(ctx, instance.id)  # cancelling must help where the state itself is what is broken
    return left_rows(ctx, instance, left, ctx.on_behalf_of)


def _validated(instance: Held, element_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
    name = instance.bundle.program.elements[element_id].properties.get("form")
    if name:
        return validate(instance.bundle.forms[name].form, values)
    if values:
        raise InvalidValuesError(dict.fromkeys(map(str, values), "这个任务没有表单"))
    return {}
