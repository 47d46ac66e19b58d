"""Child records of an incident, one of them, and what was done in them."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import Connection, select

from engine.bundles import Bundle, pinned
from engine.context import Context
from engine.errors import NotFoundError
from engine.persistence import bundle, instance
from handlers.records.tables import child, child_change
from webapp.queries.rows import Record, first, records

LIMIT = 400


def of_incident(connection: Connection, incident_id: int) -> list[Record]:
    """The children of an incident in the order of opening."""
    return records(connection.execute(select(child).where(child.c.incident_id == incident_id).order_by(child.c.id)))


def get(connection: Connection, number: str) -> Record:
    """One child with all its columns; raises NotFoundError."""
    found = first(connection.execute(select(child).where(child.c.number == number.upper())))
    if found is None:
        raise NotFoundError(_("没有单号为“%(number)s”的子单", number=number[:40]))
    return found


def bundles(ctx: Context, numbers: Sequence[str]) -> dict[str, Bundle]:
    """Number → what the child's process is pinned to; one statement for all of them, where compiled before."""
    query = select(instance.c.business_key, bundle).join(bundle, bundle.c.id == instance.c.bundle_id)
    rows = ctx.connection.execute(query.where(instance.c.business_key.in_(numbers))).all() if numbers else ()
    return {
        row.business_key: pinned(ctx, row.id, row.process_key, row.content_hash, row.definition_ids) for row in rows
    }


def changes(connection: Connection, child_ids: Sequence[int]) -> list[Record]:
    """What was changed in these children, the oldest first."""
    if not child_ids:
        return []
    c = child_change.c
    query = select(child_change).where(c.child_id.in_(child_ids)).order_by(c.id.desc()).limit(LIMIT)
    return records(connection.execute(query))[::-1]
