"""Messages between instances, and from outside: rows that wait for a task or start a process, delivered exactly once.

A message is addressed by name and key. Each delivery is a unit of work of its own, and the engine runs after each:
two interrupting messages handed over together would leave two tokens.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Exists, case, delete, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from engine import instances
from engine import persistence as db
from engine.catalogue import latest_fingerprint
from engine.context import Context
from engine.errors import ConflictError
from engine.saving import MESSAGES, Step, next_hops
from engine.spiff.data import require_json
from engine.starts import starters
from engine.texts import MAX_KEY, require_texts

KEPT_FOR = timedelta(days=90)
FORGET = 1000  # messages at a time: the write lock is not held long

_m, _s = db.message.c, db.subscription.c


@dataclass(frozen=True, slots=True)
class DueMessage:
    """A buffered message that has a receiver; ``id`` is its row.

    ``starts``: it starts a process, and nobody waited for any message of its name when it was claimed.
    """

    id: int
    name: str
    key: str
    payload: Any
    hops: int = 0
    starts: bool = False


def send(ctx: Context, name: str, key: object, payload: Any = None, message_id: str | None = None) -> bool:
    """Buffer a message for whoever waits, or will wait, for ``name`` and ``key``.

    ``message_id`` is the sender's own key: sending the same again, at any time, does nothing and returns False.
    Raises ``spiff.DataRefusedError`` for a payload that is not plain JSON, InvalidValuesError for a key that cannot be
    kept, and ``spiff.LoopBudgetExceededError`` in a ring of messages.
    """
    require_texts(MAX_KEY, name=name, key=str(key), message_id=message_id or "")
    require_json(payload, None, "payload")
    make = sqlite.insert if ctx.connection.dialect.name == "sqlite" else postgresql.insert
    row = make(db.message).values(
        message_id=message_id or uuid.uuid4().hex,
        name=name,
        key=str(key),
        payload=payload,
        sent_at=ctx.now,
        hops=next_hops(ctx),
    )
    sent = ctx.connection.execute(row.on_conflict_do_nothing().returning(_m.id)).scalar() is not None
    ctx.notes.add(MESSAGES)
    return sent


def claim_due(ctx: Context, node: str, limit: int, lease_for: timedelta) -> list[DueMessage]:
    """Lease up to ``limit`` messages that have a receiver, the oldest first, until ``ctx.now + lease_for``.

    The caller commits, then delivers each in a unit of work of its own.
    """
    free = or_(_m.leased_until.is_(None), _m.leased_until <= ctx.now)
    starting = _starting(ctx, free)
    if starting is None:
        return []
    received = or_(_wanted(_m.name, _m.key), _m.name.in_(starting))
    due = select(_m.id).where(_m.delivered_at.is_(None), free, received).order_by(_m.id).limit(limit)
    rows = ctx.connection.execute(
        update(db.message)
        .where(_m.id.in_(due.with_for_update(skip_locked=True)))
        .values(leased_by=node, leased_until=ctx.now + lease_for)
        .returning(_m.id, _m.name, _m.key, _m.payload, _m.hops)
    )
    claimed = [DueMessage(**row._mapping, starts=starting.get(row.name, False)) for row in rows]
    return sorted(claimed, key=lambda message: message.id)


def _starting(ctx: Context, free: ColumnElement[bool]) -> dict[str, bool] | None:
    """Which names among those of the free messages start a process, and whether that is all that they do.

    None if no message has a receiver.
    One statement: the newest deployment's fingerprint comes along, and mostly the diagrams are known by it already.
    """
    waiting = (
        select(_m.name, func.max(case((_wanted(_m.name, _m.key), 1), else_=0)).label("wanted"))
        .where(_m.delivered_at.is_(None), free)
        .group_by(_m.name)
        .subquery()
    )
    rows = ctx.connection.execute(
        select(waiting.c.name, waiting.c.wanted, latest_fingerprint().label("fingerprint"))
    ).all()
    if not rows:
        return None
    known = starters(ctx, rows[0].fingerprint or "")
    starting = {row.name: not row.wanted for row in rows if row.name in known}
    return starting if starting or any(row.wanted for row in rows) else None


def deliver(ctx: Context, message: DueMessage) -> Step | None:
    """Deliver a buffered message to one task, or start a process with it.

    None if it was delivered already, or has no receiver any more: then it stays.
    """
    ctx = replace(ctx, hops=message.hops + 1)
    step = None
    if not message.starts:
        step = instances.deliver(ctx, message.name, message.key, message.payload, message_row=message.id)
    if step is None and (starter := starters(ctx).get(message.name)) is not None:
        return instances.start_by_message(ctx, starter, message.key, message.payload, message.id)
    if step is None and not ctx.connection.execute(select(_wanted(message.name, message.key))).scalar():
        # Another message came first. Free this one at once: its next receiver must not wait for the lease to end.
        free = update(db.message).where(_m.id == message.id, _m.delivered_at.is_(None))
        ctx.connection.execute(free.values(leased_by=None, leased_until=None))
    return step


def command(ctx: Context, name: str, key: object, payload: Any = None) -> Step:
    """Give a person's command to the one task that waits for it now.

    Raises :class:`ConflictError`, with who moved the business last and when, if none waits: commands are not buffered.
    """
    step = instances.deliver(ctx, name, str(key), payload)
    if step is not None:
        return step
    i, h = db.instance.c, db.history.c
    last = ctx.connection.execute(
        select(h.actor, h.left_at)
        .join(db.instance, i.id == h.instance_id)
        .where(i.business_key == str(key))
        .order_by(h.id.desc())
        .limit(1)
    ).first()
    by, at = (last.actor, last.left_at) if last else (None, None)
    raise ConflictError("流程现在不接受这个操作", by=by, at=at)


def forget_old(ctx: Context) -> dict[str, int]:
    """Remove up to ``FORGET`` messages sent more than ``KEPT_FOR`` ago; how many of them had never been delivered.

    The counts are by message name. One that a stuck step took hold of stays for its retry.
    """
    held = [row.command.get("row") for row in ctx.connection.execute(select(db.stuck.c.command))]
    old = (
        select(_m.id)
        .where(_m.sent_at <= ctx.now - KEPT_FOR, _m.id.not_in([row for row in held if row is not None]))
        .order_by(_m.sent_at)
        .limit(FORGET)
    )
    gone = ctx.connection.execute(delete(db.message).where(_m.id.in_(old)).returning(_m.name, _m.delivered_at))
    return dict(Counter(row.name for row in gone if row.delivered_at is None))


def _wanted(name: Any, key: Any) -> Exists:
    """Does any task wait for the message?"""
    return exists().where(_s.name == name, _s.key == key)
