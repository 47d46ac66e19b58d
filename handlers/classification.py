"""Classification: 2.1 request type, 2.2 category and impact, 3.3 confirmation, and the computed priority (§4.3.2)."""

from __future__ import annotations

from engine.context import Call, Context
from engine.errors import InvalidValuesError
from handlers.records import catalogue, priority
from handlers.records.steps import incident_of, record, text, values_of

ANSWERED = "answered"
ANSWERED_CODE = "C04"  # 咨询已答复 (T-7)


def set_type(ctx: Context, call: Call) -> str:
    """2.1: keep the request type and whether a configuration item is affected (R003, R102–R105).

    Returns ANSWERED where the desk has answered a question at once (R103): the answer is the solution; else the type.
    """
    values = values_of(call)
    fields = {"request_type": values["request_type"], "ci_affected": values["ci_affected"]}
    answered = bool(values.get("answered"))
    if answered:
        fields |= {"solution": text(values, "answer"), "proposed_close_code": ANSWERED_CODE}
    record(ctx, call, incident_of(ctx, call), fields)
    return ANSWERED if answered else str(values["request_type"])


def classify(ctx: Context, call: Call) -> None:
    """2.2: keep category, type and symptom, service, location and impact (R106–R108, R223)."""
    values = values_of(call)
    incident = incident_of(ctx, call)
    catalogue.check_classification(ctx, values)
    fields = {name: values[name] for name in ("category", "type", "symptom", "impact")}
    fields |= {
        name: text(values, name) for name in ("service", "location", "service_effect") if text(values, name) is not None
    }
    record(ctx, call, incident, fields)


def assess(ctx: Context, call: Call) -> int:
    """Compute urgency, priority and targets by the tables in force; returns the priority (R111, R222, R229)."""
    incident = incident_of(ctx, call)
    assessed = priority.assess(ctx, call, incident)
    record(ctx, call, incident, {**assessed.fields, "priority_provisional": False}, assessed.reason)
    return int(assessed.fields["priority"])


def confirm(ctx: Context, call: Call) -> bool:
    """3.3: confirm or correct classification and impact; a correction needs its reason (R142, R143, R221).

    Returns whether there is a related incident, which leads to 3.4 (R144).
    """
    values = values_of(call)
    catalogue.check_classification(ctx, values)
    incident = incident_of(ctx, call)
    fields = {name: values[name] for name in ("category", "type", "symptom", "impact")}
    reason = text(values, "reason")
    if reason is None and any(incident[name] != value for name, value in fields.items()):
        raise InvalidValuesError({"reason": "更正了分类或影响程度，请填写原因"})
    record(ctx, call, incident, fields, reason)
    return bool(values.get("related"))
