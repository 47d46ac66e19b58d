"""What a step's form starts with: values already known, the rule's proposals, choices that fit, and why.

Pages ask before a person has answered, so nothing is written or logged. An incident may be given with the values that
somebody is typing merged into it, for a preview.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from engine.context import Context
from handlers import reference
from handlers.records import catalogue, priority, rules
from handlers.records.incidents import Incident
from handlers.reference import Row

ANSWERED, SOLVED = "C04", "C01"  # close codes 咨询已答复 and 根本解决


class Fact(TypedDict):
    """Something computed, shown beside the form: nobody can type it."""

    label: str
    value: str
    why: str


class Proposal(TypedDict):
    """``values``: field → initial value. ``options``: field → rows of reference data that may be chosen."""

    values: dict[str, Any]
    options: dict[str, Sequence[Row]]
    facts: list[Fact]


def propose(ctx: Context, incident: Incident, element_id: str) -> Proposal:
    """The start of the form of one step; an unknown step starts empty."""
    proposal: Proposal = {"values": {}, "options": {}, "facts": []}
    if element_id in _KNOWN:
        proposal["values"] = _known_values(incident, _KNOWN[element_id])
    if more := _MORE.get(element_id):
        more(ctx, incident, proposal)
    return proposal


def _request(ctx: Context, incident: Incident, proposal: Proposal) -> None:
    proposal["values"].setdefault("occurred_at", ctx.now)


def _identity(ctx: Context, incident: Incident, proposal: Proposal) -> None:
    proposal["values"].setdefault("served", True)
    if incident["customer_location"]:
        proposal["values"]["location"] = incident["customer_location"]


def _type(ctx: Context, incident: Incident, proposal: Proposal) -> None:
    proposal["values"].setdefault("ci_affected", bool(incident["configuration_items"]))


def _classification(ctx: Context, incident: Incident, proposal: Proposal) -> None:
    if incident["priority_provisional"] and not incident["category"]:
        proposal["values"].pop("impact", None)  # the provisional default is not a judgement
    found = priority.preview(ctx, incident)
    proposal["facts"] += [
        {"label": "紧急程度", "value": str(found.fields["urgency"]), "why": found.reason},
        {"label": "优先级", "value": str(found.fields["priority"]), "why": found.reason},
    ]


def _dispatch(ctx: Context, incident: Incident, proposal: Proposal) -> None:
    inputs = {name: incident[name] for name in ("category", "type", "location")}
    answer = rules.preview(ctx, "dispatch", inputs)
    group = answer.result["group"] if isinstance(answer.result, Mapping) else answer.result
    post = answer.result.get("post") if isinstance(answer.result, Mapping) else None
    fitting = {**incident, "proposed_group": group}
    proposal["options"]["group"] = catalogue.selectable_groups(ctx, fitting)
    if group is None:
        proposal["facts"].append({"label": "分派建议", "value": "", "why": "分派规则没有给出建议，请人工选择"})
        return
    proposal["values"]["group"] = group
    name = reference.name(ctx, "groups", str(group))
    value = f"{name} · {reference.name(ctx, 'posts', str(post))}" if post else name
    proposal["facts"].append({"label": "分派建议", "value": value, "why": f"规则行 {'、'.join(answer.rows)}"})


def _transfer(ctx: Context, incident: Incident, proposal: Proposal) -> None:
    proposal["options"]["group"] = catalogue.transferable_groups(ctx, incident)
    _causes(ctx, incident, proposal)


def _causes(ctx: Context, incident: Incident, proposal: Proposal) -> None:
    proposal["options"]["cause"] = catalogue.causes_of(ctx, incident)


def _verification(ctx: Context, incident: Incident, proposal: Proposal) -> None:
    _causes(ctx, incident, proposal)
    _close_code(ctx, incident, proposal)


def _close_code(ctx: Context, incident: Incident, proposal: Proposal) -> None:
    proposal["options"]["close_code"] = catalogue.close_codes_for_people(ctx)
    default = ANSWERED if incident["request_type"] == "咨询" else SOLVED
    proposal["values"]["close_code"] = incident["proposed_close_code"] or default


def _known_values(incident: Incident, names: Sequence[str]) -> dict[str, Any]:
    return {name: incident[name] for name in names if incident[name] is not None}


# Step → fields that the record knows already.
_KNOWN: Mapping[str, Sequence[str]] = {
    "s1_2_identify": (
        "staff_number",
        "customer_name",
        "customer_grade",
        "phone",
        "mobile",
        "extension",
        "email",
        "department",
        "served",
    ),
    "s1_4_record": (
        "source",
        "request_type",
        "summary",
        "details",
        "service_effect",
        "affected_departments",
        "occurred_at",
        "configuration_items",
        "external_number",
        "external_contact",
        "external_deadline",
    ),
    "s2_1_type": ("request_type", "ci_affected"),
    "s2_2_classify": ("category", "type", "symptom", "service", "location", "impact", "service_effect"),
    "s2_11_transfer": ("cause",),
    "s3_1_analyse": ("analysis",),
    "s3_3_confirm": ("category", "type", "symptom", "impact"),
    "s3_5_diagnose": ("diagnosis",),
    "s3_6_try": ("solution", "cause", "workaround"),
    "s4_6_verify": ("cause", "solution"),
    "s5_5_close": ("solution",),
}
_MORE: Mapping[str, Callable[[Context, Incident, Proposal], None]] = {
    "s1_2_identify": _identity,
    "s1_4_record": _request,
    "s2_1_type": _type,
    "s2_2_classify": _classification,
    "s2_8_dispatch": _dispatch,
    "s2_11_transfer": _transfer,
    "s3_3_confirm": _classification,
    "s3_6_try": _causes,
    "s4_6_verify": _verification,
    "s5_5_close": _close_code,
}
