"""What is announced to the customers now."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from handlers.records.tables import child, incident
from webapp.queries.rows import Record, records

AT_MOST = 10


def running(connection: Connection) -> Sequence[Record]:
    """The published announcements that are not taken down, the newest first, with their incidents' numbers."""
    columns = (child.c.number, child.c.title, child.c.details, child.c.facts, incident.c.number.label("incident"))
    query = select(*columns).join(incident, incident.c.id == child.c.incident_id)
    query = query.where(child.c.kind == "announcement", child.c.state == "open").order_by(child.c.id.desc())
    return [row for row in records(connection.execute(query.limit(AT_MOST))) if row["facts"].get("published")]
