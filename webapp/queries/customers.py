"""What a customer may see of his own incidents, and how often a signed link was used."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, or_, select

from handlers.records.tables import comment, customer, incident, waiting_period
from webapp.people import BY_LINK
from webapp.queries.keyset import PAGE
from webapp.queries.rows import Record, first, records
from webapp.tables import idempotency

_i = incident.c


def incidents_of(connection: Connection, customer_id: int) -> list[Record]:
    """The latest incidents of a customer, the newest first; what was only added to another one is shown there."""
    query = select(incident).where(_i.customer_id == customer_id, _i.supplement_of.is_(None))
    return records(connection.execute(query.order_by(_i.id.desc()).limit(PAGE)))


def by_id(connection: Connection, incident_id: int) -> Record | None:
    """One incident with all its columns."""
    return first(connection.execute(select(incident).where(_i.id == incident_id)))


def question(connection: Connection, incident_id: int) -> str:
    """What the desk wants to know while it waits for an answer."""
    w = waiting_period.c
    query = select(w.reason).where(w.incident_id == incident_id, w.ended_at.is_(None)).order_by(w.id.desc()).limit(1)
    return connection.scalar(query) or ""


def said(connection: Connection, incident: Record) -> list[Record]:
    """What the customer himself has added to his incident, the oldest first.

    Nothing that staff wrote, and nothing that another customer called about: 1.3 adds that to the same incident.
    """
    c = comment.c
    account = select(customer.c.account).where(customer.c.id == incident["customer_id"]).scalar_subquery()
    himself = or_(c.actor == BY_LINK, c.actor == account)
    query = select(c.at, c.text).where(c.incident_id == incident["id"], c.kind == "supplement", himself)
    return records(connection.execute(query.order_by(c.id).limit(PAGE)))


def acts_by_link(connection: Connection, prefix: str, now: datetime, within: timedelta) -> int:
    """How many commands whose keys begin with ``prefix`` came by a signed link lately."""
    c = idempotency.c
    lately = (c.actor == BY_LINK, c.key.startswith(prefix, autoescape=True), c.arrived_at > now - within)
    return connection.scalar(select(func.count()).select_from(idempotency).where(*lately)) or 0
