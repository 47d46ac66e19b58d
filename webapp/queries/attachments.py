"""The files of an incident, and the bytes of one."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from handlers.records.tables import attachment, attachment_content
from webapp.queries.rows import Record, first, records


def of_incident(connection: Connection, incident_id: int) -> Sequence[Record]:
    """What is known of an incident's files, the first first; no list reads their bytes."""
    return records(
        connection.execute(select(attachment).where(attachment.c.incident_id == incident_id).order_by(attachment.c.id))
    )


def content(connection: Connection, attachment_id: int) -> Record | None:
    """A file with its bytes (``content``); None where there is none."""
    joined = attachment.join(attachment_content, attachment_content.c.attachment_id == attachment.c.id)
    query = select(attachment, attachment_content.c.content).select_from(joined)
    return first(connection.execute(query.where(attachment.c.id == attachment_id)))
