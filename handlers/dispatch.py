"""Dispatch: the rule's proposal, 2.8 to a group, 2.9 accept, transfer or return, 2.11 transfer (§4.3.2, §5.1.3)."""

from __future__ import annotations

from engine.context import Call, Context
from engine.errors import ConflictError, InvalidValuesError
from handlers import reference
from handlers.records import catalogue, escalations, moves, priority, rules
from handlers.records.incidents import DESK, SUPPORT, Fields, Incident, responsible
from handlers.records.steps import incident_of, record, text, values_of

ACCEPT, TRANSFER, RETURN, ESCALATE = "accept", "transfer", "return", "escalate"
WRONG_CLASSIFICATION = "T2"  # the transfer reason with which the classification may be corrected (R135)
UNCLASSIFIED = "unclassified"  # instead of a group: 2.1 to 2.7 come first


def propose(ctx: Context, call: Call) -> str | None:
    """Ask the dispatch table for a group and keep it as the proposal; returns it, or None (R124, R205, R212).

    Whatever brought the incident here (a return, a rejection, a reassignment), it is the desk's again. One that was
    bound to a master before it was classified, and is so no longer, is UNCLASSIFIED and begins at 2.1 (R107).
    """
    incident = incident_of(ctx, call)
    if incident["category"] is None:
        fields = moves.to_desk(incident, ctx.now) | {"master_id": None}
        record(ctx, call, incident, fields, "还没有分类，从 2.1 开始")
        return UNCLASSIFIED
    inputs = {name: incident[name] for name in ("category", "type", "location")}
    answer = rules.decide(ctx, call, "dispatch", inputs)
    group, post = _group_and_post(answer.result)
    fields = {"proposed_group": group, "proposed_post": post}
    if incident["state"] != "to_dispatch":
        fields |= moves.to_desk(incident, ctx.now) | {"master_id": None}
    reason = f"按分派规则行 {'、'.join(answer.rows)}" if group else "分派规则没有给出建议，请人工选择"
    record(ctx, call, incident, fields, reason)
    return group


def dispatch(ctx: Context, call: Call) -> str:
    """2.8: to a group, never to a person, out of those that classification and location allow (R211, R213, R043)."""
    values = values_of(call)
    incident = incident_of(ctx, call)
    group = catalogue.check_group(catalogue.selectable_groups(ctx, incident), values["group"])["key"]
    fields = {**moves.to_group(incident, group, ctx.now), **moves.count_dispatch(incident, group)}
    record(ctx, call, incident, fields, text(values, "note"))
    return group


def answer(ctx: Context, call: Call) -> str:
    """2.9: accept, transfer, escalate or return; returns which (R127, R128).

    Whoever accepts is responsible and keeps the next steps. A return is possible before acceptance only and needs the
    reason that symptom or classification is wrong; whatever else is "not mine" is a transfer (C-15, R200, R201, R215).
    Whoever returns it may correct the classification, so that the rule's next proposal is a better one.
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    if incident["state"] != "to_accept":
        raise ConflictError("事件不在待受理状态，请刷新页面", by=incident["updated_by"], at=incident["updated_at"])
    chosen = str(values["answer"])
    if chosen == ACCEPT:
        record(ctx, call, incident, moves.accepted_by(incident, ctx.actor, ctx.now))
    elif chosen == RETURN:
        reason = text(values, "return_reason")
        if reason is None:
            raise InvalidValuesError({"return_reason": "退回服务台必须说明现象或分类错在哪里"})
        fields = {**moves.to_desk(incident, ctx.now), **moves.count_move(incident, DESK)}
        fields |= _corrected_classification(ctx, call, incident)
        record(ctx, call, incident, fields, f"退回服务台：{reason}")
    else:
        if chosen == ESCALATE and (refusal := escalations.refusal(ctx, incident)):
            raise InvalidValuesError({"answer": refusal})
        record(ctx, call, incident, responsible(SUPPORT, incident["responsible_group"], ctx.actor))
    return chosen


def transfer(ctx: Context, call: Call) -> str:
    """2.11: to another group's pool, with root cause and reason (R132–R134, R206, R214); returns the group.

    With reason "wrong classification" category, type and symptom may be corrected in the same act (R135).
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    reason = reference.row(ctx, "transfer_reasons", values["reason"])
    if reason is None:
        raise InvalidValuesError({"reason": "请选择转派原因"})
    corrected = _corrected_classification(ctx, call, incident)
    if corrected and values["reason"] != WRONG_CLASSIFICATION:
        raise InvalidValuesError({"reason": "只有以“分类错误”为原因转派时才能修改分类"})
    fields: Fields = {**corrected, "cause": values["cause"]}
    catalogue.check_cause(ctx, {**incident, **fields}, values["cause"])
    group = catalogue.check_group(catalogue.transferable_groups(ctx, incident), values["group"])["key"]
    fields |= moves.to_group(incident, group, ctx.now) | moves.count_move(incident, group)
    note = text(values, "note")
    record(ctx, call, incident, fields, f"转派：{reason['name']}" + (f"；{note}" if note else ""))
    return group


def _corrected_classification(ctx: Context, call: Call, incident: Incident) -> Fields:
    values = values_of(call)
    fields = {
        name: values[name] for name in ("category", "type", "symptom") if values.get(name) not in (None, incident[name])
    }
    if not fields:
        return {}
    corrected = {**incident, **fields}
    catalogue.check_classification(ctx, corrected)
    return fields | priority.assess(ctx, call, corrected).fields


def _group_and_post(result: object) -> tuple[str | None, str | None]:
    """The dispatch table answers a group, a group and a post, or nothing where no row matches."""
    if isinstance(result, dict):
        return result["group"], result.get("post")
    return (str(result), None) if result else (None, None)
