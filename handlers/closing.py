"""Stage 5, closure: resolved, 5.1 check, 5.2 supplement, 5.3 the user's opinion, 5.5 closing (§4.3.5)."""

from __future__ import annotations

from engine.context import SYSTEM, Call, Context
from engine.errors import InvalidValuesError
from handlers import clocks, reference
from handlers.records import catalogue, children, incidents, moves, priority, relations, rules
from handlers.records.incidents import Fields, Incident
from handlers.records.steps import incident_of, record, text, values_of
from handlers.reference import Row

# Close codes (T-7): 咨询已答复, 自行恢复或告警消除, 转需求, 超时自动关闭.
ANSWERED, RECOVERED, TO_REQUIREMENT, AUTOMATIC = "C04", "C05", "C10", "C11"
ALARM = "alarm"  # the source

# What the diagram asks of ``closing``: where stage 5 begins or goes on, or that it is over.
CHECK, CLOSE, AT_ONCE, CLOSED = "check", "close", "automatic", "closed"
# And of ``confirm``, after 5.1 and 5.2.
INCOMPLETE, ASK, SKIP = "incomplete", "ask", "skip"
# The close code that a road into stage 5 brings with it, by the outcome of the stages before.
_CODE_OF_ROAD = {"answered": ANSWERED, "recovered": RECOVERED, "requirement_created": TO_REQUIREMENT}
_TREE = ("category", "type", "symptom")


def resolve(ctx: Context, call: Call) -> str:
    """Set the incident resolved: restoration stops, closure starts, its recorder is responsible (T-8, C-17).

    It comes here by every road: restored (4.6), solved or answered at the desk, recovered by itself (C-19), handed on
    to a problem (C-10) or to a requirement (C-07), with its master. What the user said of an earlier resolution no
    longer counts. Returns CHECK; AT_ONCE after a requirement, of which nobody is asked (R273); CLOSE for a withdrawn
    incident, of which nothing is left to do but 5.5.
    """
    incident = incident_of(ctx, call)
    if incident["withdrawn"]:
        return CLOSE
    road = call.data.get("outcome")
    if road == "recovered":
        children.cancel_all(ctx, incident, "告警已恢复，不再需要")
    fields = {
        "state": "resolved",
        "resolved_at": ctx.now,
        **_resolution(ctx, incident, road),
        **moves.to_recorder(incident),
        **moves.unanswered(),
        **clocks.started("closure", ctx.now),
    }
    if road in _CODE_OF_ROAD:
        fields["proposed_close_code"] = _CODE_OF_ROAD[road]
    for name in ("response", "acceptance", "restoration"):
        fields |= clocks.stopped(incident, name, ctx.now)
    record(ctx, call, incident, fields)
    return AT_ONCE if road == "requirement_created" else CHECK


def _resolution(ctx: Context, incident: Incident, road: object) -> Fields:
    """Who resolved it, and for which group; a slave takes over what resolved its master, and its problem (R147).

    Nobody did what recovered by itself; before dispatch the desk answers as a whole, so that it was whoever acts.
    """
    master = relations.leading(ctx, incident)
    if master is not incident:
        taken = {name: master[name] for name in ("resolver", "resolving_group", "cause", "solution", "problem_ref")}
        code = reference.row(ctx, "close_codes", master["proposed_close_code"])
        chosen = code is not None and code in catalogue.close_codes_for_people(ctx)
        return taken | {"proposed_close_code": master["proposed_close_code"] if chosen else None}
    person = None if road == "recovered" or ctx.actor == SYSTEM else ctx.actor
    return {
        "resolver": incident["responsible_person"] or person,
        "resolving_group": incident["responsible_group"],
    }


def examine(ctx: Context, call: Call) -> str:
    """5.1: whether the record is complete, and whether the user must be asked (R168–R171, C-18, C-29).

    A complete one is classified, here at the latest. That an alarm has cleared is known from monitoring, or the remark
    says how it was seen. Returns INCOMPLETE (5.2), ASK or SKIP.
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    if not values["complete"]:
        missing = text(values, "missing")
        record(ctx, call, incident, {"check_remark": missing}, f"记录不完整，请补充：{missing}")
        return INCOMPLETE
    remark = text(values, "remark")
    if incident["source"] == ALARM and incident["alarm_cleared_at"] is None and remark is None:
        raise InvalidValuesError({"remark": "监控没有报告恢复，请写明怎样确认告警已消除"})
    fields = _classification(ctx, call, incident)
    return _confirmation(ctx, call, record(ctx, call, incident, {**fields, "check_remark": remark}))


def supplement(ctx: Context, call: Call) -> str:
    """5.2: whoever resolved it completes the record, and says what he added (R172); returns ASK or SKIP."""
    values = values_of(call)
    incident = incident_of(ctx, call)
    fields = _classification(ctx, call, incident)
    if cause := text(values, "cause"):
        catalogue.check_cause(ctx, {**incident, **fields}, cause)
        fields["cause"] = cause
    if solution := text(values, "solution"):
        fields["solution"] = solution
    relations.comment(ctx, incident["id"], values["supplement"])
    return _confirmation(ctx, call, record(ctx, call, incident, fields, "补充事件记录"))


def check(ctx: Context, call: Call) -> bool:
    """5.1 as the first diagrams ask it: incidents that began with them keep their version. Whether to ask the user."""
    return examine(ctx, call) == ASK


def _confirmation(ctx: Context, call: Call, incident: Incident) -> str:
    inputs = {name: incident[name] for name in ("source", "request_type", "priority")}
    return ASK if rules.decide(ctx, call, "confirmation", inputs).result else SKIP


def _classification(ctx: Context, call: Call, incident: Incident) -> Fields:
    """The classification as corrected in 5.1 or 5.2, with the priority that follows from it; nothing where it stays."""
    values = values_of(call)
    chosen = {name: values[name] for name in _TREE if values.get(name)}
    after = {**incident, **chosen}
    if missing := {name: "关闭前必须填写分类" for name in ("category", "type") if not after[name]}:
        raise InvalidValuesError(missing)
    if all(incident[name] == value for name, value in chosen.items()):
        return {}
    if after["type"] != incident["type"] and "symptom" not in chosen:
        chosen["symptom"] = after["symptom"] = None
    catalogue.check_classification(ctx, after)
    return {**chosen, **priority.assess(ctx, call, after).fields, "priority_provisional": False}


def ask(ctx: Context, call: Call) -> bool:
    """5.3: keep the user's opinion; returns whether he is satisfied, else it is a rejection (R173, R174, R248).

    A rejection counts, and brings the incident back to the desk; its restoration clock goes on where it had stopped.
    A slave that was resolved with its master goes its own way from here (C-28).
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    satisfied = bool(values["satisfied"])
    fields: Fields = {"satisfied": satisfied, "opinion": text(values, "opinion")}
    if not satisfied:
        fields |= {"rejections": incident["rejections"] + 1, "master_id": None, **moves.to_desk(incident, ctx.now)}
    record(ctx, call, incident, fields, None if satisfied else "用户不满意，退回重新分派")
    return satisfied


