"""What the pages of administration read: people, reference rows with their past, instances that need a hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, func, or_, select

from engine.persistence import definition, deployment, deployment_item, instance, stuck, user_task
from handlers.records.tables import incident, membership, person, reference_row, role_grant
from webapp.queries.rows import Record, first, records
from webapp.tables import reference_load

AT_MOST = 300
_SHOWN = (person.c.account, person.c.name, person.c.active, person.c.demo, person.c.created_at)


def people(connection: Connection, text: str = "") -> list[Record]:
    """Accounts whose name or account holds ``text``, by account."""
    query = select(*_SHOWN).order_by(person.c.active.desc(), person.c.account).limit(AT_MOST)
    if text:
        c = person.c
        query = query.where(or_(c.name.contains(text, autoescape=True), c.account.contains(text, autoescape=True)))
    return records(connection.execute(query))


def one_person(connection: Connection, account: str) -> Record | None:
    """One account, and whether it can sign in."""
    can = person.c.password_hash.is_not(None).label("can_sign_in")
    return first(connection.execute(select(*_SHOWN, can).where(person.c.account == account)))


def posts_of_all(connection: Connection) -> Mapping[str, list[tuple[str, str]]]:
    """Account → its groups and posts."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    c = membership.c
    for row in connection.execute(select(c.account, c.group, c.post).order_by(c.group, c.post)):
        found[row.account].append((row.group, row.post))
    return found


def roles_of_all(connection: Connection) -> Mapping[str, list[str]]:
    """Account → its roles."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in connection.execute(select(role_grant.c.account, role_grant.c.role).order_by(role_grant.c.role)):
        found[row.account].append(row.role)
    return found


def open_work(connection: Connection, account: str) -> int:
    """How many open tasks somebody has: they stay with him when he is disabled, until a colleague claims them."""
    return int(connection.scalar(select(func.count()).where(user_task.c.assignee == account)) or 0)


def reference_tables(connection: Connection) -> list[Record]:
    """Each reference table with its rows in force (or to come) and its last change."""
    c = reference_row.c
    query = select(
        c.table,
        func.count().filter(c.valid_to.is_(None)).label("rows"),
        func.max(c.changed_at).label("changed_at"),
    ).group_by(c.table)
    return records(connection.execute(query.order_by(c.table)))


def reference_history(connection: Connection, table: str) -> list[Record]:
    """All rows that a table ever had, in its order, newest version first."""
    c = reference_row.c
    return records(connection.execute(select(reference_row).where(c.table == table).order_by(c.position, c.id.desc())))


def loads(connection: Connection, table: str = "") -> list[Record]:
    """The last loads, newest first; of one table those that name it."""
    c = reference_load.c
    query = select(reference_load).order_by(c.id.desc()).limit(20)
    if table:
        query = query.where(c.reason.startswith(f"{table}：", autoescape=True))
    return records(connection.execute(query))


def instances_in_need(connection: Connection) -> list[Record]:
    """Instances that are stuck or suspended, the longest first."""
    i, s = instance.c, stuck.c
    columns = (i.id, i.process_key, i.business_key, i.status, i.started_at, i.end_reason, i.bundle_id)
    query = (
        select(*columns, s.element_id, s.cause, s.command, s.actor, s.stuck_at)
        .join(stuck, s.instance_id == i.id, isouter=True)
        .where(i.status.in_(("stuck", "suspended")))
        .order_by(i.id)
        .limit(AT_MOST)
    )
    return records(connection.execute(query))


def one_instance(connection: Connection, process_key: str, business_key: str) -> Record | None:
    """A running instance by its keys."""
    i = instance.c
    query = select(i.id, i.process_key, i.business_key, i.status, i.started_at)
    where = (i.process_key == process_key, i.business_key == business_key, i.ended_at.is_(None))
    return first(connection.execute(query.where(*where)))


def numbers(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    """Incident → its number, of those that have one."""
    c = incident.c
    query = select(c.id, c.number).where(c.id.in_(list(ids)), c.number.is_not(None))
    return {row.id: row.number for row in connection.execute(query)}


def incident_id(connection: Connection, number: str) -> int | None:
    """The incident with that number."""
    return connection.scalar(select(incident.c.id).where(incident.c.number == number.upper()))


def deployments(connection: Connection, before: int | None = None) -> list[Record]:
    """The last deployments, newest first, each with its definitions."""
    c = deployment.c
    query = select(deployment).order_by(c.id.desc()).limit(50)
    if before is not None:
        query = query.where(c.id < before)
    rows = [dict(row) for row in records(connection.execute(query))]
    items: dict[int, list[Any]] = defaultdict(list)
    d = definition.c
    parts = (
        select(deployment_item.c.deployment_id, d.kind, d.key, d.name, d.version)
        .join(definition, d.id == deployment_item.c.definition_id)
        .where(deployment_item.c.deployment_id.in_([row["id"] for row in rows]))
        .order_by(d.kind, d.name)
    )
    for part in connection.execute(parts):
        items[part.deployment_id].append(part)
    return [row | {"parts": items[row["id"]]} for row in rows]
