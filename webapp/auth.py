"""Signing in with an account and a password: argon2id, sessions in the database, a bounded lock-out.

Nothing here tells an existing account from an invented one: both take the time of one verification, both are locked.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import gettext as _
from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from engine.context import SYSTEM, Context
from engine.errors import ConflictError, EngineError, InvalidValuesError, NotAllowedError
from handlers.records.tables import person
from webapp import people, tokens
from webapp.desk import Desk
from webapp.language import N_
from webapp.rights import Person
from webapp.tables import sign_in_failure, web_session

FREE_FAILURES = 5  # the fifth failure in a row locks
FIRST_LOCK = timedelta(minutes=1)  # doubled by each further failure …
LONGEST_LOCK = timedelta(minutes=15)  # … up to this
FORGOTTEN_AFTER = timedelta(days=1)
PASSWORD_LENGTH = range(10, 201)

_hasher = PasswordHasher()  # argon2id with RFC 9106's low-memory parameters
_nobody = _hasher.hash(secrets.token_hex())  # verified where there is no such account


class SignInRefusedError(NotAllowedError):
    """Wrong account or password, or locked until ``locked_until``; the message is for the sign-in page."""

    def __init__(self, message: str, locked_until: datetime | None = None) -> None:
        """Keep the instant, so that the page can show it in local time."""
        super().__init__(message)
        self.locked_until = locked_until


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: ``token`` goes into the cookie and is stored nowhere else."""

    account: str
    token: str
    expires_at: datetime


def hash_password(password: str) -> str:
    """The argon2id hash to store; raises EngineError for a password shorter than 10 or longer than 200 characters."""
    if len(password) not in PASSWORD_LENGTH:
        raise EngineError(_length())
    return _hasher.hash(password)


def sign_in(desk: Desk, account: str, password: str, lasts_for: timedelta) -> SignedIn:
    """Check the password and open a session; raises SignInRefusedError.

    The attempt is counted before the password is looked at, so that attempts at the same time do not slip through,
    and the slow verification holds no lock.
    """
    account = account.strip()[:80]
    if _verified(desk, account, password) is None:
        raise SignInRefusedError(_("账号或密码不正确。"))
    with desk.unit_of_work(account) as ctx:
        ctx.connection.execute(delete(sign_in_failure).where(sign_in_failure.c.account == account))
        return _open_session(ctx, account, lasts_for)


def change_password(desk: Desk, actor: Person, current: str, new: str, again: str, lasts_for: timedelta) -> SignedIn:
    """Change one's own password, end every session and open a new one for the browser that asked.

    A wrong ``current`` counts as a failure to sign in. Raises InvalidValuesError with the fields current, new, again;
    SignInRefusedError while the account is locked; ConflictError where the password was changed meanwhile.
    """
    _require_good(current, new, again)
    stored = _verified(desk, actor.account, current)
    if stored is None:
        raise InvalidValuesError({"current": _("当前密码不正确")})
    hashed = hash_password(new)  # slow: before anything is locked
    with desk.unit_of_work(actor) as ctx:
        if _stored(ctx, actor.account, held=True) != stored:
            raise ConflictError(_("密码刚刚在别处改过，您的修改没有生效，请用新的密码重新登录。"))
        people.set_password(ctx, actor.account, hashed)
        ctx.connection.execute(delete(sign_in_failure).where(sign_in_failure.c.account == actor.account))
        end_sessions(ctx, actor.account)
        return _open_session(ctx, actor.account, lasts_for)


def sign_out(desk: Desk, token: str | None) -> None:
    """End the session of ``token``; a copy of the cookie is worth nothing afterwards."""
    if token:
        with desk.unit_of_work(SYSTEM) as ctx:
            ctx.connection.execute(delete(web_session).where(web_session.c.token_hash == _hash(token)))


def sign_out_everywhere(desk: Desk, actor: Person) -> None:
    """End every session of the person who asks for it: a lost telephone, a browser left open."""
    with desk.unit_of_work(actor) as ctx:
        end_sessions(ctx, actor.account)


def end_sessions(ctx: Context, account: str) -> None:
    """End every session of an account, in all browsers."""
    ctx.connection.execute(delete(web_session).where(web_session.c.account == account))


def shut_out(ctx: Context, account: str) -> None:
    """End every session and every token of an account: it was disabled, or somebody else set its password."""
    end_sessions(ctx, account)
    tokens.revoke_all(ctx, account)


