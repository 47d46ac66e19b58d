"""Waiting (§5.1.7): holding an incident with a code and an expected end, and resuming it; clocks rest between."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update

from engine import tasks
from engine.context import SYSTEM, Context
from engine.errors import ConflictError, InvalidValuesError
from engine.persistence import instance
from handlers import clocks, reference
from handlers.records import incidents
from handlers.records.incidents import Incident
from handlers.records.tables import incident as table
from handlers.records.tables import waiting_period
from handlers.reference import Row

CODES = "waiting_codes"
_WITHOUT_LIMIT = timedelta(days=30)
_AT_ONCE = 20  # expired waitings that are looked at for one that no other node has in hand


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

    ``code`` is one of ``settable_codes``. Raises ConflictError when the incident's state does not allow it and
    InvalidValuesError for a wrong code, a missing reason or an impossible end.
    """
    if refusal := hold_refusal(incident):
        raise ConflictError(refusal, by=incident["updated_by"], at=incident["updated_at"])
    _check(ctx, code, expected_end, reason, roles)
    return _begin(ctx, incident, code, expected_end, reason.strip())


def hold_by_system(
    ctx: Context,
    incident: Incident,
    code: str,
    reason: str,
    element: str | None,
    *,
    expected_end: datetime | None = None,
) -> Incident:
    """Let the incident wait because ``element`` has begun something that others must end (R241, T-6).

    ``code`` is one that the system sets. Without ``expected_end`` the longest that the code allows is expected;
    a code without limit lasts as long as what is waited for, and is shown as late after 30 days. Raises ConflictError
    when the incident's state does not allow it.
    """
    if refusal := hold_refusal(incident):
        raise ConflictError(refusal, by=incident["updated_by"], at=incident["updated_at"])
    row = reference.row(ctx, CODES, code)
    if row is None or SYSTEM not in row["set_by"].split():
        raise ValueError(f"{code} is no waiting code of the system")
    longest = clocks.duration(row["max"]) if row["max"] else _WITHOUT_LIMIT
    return _begin(ctx, incident, code, expected_end or ctx.now + longest, reason, element)


def _begin(
    ctx: Context, incident: Incident, code: str, expected_end: datetime, reason: str, element: str | None = None
) -> Incident:
    period = {
        "incident_id": incident["id"],
        "code": code,
        "reason": reason,
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
    return incidents.change(ctx, incident, fields, reason=reason, element=element)


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


def is_late(incident: Incident, now: datetime) -> bool:
    """Whether the incident still waits though the expected end of its waiting has come (T-6)."""
    return bool(incident["state"] == "waiting" and incident["waiting_until"] <= now)


def expire(ctx: Context) -> int | None:
    """Resume one incident whose waiting has come to its end and resumes by itself (T-6); returns its id.

    None when there is no more to do: the caller makes a unit of work for each. What another node has in hand is passed
    over. Codes without ``resumes`` leave it to people: their incidents are late (``is_late``).
    """
    codes = [row["key"] for row in reference.rows(ctx, CODES) if reference.is_true(row.get("resumes"))]
    c = table.c
    ended = (c.state == "waiting") & c.waiting_code.in_(codes) & (c.waiting_until <= ctx.now)
    found = select(c.id).where(ended).order_by(c.waiting_until, c.id).limit(_AT_ONCE)
    incident_id: int
    for incident_id in ctx.connection.scalars(found).all():
        if not _instance_is_ours(ctx, incident_id):
            continue
        incident = incidents.get(ctx, incident_id, lock=True)
        if is_late(incident, ctx.now) and incident["waiting_code"] in codes:
            name = reference.name(ctx, CODES, incident["waiting_code"])
            resume(ctx, incident, f"“{name}”到期，自动恢复处理")
            tasks.reoffer(ctx, str(incident_id))
            return incident_id
    return None


def _instance_is_ours(ctx: Context, incident_id: int) -> bool:
    """Lock the incident's instance, as every step of it does first; not where somebody else is at it right now."""
    c = instance.c
    running = select(c.id).where(c.business_key == str(incident_id), c.ended_at.is_(None))
    return ctx.connection.execute(running.with_for_update(skip_locked=True)).first() is not None


def settable_codes(ctx: Context, roles: Collection[str]) -> Sequence[Row]:
    """The waiting codes that the actor may set with ``roles`` (T-6, column set_by), in the order of the table.

    The codes of the system are set by the system itself, whatever roles a person has.
    """
    mine = set(roles) if ctx.actor == SYSTEM else set(roles) - {SYSTEM}
    return [row for row in reference.rows(ctx, CODES) if mine & set(row["set_by"].split())]


def _check(ctx: Context, code: str, expected_end: datetime, reason: str, roles: Collection[str]) -> None:
    row = reference.row(ctx, CODES, code)
    problems: dict[str, str] = {}
    if row is None:
        problems["code"] = "没有这个等待代码"
    elif row not in settable_codes(ctx, roles):
        problems["code"] = f"您的岗位不能使用等待代码“{row['name']}”"
    if not reason.strip():
        problems["reason"] = "请填写等待原因"
    if expected_end <= ctx.now:
        problems["expected_end"] = "预计结束时间应晚于现在"
    elif row is not None and row["max"] and expected_end > ctx.now + clocks.duration(row["max"]):
        problems["expected_end"] = f"“{row['name']}”最长等待 {row['max']}，请填写更早的时间"
    if problems:
        raise InvalidValuesError(problems)
