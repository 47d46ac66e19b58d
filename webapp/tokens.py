"""Personal tokens: a program's key to the API, which acts with the rights that its account has at that moment.

A token is 256 random bits that are shown once; the database keeps their hash, so that a copy of it opens nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import Connection, bindparam, func, insert, select, update

from engine.context import SYSTEM, Context
from engine.errors import ConflictError, InvalidValuesError, NotFoundError
from handlers.records.tables import person
from webapp import people
from webapp.desk import Desk, idempotency
from webapp.desk.core import given
from webapp.language import N_
from webapp.queries.rows import Record, records
from webapp.rights import Person
from webapp.tables import api_token

PREFIX = "lovem_"  # by which a token that leaked into a file or a log is found
SECRET_BYTES = 32
USUAL_DAYS, LONGEST_DAYS = 90, 365
NAME_LENGTH = 60
LIVE_AT_MOST = 20  # of one account
ISSUE = "token"

_t = api_token.c
_HOLDER = (
    select(person, _t.id.label("token_id"), _t.used_at)
    .join(api_token, _t.account == person.c.account)
    .where(_t.token_hash == bindparam("hash"), _t.expires_at > bindparam("now"), _t.revoked_at.is_(None))
    .where(person.c.active)
)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token; ``token`` is None where the command arrived a second time: it is shown once and kept nowhere."""

    id: int
    expires_at: datetime
    token: str | None


def issue(
    desk: Desk, actor: Person | str, account: str, name: str, days: int = USUAL_DAYS, *, key: str | None = None
) -> Issued:
    """Make a token for ``account`` that holds for ``days``; ``key`` makes a second arrival issue nothing more.

    Raises InvalidValuesError for a name or length that cannot be, NotFoundError without such an active account,
    ConflictError where it has LIVE_AT_MOST tokens already.
    """
    name = given(name, field="name", name=N_("名称"), most=NAME_LENGTH)
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidValuesError({"days": _("有效期应为 1 到 %(longest_days)s 天", longest_days=LONGEST_DAYS)})
    token = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    acting = actor if isinstance(actor, Person) else Person(actor, actor)

    def act(ctx: Context) -> dict[str, object]:
        people.find(ctx.connection, account)
        _refuse_too_many(ctx, account)
        expires_at = ctx.now + timedelta(days=days)
        values = {"account": account, "name": name, "token_hash": _hash(token), "created_at": ctx.now}
        row = insert(api_token).values(**values, expires_at=expires_at).returning(_t.id)
        token_id = ctx.connection.execute(row).scalar_one()
        return {"id": token_id, "expires_at": expires_at.isoformat(), "hash": _hash(token)}

    # What is known already is refused before it is done again: nothing else would refuse a second token.
    done = idempotency.first_result(desk, acting, ISSUE, account, key)
    if done is None:
        done = idempotency.once(desk, acting, ISSUE, account, key, act)
    shown = token if done["hash"] == _hash(token) else None
    return Issued(done["id"], datetime.fromisoformat(done["expires_at"]), shown)


def revoke(desk: Desk, actor: Person | str, token_id: int, *, account: str | None = None) -> None:
    """End a token at once; again changes nothing. ``account`` is whose it must be, None for anybody's.

    Raises NotFoundError for any other.
    """
    with desk.unit_of_work(actor) as ctx:
        wanted = _t.id == token_id if account is None else (_t.id == token_id) & (_t.account == account)
        if ctx.connection.scalar(select(_t.id).where(wanted)) is None:
            raise NotFoundError(_("没有这个令牌"))
        ctx.connection.execute(update(api_token).where(wanted, _t.revoked_at.is_(None)).values(revoked_at=ctx.now))


def revoke_all(ctx: Context, account: str) -> None:
    """End every token of an account: it was disabled, or its password was reset."""
    mine = (_t.account == account) & _t.revoked_at.is_(None)
    ctx.connection.execute(update(api_token).where(mine).values(revoked_at=ctx.now))


def listed(connection: Connection, account: str | None = None) -> Sequence[Record]:
    """The tokens of an account, or of all, the newest first; never their hashes."""
    columns = (_t.id, _t.account, _t.name, _t.created_at, _t.expires_at, _t.used_at, _t.revoked_at)
    query = select(*columns).order_by(_t.id.desc())
    return records(connection.execute(query if account is None else query.where(_t.account == account)))


def state_of(row: Record, now: datetime) -> str:
    """``live``, ``expired`` or ``revoked``."""
    if row["revoked_at"] is not None:
        return "revoked"
    return "expired" if row["expires_at"] <= now else "live"


def holder(desk: Desk, token: str) -> Person | None:
    """Whose token this is, with the rights of now; None when it is unknown, ended, or its account is disabled.

    One SELECT whatever the token is, and one more for groups and roles of a good one. Its use is noted to the hour.
    """
    now = desk.clock()
    with desk.reading() as connection:
        row = connection.execute(_HOLDER, {"hash": _hash(token), "now": now}).mappings().first()
        if row is None:
            return None
        found = people.with_groups(connection, row)
    hour = now.replace(minute=0, second=0, microsecond=0)
    if row["used_at"] is None or row["used_at"] < hour:
        with desk.unit_of_work(SYSTEM) as ctx:
            ctx.connection.execute(update(api_token).where(_t.id == row["token_id"]).values(used_at=hour))
    return found


def _refuse_too_many(ctx: Context, account: str) -> None:
    live = select(func.count()).where(_t.account == account, _t.revoked_at.is_(None), _t.expires_at > ctx.now)
    if (ctx.connection.scalar(live) or 0) >= LIVE_AT_MOST:
        raise ConflictError(
            _(
                "账号 %(account)s 已有 %(live_at_most)s 个有效令牌，请先停用不再使用的",
                account=account,
                live_at_most=LIVE_AT_MOST,
            )
        )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
