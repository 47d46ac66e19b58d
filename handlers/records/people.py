"""People of the house (accounts, groups, posts, roles) and customers (looked up, corrected, never lost)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, or_, select, update

from engine.context import Context
from engine.errors import ConflictError, InvalidValuesError, NotFoundError
from handlers.records.tables import KEY, LINE, customer, customer_change, membership, person, role_grant

Customer = Mapping[str, Any]
CUSTOMER_FIELDS = (
    "staff_number",
    "name",
    "grade",
    "phone",
    "mobile",
    "extension",
    "location",
    "email",
    "department",
    "served",
)
_ADDING = 0x6C6F76656D  # of the advisory lock under which customers are added
_SHORT = frozenset({"staff_number", "grade", "phone", "mobile", "extension"})


def add_person(
    ctx: Context, account: str, name: str, *, phone: str | None = None, email: str | None = None, demo: bool = False
) -> None:
    """Make an account without a password. Raises ConflictError when the name is taken."""
    if ctx.connection.scalar(select(person.c.account).where(person.c.account == account)):
        raise ConflictError(f"账号 {account} 已存在")
    values = {"account": account, "name": name, "phone": phone, "email": email, "demo": demo, "created_at": ctx.now}
    ctx.connection.execute(insert(person).values(active=True, **values))


def join_group(ctx: Context, account: str, group: str, post: str = "") -> None:
    """Put a person into a group, on a post of it where one is named; again changes nothing."""
    key = {"account": account, "group": group, "post": post}
    if ctx.connection.scalar(select(membership.c.account).filter_by(**key)) is None:
        ctx.connection.execute(insert(membership).values(**key))


def leave_group(ctx: Context, account: str, group: str) -> None:
    """Take a person off all his posts of a group."""
    where = (membership.c.account == account) & (membership.c.group == group)
    ctx.connection.execute(delete(membership).where(where))


def grant_role(ctx: Context, account: str, role: str) -> None:
    """Give a person a role; again changes nothing."""
    key = {"account": account, "role": role}
    if ctx.connection.scalar(select(role_grant.c.account).filter_by(**key)) is None:
        ctx.connection.execute(insert(role_grant).values(**key))


def revoke_role(ctx: Context, account: str, role: str) -> None:
    """Take a role from a person."""
    where = (role_grant.c.account == account) & (role_grant.c.role == role)
    ctx.connection.execute(delete(role_grant).where(where))


def set_active(ctx: Context, account: str, active: bool) -> None:
    """Enable or disable an account; nobody is ever deleted. Raises NotFoundError."""
    if not ctx.connection.execute(update(person).where(person.c.account == account).values(active=active)).rowcount:
        raise NotFoundError(f"没有账号 {account}")


def stands(account: ColumnElement[str] | str, group: ColumnElement[str] | str) -> Select[tuple[str]]:
    """Finds something where an active ``account`` stands in ``group``."""
    joined = (membership.c.account == person.c.account) & (membership.c.group == group)
    there = select(person.c.account).select_from(person.join(membership, joined))
    return there.where(person.c.account == account, person.c.active)


def stands_in(connection: Connection, account: str, group: str) -> bool:
    """Whether an active account stands in ``group``."""
    return connection.scalar(stands(account, group).limit(1)) is not None


def save_customer(ctx: Context, facts: Mapping[str, Any]) -> int:
    """Add a customer, or correct the one known by his staff number, else by name and telephone; returns his id.

    ``facts`` are CUSTOMER_FIELDS; what is missing or None in them stays as it was. Every correction is kept (R072,
    R074). Two first calls of one customer at the same time make one row.
    """
    given = {field: facts[field] for field in CUSTOMER_FIELDS if facts.get(field) is not None}
    _check_lengths(given)
    known = _known_customer(ctx, given)
    if known is None:
        _let_nobody_else_add(ctx)
        known = _known_customer(ctx, given)
    if known is None:
        statement = insert(customer).values(**given, updated_at=ctx.now).returning(customer.c.id)
        customer_id: int = ctx.connection.execute(statement).scalar_one()
        _keep_corrections(ctx, customer_id, {}, given)
        return customer_id
    corrected = {field: value for field, value in given.items() if known[field] != value}
    if corrected:
        correction = update(customer).where(customer.c.id == known["id"]).values(**corrected, updated_at=ctx.now)
        ctx.connection.execute(correction)
        _keep_corrections(ctx, known["id"], known, corrected)
    return int(known["id"])


def _known_customer(ctx: Context, given: Mapping[str, Any]) -> Customer | None:
    """The customer with the staff number; else the one of this name who has one of the telephones.

    A staff number that nobody has yet may belong to somebody who was known without one, never to another's.
    """
    c = customer.c
    numbers = {given[field] for field in ("phone", "mobile") if given.get(field)}
    same_phone = (c.name == given["name"]) & or_(c.phone.in_(numbers), c.mobile.in_(numbers))
    way = same_phone
    if staff_number := given.get("staff_number"):
        way = or_(c.staff_number == staff_number, same_phone & c.staff_number.is_(None))
    query = select(customer).where(way).order_by(c.staff_number.is_(None), c.id).limit(1)
    found = ctx.connection.execute(query).mappings().first()
    return dict(found) if found else None


def _let_nobody_else_add(ctx: Context) -> None:
    """On PostgreSQL other first calls wait for this one's commit; on SQLite there is one writer anyway."""
    if ctx.connection.dialect.name == "postgresql":
        ctx.connection.execute(select(func.pg_advisory_xact_lock(_ADDING)))


def _check_lengths(given: Mapping[str, Any]) -> None:
    limits = {field: KEY if field in _SHORT else LINE for field in given if isinstance(given[field], str)}
    problems = {field: f"最多 {limit} 个字符" for field, limit in limits.items() if len(given[field]) > limit}
    if problems:
        raise InvalidValuesError(problems)


def _keep_corrections(ctx: Context, customer_id: int, before: Customer, after: Mapping[str, Any]) -> None:
    common = {"customer_id": customer_id, "at": ctx.now, "actor": ctx.actor, "on_behalf_of": ctx.on_behalf_of}
    rows = [{**common, "field": name, "old": before.get(name), "new": value} for name, value in after.items()]
    ctx.connection.execute(insert(customer_change), rows)
