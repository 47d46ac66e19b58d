"""Stage 3, investigation and diagnosis: 3.1 analysis, 3.5 diagnosis, 3.6 the attempt to resolve (§4.3.3)."""

from __future__ import annotations

from engine.context import Call, Context
from engine.errors import InvalidValuesError
from handlers.records import catalogue, moves
from handlers.records.incidents import DESK, Fields
from handlers.records.steps import incident_of, record, text, values_of

SOLUTION, NONE, TRANSFER = "solution", "none", "transfer"
SOLVED, WORKAROUND, ANSWERED = "C01", "C02", "C04"  # close codes 根本解决, 变通解决, 咨询已答复 (T-7)
QUESTION = "咨询"


def analyse(ctx: Context, call: Call) -> None:
    """3.1: keep the analysis (R137)."""
    record(ctx, call, incident_of(ctx, call), {"analysis": text(values_of(call), "analysis")})


def diagnose(ctx: Context, call: Call) -> None:
    """3.5: keep the diagnosis (R149)."""
    record(ctx, call, incident_of(ctx, call), {"diagnosis": text(values_of(call), "diagnosis")})


def conclude(ctx: Context, call: Call) -> str:
    """3.6: a solution or workaround (stage 4), none (back to the desk), or a transfer (2.11); returns which (C-11)."""
    values = values_of(call)
    incident = incident_of(ctx, call)
    found = str(values["found"])
    fields: Fields = {"found": found}
    if (cause := text(values, "cause")) is not None:
        catalogue.check_cause(ctx, incident, cause)
        fields["cause"] = cause
    if found == SOLUTION:
        if (solution := text(values, "solution")) is None:
            raise InvalidValuesError({"solution": "请填写解决方案或变通方法"})
        workaround = bool(values.get("workaround"))
        solved = ANSWERED if incident["request_type"] == QUESTION else SOLVED
        proposed = WORKAROUND if workaround else solved
        fields |= {"solution": solution, "workaround": workaround, "proposed_close_code": proposed, "stage": 4}
    elif found == NONE:
        fields |= moves.to_desk(incident, ctx.now) | moves.count_move(incident, DESK)
    else:
        fields["stage"] = 2
    record(ctx, call, incident, fields)
    return found
