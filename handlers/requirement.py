"""Requirements (4.3): a maintenance one is checked jointly first, any other closes the incident (C-07, C-09)."""

from __future__ import annotations

from engine.context import Call, Context
from engine.errors import ConflictError
from handlers.records import children
from handlers.records.child_steps import child_of, facts_of, record
from handlers.records.steps import incident_of, text, values_of
from handlers.records.steps import record as record_incident

MAINTENANCE, OTHER = "maintenance", "other"
TO_REQUIREMENT = "C10"  # 转需求 (T-7)


def draft(ctx: Context, call: Call) -> str:
    """4.3: what is asked for goes to whoever sees it first; returns its kind (R051, R053, R158).

    A maintenance requirement goes to 规建部 for a joint check, which the incident waits for; another one to
    requirement management, for which nobody waits: it closes the incident, so that nothing else may be open (C-46).
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    kind = str(values["kind"])
    if kind == OTHER:
        children.require_none_open(ctx, incident, "kind")
    title, details = values["title"], text(values, "details")
    facts = facts_of(values, "title", "details")
    first = "joint_check" if kind == MAINTENANCE else "requirement"
    waits = kind == MAINTENANCE
    children.open_child(ctx, incident, first, title, details, None, facts, waits=waits, element=call.element_id)
    return kind


def create_other(ctx: Context, call: Call) -> None:
    """4.3: the incident becomes a requirement and closes by itself with 转需求 (R159, R273, C-07)."""
    incident = incident_of(ctx, call)
    record_incident(ctx, call, incident, {"proposed_close_code": TO_REQUIREMENT}, "已创建需求，事件转需求关闭")


def create(ctx: Context, call: Call) -> str:
    """4.3: open the maintenance requirement that was confirmed and wait for it; returns the key (R052, R241).

    It says what the joint check has confirmed. Raises ConflictError where none was.
    """
    incident = incident_of(ctx, call)
    confirmed = children.last_done(ctx, incident, "joint_check")
    if confirmed is None:
        raise ConflictError("规建部还没有确认需求，不能创建维护性需求单")
    title, details = confirmed["title"], confirmed["details"]
    facts = {**confirmed["facts"], "joint_check": confirmed["number"]}
    children.open_child(ctx, incident, "requirement", title, details, None, facts, waits=True, element=call.element_id)
    return children.begin_wait(ctx, incident, element=call.element_id)


def route(ctx: Context, call: Call) -> str:
    """Tell where the requirement starts: a maintenance one takes the short path to processing (R054)."""
    return str(child_of(ctx, call)["facts"]["kind"])


def review(ctx: Context, call: Call) -> str:
    """Take the requirement on, or reject it; returns ``accepted`` or ``rejected``."""
    values = values_of(call)
    decision, opinion = str(values["decision"]), text(values, "opinion")
    ended = {"result": opinion} if decision == children.REJECTED else {}
    child = child_of(ctx, call)
    record(ctx, call, child, {"person": None, **ended}, facts={"decision": decision, "opinion": opinion})
    return decision


def process(ctx: Context, call: Call) -> str:
    """Keep what became of the requirement; returns ``done`` or ``failed``."""
    values = values_of(call)
    record(ctx, call, child_of(ctx, call), {"result": text(values, "result")})
    return children.DONE if values["fulfilled"] else children.FAILED
