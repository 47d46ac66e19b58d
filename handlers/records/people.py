"""People of the house (accounts, groups, posts, roles) and customers (looked up, corrected, never lost)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, or_, select, update

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
_SHORT = frozenset({"staff_number", "grade", "phone", "mobile", "extension"})


@dataclass(frozen=True, slots=True)
class Member:
    """A person with every group, post and role he has (R010)."""

    account: str
    name: str
    phone: str | None
    email: str | None
    active: bool
    demo: bool
    groups: frozenset[str]
    posts: frozenset[str]
    roles: frozenset[str]


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


def member(ctx: Context, account: str) -> Member:
    """One person with groups, posts and roles. Raises NotFoundError."""
    found = members(ctx, accounts=[account])
    if not found:
        raise NotFoundError(f"没有账号 {account}")
    return found[0]


def members(ctx: Context, *, group: str | None = None, accounts: Sequence[str] | None = None) -> list[Member]:
    """People by name: all, those of one group, or those with these accounts; three statements."""
    query = select(person).order_by(person.c.name, person.c.account)
    if group is not None:
        query = query.where(person.c.account.in_(select(membership.c.account).where(membership.c.group == group)))
    if accounts is not None:
        query = query.where(person.c.account.in_(accounts))
    people = ctx.connection.execute(query).all()
    names = [row.account for row in people]
    stands = ctx.connection.execute(select(membership).where(membership.c.account.in_(names))).all()
    grants = ctx.connection.execute(select(role_grant).where(role_grant.c.account.in_(names))).all()
    return [
        Member(
            row.account,
            row.name,
            row.phone,
            row.email,
            row.active,
            row.demo,
            frozenset(stand.group for stand in stands if stand.account == row.account),
            frozenset(stand.post for stand in stands if stand.account == row.account and stand.post),
            frozenset(grant.role for grant in grants if grant.account == row.account),
        )
        for row in people
    ]


def find_customers(
    ctx: Context, *, staff_number: str | None = None, phone: str | None = None, name: str | None = None, limit: int = 10
) -> list[Customer]:
    """Customers by staff number, else by telephone or mobile, else by name; whatever finds any first (C-30)."""
    columns = customer.c
    conditions = [
        columns.staff_number == staff_number.strip() if staff_number else None,
        or_(columns.phone == phone.strip(), columns.mobile == phone.strip()) if phone else None,
        columns.name == name.strip() if name else None,
    ]
    for condition in conditions:
        if condition is not None:
            query = select(customer).where(condition).order_by(columns.name, columns.id).limit(limit)
            if found := ctx.connection.execute(query).mappings().all():
                return [dict(row) for row in found]
    return []


def save_customer(ctx: Context, facts: Mapping[str, Any]) -> int:
    """Add a customer, or correct the one known by his staff number, else phone and name; returns his id (R072, R074).

    ``facts`` are CUSTOMER_FIELDS; what is missing or None in them stays as it was. Every correction is kept.
    """
    given = {field: facts[field] for field in CUSTOMER_FIELDS if facts.get(field) is not None}
    _check_lengths(given)
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
    if staff_number := given.get("staff_number"):
        found = find_customers(ctx, staff_number=staff_number)
        return found[0] if found else None
    phone = given.get("mobile") or given.get("phone")
    found = [row for row in find_customers(ctx, phone=phone) if row["name"] == given["name"]] if phone else []
    return found[0] if found else None


def _check_lengths(given: Mapping[str, Any]) -> None:
    limits = {field: KEY if field in _SHORT else LINE for field in given if isinstance(given[field], str)}
    problems = {field: f"最多 {limit} 个字符" for field, limit in limits.items() if len(given[field]) > limit}
    if problems:
        raise InvalidValuesError(problems)


def _keep_corrections(ctx: Context, customer_id: int, before: Customer, after: Mapping[str, Any]) -> None:
    common = {"customer_id": customer_id, "at": ctx.now, "actor": ctx.actor, "on_behalf_of": ctx.on_behalf_of}
    rows = [{**common, "field": name, "old": before.get(name), "new": value} for name, value in after.items()]
    ctx.connection.execute(insert(customer_change), rows)
