"""Instances that cannot go on: what failed is kept with the command that repeats it, until an operator retries it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from engine import persistence as db
from engine.bundles import bundle_for
from engine.context import Context
from engine.errors import ConflictError, StepFailedError
from engine.saving import RUNNING, STUCK, Held, park, process_row, unpark
from engine.steps import hold


def mark_stuck(ctx: Context, failure: StepFailedError) -> int | None:
    """Record a failed step, after its roll-back, in a unit of work of its own; the stuck instance's id.

    Doing it twice changes nothing. None, and nothing is recorded, if the instance was moved since: a newer success is
    never hidden. A start that failed leaves a stuck instance whose first step is still to be done.
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
    ctx.connection.execute(insert(db.stuck), [{"instance_id": instance_id, **_facts(ctx, failure)}])
    return instance_id


def command_of(ctx: Context, instance_id: int) -> Row[Any]:
    """The row of a stuck instance. Raises :class:`ConflictError` if there is none."""
    row = ctx.connection.execute(select(db.stuck).where(db.stuck.c.instance_id == instance_id)).one_or_none()
    if row is None:
        raise ConflictError("流程没有出错的步骤")
    return row


def unmark(ctx: Context, instance: Held, cause: str) -> None:
    """Forget the failure, because its command is being repeated in this unit of work."""
    ctx.connection.execute(delete(db.stuck).where(db.stuck.c.instance_id == instance.id))
    unpark(ctx, instance.id)
    ctx.connection.execute(insert(db.history), [process_row(ctx, instance, "retried", cause)])


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
    keys = {"process_key": failure.command["process_key"], "business_key": failure.command["business_key"]}
    i = db.instance.c
    running = select(i.id).where(*(i[name] == value for name, value in keys.items()), i.ended_at.is_(None))
    if ctx.connection.execute(running).scalar() is not None:
        return None
    bundle = bundle_for(ctx, keys["process_key"])
    row = insert(db.instance).values(bundle_id=bundle.id, status=STUCK, revision=1, started_at=ctx.now, **keys)
    return int(ctx.connection.execute(row.returning(i.id)).scalar_one())
