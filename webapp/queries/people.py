"""Names of accounts, and the customers that a look-up finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask_babel import gettext as _
from sqlalchemy import Connection, literal, select, union_all

from engine.context import SYSTEM
from handlers.records.tables import customer, membership, person
from webapp.people import BY_LINK
from webapp.queries.rows import Record, records

FOUND_AT_MOST = 6
SHORTEST = 2  # characters before a look-up begins


def names(connection: Connection, accounts: Iterable[str | None]) -> dict[str, str]:
    """Account → name as staff read it; the system is called 系统. One statement, none for no accounts."""
    wanted = {account for account in accounts if account} - {SYSTEM, BY_LINK}
    found = {SYSTEM: _("系统"), BY_LINK: _("用户")}
    if wanted:
        rows = connection.execute(select(person.c.account, person.c.name).where(person.c.account.in_(sorted(wanted))))
        found |= {row.account: row.name for row in rows}
    return found


def posts(connection: Connection, account: str) -> list[tuple[str, str]]:
    """The (group, post) pairs of an account."""
    c = membership.c
    query = select(c.group, c.post).where(c.account == account).order_by(c.group, c.post)
    return [(row.group, row.post) for row in connection.execute(query)]


def colleagues(connection: Connection, group: str) -> list[tuple[str, str]]:
    """(account, name) of the active people of a group, in order of their names."""
    query = select(person.c.account, person.c.name).join(membership, membership.c.account == person.c.account)
    rows = connection.execute(
        query.where(membership.c.group == group, person.c.active).distinct().order_by(person.c.name)
    )
    return [(row.account, row.name) for row in rows]


def colleagues_of(connection: Connection, groups: Sequence[str]) -> list[tuple[str, str, str]]:
    """(group, account, name) of the active people of several groups, in order of group and name."""
    if not groups:
        return []
    joined = membership.join(person, membership.c.account == person.c.account)
    query = select(membership.c.group, person.c.account, person.c.name).select_from(joined).distinct()
    rows = connection.execute(
        query.where(membership.c.group.in_(groups), person.c.active).order_by(membership.c.group, person.c.name)
    )
    return [(row.group, row.account, row.name) for row in rows]


def find_customers(connection: Connection, text: str) -> list[Record]:
    """Customers whose staff number, phone or mobile is ``text`` or whose name begins with it, in that order (C-30)."""
    if len(text) < SHORTEST:
        return []
    c = customer.c
    ways = (c.staff_number == text, c.phone == text, c.mobile == text, c.name.startswith(text, autoescape=True))
    ranked = union_all(
        *(
            select(select(literal(rank).label("rank"), c.id).where(way).limit(FOUND_AT_MOST).subquery())
            for rank, way in enumerate(ways)
        )
    ).subquery()
    query = select(customer, ranked.c.rank).join(ranked, ranked.c.id == c.id).order_by(ranked.c.rank, c.name, c.id)
    found: dict[int, Record] = {}
    for row in records(connection.execute(query)):
        found.setdefault(row["id"], row)
    return list(found.values())[:FOUND_AT_MOST]
