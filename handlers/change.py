"""Changes: requested by an incident (4.2), approved, carried out and verified (§4.1, §4.3.4.3 4.2, C-08)."""

from __future__ import annotations

from engine.context import Call, Context
from handlers.records import children
from handlers.records.child_steps import child_of, facts_of, record
from handlers.records.steps import incident_of, text, values_of


def create(ctx: Context, call: Call) -> str:
    """4.2: request a change and wait for it; returns the key of the wait (R055, R157)."""
    values = values_of(call)
    incident = incident_of(ctx, call)
    title, details = values["title"], text(values, "details")
    facts = facts_of(values, "title", "details")
    children.open_child(ctx, incident, "change", title, details, None, facts, waits=True, element=call.element_id)
    return children.begin_wait(ctx, incident, element=call.element_id)


def approve(ctx: Context, call: Call) -> str:
    """Approve or reject the request; returns ``approved`` or ``rejected``. Whoever implements it takes it anew."""
    values = values_of(call)
    decision = str(values["decision"])
    opinion = text(values, "opinion")
    child = child_of(ctx, call)
    ended = {"result": opinion} if decision == children.REJECTED else {}
    record(ctx, call, child, {"person": None, **ended}, facts={"decision": decision, "opinion": opinion})
    return decision


def implement(ctx: Context, call: Call) -> None:
    """Keep what was done, and whether it went as planned."""
    values = values_of(call)
    record(ctx, call, child_of(ctx, call), {"person": None}, facts={"implementation": text(values, "implementation")})


def verify(ctx: Context, call: Call) -> str:
    """Keep the result; returns ``done`` or ``failed``: the incident goes on to 4.6, or back to stage 3 (C-08)."""
    values = values_of(call)
    outcome = children.DONE if values["success"] else children.FAILED
    record(ctx, call, child_of(ctx, call), {"result": text(values, "result")}, facts={"verified": outcome})
    return outcome
