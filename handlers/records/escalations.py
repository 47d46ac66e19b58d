"""Escalating an incident to the incident manager, by a step or by the desk (R129, C-13, C-14)."""

from __future__ import annotations

from engine.context import Call, Context
from engine.errors import ConflictError, InvalidValuesError
from handlers.records import children, incidents, priority
from handlers.records.incidents import Incident

REASONS = ("复杂耗时", "事件经理不满意", "客户不满意")  # C-13: what a person may escalate for
QUEUE = "escalation"


def refusal(ctx: Context, incident: Incident) -> str | None:
    """Why the incident cannot be escalated now, as a sentence; None when it can."""
    if incident["state"] in ("resolved", "closed", "slave"):
        return f"事件处于“{incidents.STATES[incident['state']]}”，不需要升级"
    if found := children.open_of(ctx, incident["id"], [QUEUE]):
        return f"事件已经升级（{found[0]['number']}），事件经理还没有决定"
    return None


def begin(ctx: Context, incident: Incident, call: Call, reason: str, note: str | None) -> str:
    """Make its urgency high, put it into the manager's queue, and return the number; who has it keeps it (R228).

    Raises InvalidValuesError for another reason than REASONS, ConflictError where it is escalated already.
    """
    if reason not in REASONS:
        raise InvalidValuesError({"reason": "请选择升级原因"})
    if sentence := refusal(ctx, incident):
        raise ConflictError(sentence, by=incident["updated_by"], at=incident["updated_at"])
    assessed = priority.assess(ctx, call, {**incident, "escalated": True})
    why = f"升级：{reason}；{assessed.reason}"
    incident = incidents.change(
        ctx, incident, {"escalated": True, **assessed.fields}, reason=why, element=call.element_id
    )
    title, facts = f"{reason}：{incident['summary']}", {"reason": reason}
    return children.open_child(ctx, incident, QUEUE, title, note, None, facts, waits=False, element=call.element_id)
