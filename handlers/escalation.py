"""Escalation to the incident manager (2.10): high urgency, and a decision of the manager's (§5.1.8, C-13, C-14)."""

from __future__ import annotations

from engine.context import Call, Context
from engine.errors import InvalidValuesError
from handlers.records import escalations, incidents, relations
from handlers.records.child_steps import child_of, record
from handlers.records.steps import incident_of, text, values_of

CONTINUE, REASSIGN, CONVENE = "continue", "reassign", "convene"


def escalate(ctx: Context, call: Call) -> None:
    """2.10: the incident joins the manager's queue, and stays with whoever has it (R129, R224, C-14).

    Where somebody else has escalated it since 2.9, once is enough: what is said here is kept as a note.
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    reason, note = str(values["reason"]), text(values, "note")
    if escalations.refusal(ctx, incident):
        relations.comment(ctx, incident["id"], f"再次要求升级：{reason}" + (f"；{note}" if note else ""))
    else:
        escalations.begin(ctx, incident, call, reason, note)


def decide(ctx: Context, call: Call) -> str:
    """The manager lets it go on, takes it for a new dispatch, or convenes the people concerned; returns which.

    To take it is refused, and the escalation stays open, where the incident is no longer under way.
    """
    values = values_of(call)
    child = child_of(ctx, call)
    decision, note = str(values["decision"]), text(values, "note")
    if decision == REASSIGN:
        incident = incidents.get(ctx, child["incident_id"], lock=True)
        if refusal := relations.reassign_refusal(incident):
            raise InvalidValuesError({"decision": f"{refusal}；请选择继续处理"})
        relations.reassign(ctx, incident, note or "事件经理决定")
    record(ctx, call, child, {"result": note}, facts={"decision": decision})
    return decision
