"""Stage 4, resolution and recovery: 4.1 agreement and the way to go, 4.5 recovery, 4.6 verification (§4.3.4)."""

from __future__ import annotations

from engine.context import Call, Context
from engine.errors import InvalidValuesError
from handlers.records import catalogue, children, incidents, moves
from handlers.records.incidents import Fields
from handlers.records.steps import incident_of, record, text, values_of

DISAGREED, WAIT, CHECK = "disagreed", "wait", "check"


def choose(ctx: Context, call: Call) -> str:
    """4.1: keep the customer's answer and the way to go (R151–R156); if he disagreed, it is the desk's again.

    Returns DISAGREED, else the answer's ``next``: recover, change, requirement, tasks, or WAIT for what was sent out
    before. Where a joint check is among that, it is CHECK: the requirement follows once it is confirmed (C-09).
    """
    way = str(values_of(call)["next"]) if agree(ctx, call) else DISAGREED
    if way != WAIT:
        return way
    awaited = children.awaitable(ctx, incident_of(ctx, call))
    if not awaited:
        raise InvalidValuesError({"next": "没有还在办理的变更、需求、协查或任务，请选择别的下一步"})
    return CHECK if any(each["kind"] == "joint_check" for each in awaited) else WAIT


def agree(ctx: Context, call: Call) -> bool:
    """4.1 as the first diagrams ask it: incidents that began with them keep their version. Whether he agreed."""
    values = values_of(call)
    incident = incident_of(ctx, call)
    agreed = bool(values["agreed"])
    fields: Fields = {"agreed": agreed, "agreement": text(values, "answer")}
    if not agreed:
        fields |= moves.to_desk(incident, ctx.now)
    record(ctx, call, incident, fields)
    return agreed


def back_to_investigation(ctx: Context, call: Call) -> None:
    """What others did for the incident failed or was rejected: it is in stage 3 again (C-08, C-09).

    Nobody works on it yet, so that a waiting that somebody has set goes on.
    """
    incident = incidents.get(ctx, int(call.data["incident_id"]), lock=True)
    record(ctx, call, incident, {"stage": 3}, "变更、需求、协查或任务没有成功，回到调查和诊断")


def recover(ctx: Context, call: Call) -> None:
    """4.5: keep the recovery action (R164)."""
    record(ctx, call, incident_of(ctx, call), {"recovery": text(values_of(call), "action")})


def verify(ctx: Context, call: Call) -> bool:
    """4.6: keep the verification, and what counts from now on: root cause, solution, close code (R165, R206).

    Returns whether the service is restored; if not, the incident is in stage 3 again. The cause is needed to resolve,
    and whatever others do for it must have ended (R162, C-46).
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    restored = bool(values["restored"])
    if restored:
        children.require_none_open(ctx, incident, "restored")
    fields: Fields = {"restored": restored, "verification": text(values, "verification")}
    cause = text(values, "cause")
    if restored or cause:
        catalogue.check_cause(ctx, incident, cause)
        fields["cause"] = cause
    if solution := text(values, "solution"):
        fields["solution"] = solution
    if code := text(values, "close_code"):
        if code not in {row["key"] for row in catalogue.close_codes_for_people(ctx)}:
            raise InvalidValuesError({"close_code": "没有这个关闭代码，或只能由系统设置"})
        fields["proposed_close_code"] = code
    if not restored:
        fields["stage"] = 3
    record(ctx, call, incident, fields)
    return restored
