"""The forms of a task page: the step itself and, joined to it, the next steps of the same performer (design §7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import gettext as _

from engine.bundles import Bundle
from engine.errors import InvalidValuesError
from engine.forms import Form, validate
from handlers.records import carried
from webapp.forms import Field, Option, Post, build_fields, input_name, plain, read_all, shown_values
from webapp.routes import preview
from webapp.routes.choices import reference_choices, settle
from webapp.routes.reading import Reader
from webapp.routes.task_subject import Subject

DISPATCH = "dispatch.dispatch"  # the operation for which the dispatch table proposes a group
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
    left: str = ""  # the answers, as ``name=value|value&…`` of inputs, any of which leaves the page before this step
    off: bool = False  # such an answer is given


@dataclass(frozen=True, slots=True)
class Plan:
    """Which steps a task's page shows, in order."""

    bundle: Bundle
    element_ids: tuple[str, ...]

    def form(self, element_id: str) -> Form:
        """The form of a step, as pinned to the process."""
        return self.bundle.forms[self.bundle.program.elements[element_id].properties["form"]].form

    def operation(self, element_id: str) -> str:
        """The operation that takes a step's values; empty for one without."""
        return self.bundle.program.elements[element_id].properties.get("operation", "")

    def leaves(self, element_id: str, values: Values) -> bool:
        """Whether none of the steps after this one on the page follows its answers (``ui.leaves`` of its form)."""
        leaving: Mapping[str, Sequence[Any]] = self.form(element_id).ui.get("leaves", {})
        shown = shown_values(self.form(element_id), values)
        return any(shown.get(name) in answers for name, answers in leaving.items() if name in shown)


def plan(bundle: Bundle, element_id: str) -> Plan:
    """The steps joined to a task by its diagram."""
    joined = bundle.program.elements[element_id].properties.get("joined", "").split()
    known = [each for each in joined if each in bundle.program.elements]
    return Plan(bundle, (element_id, *known))


def first_values(the_plan: Plan, subject: Subject, draft: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """What the page starts with: what the record knows, overlaid by the draft."""
    values: dict[str, dict[str, Any]] = {}
    for element_id in the_plan.element_ids:
        fields = the_plan.form(element_id).fields
        if subject.child is None:
            values[element_id] = carried.from_incident(subject.incident, fields)
        else:
            values[element_id] = carried.from_child(subject.child, fields)
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
    return with_proposal(reader, the_plan, values, incident)


def handed_in(the_plan: Plan, values: Mapping[str, Values]) -> dict[str, dict[str, Any]]:
    """The values of the fields that are shown, up to the step whose answers leave the page: what is handed in."""
    found: dict[str, dict[str, Any]] = {}
    for element_id, each in values.items():
        found[element_id] = shown_values(the_plan.form(element_id), each)
        if the_plan.leaves(element_id, each):
            break
    return found


def with_proposal(
    reader: Reader, the_plan: Plan, values: Mapping[str, Mapping[str, Any]], incident: Values
) -> dict[str, dict[str, Any]]:
    """Choose the dispatch table's group where 2.8 is on the page and nobody has chosen one."""
    filled = {element_id: dict(each) for element_id, each in values.items()}
    dispatching = [each for element_id, each in filled.items() if the_plan.operation(element_id) == DISPATCH]
    undecided = [each for each in dispatching if not each.get("group")]
    found = preview.proposal(reader.ctx, together(incident, filled)) if undecided else None
    if found:
        for each in undecided:
            each["group"] = found.group
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
    theirs: Mapping[str, str] | None = None,
) -> list[Step]:
    """The steps with their fields, computed facts among them; ``theirs`` says what somebody else did to a field."""
    facts = together(incident, values)
    found = preview.proposal(reader.ctx, facts)
    if found:
        facts["proposed_group"] = found.group
    steps: list[Step] = []
    left: list[str] = []
    off = False
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
        fields = with_assessment(reader, fields, facts)
        if the_plan.operation(element_id) == DISPATCH:
            fields = [_explained(reader, field, found) if field.key == "group" else field for field in fields]
        if theirs:
            fields = [replace(field, theirs=theirs.get(field.name, "")) for field in fields]
        words, section = split_section(element.documentation or "", element.properties.get("section", ""))
        submit = str(form.ui.get("submit") or element.name)
        title = element.name or form.title
        steps.append(Step(element_id, title, words, section, submit, form, fields, "&".join(left), off))
        left += _leaving(form, element_id)
        off = off or the_plan.leaves(element_id, values.get(element_id, {}))
    return steps


def _leaving(form: Form, element_id: str) -> list[str]:
    """The answers of a step after which nothing follows on its page, as the browser reads them."""
    leaving: Mapping[str, Sequence[Any]] = form.ui.get("leaves", {})
    named = {input_name(element_id, name): answers for name, answers in leaving.items()}
    return [f"{name}={'|'.join(plain(each) for each in answers)}" for name, answers in named.items()]


def split_section(documentation: str, section: str) -> tuple[str, str]:
    """The words of a step without the reference to the handbook that they end with, and the reference."""
    words, bracket, reference = documentation.rstrip("。").rpartition("（手册 ")
    if not bracket:
        return documentation, section
    return words, reference.rstrip("）").lstrip("§")


def with_assessment(reader: Reader, fields: list[Field], facts: Values) -> list[Field]:
    """Urgency and priority as dashed boxes after the impact, if it is asked for, with the reason and the rule's row."""
    places = [place for place, field in enumerate(fields) if field.key == "impact"]
    if not places:
        return fields
    found = preview.assessment(reader.ctx, facts)
    common: dict[str, Any] = {"kind": "computed", "col": 6, "name": ""}
    boxes = [
        Field(id="computed-urgency", key="urgency", label=_("紧急程度"), note=found, **common),
        Field(id="computed-priority", key="priority", label=_("优先级"), note=found, **common),
    ]
    return [*fields[: places[0] + 1], *boxes, *fields[places[0] + 1 :]]


def _explained(reader: Reader, field: Field, found: preview.Proposal | None) -> Field:
    if found is None:
        return replace(field, blank=_("选好类别和子类后，按规则选出"))
    options = field.options
    if found.group not in {option.value for option in options}:
        options = [*options, Option(found.group, reader.name("groups", found.group))]
    rule = _("（规则第 %(rows)s 行）", rows=found.rows) if found.rows else ""
    if field.value == found.group:
        help_text = _("按规则选出") + rule
    else:
        help_text = _("规则提出的是%(group)s", group=reader.name("groups", found.group)) + rule
    return replace(field, help=help_text, options=options, value=field.value or found.group)


def all_problems(
    the_plan: Plan, values: Mapping[str, Values], refused: str, problems: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """The refused step's problems, and those of every step that the page's answers lead to: nobody submits twice.

    Steps after an answer with which the process leaves the page are not judged, and one that a rule may skip
    (``ui.skippedByRule`` of its form) only if something was typed there.
    """
    found: dict[str, dict[str, str]] = {}
    for element_id in values:
        form = the_plan.form(element_id)
        typed = {key: value for key, value in values[element_id].items() if value not in (False, None, "")}
        try:
            if typed or not form.ui.get("skippedByRule"):
                validate(form, dict(values[element_id]))
        except InvalidValuesError as wrong:
            found[element_id] = dict(wrong.problems)
        if element_id == refused:
            found[element_id] = {**found.get(element_id, {}), **problems}
        if the_plan.leaves(element_id, values[element_id]):
            break
    return found
