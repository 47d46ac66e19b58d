"""Instances that cannot go on: what failed is kept with the command that repeats it, until an operator retries it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from engine import moves, spiff, tasks
from engine import persistence as db
from engine.bundles import bundle_for
from engine.context import Context
from engine.errors import ConflictError, StepFailedError
from engine.saving import RUNNING, STUCK, Held, Step, park, process_row, unpark, write_instance, write_waits
from engine.steps import Work, hold, refuse_unless


def mark_stuck(ctx: Context, failure: StepFailedError) -> int | None:
    """Record a failed step, after its roll-back, in a unit of work of its own; the stuck instance's id.

    Doing it twice changes nothing. None, and nothing is recorded, if the instance was moved since: a newer success is
    never hidden. A start by a message leaves a stuck instance whose first step is still to be done; a start that
    somebody asked for leaves nothing, because he was told and what he recorded with it went with the roll-back.
    """
    instance_id = failure.instance_id
    if instance_id is None:
        instance_id = _stuck_start(ctx, failure)
        if instance_id is None:
            return None
    else:
        instance = hold(ctx, instance_id)
        if instance.status not in (RUNNING, STUCK) or instance.revision != failure.revision:
            return None
        if instance.status == STUCK:
            return _mark_again(ctx, instance, failure)
        # The revision stays: the state did not move, and a report of the same failure finds it again.
        i = db.instance.c
        ctx.connection.execute(update(db.instance).where(i.id == instance_id).values(status=STUCK))
        park(ctx, instance_id)
        row = process_row(ctx, instance, STUCK, failure.cause)
        ctx.connection.execute(insert(db.history), [row | {"actor": failure.actor}])
        if failure.command["do"] == "complete":
            tasks.keep_draft(ctx, failure.command["task_id"], failure.command["values"], failure.actor)
    ctx.connection.execute(insert(db.stuck), [{"instance_id": instance_id, **_facts(ctx, failure)}])
    return instance_id


def retry(ctx: Context, instance_id: int) -> Step:
    """Repeat the command that failed, as its original actor, now. The operator is named in the history.

    A timer or message that is not wanted any more is left out: the instance just goes on. Raises
    :class:`ConflictError` if the instance is not stuck, and ``StepFailedError`` if the command fails again.
    """
    instance = hold(ctx, instance_id)
    refuse_unless(ctx, instance, STUCK)
    failed = _command_of(ctx, instance_id)
    command = failed.command
    original = replace(ctx, actor=failed.actor, on_behalf_of=command.get("on_behalf_of"))
    _unmark(ctx, instance, "retried", failed.cause)
    if command["do"] == "start":
        return moves.start(original, instance, command["data"], fresh=False)
    if command["do"] == "complete":
        return moves.complete(original, instance, command["task_id"], command["values"], parked=True)
    if command["do"] == "fire":
        step = moves.fire(original, instance, command["task_id"], parked=True)
    else:
        step = moves.deliver(Work(original, instance, command).load(), parked=True)
    return step or _go_on(ctx, instance)


def reopen(ctx: Context, instance_id: int, reason: str) -> None:
    """Give the user task whose completion failed back to people; what was handed in is its draft since it failed.

    Raises :class:`ConflictError` if the instance is not stuck, or stuck on a timer or message: that can only be
    retried, or the instance cancelled.
    """
    instance = hold(ctx, instance_id)
    refuse_unless(ctx, instance, STUCK)
    failed = _command_of(ctx, instance_id)
    if failed.command["do"] != "complete":
        raise ConflictError("出错的不是人工任务，只能重试或取消")
    _unmark(ctx, instance, "reopened", reason)
    _go_on(ctx, instance)


def _go_on(ctx: Context, instance: Held) -> Step:
    """Let the instance wait again where it waited before the failed step."""
    waits = Work(ctx, instance, None).load().before
    write_instance(ctx, instance, status=RUNNING)
    write_waits(ctx, instance.id, spiff.Waits(), waits)
    return Step(instance.id, (), False)


def _command_of(ctx: Context, instance_id: int) -> Row[Any]:
    """The row of a stuck instance. Raises :class:`ConflictError` if there is none."""
    row = ctx.connection.execute(select(db.stuck).where(db.stuck.c.instance_id == instance_id)).one_or_none()
    if row is None:
        raise ConflictError("流程没有出错的步骤")
    return row


def _unmark(ctx: Context, instance: Held, outcome: str, note: str) -> None:
    """Forget the failure: its command is being repeated, or given back, in this unit of work."""
    ctx.connection.execute(delete(db.stuck).where(db.stuck.c.instance_id == instance.id))
    unpark(ctx, instance.id)
    ctx.connection.execute(insert(db.history), [process_row(ctx, instance, outcome, note)])


def _facts(ctx: Context, failure: StepFailedError) -> dict[str, Any]:
    return {
        "element_id": failure.element_id,
        "cause": failure.cause,
        "command": failure.command,
        "actor": failure.actor,
        "stuck_at": ctx.now,
    }


def _mark_again(ctx: Context, instance: Held, failure: StepFailedError) -> int:
    # A retry failed too: the newest cause is the one to read. The command and its actor stay the first ones.
    facts = {key: value for key, value in _facts(ctx, failure).items() if key in ("element_id", "cause", "stuck_at")}
    ctx.connection.execute(update(db.stuck).where(db.stuck.c.instance_id == instance.id).values(**facts))
    return instance.id


def _stuck_start(ctx: Context, failure: StepFailedError) -> int | None:
    message_row = failure.command["row"]
    if message_row is None:
        return None
    keys = {"process_key": failure.command["process_key"], "business_key": failure.command["business_key"]}
    i = db.instance.c
    running = select(i.id).where(*(i[name] == value for name, value in keys.items()), i.ended_at.is_(None))
    if ctx.connection.execute(running).scalar() is not None:
        return None
    bundle = bundle_for(ctx, keys["process_key"])
    row = insert(db.instance).values(bundle_id=bundle.id, status=STUCK, revision=1, started_at=ctx.now, **keys)
    instance_id = int(ctx.connection.execute(row.returning(i.id)).scalar_one())
    # The stuck start has taken the message: no node tries it again, and the retry needs it no more.
    if not moves.take(ctx, message_row, instance_id):
        raise ConflictError("这条消息已经启动了流程")
    instance = Held(
        instance_id, **keys, status=STUCK, revision=1, state=None, started_at=ctx.now, bundle=bundle, fingerprint=None
    )
    ctx.connection.execute(insert(db.history), [process_row(ctx, instance, STUCK, failure.cause)])
    return instance_id
