"""Alarms on the record: which incident is open for one, that it came again, that it recovered (C-19, R086, R168)."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import func, select

from engine.context import Context
from handlers.records import incidents, relations
from handlers.records.incidents import Incident
from handlers.records.tables import comment
from handlers.records.tables import incident as table

NOT_ACCEPTED = frozenset({"to_dispatch", "to_accept"})
_c = table.c


def take_turns(ctx: Context, number: str) -> None:
    """Let nobody else handle the same alarm until the commit; on SQLite there is one writer anyway."""
    if ctx.connection.dialect.name == "postgresql":
        key = int.from_bytes(hashlib.sha256(number.encode()).digest()[:8], signed=True)
        ctx.connection.execute(select(func.pg_advisory_xact_lock(key)))


def open_for(ctx: Context, number: str) -> int | None:
    """The id of the incident that is open for an alarm, the newest; None where there is none."""
    found = select(_c.id).where(_c.alarm_number == number, _c.state != "closed").order_by(_c.id.desc()).limit(1)
    incident_id: int | None = ctx.connection.scalar(found)
    return incident_id


def again(ctx: Context, incident: Incident, text: str) -> Incident:
    """The alarm came again: counted and kept as a supplement (1.3); a recovery that was reported no longer holds."""
    c = comment.c
    of_alarm = (c.incident_id == incident["id"]) & (c.kind == "supplement") & (c.actor == ctx.actor)
    times = ctx.connection.scalar(select(func.count()).where(of_alarm)) or 0
    relations.comment(ctx, incident["id"], f"告警再次上报（第 {times + 2} 次）：{text}", kind="supplement")
    return incidents.change(ctx, incident, {"alarm_cleared_at": None}, reason="告警再次上报")


def clear(ctx: Context, incident: Incident, at: datetime) -> Incident:
    """Monitoring reports that the alarm recovered ``at``: a fact and a note; the state stays as it is."""
    relations.comment(ctx, incident["id"], "监控报告：告警已消除")
    return incidents.change(ctx, incident, {"alarm_cleared_at": min(at, ctx.now)}, reason="监控报告告警已消除")


def resolves_itself(incident: Incident) -> bool:
    """Whether nobody has accepted the incident yet, so that its recovery resolves it (C-19), waiting or not."""
    state = incident["held_state"] if incident["state"] == "waiting" else incident["state"]
    return state in NOT_ACCEPTED or (state == "new" and incident["number"] is not None)
