"""The joint check (4.3a): 规建部 confirms a maintenance requirement with the user, or rejects it (§4.1, C-09)."""

from __future__ import annotations

from engine.context import Call, Context
from handlers.records import children
from handlers.records.child_steps import child_of, record
from handlers.records.steps import incident_of, text, values_of


def request(ctx: Context, call: Call) -> str:
    """Wait for the check that 4.3 has asked for; returns the key of the wait (R053)."""
    return children.begin_wait(ctx, incident_of(ctx, call), element=call.element_id)


def answer(ctx: Context, call: Call) -> str:
    """Keep the answer; returns ``done`` for a confirmed requirement, ``rejected`` for one that is not needed."""
    values = values_of(call)
    confirmed = bool(values["confirmed"])
    record(ctx, call, child_of(ctx, call), {"result": text(values, "answer")}, facts={"confirmed": confirmed})
    return children.DONE if confirmed else children.REJECTED
