"""The verb of monitoring: an alarm becomes an incident, comes again, or recovers (R046, R086–R088, C-19)."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from engine import instances
from engine.context import Context
from engine.errors import InvalidValuesError, NotAllowedError
from handlers import reference
from handlers.records import recovery
from handlers.records.incidents import DESK
from handlers.records.tables import person
from webapp.desk import idempotency
from webapp.desk.core import Desk
from webapp.desk.incidents import IDENTIFY, RECORD, locked, report_within
from webapp.rights import Person, allowed

ALARM = "alarm"  # the verb, the right, and the source
RECOVERED = "recovered"  # the message to the diagram
CREATED, ADDED, CLEARED, RESOLVED, UNKNOWN = "created", "added", "cleared", "resolved", "unknown"
SUMMARY_LENGTH, TEXT_LENGTH = 100, 3800
NO_GRADE = "无"  # 告警或身份不明
_STAFF_NUMBER = re.compile(r"[0-9A-Za-z-]{1,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What monitoring reports. ``number`` is the same for every report of one alarm; ``account`` raised it by hand."""

    number: str
    severity: str  # critical | major | minor | warning
    text: str
    occurred_at: datetime
    firing: bool = True
    account: str | None = None
    configuration_item: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an alarm: CREATED, ADDED, CLEARED, RESOLVED or UNKNOWN, and the number of its incident."""

    result: str
    incident: str | None


def take_alarm(desk: Desk, actor: Person, alarm: Alarm, *, key: str | None = None) -> Taken:
    """Take one alarm in one unit of work; two nodes that get the same alarm make one incident.

    A firing alarm creates an incident, or adds to the one that is open for it; a resolved one marks that as recovered,
    and resolves it where nobody has accepted it yet. ``key`` makes a second arrival return the first one's result.
    Raises NotAllowedError, InvalidValuesError, StepFailedError.
    """
    if not allowed(actor, ALARM):
        raise NotAllowedError("这个账号不能上报告警。")

    def act(ctx: Context) -> dict[str, Any]:
        recovery.take_turns(ctx, alarm.number)
        incident_id = recovery.open_for(ctx, alarm.number)
        return asdict(_fires(ctx, actor, alarm, incident_id) if alarm.firing else _recovers(ctx, alarm, incident_id))

    return Taken(**idempotency.once(desk, actor, ALARM, alarm.number, key, act))


def _fires(ctx: Context, actor: Person, alarm: Alarm, incident_id: int | None) -> Taken:
    if incident_id is not None:
        incident = recovery.again(ctx, locked(ctx, incident_id), alarm.text[:TEXT_LENGTH])
        return Taken(ADDED, incident["number"])
    at_the_desk = replace(actor, groups=actor.groups | {DESK})  # it records in the desk's place, and nothing else
    values = {IDENTIFY: _customer(ctx, actor), RECORD: _record(ctx, alarm)}
    return Taken(CREATED, report_within(ctx, at_the_desk, values).number)


def _recovers(ctx: Context, alarm: Alarm, incident_id: int | None) -> Taken:
    if incident_id is None:
        return Taken(UNKNOWN, None)
    incident = locked(ctx, incident_id)
    if incident["alarm_cleared_at"] is not None:
        return Taken(CLEARED, incident["number"])  # reported before
    incident = recovery.clear(ctx, incident, alarm.occurred_at)
    if recovery.resolves_itself(incident) and _tell_process(ctx, incident_id):
        return Taken(RESOLVED, incident["number"])
    return Taken(CLEARED, incident["number"])


def _tell_process(ctx: Context, incident_id: int) -> bool:
    """Whether the process waited for the recovery and has gone on; stage 1 does not wait for it."""
    ctx.settle()
    return instances.deliver(ctx, RECOVERED, str(incident_id)) is not None


def _customer(ctx: Context, actor: Person) -> dict[str, Any]:
    """The values of 1.2: whoever reports is the account itself, filled in by the system (R088)."""
    row = ctx.connection.execute(select(person.c.phone, person.c.email).where(person.c.account == actor.account)).one()
    if not row.phone:
        raise InvalidValuesError({"account": f"账号 {actor.account} 没有登记联系电话，请系统管理员补上"})
    group = next((found for key in sorted(actor.groups) if (found := reference.row(ctx, "groups", key))), None)
    values = {
        "customer_name": actor.name[:50],
        "customer_grade": NO_GRADE,
        "department": (group and group["department"]) or "it_operation",
        "phone": row.phone,
        "served": True,
    }
    if _STAFF_NUMBER.fullmatch(actor.account):
        values["staff_number"] = actor.account
    return values


def _record(ctx: Context, alarm: Alarm) -> dict[str, Any]:
    """The values of 1.4 (R086, R087)."""
    values = {
        "source": ALARM,
        "request_type": "故障",
        "alarm_severity": alarm.severity,
        "alarm_number": alarm.number,
        "alarm_text": alarm.text,
        "alarm_trigger": "manual" if alarm.account else "automatic",
        "occurred_at": min(alarm.occurred_at, ctx.now).isoformat(),  # its clock may be ahead of ours
        "summary": " ".join(alarm.text.split())[:SUMMARY_LENGTH],
        "details": alarm.text,
    }
    if alarm.account:
        values["alarm_account"] = alarm.account
    if alarm.configuration_item:
        values["configuration_items"] = alarm.configuration_item
    return values
