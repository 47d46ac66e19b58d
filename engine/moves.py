"""The four ways in which an instance goes on, once it is locked and read: the first time, and again on a retry.

``parked``: the instance was stuck, so that its timers and subscriptions have no rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update

from engine import persistence as db
from engine import spiff, tasks
from engine.context import Context
from engine.saving import Held, Step
from engine.steps import Work


def start(
    ctx: Context, instance: Held, data: Mapping[str, Any], *, fresh: bool, message_row: int | None = None
) -> Step:
    """Run from the start event to the first waits; ``fresh``: the instance's row was made in this unit of work.

    ``message_row`` is the buffered message that starts it: then nobody waits for the answer.
    """
    command = {
        "do": "start",
        "process_key": instance.process_key,
        "business_key": instance.business_key,
        "data": dict(data),
        "row": message_row,
    }
    work = Work(ctx, instance, command, automatic=fresh and message_row is not None, fresh=fresh)
    work.start(data)
    return work.carry_out()


def complete(
    ctx: Context,
    instance: Held,
    task_id: str,
    clean: dict[str, Any],
    *,
    token: int | None = None,
    on_behalf_of: str | None = None,
    parked: bool = False,
) -> Step:
    """Complete a user task with ``clean`` values. Raises ConflictError or NotFoundError if it is not open."""
    work = Work(ctx, instance, {"do": "complete", "task_id": task_id, "values": clean})
    work.on_behalf_of = ctx.on_behalf_of or on_behalf_of
    work.token = None if token is None else (task_id, token)
    task = work.load().user_task(task_id)
    if task is None:
        raise tasks.gone(ctx, task_id)
    return work.carry_out(lambda _: work.complete(task, clean), parked=parked)


def fire(ctx: Context, instance: Held, task_id: str, *, parked: bool = False) -> Step | None:
    """Fire a timer. None if the instance does not wait for it (any more), or it is not due."""
    work = Work(ctx, instance, {"do": "fire", "task_id": task_id}, automatic=not parked)
    timer = work.load().timer(task_id)
    if timer is None or timer.due_at > ctx.now:
        return None
    work.notes[task_id] = timer.due_at.isoformat()  # the history keeps when it should have fired
    return work.carry_out(lambda flow: spiff.fire_timer(flow, task_id), parked=parked)


def deliver(work: Work, *, parked: bool = False) -> Step | None:
    """Carry out the ``deliver`` command of a loaded ``work``. None if the task does not wait, or the row is gone."""
    command = work.command or {}
    row = command["row"]
    if not work.waits_for(command["task_id"], command["name"]):
        return None
    if row is not None and not take(work.ctx, row, work.instance.id):
        return None
    return work.carry_out(
        lambda flow: spiff.deliver(flow, command["task_id"], command["name"], command["payload"]), parked=parked
    )


def take(ctx: Context, message_row: int, receiver_id: int) -> bool:
    """Mark a buffered message as delivered to an instance; False if it was delivered already."""
    m = db.message.c
    taken = ctx.connection.execute(
        update(db.message)
        .where(m.id == message_row, m.delivered_at.is_(None))
        .values(delivered_at=ctx.now, receiver_id=receiver_id, leased_by=None, leased_until=None)
    )
    return taken.rowcount == 1
