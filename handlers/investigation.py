"""Stage 3, investigation and diagnosis: 3.1 analysis to 3.6 the attempt to resolve (§4.3.3)."""

from __future__ import annotations

from engine import messages
from engine.context import Call, Context
from engine.errors import ConflictError, InvalidValuesError
from handlers.records import catalogue, children, incidents, moves, relations
from handlers.records.incidents import DESK, Fields, Incident
from handlers.records.steps import incident_of, record, text, values_of

SOLUTION, NONE, TRANSFER, PROBLEM = "solution", "none", "transfer", "problem"
# Close codes 根本解决, 变通解决, 解决失败, 咨询已答复 (T-7).
SOLVED, WORKAROUND, FAILED, ANSWERED = "C01", "C02", "C03", "C04"
QUESTION = "咨询"
MASTER, SLAVE, LINK = "master", "slave", "link"
BECOME_SLAVE = "become_slave"  # interrupts the work on an incident that another one has bound (§5.1.10)
_RELATION_OF = {"master_of": MASTER, "slave_of": SLAVE, "link": LINK}


def analyse(ctx: Context, call: Call) -> bool:
    """3.1: keep the analysis; returns whether key information has yet to be collected (R137, R139)."""
    values = values_of(call)
    record(ctx, call, incident_of(ctx, call), {"analysis": text(values, "analysis")})
    return bool(values.get("needs_information"))


def collect(ctx: Context, call: Call) -> None:
    """3.2: keep what was found out, after what was found out before; a talk with the user is a contact (R140, R141)."""
    values = values_of(call)
    incident = incident_of(ctx, call)
    found = str(text(values, "information"))
    if values.get("contacted"):
        relations.comment(ctx, incident["id"], found, kind="contact", channel=values.get("channel"))
    collected = f"{incident['collected']}\n{found}" if incident["collected"] else found
    record(ctx, call, incident, {"collected": collected})


def relate(ctx: Context, call: Call) -> str:
    """3.4: make the incident master or slave of another, or only link the two; returns which (R145–R148, R265, C-28).

    Raises InvalidValuesError for ``other``, which names the other one, where the two cannot be related so.
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    other = incidents.find(ctx, str(text(values, "other")))
    if other is None:
        raise InvalidValuesError({"other": "没有这个单号的事件"})
    reason = str(text(values, "reason"))
    relation = _RELATION_OF[values["role"]]
    if relation == LINK:
        relations.link(ctx, incident, other, reason)
    elif relation == MASTER:
        revision = _bind(ctx, other, incident, reason)["revision"]
        once = f"{BECOME_SLAVE}:{other['id']}:{revision}"
        messages.send(ctx, BECOME_SLAVE, other["id"], incident["id"], message_id=once)
    else:
        _bind(ctx, incident, other, reason)
    return relation


def _bind(ctx: Context, slave: Incident, master: Incident, reason: str) -> Incident:
    try:
        return relations.bind(ctx, slave, master, reason)
    except ConflictError as refused:
        raise InvalidValuesError({"other": str(refused)}) from None


def diagnose(ctx: Context, call: Call) -> None:
    """3.5: keep the diagnosis (R149)."""
    record(ctx, call, incident_of(ctx, call), {"diagnosis": text(values_of(call), "diagnosis")})


def conclude(ctx: Context, call: Call) -> str:
    """3.6: a solution or workaround (stage 4), a transfer (2.11), a problem (5.1), or none (the desk); returns which.

    R150, C-10, C-11. A problem is opened with what was found; the incident is resolved with it, so that whatever others
    still do for it must have ended.
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    found = str(values["found"])
    fields: Fields = {"found": found}
    if (cause := text(values, "cause")) is not None or found == PROBLEM:
        catalogue.check_cause(ctx, incident, cause)
        fields["cause"] = cause
    if found in (SOLUTION, PROBLEM):
        if (solution := text(values, "solution")) is None:
            raise InvalidValuesError({"solution": "请填写解决方案、变通方法或处理结论"})
        workaround = bool(values.get("workaround"))
        fields |= {"solution": solution, "workaround": workaround}
        fields["proposed_close_code"] = _close_code(incident, found, workaround=workaround)
    if found == SOLUTION:
        fields["stage"] = 4
    elif found == PROBLEM:
        fields["problem_ref"] = _problem(ctx, call, {**incident, **fields})
    elif found == NONE:
        fields |= moves.to_desk(incident, ctx.now) | moves.count_move(incident, DESK)
    else:
        fields |= {"stage": 2, **moves.unproposed()}
    record(ctx, call, incident, fields)
    return found


def _close_code(incident: Incident, found: str, *, workaround: bool) -> str:
    if workaround:
        return WORKAROUND
    if found == PROBLEM:
        return FAILED
    return ANSWERED if incident["request_type"] == QUESTION else SOLVED


def _problem(ctx: Context, call: Call, incident: Incident) -> str:
    """The number of the incident's problem: the one that is open already, else a new one (R056)."""
    children.require_none_open(ctx, incident, "found")
    if known := children.open_of(ctx, incident["id"], ["problem"]):
        return str(known[0]["number"])
    facts = {name: incident[name] for name in ("category", "type", "cause", "workaround", "diagnosis")}
    title, details = incident["summary"], incident["solution"]
    return children.open_child(
        ctx, incident, "problem", title, details, None, facts, waits=False, element=call.element_id
    )
