"""Stage 4, resolution and recovery: 4.1 agreement, 4.5 recovery, 4.6 verification (§4.3.4)."""

from __future__ import annotations

from engine.context import Call, Context
from engine.errors import InvalidValuesError
from handlers import reference
from handlers.records import catalogue, moves
from handlers.records.incidents import Fields
from handlers.records.steps import incident_of, record, text, values_of


def agree(ctx: Context, call: Call) -> bool:
    """4.1: keep the customer's answer; returns whether he agreed; if not, it is the desk's again (R151, R152)."""
    values = values_of(call)
    incident = incident_of(ctx, call)
    agreed = bool(values["agreed"])
    fields: Fields = {"agreed": agreed, "agreement": text(values, "answer")}
    if not agreed:
        fields |= moves.to_desk(incident, ctx.now)
    record(ctx, call, incident, fields)
    return agreed


def recover(ctx: Context, call: Call) -> None:
    """4.5: keep the recovery action (R164)."""
    record(ctx, call, incident_of(ctx, call), {"recovery": text(values_of(call), "action")})


def verify(ctx: Context, call: Call) -> bool:
    """4.6: keep the verification, and what counts from now on: root cause, solution, close code (R165, R206).

    Returns whether the service is restored; if not, the incident is in stage 3 again. The cause is needed to resolve.
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    restored = bool(values["restored"])
    fields: Fields = {"restored": restored, "verification": text(values, "verification")}
    cause = text(values, "cause")
    if restored or cause:
        catalogue.check_cause(ctx, incident, cause)
        fields["cause"] = cause
    if solution := text(values, "solution"):
        fields["solution"] = solution
    if code := text(values, "close_code"):
        if reference.row(ctx, "close_codes", code) is None:
            raise InvalidValuesError({"close_code": "没有这个关闭代码"})
        fields["proposed_close_code"] = code
    if not restored:
        fields["stage"] = 3
    record(ctx, call, incident, fields)
    return restored
