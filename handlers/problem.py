"""Problems (问题单): the cause behind incidents without a good solution, which lives on after them (R056, C-10)."""

from __future__ import annotations

from engine.context import Call, Context
from handlers.records import children
from handlers.records.child_steps import child_of, record
from handlers.records.steps import text, values_of


def analyse(ctx: Context, call: Call) -> None:
    """Keep the analysis and its cause; whoever has analysed goes on to solve it."""
    values = values_of(call)
    facts = {name: text(values, name) for name in ("analysis", "cause")}
    record(ctx, call, child_of(ctx, call), {"person": ctx.actor}, facts=facts)


def solve(ctx: Context, call: Call) -> str:
    """Keep the permanent solution, or why there is none; returns ``done`` or ``failed``."""
    values = values_of(call)
    record(ctx, call, child_of(ctx, call), {"result": text(values, "solution")})
    return children.DONE if values["solved"] else children.FAILED