_HOLDER = (
    select(person)
    .join(web_session, web_session.c.account == person.c.account)
    .where(web_session.c.token_hash == bindparam("hash"), web_session.c.expires_at > bindparam("now"), person.c.active)
)


def person_of(desk: Desk, token: object) -> Person | None:
    """Who holds ``token`` now; None when it is unknown, has expired, or the account is disabled."""
    if not isinstance(token, str) or not token:
        return None
    with desk.reading() as connection:
        row = connection.execute(_HOLDER, {"hash": _hash(token), "now": desk.clock()}).mappings().first()
        return people.with_groups(connection, row) if row else None


def forget_old(ctx: Context) -> None:
    """Remove expired sessions and failures that nobody remembers; called by the ticker."""
    ctx.connection.execute(delete(web_session).where(web_session.c.expires_at <= ctx.now))
    ctx.connection.execute(delete(sign_in_failure).where(sign_in_failure.c.failed_at <= ctx.now - FORGOTTEN_AFTER))


def _verified(desk: Desk, account: str, password: str) -> str | None:
    """The stored hash if ``password`` is the account's; counts one failure before it looks. No lock is held meanwhile.

    Raises SignInRefusedError while the account is locked.
    """
    with desk.unit_of_work(SYSTEM) as ctx:
        locked_until = _count_attempt(ctx, account)
        stored = _stored(ctx, account)
    if locked_until is not None:
        raise SignInRefusedError(_("登录失败次数过多，账号已暂时锁定，请稍后再试。"), locked_until)
    return stored if _matches(stored, password) else None


def _stored(ctx: Context, account: str, *, held: bool = False) -> str | None:
    query = select(person.c.password_hash).where(person.c.account == account, person.c.active)
    found: str | None = ctx.connection.scalar(query.with_for_update() if held else query)
    return found


def _require_good(current: str, new: str, again: str) -> None:
    """Refuse what is wrong with a new password before an attempt is counted."""
    labels = {"current": N_("请填写当前密码"), "new": N_("请填写新密码"), "again": N_("请再填写一次新密码")}
    typed = {"current": current, "new": new, "again": again}
    problems = {field: _(labels[field]) for field, text in typed.items() if not text}
    if new and len(new) not in PASSWORD_LENGTH:
        problems["new"] = _length()
    elif new and new == current:
        problems["new"] = _("新密码应和当前密码不同")
    if again and new != again:
        problems["again"] = _("两次填写的新密码不一样")
    if problems:
        raise InvalidValuesError(problems)


def _length() -> str:
    span = {"start": PASSWORD_LENGTH.start, "stop": PASSWORD_LENGTH.stop - 1}
    return str(_("密码长度应为 %(start)s 到 %(stop)s 个字符", **span))


def _count_attempt(ctx: Context, account: str) -> datetime | None:
    """Count one more failure (a success takes it back); until when the account is locked, without counting if it is."""
    row = ctx.connection.execute(
        select(sign_in_failure).where(sign_in_failure.c.account == account).with_for_update()
    ).first()
    if row and row.locked_until and row.locked_until > ctx.now:
        return cast(datetime, row.locked_until)
    remembered = row.failures if row and row.failed_at > ctx.now - FORGOTTEN_AFTER else 0
    failures = remembered + 1
    values = {"failures": failures, "failed_at": ctx.now, "locked_until": _locked_until(failures, ctx.now)}
    upsert = sqlite_insert if ctx.connection.dialect.name == "sqlite" else postgres_insert
    statement = upsert(sign_in_failure).values(account=account, **values)
    ctx.connection.execute(statement.on_conflict_do_update(index_elements=["account"], set_=values))
    return None


def _locked_until(failures: int, now: datetime) -> datetime | None:
    if failures < FREE_FAILURES:
        return None
    doubled: timedelta = FIRST_LOCK * 2 ** min(failures - FREE_FAILURES, 10)
    return now + min(doubled, LONGEST_LOCK)


def _open_session(ctx: Context, account: str, lasts_for: timedelta) -> SignedIn:
    token = secrets.token_urlsafe(32)
    expires_at = ctx.now + lasts_for
    ctx.connection.execute(
        insert(web_session).values(token_hash=_hash(token), account=account, created_at=ctx.now, expires_at=expires_at)
    )
    return SignedIn(account, token, expires_at)


def _matches(stored: str | None, password: str) -> bool:
    try:
        return _hasher.verify(stored or _nobody, password[: PASSWORD_LENGTH.stop]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