def close(ctx: Context, call: Call) -> None:
    """5.5: close with a close code and the solution (R270–R276).

    A code with ``needs_problem`` (变通解决, 解决失败) is refused until there is a problem: the incident's own, or one
    that is named by its number in ``problem_ref`` (R274).
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    problem_ref = (text(values, "problem_ref") or "").upper() or incident["problem_ref"]
    code = reference.row(ctx, "close_codes", values["close_code"])
    problems: dict[str, str] = {}
    if code is None:
        problems["close_code"] = "没有这个关闭代码"
    elif code not in catalogue.close_codes_for_people(ctx):
        problems["close_code"] = f"“{code['name']}”只能由系统设置"
    elif _needs_problem(code) and not problem_ref:
        problems["problem_ref"] = f"以“{code['name']}”关闭前必须先建立问题单，请填写问题单号（手册 §5.1.12）"
    if problem_ref != incident["problem_ref"] and not children.is_problem(ctx.connection, problem_ref):
        problems["problem_ref"] = f"没有单号为“{problem_ref}”的问题单，请先建立问题单"
    if (solution := text(values, "solution")) is None:
        problems["solution"] = "关闭前必须填写解决方案"
    if problems:
        raise InvalidValuesError(problems)
    fields = {
        "close_code": values["close_code"],
        "solution": solution,
        "close_remark": text(values, "remark"),
        "problem_ref": problem_ref,
    }
    _close(ctx, call, incident, fields)


def close_automatically(ctx: Context, call: Call) -> str:
    """Close what stayed resolved for 30 days, with the system's code (R275, R276); the user's consent is not claimed.

    An incident that waits, or whose proposed code needs a problem that is not there, stays open for people, with a note
    on the record (R244, R274, C-26). A withdrawn one keeps the code of the withdrawal, which is no success, and one
    that went on as a requirement is closed at once (R273). Returns CLOSED; else CHECK where the user has yet to be
    asked after the waiting, or CLOSE.
    """
    incident = incidents.get(ctx, int(call.data["incident_id"]), lock=True)  # not incident_of: its waiting goes on
    if obstacle := _obstacle(ctx, incident):
        relations.comment(ctx, incident["id"], f"解决后超时，系统没有自动关闭：{obstacle}")
        asks = incident["state"] == "waiting" and not incident["withdrawn"] and not incident["satisfied"]
        return CHECK if asks else CLOSE
    at_once = call.data.get("closing") == AT_ONCE
    code = incident["proposed_close_code"] if incident["withdrawn"] or at_once else AUTOMATIC
    reason = "已转需求，系统自动关闭" if at_once else "解决后超时，系统自动关闭"
    _close(ctx, call, incident, {"close_code": code}, reason)
    return CLOSED


def _obstacle(ctx: Context, incident: Incident) -> str | None:
    """Why the system may not close the incident, as the end of a sentence; None when it may."""
    if incident["state"] == "waiting":
        return f"事件正在等待（{reference.name(ctx, 'waiting_codes', incident['waiting_code'])}）"
    proposed = reference.row(ctx, "close_codes", incident["proposed_close_code"])
    if proposed is not None and _needs_problem(proposed) and not incident["problem_ref"]:
        return f"建议关闭代码为“{proposed['name']}”，须先建立问题单"
    return None


def _close(ctx: Context, call: Call, incident: Incident, fields: Fields, reason: str | None = None) -> None:
    """Close it, and end what ran beside it: its escalation, its announcement (C-14, C-56)."""
    record(ctx, call, incident, {**fields, **moves.closed(incident, ctx.now), "stage": 5}, reason)
    children.end_companions(ctx, incident)


def _needs_problem(code: Row) -> bool:
    return reference.is_true(code.get("needs_problem"))
