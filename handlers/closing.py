"""Stage 5, closure: resolved, 5.1 check, 5.3 the user's opinion, 5.5 closing by a person or by time (§4.3.5)."""

from __future__ import annotations

from engine.context import Call, Context
from engine.errors import InvalidValuesError
from handlers import clocks, reference
from handlers.records import catalogue, incidents, moves, relations, rules
from handlers.records.incidents import Fields, Incident
from handlers.records.steps import incident_of, record, text, values_of
from handlers.reference import Row

AUTOMATIC = "C11"  # 超时自动关闭 (T-7)

# What the diagram asks of ``closing``: where stage 5 begins or goes on, or that it is over.
CHECK, CLOSE, CLOSED = "check", "close", "closed"


def resolve(ctx: Context, call: Call) -> str:
    """Set the incident resolved: restoration stops, closure starts, its recorder is responsible (T-8, C-17).

    A slave is resolved by whoever resolved its master (R147). What the user said of an earlier resolution no longer
    counts. Returns CHECK; CLOSE for a withdrawn incident, of which nothing is left to do but 5.5.
    """
    incident = incident_of(ctx, call)
    if incident["withdrawn"]:
        return CLOSE
    by = relations.leading(ctx, incident)
    fields = {
        "state": "resolved",
        "resolved_at": ctx.now,
        "resolver": by["resolver"] if by is not incident else incident["responsible_person"],
        "resolving_group": by["resolving_group"] if by is not incident else incident["responsible_group"],
        **moves.to_recorder(incident),
        **moves.unanswered(),
        **clocks.stopped(incident, "acceptance", ctx.now),
        **clocks.stopped(incident, "restoration", ctx.now),
        **clocks.started("closure", ctx.now),
    }
    record(ctx, call, incident, fields)
    return CHECK


def check(ctx: Context, call: Call) -> bool:
    """5.1: keep that the record is complete; returns whether the user must be asked (R168–R171, C-18)."""
    incident = incident_of(ctx, call)
    if remark := text(values_of(call), "remark"):
        record(ctx, call, incident, {"check_remark": remark})
    inputs = {name: incident[name] for name in ("source", "request_type", "priority")}
    answer = rules.decide(ctx, call, "confirmation", inputs)
    return bool(answer.result)


def ask(ctx: Context, call: Call) -> bool:
    """5.3: keep the user's opinion; returns whether he is satisfied, else it is a rejection (R173, R174, R248).

    A rejection counts, and brings the incident back to the desk; its restoration clock goes on where it had stopped.
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    satisfied = bool(values["satisfied"])
    fields: Fields = {"satisfied": satisfied, "opinion": text(values, "opinion")}
    if not satisfied:
        fields |= {"rejections": incident["rejections"] + 1, **moves.to_desk(incident, ctx.now)}
    record(ctx, call, incident, fields, None if satisfied else "用户不满意，退回重新分派")
    return satisfied


def close(ctx: Context, call: Call) -> None:
    """5.5: close with a close code and the solution (R270–R276).

    A code with ``needs_problem`` (变通解决, 解决失败) is refused until a problem's number stands in ``problem_ref``, in
    the form or already in the incident (R274).
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    problem_ref = text(values, "problem_ref") or incident["problem_ref"]
    code = reference.row(ctx, "close_codes", values["close_code"])
    problems: dict[str, str] = {}
    if code is None:
        problems["close_code"] = "没有这个关闭代码"
    elif code not in catalogue.close_codes_for_people(ctx):
        problems["close_code"] = f"“{code['name']}”只能由系统设置"
    elif _needs_problem(code) and not problem_ref:
        problems["problem_ref"] = f"以“{code['name']}”关闭前必须先建立问题单，请填写问题单号（手册 §5.1.12）"
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
    record(ctx, call, incident, fields | _closed(ctx, incident))


def close_automatically(ctx: Context, call: Call) -> str:
    """Close what stayed resolved for 30 days, with the system's code (R275, R276); the user's consent is not claimed.

    An incident that waits, or whose proposed code needs a problem that is not there, stays open for people, with a note
    on the record (R244, R274, C-26). A withdrawn one keeps the code of the withdrawal, which is no success. Returns
    CLOSED; else CHECK where the user has yet to be asked after the waiting, or CLOSE.
    """
    incident = incidents.get(ctx, int(call.data["incident_id"]), lock=True)  # not incident_of: its waiting goes on
    if obstacle := _obstacle(ctx, incident):
        relations.comment(ctx, incident["id"], f"解决后超时，系统没有自动关闭：{obstacle}")
        asks = incident["state"] == "waiting" and not incident["withdrawn"] and not incident["satisfied"]
        return CHECK if asks else CLOSE
    code = incident["proposed_close_code"] if incident["withdrawn"] else AUTOMATIC
    record(ctx, call, incident, {"close_code": code, **_closed(ctx, incident)}, "解决后超时，系统自动关闭")
    return CLOSED


def _obstacle(ctx: Context, incident: Incident) -> str | None:
    """Why the system may not close the incident, as the end of a sentence; None when it may."""
    if incident["state"] == "waiting":
        return f"事件正在等待（{reference.name(ctx, 'waiting_codes', incident['waiting_code'])}）"
    proposed = reference.row(ctx, "close_codes", incident["proposed_close_code"])
    if proposed is not None and _needs_problem(proposed) and not incident["problem_ref"]:
        return f"建议关闭代码为“{proposed['name']}”，须先建立问题单"
    return None


def _closed(ctx: Context, incident: Incident) -> Fields:
    stopped: Fields = {}
    for name in clocks.CLOCKS:
        stopped |= clocks.stopped(incident, name, ctx.now)
    return {"state": "closed", "stage": 5, "closed_at": ctx.now, **incidents.nobody_responsible(), **stopped}


def _needs_problem(code: Row) -> bool:
    return reference.is_true(code.get("needs_problem"))
