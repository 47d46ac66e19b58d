"""Verbs on people: accounts, their groups and posts, roles, passwords. Nobody is ever deleted.

A password that the desk makes is returned to be shown once and stored nowhere but as its hash; that is why these
verbs keep no result for a second arrival: an account that exists is told instead. Whoever gets it must change it first.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection

from flask_babel import gettext as _
from sqlalchemy import func, select

from engine.context import Context
from engine.errors import ConflictError, InvalidValuesError, NotAllowedError
from handlers import reference
from handlers.records import people as records
from handlers.records.tables import membership, person, role_grant
from webapp import auth, people
from webapp.desk import permission
from webapp.desk.core import Desk
from webapp.language import N_
from webapp.rights import Person, allowed

OWNER, MANAGE = "owner", "person.manage"
_REFUSAL = N_("只有流程负责人可以管理账号。")
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are mistaken for another one when read aloud
_LENGTH = 16

Post = tuple[str, str]
"""A group and a post in it, both keys; post "" is none."""


def add(desk: Desk, actor: Person, account: str, name: str, posts: Collection[Post], roles: Collection[str]) -> str:
    """A new account; returns its first password. Raises ConflictError where the account exists."""
    password, hashed = _new_password(actor)
    with desk.unit_of_work(actor) as ctx:
        _require_right(ctx, actor)
        _require_known(ctx, posts, roles)
        people.add(ctx, account.strip(), name, hashed, posts=posts, roles=roles, must_change=True)
    return password


def reset_password(desk: Desk, actor: Person, account: str) -> str:
    """A new password for an account, whose sessions and tokens end; returns it."""
    password, hashed = _new_password(actor)
    with desk.unit_of_work(actor) as ctx:
        _require_right(ctx, actor)
        people.set_password(ctx, account, hashed, must_change=True)
        auth.shut_out(ctx, account)
    return password


def set_active(desk: Desk, actor: Person, account: str, *, active: bool) -> None:
    """Disable or enable an account; the last owner stays, tokens stay revoked. Doing it twice changes nothing."""
    with desk.unit_of_work(actor) as ctx:
        _require_right(ctx, actor)
        if not active:
            _keep_an_owner(ctx, account)
        records.set_active(ctx, account, active)
        if not active:
            auth.shut_out(ctx, account)


def set_posts(desk: Desk, actor: Person, account: str, posts: Collection[Post]) -> None:
    """The groups and posts of an account from now on."""
    with desk.unit_of_work(actor) as ctx:
        _require_right(ctx, actor)
        people.require(ctx.connection, account)
        _require_known(ctx, posts, ())
        c = membership.c
        had = {
            (row.group, row.post) for row in ctx.connection.execute(select(c.group, c.post).filter_by(account=account))
        }
        for group in {group for group, _ in had - set(posts)}:
            records.leave_group(ctx, account, group)
        for group, post in posts:
            records.join_group(ctx, account, group, post)


def set_roles(desk: Desk, actor: Person, account: str, roles: Collection[str]) -> None:
    """The roles of an account from now on; the last owner stays one."""
    with desk.unit_of_work(actor) as ctx:
        _require_right(ctx, actor)
        people.require(ctx.connection, account)
        _require_known(ctx, (), roles)
        had = set(ctx.connection.scalars(select(role_grant.c.role).where(role_grant.c.account == account)))
        if OWNER in had and OWNER not in roles:
            _keep_an_owner(ctx, account)
        for role in had - set(roles):
            records.revoke_role(ctx, account, role)
        for role in roles:
            records.grant_role(ctx, account, role)


def _new_password(actor: Person) -> tuple[str, str]:
    """A password and its hash, which is slow: before anything is locked, and for nobody who had no right before."""
    if not allowed(actor, MANAGE):
        raise NotAllowedError(_(_REFUSAL))
    password = "".join(secrets.choice(_SIGNS) for _each in range(_LENGTH))
    return password, auth.hash_password(password)


def _require_right(ctx: Context, actor: Person) -> None:
    permission.require(ctx, actor, MANAGE, _(_REFUSAL))


def _keep_an_owner(ctx: Context, account: str) -> None:
    """Refuse to leave nobody who could manage accounts; two who do so to each other take turns."""
    if ctx.connection.dialect.name == "postgresql":
        ctx.connection.execute(select(person.c.account).where(person.c.active).with_for_update())
    owners = (
        select(func.count())
        .select_from(person.join(role_grant, role_grant.c.account == person.c.account))
        .where(person.c.active, role_grant.c.role == OWNER, person.c.account != account)
    )
    if not ctx.connection.scalar(owners) and _is_owner(ctx, account):
        raise ConflictError(_("这是最后一位流程负责人，不能停用或取消角色：请先指定另一位。"))


def _is_owner(ctx: Context, account: str) -> bool:
    query = select(role_grant.c.account).where(role_grant.c.account == account, role_grant.c.role == OWNER)
    return ctx.connection.scalar(query) is not None


def _require_known(ctx: Context, posts: Collection[Post], roles: Collection[str]) -> None:
    unknown = [group for group, _ in posts if reference.row(ctx, "groups", group) is None]
    for group, post in posts:
        row = reference.row(ctx, "posts", post) if post else {"group": group}
        if row is None or row["group"] != group:
            unknown.append(post)
    unknown += [role for role in roles if reference.row(ctx, "roles", role) is None or role == "system"]
    if unknown:
        raise InvalidValuesError({"posts": _("参考数据中没有：%(unknown)s", unknown="、".join(unknown))})
