"""The rows of child records: read them with their incident locked, change them with a history, write once a step."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from engine.context import Context
from engine.errors import ConflictError, NotFoundError
from handlers.records import incidents
from handlers.records.incidents import Fields
from handlers.records.tables import child as table
from handlers.records.tables import child_change

Child = Mapping[str, Any]

# The history proves them already, or what they say is nobody's act.
_UNTRACKED = frozenset({"finished_at", "wait"})
_CREATED = ("kind", "state", "title", "details", "group")  # what the history of a child begins with

# Built once: putting a statement together costs more than running it.
_OF_INCIDENT = select(table).where(table.c.incident_id == bindparam("of_incident")).order_by(table.c.id)
_INCIDENT_OF = select(table.c.incident_id).where(table.c.number == bindparam("wanted"))
_ADD = insert(table).returning(table.c.id)
_CHANGE = update(table).where(table.c.id == bindparam("this_id"), table.c.revision == bindparam("this_revision"))
_KEEP = insert(child_change)
_KEPT = "changes of children to keep"


def is_child(connection: Connection, number: str) -> bool:
    """Whether a business key is the number of a child."""
    return connection.scalar(_INCIDENT_OF, {"wanted": number}) is not None


def is_problem(connection: Connection, number: str) -> bool:
    """Whether there is a problem with this number, of whatever incident."""
    there = select(table.c.id).where(table.c.number == number, table.c.kind == "problem")
    return connection.scalar(there) is not None


def incident_of(connection: Connection, number: str) -> int:
    """The id of the incident that has the child. Raises NotFoundError."""
    found: int | None = connection.scalar(_INCIDENT_OF, {"wanted": number})
    if found is None:
        raise NotFoundError(f"没有编号为 {number} 的子单")
    return found


def get(ctx: Context, number: str) -> Child:
    """The child as it is now in this unit of work; its incident is locked first. Raises NotFoundError."""
    return of(ctx, incident_of(ctx.connection, number), number)


def of(ctx: Context, incident_id: int, number: str) -> Child:
    """The child ``number`` of an incident, which is locked first. Raises NotFoundError."""
    incidents.get(ctx, incident_id, lock=True)
    found = all_of(ctx, incident_id).get(number)
    if found is None:
        raise NotFoundError(f"事件没有编号为 {number} 的子单")
    return found


def all_of(ctx: Context, incident_id: int) -> dict[str, Child]:
    """The children of an incident by number, as they are now in this unit of work; one SELECT at most.

    Whoever opens one holds the incident's instance, so that an incident which was read under it says if there are any.
    """
    key = ("children", incident_id)
    known: dict[str, Child] | None = ctx.memo.get(key)
    if known is None and not incidents.get(ctx, incident_id)[incidents.HAS_CHILDREN]:
        known = ctx.memo[key] = {}
    if known is None:
        rows = ctx.connection.execute(_OF_INCIDENT, {"of_incident": incident_id}).mappings()
        known = ctx.memo[key] = {row["number"]: MappingProxyType(dict(row)) for row in rows}
    return known


def add(ctx: Context, values: Fields, *, element: str | None) -> Child:
    """Insert a child; its history begins here."""
    known = all_of(ctx, values["incident_id"])
    stamped = {"revision": 1, "updated_at": ctx.now, "updated_by": ctx.actor, **values}
    stamped |= {"created_at": ctx.now, "created_by": ctx.actor}
    stamped["id"] = ctx.connection.execute(_ADD, stamped).scalar_one()
    child: Child = MappingProxyType({column.name: stamped.get(column.name) for column in table.columns})
    known[child["number"]] = child
    created = {name: child[name] for name in _CREATED if child[name] is not None}
    _keep(ctx, child, {}, {**created, **child["facts"]}, None, element)
    return child


def change(
    ctx: Context,
    child: Child,
    fields: Fields,
    *,
    facts: Fields | None = None,
    reason: str | None = None,
    element: str | None = None,
) -> Child:
    """Change what differs in ``fields`` (columns) and ``facts`` (of its kind); returns the child as it is then.

    Written at the end of the step, with old value, new value, actor and reason of each (append-only); raises
    ConflictError there if somebody was faster.
    """
    changed = {name: value for name, value in fields.items() if child[name] != value}
    new_facts = {name: value for name, value in (facts or {}).items() if child["facts"].get(name) != value}
    if not changed and not new_facts:
        return child
    tracked = {name: value for name, value in changed.items() if name not in _UNTRACKED} | new_facts
    old = {name: child[name] if name in changed else child["facts"].get(name) for name in tracked}
    _keep(ctx, child, old, tracked, reason, element)
    return _write(ctx, child, {**changed, **({"facts": {**child["facts"], **new_facts}} if new_facts else {})})


def _write(ctx: Context, child: Child, values: Fields) -> Child:
    key = ("changed child", child["id"])
    first = {"this_id": child["id"], "this_revision": child["revision"], "revision": child["revision"] + 1}
    pending: Fields = ctx.memo.setdefault(key, first)
    stamp = {"updated_at": ctx.now, "updated_by": ctx.actor}
    pending.update(values | stamp)
    ctx.defer(key, partial(_flush, ctx, key))
    after = MappingProxyType({**child, **values, **stamp, "revision": pending["revision"]})
    all_of(ctx, child["incident_id"])[child["number"]] = after
    return after


def _flush(ctx: Context, key: tuple[str, int]) -> None:
    if ctx.connection.execute(_CHANGE, ctx.memo.pop(key)).rowcount == 0:
        raise ConflictError("子单刚被他人修改，请刷新后再操作")


def _keep(ctx: Context, child: Child, old: Fields, new: Fields, reason: str | None, element: str | None) -> None:
    common = {
        "child_id": child["id"],
        "at": ctx.now,
        "actor": ctx.actor,
        "on_behalf_of": ctx.on_behalf_of,
        "element_id": element,
        "reason": reason,
    }
    rows = [{**common, "field": name, "old": old.get(name), "new": value} for name, value in new.items()]
    if rows:
        ctx.memo.setdefault(_KEPT, []).extend(rows)
        ctx.defer(_KEPT, partial(_flush_kept, ctx))


def _flush_kept(ctx: Context) -> None:
    ctx.connection.execute(_KEEP, ctx.memo.pop(_KEPT))
