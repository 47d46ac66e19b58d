"""Timers: one row per waiting timer. Any number of nodes poll; a lease keeps two of them from firing the same one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select, update

from engine import persistence as db
from engine.context import Context

_t = db.timer.c


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer that a node has leased; ``due_at`` is when it should have fired."""

    task_id: str
    instance_id: int
    element_id: str
    due_at: datetime


def due_scan(now: datetime, limit: int) -> Select[tuple[str]]:
    """The ids of due timers that nobody has leased, in the order of falling due; answered from one index alone."""
    free = or_(_t.leased_until.is_(None), _t.leased_until <= now)
    return select(_t.task_id).where(_t.due_at <= now, free).order_by(_t.due_at).limit(limit)


def claim_due(ctx: Context, node: str, limit: int, lease_for: timedelta) -> list[DueTimer]:
    """Lease up to ``limit`` due timers for ``node`` until ``ctx.now + lease_for``, earliest first.

    The caller commits, then fires each in a unit of work of its own. A node that dies loses its leases with time.
    Nothing due costs one index-only read; other nodes' claims are passed over, never waited for.
    """
    if ctx.connection.execute(due_scan(ctx.now, 1)).first() is None:
        return []
    chosen = due_scan(ctx.now, limit).with_for_update(skip_locked=True)
    rows = ctx.connection.execute(
        update(db.timer)
        .where(_t.task_id.in_(chosen))
        .values(leased_by=node, leased_until=ctx.now + lease_for)
        .returning(_t.task_id, _t.instance_id, _t.element_id, _t.due_at)
    )
    return sorted((DueTimer(*row) for row in rows), key=lambda timer: (timer.due_at, timer.task_id))


def next_due(ctx: Context) -> datetime | None:
    """When the next timer falls due (perhaps in the past), or None if none waits. Index-only."""
    return ctx.connection.execute(select(func.min(_t.due_at))).scalar_one_or_none()
