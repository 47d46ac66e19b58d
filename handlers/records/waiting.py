"""Waiting (§5.1.7): holding an incident with a code and an expected end, and resuming it; clocks rest between."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import insert, update

from engine.context import SYSTEM, Context
from engine.errors import ConflictError, InvalidValuesError
from handlers import clocks, reference
from handlers.records import incidents
from handlers.records.incidents import Incident
from handlers.records.tables import waiting_period
from handlers.reference import Row

MANAGER = "manager"


def hold_refusal(incident: Incident) -> str | None:
    """Why the incident cannot be put on waiting, as a sentence; None when it can."""
    state = incident["state"]
    if state == "waiting":
        return "事件已在等待中；如需更换等待原因，请先恢复"
    if state in ("closed", "slave"):
        return f"事件处于“{incidents.STATES[state]}”，不能置为等待"
    return None


def hold(
    ctx: Context, incident: Incident, code: str, expected_end: datetime, reason: str, *, roles: Collection[str]
) -> Incident:
    """Put the incident on waiting (R240, R243, R245): its clocks stand still until ``resume`` (R244).

    ``code`` is a key of waiting_codes that one of ``roles`` may set (column set_by; the manager sets whatever people
    set, and ``system`` stands for the system). Raises ConflictError when the incident's state does not allow it and
    InvalidValuesError for a wrong code, a missing reason or an impossible end.
    """
    if refusal := hold_refusal(incident):
        raise ConflictError(refusal, by=incident["updated_by"], at=incident["updated_at"])
    _check(ctx, code, expected_end, reason, roles)
    period = {
        "incident_id": incident["id"],
        "code": code,
        "reason": reason.strip(),
        "began_at": ctx.now,
        "expected_end": expected_end,
        "actor": ctx.actor,
        "on_behalf_of": ctx.on_behalf_of,
    }
    ctx.connection.execute(insert(waiting_period).values(**period))
    fields = {
        "state": "waiting",
        "held_state": incident["state"],
        "waiting_since": ctx.now,
        "waiting_code": code,
        "waiting_until": expected_end,
    }
    return incidents.change(ctx, incident, fields, reason=reason.strip())


def resume(ctx: Context, incident: Incident, reason: str, *, element: str | None = None) -> Incident:
    """End the waiting: the state from before comes back and the time waited is paused time of what runs.

    Raises ConflictError when the incident does not wait.
    """
    if incident["state"] != "waiting":
        raise ConflictError("事件不在等待中，可能已被他人恢复", by=incident["updated_by"], at=incident["updated_at"])
    open_period = (waiting_period.c.incident_id == incident["id"]) & waiting_period.c.ended_at.is_(None)
    ended = {"ended_at": ctx.now, "ended_by": ctx.actor, "end_reason": reason}
    ctx.connection.execute(update(waiting_period).where(open_period).values(**ended))
    fields = {
        "state": incident["held_state"],
        "held_state": None,
        "waiting_since": None,
        "waiting_code": None,
        "waiting_until": None,
        **clocks.after_waiting(incident, ctx.now),
    }
    return incidents.change(ctx, incident, fields, reason=reason, element=element)


def settable_codes(ctx: Context, roles: Collection[str]) -> list[Row]:
    """The waiting codes that somebody with ``roles`` may set (T-6)."""
    return [row for row in reference.rows(ctx, "waiting_codes") if _may_set(row, roles)]


def _may_set(row: Row, roles: Collection[str]) -> bool:
    setters = set(row["set_by"].split())
    return bool(setters & set(roles)) or (MANAGER in roles and setters != {SYSTEM})


def _check(ctx: Context, code: str, expected_end: datetime, reason: str, roles: Collection[str]) -> None:
    row = reference.row(ctx, "waiting_codes", code)
    problems: dict[str, str] = {}
    if row is None:
        problems["code"] = "没有这个等待代码"
    elif not _may_set(row, roles):
        problems["code"] = f"您的岗位不能使用等待代码“{row['name']}”"
    if not reason.strip():
        problems["reason"] = "请填写等待原因"
    if expected_end <= ctx.now:
        problems["expected_end"] = "预计结束时间应晚于现在"
    elif row is not None and row["max"] and expected_end > ctx.now + clocks.duration(row["max"]):
        problems["expected_end"] = f"“{row['name']}”最长等待 {row['max']}，请填写更早的时间"
    if problems:
        raise InvalidValuesError(problems)
