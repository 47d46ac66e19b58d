"""Commands that arrive twice: a double click, a retried API call. The second arrival gets the first one's result."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from engine.context import Context
from engine.errors import EngineError
from webapp.tables import idempotency

KEPT_FOR = timedelta(days=7)
KEY_LENGTH = 120


def check_key(key: str | None) -> None:
    """Refuse a key that the table cannot keep."""
    if key is not None and not 0 < len(key) <= KEY_LENGTH:
        raise EngineError(f"幂等键应为 1 到 {KEY_LENGTH} 个字符")


def first_result(connection: Connection, actor: str, verb: str, key: str | None) -> Any | None:
    """What the first arrival of this command returned; None when this is the first, or it carries no key."""
    if key is None:
        return None
    columns = idempotency.c
    query = select(columns.result).where(columns.actor == actor, columns.verb == verb, columns.key == key)
    return connection.scalar(query)


def remember(ctx: Context, verb: str, key: str | None, result: Any) -> None:
    """Keep the result in the same transaction; a second arrival at the same time fails here with IntegrityError."""
    if key is not None:
        row = {"actor": ctx.actor, "verb": verb, "key": key, "result": result, "arrived_at": ctx.now}
        ctx.connection.execute(insert(idempotency).values(row))


def forget_old(ctx: Context) -> None:
    """Remove what no retry can ask for any more; called by the ticker."""
    ctx.connection.execute(delete(idempotency).where(idempotency.c.arrived_at <= ctx.now - KEPT_FOR))
