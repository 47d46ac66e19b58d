"""The incident record: the one place that reads and changes it.

Whatever changes an incident goes through ``change``: it keeps old value, new value, actor and reason of every field
(R221, R312), refuses a stale writer, holds exactly one responsible at any time (R203, T-8) and keeps closed incidents
closed (R277).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, bindparam, exists, insert, select, update

from engine.context import Context
from engine.errors import ConflictError, NotFoundError
from handlers import clocks, reference
from handlers.records import people
from handlers.records.tables import child, field_change
from handlers.records.tables import incident as table

Incident = Mapping[str, Any]
Fields = dict[str, Any]

STATES: Mapping[str, str] = {
    "new": "新建",
    "to_dispatch": "待分派",
    "to_accept": "待受理",
    "in_progress": "处理中",
    "waiting": "等待",
    "resolved": "已解决",
    "closed": "已关闭",
    "slave": "从事件",
}
DESK = "desk"  # role, and key of the service desk's group
SUPPORT, RECORDER = "support", "recorder"
RESPONSIBLE = ("responsible_role", "responsible_group", "responsible_person")

# Bookkeeping that other rows prove already: waiting periods prove the clocks, changes the revision, children the waits.
_UNTRACKED = frozenset(
    ["id", "revision", "updated_at", "updated_by", "held_state", "waiting_since", "waiting_code", "waiting_until"]
    + ["child_wait"]
    + [f"{name}_{part}" for name in clocks.CLOCKS for part in ("for", "started_at", "stopped_at", "paused")]
)
LEADS = "leads"
"""A fact of an incident that is no column: whether others are bound to it as slaves, as it was when it was read."""
RECORDER_IS_THERE = "recorder_is_there"
"""Such a fact, too: whether its recorder has an active account in the group for which he recorded it (C-17)."""
HAS_CHILDREN = "has_children"
"""Such a fact, too: whether anything was ever given to others for it, as it was when it was read."""
_FACTS = (*(column.name for column in table.columns), LEADS, RECORDER_IS_THERE, HAS_CHILDREN)
TRACKED = tuple(column.name for column in table.columns if column.name not in _UNTRACKED)

# Built once: putting a statement together costs more than running it.
_slave = table.alias("slave")
_LEADS = exists().where(_slave.c.master_id == table.c.id, _slave.c.state == "slave").label(LEADS)
_THERE = people.stands(table.c.recorder, table.c.recorder_group).correlate(table).exists().label(RECORDER_IS_THERE)
_CHILDREN = exists().where(child.c.incident_id == table.c.id).label(HAS_CHILDREN)
_SELECT = select(table, _LEADS, _THERE, _CHILDREN, reference.token_column().label("reference_token"))
_GET = _SELECT.where(table.c.id == bindparam("this_id"))
_GET_LOCKED = _GET.with_for_update(of=table)
_BY_NUMBER = select(table.c.id).where(table.c.number == bindparam("this_number"))
_CHANGE = update(table).where(table.c.id == bindparam("this_id"), table.c.revision == bindparam("this_revision"))
_KEEP = insert(field_change)


def create(ctx: Context, facts: Fields | None = None, *, group: str = DESK) -> int:
    """Open the record of a report that reaches the desk now, and return its id; the number follows at 1.4.

    ``facts`` are columns already known (for example ``source``). The actor becomes its recorder, for ``group`` (the
    service desk's or a local network's, C-17); the service desk is responsible (R198) and the response clock runs.
    """
    given = dict(facts or {})
    values: Fields = {
        "revision": 1,
        "updated_at": ctx.now,
        "updated_by": ctx.actor,
        "state": "new",
        "stage": 1,
        "recorder": ctx.actor,
        "recorder_group": group,
        **responsible(DESK, DESK),
        **clocks.started("response", ctx.now),
        **given,
    }
    incident_id: int = ctx.connection.execute(insert(table).values(**values).returning(table.c.id)).scalar_one()
    tracked = {name: values[name] for name in TRACKED if name in values}
    ctx.connection.execute(_KEEP, _change_rows(ctx, incident_id, {}, tracked, None, None))
    return incident_id


def get(ctx: Context, incident_id: int, *, lock: bool = False) -> Incident:
    """The incident as it is now in this unit of work; one SELECT at most. Raises NotFoundError.

    ``lock`` holds the row on PostgreSQL until the commit, for whoever is going to change it.
    """
    known: Incident | None = ctx.memo.get(_memo(incident_id))
    if known is not None:
        return known
    found = ctx.connection.execute(_GET_LOCKED if lock else _GET, {"this_id": incident_id}).one_or_none()
    if found is None:
        raise NotFoundError(f"没有编号为 {incident_id} 的事件记录")
    reference.remember_token(ctx, found.reference_token)
    return _remember(ctx, _frozen(found))


def find(ctx: Context, number: str) -> Incident | None:
    """The incident with a number, however it was typed; None where there is none."""
    incident_id = ctx.connection.scalar(_BY_NUMBER, {"this_number": number.strip().upper()})
    return None if incident_id is None else get(ctx, incident_id)


@dataclass(slots=True)
class _Pending:
    """The changes of one incident that its unit of work has not written yet."""

    incident_id: int
    revision: int  # as it was read
    values: Fields = field(default_factory=dict)
    rows: list[Fields] = field(default_factory=list)  # of field_change


def change(
    ctx: Context, incident: Incident, fields: Fields, *, reason: str | None = None, element: str | None = None
) -> Incident:
    """Change what differs in ``fields`` and return the incident as it is then.

    All changes of one step become one UPDATE and one INSERT at its end (``Context.settle``), which raises ConflictError
    if somebody else has changed the incident since it was read. ``element`` is the step that does it. Raises
    ConflictError when a closed incident would be opened; KeyError for an unknown field.
    """
    changed = {name: value for name, value in fields.items() if incident[name] != value}
    if not changed:
        return incident
    after = {**incident, **changed}
    _refuse_reopening(incident, after)
    _require_one_responsible(after)
    pending = _pending(ctx, incident)
    stamp = {"revision": pending.revision + 1, "updated_at": ctx.now, "updated_by": ctx.actor}
    pending.values |= changed | stamp
    tracked = {name: value for name, value in changed.items() if name not in _UNTRACKED}
    pending.rows += _change_rows(ctx, incident["id"], incident, tracked, reason, element)
    return _remember(ctx, MappingProxyType({**after, **stamp}))


def _pending(ctx: Context, incident: Incident) -> _Pending:
    key = ("pending", incident["id"])
    pending: _Pending | None = ctx.memo.get(key)
    if pending is None:
        pending = ctx.memo[key] = _Pending(incident["id"], incident["revision"])
        ctx.defer(key, partial(_write, ctx, key))
    return pending


def _write(ctx: Context, key: tuple[str, int]) -> None:
    pending: _Pending = ctx.memo.pop(key)
    this = {"this_id": pending.incident_id, "this_revision": pending.revision}
    if ctx.connection.execute(_CHANGE, {**pending.values, **this}).rowcount == 0:
        raise _somebody_was_faster(ctx, pending.incident_id)
    if pending.rows:
        ctx.connection.execute(_KEEP, pending.rows)


def responsible(role: str, group: str, person: str | None = None) -> Fields:
    """The columns that make one group, or one person of it, answer for an incident (T-8)."""
    return {"responsible_role": role, "responsible_group": group, "responsible_person": person}


def nobody_responsible() -> Fields:
    """The columns of a closed incident: nobody answers for it any more (T-8)."""
    return dict.fromkeys(RESPONSIBLE)


def taken_by(ctx: Context, incident: Incident, person: str, reason: str) -> Incident:
    """Let the record follow its task to ``person`` of the responsible group (claimed, assigned, delegated; R203).

    Nothing changes where T-8 names no person: before dispatch the whole desk answers, for a slave its master does.
    """
    return _follow(ctx, incident, person, reason)


def given_back(ctx: Context, incident: Incident, reason: str) -> Incident:
    """Let the record follow its task back to the pool: the responsible group answers for it as a whole (R203)."""
    return _follow(ctx, incident, None, reason)


def _follow(ctx: Context, incident: Incident, person: str | None, reason: str) -> Incident:
    if incident["state"] == "slave" or incident["responsible_role"] not in (SUPPORT, RECORDER):
        return incident
    return change(ctx, incident, {"responsible_person": person}, reason=reason)


def _refuse_reopening(before: Incident, after: Mapping[str, Any]) -> None:
    if before["state"] == "closed" and after["state"] != "closed":
        raise ConflictError(
            "事件已关闭，不能重新打开；请登记为复发事件（手册 §5.1.12）",
            by=before["updated_by"],
            at=before["closed_at"],
        )


def _require_one_responsible(after: Mapping[str, Any]) -> None:
    if after["state"] not in STATES:
        raise ValueError(f"unknown state {after['state']!r}")
    if after["state"] == "closed":
        if any(after[name] is not None for name in RESPONSIBLE):
            raise ValueError("nobody is responsible for a closed incident")
    elif after["responsible_role"] is None or after["responsible_group"] is None:
        raise ValueError("an open incident needs a responsible group or person")


def _somebody_was_faster(ctx: Context, incident_id: int) -> ConflictError:
    query = select(table.c.updated_by, table.c.updated_at).where(table.c.id == incident_id)
    found = ctx.connection.execute(query).one()
    return ConflictError("事件刚被他人修改，请刷新后再操作", by=found.updated_by, at=found.updated_at)


def _change_rows(
    ctx: Context, incident_id: int, before: Incident, after: Fields, reason: str | None, element: str | None
) -> list[Fields]:
    common = {
        "incident_id": incident_id,
        "at": ctx.now,
        "actor": ctx.actor,
        "on_behalf_of": ctx.on_behalf_of,
        "element_id": element,
        "reason": reason,
    }
    return [
        {**common, "field": name, "old": _plain(before.get(name)), "new": _plain(value)}
        for name, value in after.items()
        if value is not None or before.get(name) is not None
    ]


def _plain(value: Any) -> Any:
    """A duration as seconds; JSON can write everything else."""
    return value.total_seconds() if isinstance(value, timedelta) else value


def _memo(incident_id: int) -> tuple[str, int]:
    return ("incident", incident_id)


def _remember(ctx: Context, incident: Incident) -> Incident:
    ctx.memo[_memo(incident["id"])] = incident
    return incident


def _frozen(row: Row[Any]) -> Incident:
    return MappingProxyType({name: row._mapping[name] for name in _FACTS})
