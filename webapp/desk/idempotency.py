"""Commands that arrive twice: a double click, a retried API call. The second arrival gets the first one's result.

A key belongs to an actor, a verb and what the verb was done to; the same key for another subject is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from engine.context import Context
from engine.errors import ConflictError, EngineError
from webapp.desk.core import Desk
from webapp.rights import Person
from webapp.tables import idempotency

KEPT_FOR = timedelta(days=7)
KEY_LENGTH = 120


def check_key(key: str | None) -> None:
    """Refuse a key that the table cannot keep."""
    if key is not None and not 0 < len(key) <= KEY_LENGTH:
        raise EngineError(_("幂等键应为 1 到 %(key_length)s 个字符", key_length=KEY_LENGTH))


def once(
    desk: Desk, actor: Person, verb: str, subject: object, key: str | None, act: Callable[[Context], dict[str, Any]]
) -> dict[str, Any]:
    """What ``act`` returns from its unit of work, or what it returned when the command arrived first.

    It is carried out before anybody looks for an earlier arrival: the usual command arrives once, and what is done
    already refuses to be done again or is rolled back here. Raises as ``act`` does.
    """
    check_key(key)
    try:
        with desk.unit_of_work(actor) as ctx:
            result = act(ctx)
            remember(ctx, verb, subject, key, result)
            return result
    except (EngineError, IntegrityError):
        stored = first_result(desk, actor, verb, subject, key)
        if stored is None:
            raise
        return stored


def first_result(desk: Desk, actor: Person, verb: str, subject: object, key: str | None) -> dict[str, Any] | None:
    """What the first arrival of this command returned; None when this is the first, or it carries no key.

    Raises ConflictError for a key that came with another subject.
    """
    if key is None:
        return None
    columns = idempotency.c
    wanted = (columns.actor == actor.account, columns.verb == verb, columns.key == key)
    with desk.reading() as connection:
        found = connection.execute(select(columns.result, columns.arrived_at).where(*wanted)).one_or_none()
    if found is None:
        return None
    if found.result["subject"] != str(subject):
        raise ConflictError(_("这个幂等键已用于另一项操作，请刷新页面后重试"), by=actor.account, at=found.arrived_at)
    result: dict[str, Any] = found.result["result"]
    return result


def arrived(desk: Desk, prefix: str) -> dict[str, dict[str, Any]]:
    """The results of all commands whose keys begin with ``prefix``, by key."""
    columns = idempotency.c
    query = select(columns.key, columns.result).where(columns.key.startswith(prefix, autoescape=True))
    with desk.reading() as connection:
        return {row.key: row.result["result"] for row in connection.execute(query)}


def remember(ctx: Context, verb: str, subject: object, key: str | None, result: dict[str, Any]) -> None:
    """Keep the result in the same transaction; a second arrival at the same time fails here with IntegrityError."""
    if key is not None:
        kept = {"subject": str(subject), "result": result}
        row = {"actor": ctx.actor, "verb": verb, "key": key, "result": kept, "arrived_at": ctx.now}
        ctx.connection.execute(insert(idempotency).values(row))


def forget_old(ctx: Context) -> None:
    """Remove what no retry can ask for any more; called by the ticker."""
    ctx.connection.execute(delete(idempotency).where(idempotency.c.arrived_at <= ctx.now - KEPT_FOR))
