"""The searches that somebody keeps under a name."""

from __future__ import annotations

from sqlalchemy import Connection, select

from webapp.queries.rows import Record, records
from webapp.tables import saved_filter


def filters_of(connection: Connection, account: str) -> list[Record]:
    """Id, name and query string of each, by name."""
    c = saved_filter.c
    query = select(c.id, c.name, c.query).where(c.account == account).order_by(c.name)
    return records(connection.execute(query))
