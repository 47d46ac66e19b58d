"""The forms of a task page: the step itself and, joined to it, the next steps of the same performer (design §7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.bundles import Bundle
from engine.errors import InvalidValuesError
from engine.forms import Form, validate
from webapp.forms import Field, Option, Post, build_fields, read_all, shown_values
from webapp.routes import preview
from webapp.routes.choices import reference_choices, settle
from webapp.routes.reading import Reader

DISPATCH = "s2_8_dispatch"
ASSESSED = {"s2_2_classify", "s3_3_confirm"}  # after these the rules compute urgency and priority
# Facts that a later step starts from; judgements (agreed, restored, satisfied …) are never filled in beforehand.
CARRIED = {
    "request_type": "request_type",
    "ci_affected": "ci_affected",
    "category": "category",
    "type": "type",
    "symptom": "symptom",
    "service": "service",
    "location": "location",
    "impact": "impact",
    "service_effect": "service_effect",
    "cause": "cause",
    "solution": "solution",
    "close_code": "proposed_close_code",
    "problem_ref": "problem_ref",
    "group": "proposed_group",
}
LEAVES = {"s4_1_agree": ("agreed", False)}  # the answer after which none of the joined steps comes
SKIPPED_BY_RULE = {"s5_3_ask"}  # comes where the confirmation table asks for the user (C-18)
NOT_CARRIED = {("s2_11_transfer", "group"), ("s2_2_classify", "impact")}
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One form of the page; ``title`` is the step's number and name, ``words`` what it is for."""

    element_id: str
    title: str
    words: str
    section: str
    submit: str
    form: Form
    fields: Sequence[Field]


@dataclass(frozen=True, slots=True)
class Plan:
    """Which steps a task's page shows, in order."""

    bundle: Bundle
    element_ids: tuple[str, ...]

    def form(self, element_id: str) -> Form:
        """The form of a step, as pinned to the process."""
        return self.bundle.forms[self.bundle.program.elements[element_id].properties["form"]].form


def plan(bundle: Bundle, element_id: str) -> Plan:
    """The steps joined to a task by its diagram."""
    joined = bundle.program.elements[element_id].properties.get("joined", "").split()
    known = [each for each in joined if each in bundle.program.elements]
    return Plan(bundle, (element_id, *known))


