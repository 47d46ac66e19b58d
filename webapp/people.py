"""People who act, as the doors need them: rights from groups and roles; passwords; demo accounts.

Accounts, groups and roles themselves are written through ``handlers.records.people``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Connection, RowMapping, String, bindparam, cast, literal, or_, select, union_all, update

from engine.context import SYSTEM, Context
from engine.errors import ConflictError, EngineError, NotFoundError
from handlers.records import people
from handlers.records.tables import LINE, customer, membership, person, role_grant
from webapp.rights import Person

BY_LINK = "customer"  # in the history: a customer without an account, by a signed link
RESERVED = frozenset({SYSTEM, BY_LINK})  # the history names so what nobody with an account did
ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")


# Built once: every request asks for it.
_HELD = union_all(
    select(literal("group").label("kind"), membership.c.group).where(membership.c.account == bindparam("account")),
    select(literal("role"), role_grant.c.role).where(role_grant.c.account == bindparam("account")),
    select(literal("customer"), cast(customer.c.id, String)).where(customer.c.account == bindparam("account")),
)


def find(connection: Connection, account: str) -> Person:
    """An active person with groups and roles; raises NotFoundError. For doors that know the account."""
    row = connection.execute(select(person).where(person.c.account == account, person.c.active)).mappings().first()
    if row is None:
        raise NotFoundError(_("没有账号 %(account)s，或已停用", account=account))
    return with_groups(connection, row)


def with_groups(connection: Connection, row: RowMapping) -> Person:
    """The person of a row of the table person; one more SELECT."""
    account = row["account"]
    pairs = connection.execute(_HELD, {"account": account}).all()
    return Person(
        account=account,
        name=row["name"],
        groups=frozenset(value for kind, value in pairs if kind == "group"),
        roles=frozenset(value for kind, value in pairs if kind == "role"),
        demo=row["demo"],
        must_change_password=row["must_change_password"],
        customer=next((int(value) for kind, value in pairs if kind == "customer"), None),
    )


def add(
    ctx: Context,
    account: str,
    name: str,
    password_hash: str | None,
    *,
    posts: Iterable[tuple[str, str]] = (),
    roles: Collection[str] = (),
    phone: str | None = None,
    demo: bool = False,
    must_change: bool = False,
) -> None:
    """Create an account; ``posts`` are pairs of group and post (post "" is none).

    Raises ConflictError if it exists and EngineError for a name that is none.
    """
    if not ACCOUNT.fullmatch(account):
        raise EngineError(_("账号应为 2 到 40 个小写字母、数字、点、下划线或连字符，并以字母或数字开头"))
    if account in RESERVED:
        raise EngineError(_("账号 %(account)s 由系统使用，请另取一个", account=account))
    name = name.strip()
    if not 0 < len(name) <= LINE or not name.isprintable():
        raise EngineError(_("姓名应为 1 到 %(line)s 个可以显示的字符", line=LINE))
    people.add_person(ctx, account, name, phone=phone, demo=demo)
    set_password(ctx, account, password_hash, must_change=must_change)
    for group, post in posts:
        people.join_group(ctx, account, group, post)
    for role in roles:
        people.grant_role(ctx, account, role)


def set_password(ctx: Context, account: str, password_hash: str | None, *, must_change: bool = False) -> None:
    """Store a new hash; with None nobody can sign in. Raises NotFoundError.

    ``must_change``: somebody else chose the password, so that it opens only the page on which it is changed.
    """
    values = {"password_hash": password_hash, "must_change_password": must_change}
    if ctx.connection.execute(update(person).where(person.c.account == account).values(values)).rowcount == 0:
        raise NotFoundError(_("没有账号 %(account)s", account=account))


def require(connection: Connection, account: str) -> None:
    """Raise NotFoundError where there is no such account, active or not."""
    if connection.scalar(select(person.c.account).where(person.c.account == account)) is None:
        raise NotFoundError(_("没有账号 %(account)s", account=account))


def link_customer(ctx: Context, account: str, customer_id: int) -> None:
    """Let an account follow the incidents of a customer; raises NotFoundError, ConflictError where either is taken."""
    require(ctx.connection, account)
    c = customer.c
    taken = ctx.connection.scalar(select(c.id).where(c.account == account, c.id != customer_id))
    if taken is not None:
        raise ConflictError(_("这个账号已对应另一位用户"))
    statement = update(customer).where(c.id == customer_id, or_(c.account.is_(None), c.account == account))
    if ctx.connection.execute(statement.values(account=account, updated_at=ctx.now)).rowcount == 0:
        raise ConflictError(_("没有这位用户，或已对应另一个账号"))


def everybody(connection: Connection) -> list[Mapping[str, Any]]:
    """All accounts in order, without their hashes."""
    columns = (person.c.account, person.c.name, person.c.active, person.c.demo)
    return [dict(row) for row in connection.execute(select(*columns).order_by(person.c.account)).mappings()]


def demo_accounts(connection: Connection) -> list[str]:
    """The accounts whose password everybody knows; none may exist outside demo mode."""
    return list(connection.scalars(select(person.c.account).where(person.c.demo).order_by(person.c.account)))


def somebody_can_sign_in(connection: Connection, accounts: Collection[str]) -> bool:
    """Whether any of these accounts has a password."""
    query = select(person.c.account).where(person.c.account.in_(accounts), person.c.password_hash.is_not(None))
    return connection.scalar(query.limit(1)) is not None


def has_left(connection: Connection, account: str | None, group: str | None) -> bool:
    """Whether somebody who has a task of ``group`` cannot do it any more: disabled, or no longer of the group."""
    return account is not None and group is not None and not in_group(connection, account, group)


def in_group(connection: Connection, account: str, group: str) -> bool:
    """Whether an active account stands in ``group``."""
    query = (
        select(person.c.account)
        .join(membership, membership.c.account == person.c.account)
        .where(person.c.account == account, person.c.active, membership.c.group == group)
    )
    return connection.scalar(query.limit(1)) is not None