def first_values(the_plan: Plan, incident: Values, draft: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """What the page starts with: the incident's facts, overlaid by the draft."""
    values: dict[str, dict[str, Any]] = {}
    for element_id in the_plan.element_ids:
        values[element_id] = {
            key: incident[CARRIED[key]]
            for key in the_plan.form(element_id).fields
            if key in CARRIED and (element_id, key) not in NOT_CARRIED and incident.get(CARRIED[key]) is not None
        }
        if element_id == "s2_2_classify" and not incident["priority_provisional"] and incident["impact"]:
            values[element_id]["impact"] = incident["impact"]  # judged before: it comes back from later stages
        values[element_id] |= drafted(the_plan, element_id, draft or {})
    return values


def drafted(the_plan: Plan, element_id: str, draft: Mapping[str, Any]) -> Values:
    """A step's part of a draft: pages save them by step; a step that was given back keeps its own values alone."""
    if draft.keys().isdisjoint(the_plan.element_ids):
        return draft if element_id == the_plan.element_ids[0] else {}
    typed = draft.get(element_id)
    return typed if isinstance(typed, Mapping) else {}


def posted_values(reader: Reader, the_plan: Plan, post: Post, incident: Values) -> dict[str, dict[str, Any]]:
    """The typed values of a post by step, with the classification settled and the rule's group filled in.

    They are what the page shows again and what a draft keeps: ``handed_in`` leaves out what hidden fields hold.
    """
    values: dict[str, dict[str, Any]] = {}
    for element_id in the_plan.element_ids:
        form = the_plan.form(element_id)
        read = read_all(form, post, zone=reader.zone, now=reader.ctx.now, prefix=element_id)
        values[element_id] = settle(reader.ctx, read) if {"category", "type"} <= form.fields.keys() else read
    return with_proposal(reader, values, incident)


def handed_in(the_plan: Plan, values: Mapping[str, Values]) -> dict[str, dict[str, Any]]:
    """The values of the fields that are shown: what completing the steps hands in."""
    return {element_id: shown_values(the_plan.form(element_id), each) for element_id, each in values.items()}


def with_proposal(
    reader: Reader, values: Mapping[str, Mapping[str, Any]], incident: Values
) -> dict[str, dict[str, Any]]:
    """Choose the dispatch table's group where 2.8 is on the page and nobody has chosen one."""
    filled = {element_id: dict(each) for element_id, each in values.items()}
    step = filled.get(DISPATCH)
    if step is not None and not step.get("group"):
        found = preview.proposal(reader.ctx, together(incident, filled))
        if found:
            step["group"] = found.group
    return filled


def together(incident: Values, values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The incident as it would be with everything on the page."""
    facts = dict(incident)
    for each in values.values():
        facts |= each
    return facts


def build_steps(
    reader: Reader,
    the_plan: Plan,
    values: Mapping[str, Values],
    incident: Values,
    problems: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Step]:
    """The steps with their fields, computed facts among them."""
    facts = together(incident, values)
    found = preview.proposal(reader.ctx, facts)
    if found:
        facts["proposed_group"] = found.group
    steps = []
    for element_id in the_plan.element_ids:
        form, element = the_plan.form(element_id), the_plan.bundle.program.elements[element_id]
        fields = build_fields(
            form,
            values.get(element_id, {}),
            zone=reader.zone,
            choices=reference_choices(reader.ctx, facts, element_id),
            problems=(problems or {}).get(element_id),
            prefix=element_id,
        )
        if element_id in ASSESSED:
            fields = _with_assessment(reader, fields, facts)
        if element_id == DISPATCH:
            fields = [_explained(reader, field, found) if field.key == "group" else field for field in fields]
        words, section = split_section(element.documentation or "", element.properties.get("section", ""))
        submit = str(form.ui.get("submit") or element.name)
        steps.append(Step(element_id, element.name or form.title, words, section, submit, form, fields))
    return steps


def split_section(documentation: str, section: str) -> tuple[str, str]:
    """The words of a step without the reference to the handbook that they end with, and the reference."""
    words, bracket, reference = documentation.rstrip("。").rpartition("（手册 ")
    if not bracket:
        return documentation, section
    return words, reference.rstrip("）").lstrip("§")


def _with_assessment(reader: Reader, fields: list[Field], facts: Values) -> list[Field]:
    """Urgency and priority as dashed boxes after the impact, with the reason and the rule's row."""
    found = preview.assessment(reader.ctx, facts)
    places = [place for place, field in enumerate(fields) if field.key == "impact"]
    if not places:
        return fields
    common: dict[str, Any] = {"kind": "computed", "col": 6, "name": ""}
    boxes = [
        Field(id="computed-urgency", key="urgency", label="紧急程度", note=found, **common),
        Field(id="computed-priority", key="priority", label="优先级", note=found, **common),
    ]
    return [*fields[: places[0] + 1], *boxes, *fields[places[0] + 1 :]]


def _explained(reader: Reader, field: Field, found: preview.Proposal | None) -> Field:
    if found is None:
        return replace(field, blank="选好类别和子类后，按规则选出")
    options = field.options
    if found.group not in {option.value for option in options}:
        options = [*options, Option(found.group, reader.name("groups", found.group))]
    rule = f"（规则第 {found.rows} 行）" if found.rows else ""
    if field.value == found.group:
        help_text = f"按规则选出{rule}"
    else:
        help_text = f"规则提出的是{reader.name('groups', found.group)}{rule}"
    return replace(field, help=help_text, options=options, value=field.value or found.group)


def all_problems(
    the_plan: Plan, values: Mapping[str, Values], refused: str, problems: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """The refused step's problems, and those of every step that the page's answers lead to: nobody submits twice.

    Steps after an answer with which the process leaves the page are not judged, and one that a rule may skip only if
    something was typed there.
    """
    found: dict[str, dict[str, str]] = {}
    for element_id in the_plan.element_ids:
        typed = {key: value for key, value in values[element_id].items() if value not in (False, None, "")}
        try:
            if typed or element_id not in SKIPPED_BY_RULE:
                validate(the_plan.form(element_id), dict(values[element_id]))
        except InvalidValuesError as wrong:
            found[element_id] = dict(wrong.problems)
        if element_id == refused:
            found[element_id] = {**found.get(element_id, {}), **problems}
        key, answer = LEAVES.get(element_id, ("", None))
        if key and values[element_id].get(key) is answer:
            break
    return found
