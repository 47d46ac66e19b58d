"""The task page as it is shown: forms, facts, what may be done, and why it is shown again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from flask import render_template
from flask_babel import gettext as _

from engine import definitions
from webapp.desk.customers import SOURCE
from webapp.forms import input_name
from webapp.people import has_left
from webapp.queries import attachments, children, people, tasks
from webapp.queries.rows import Record
from webapp.rights import allowed
from webapp.routes import act_sheets, alike, child_words, waiting_form
from webapp.routes.clock import task_clock
from webapp.routes.reading import Reader
from webapp.routes.step_forms import Plan, Step, build_steps, drafted, plan, together
from webapp.routes.task_subject import Subject, facts_beside, subject_of
from webapp.routes.work_rows import due_clock

Values = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Opened:
    """A task with its records and the steps of its page."""

    task: Record
    subject: Subject
    plan: Plan

    @property
    def incident(self) -> Record:
        """The incident that the task serves."""
        return self.subject.incident

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the forms narrow their choices by."""
        return self.subject.incident


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody was faster: the sentence of a 409, who, and when."""

    message: str
    by: str
    at: Any
    title: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a page is shown again: values refused, by step and field, or a conflict; ``theirs`` marks merged fields."""

    problems: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    conflict: Conflict | None = None
    theirs: Mapping[str, str] = field(default_factory=dict)  # input name → what somebody else did to the field

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return 409 if self.conflict else 422 if self.problems else 200


def opened(reader: Reader, task: Record) -> Opened:
    """What the page of an open task is made of: two statements, three for a child record."""
    bundle = definitions.load_bundle(reader.ctx, task["bundle_id"])
    return Opened(task, subject_of(reader, task["business_key"]), plan(bundle, task["element_id"]))


def page(
    reader: Reader, it: Opened, values: Values, trouble: Trouble, sheet: waiting_form.Sheet | None = None
) -> tuple[str, int]:
    """The whole page and its status."""
    task, incident = it.task, it.incident
    steps = build_steps(reader, it.plan, values, it.facts, trouble.problems, trouble.theirs)
    by_others = _by_others(reader, it)
    accounts = reader.accounts(*_named(it), *(each["person"] for each in by_others))
    of_child, of_incident = facts_beside(reader, it.subject, accounts, it.plan.bundle)
    may = _may(reader, it)
    context: dict[str, Any] = {
        "task": task,
        "incident": incident,
        "child": it.subject.child,
        "kind": it.subject.kind,
        "steps": steps,
        "heading": _heading(steps),
        "primary": _last(steps).submit,
        "follows": _follows(steps[-1]),
        "all_fields": [each for step in steps for each in step.fields],
        "other_problems": _unplaced(steps, trouble),
        "trouble": trouble,
        "clock_now": due_clock(reader, task["due_at"]) if it.subject.child else task_clock(incident, reader.ctx.now),
        "child_facts": of_child,
        "facts": of_incident,
        "children": [child_words.row(reader, each, accounts) for each in by_others],
        "panels": panels(reader, it, values),
        "files": attachments.of_incident(reader.ctx.connection, incident["id"]),
        "accounts": accounts,
        "by_colleague": _drafted(reader, it),
        "draft_by": accounts.get(task["draft_by"], ""),
        "by_user": _by_user(it),
        "holder": accounts.get(task["assignee"], task["assignee"]),
        "group": reader.name("groups", task["candidate_group"]),
        "may": may,
        "sheets": act_sheets.build(reader, it.plan.bundle) if may["escalate"] else None,
        "colleagues": _colleagues(reader, task),
        "waiting": waiting_form.build(reader, incident),
        "sheet": sheet,
        "base": orjson.dumps(base_of(steps)).decode(),
        "key": uuid.uuid4().hex,
    }
    return render_template("task.html", here="work", **context), trouble.status


def panels(reader: Reader, it: Opened, values: Values) -> list[alike.Panel]:
    """Similar incidents and former solutions, where a step asks for them."""
    if it.subject.child is not None:
        return []
    forms = {element_id: it.plan.form(element_id) for element_id in it.plan.element_ids}
    return alike.panels(reader, forms, together(it.incident, values))


def _by_others(reader: Reader, it: Opened) -> list[Record]:
    """What others did and do for the incident, beside a step of its own: their answers decide how it goes on."""
    if it.subject.child is not None or not it.incident["has_children"]:
        return []
    return children.of_incident(reader.ctx.connection, it.incident["id"])


def base_of(steps: list[Step]) -> dict[str, str]:
    """What the fields held when the page was made, for telling apart who changed what: input name → text."""
    return {each.name: each.value for step in steps for each in step.fields if each.name and each.value}


def _named(it: Opened) -> tuple[str | None, ...]:
    task, incident, child = it.task, it.incident, it.subject.child
    named = (incident["recorder"], incident["responsible_person"], task["assignee"], task["draft_by"])
    return (*named, child["created_by"], child["person"]) if child else named


def _unplaced(steps: list[Step], trouble: Trouble) -> list[str]:
    shown = {each.key for step in steps for each in step.fields}
    return [text for step in trouble.problems.values() for key, text in step.items() if key not in shown]


def _may(reader: Reader, it: Opened) -> dict[str, bool]:
    task, offered = it.task, tasks.as_offered(it.task)
    found = {action: allowed(reader.person, action, task=offered) for action in ("complete", "release")}
    abandoned = has_left(reader.ctx.connection, task["assignee"], task["candidate_group"])
    found["claim"] = allowed(reader.person, "claim", task=offered, abandoned=abandoned)
    found["attach"] = allowed(reader.person, "attach", incident=it.incident)
    waits = it.subject.child is None  # others wait for a child record: it does not wait itself
    return found | {
        action: waits and allowed(reader.person, action, incident=it.incident)
        for action in ("hold", "resume", "escalate")
    }


def _colleagues(reader: Reader, task: Record) -> list[tuple[str, str]]:
    """To whom this person may give the task: (account, name) of its group's people, but for who has it."""
    if task["candidate_group"] is None or not allowed(reader.person, "assign", task=tasks.as_offered(task)):
        return []
    found = people.colleagues(reader.ctx.connection, task["candidate_group"])
    return [(account, name) for account, name in found if account != task["assignee"]]


def _drafted(reader: Reader, it: Opened) -> list[str]:
    """The fields that a colleague's draft fills in."""
    task = it.task
    if not task["draft"] or task["draft_by"] in (None, reader.person.account):
        return []
    forms = [(it.plan.form(each), drafted(it.plan, each, task["draft"])) for each in it.plan.element_ids]
    return [form.title_of(key) for form, each in forms for key in form.fields if each.get(key) not in (None, "", False)]


def _by_user(it: Opened) -> bool:
    """Whether the draft is what the user himself has reported: whoever of the desk takes it over records it anew."""
    return bool(it.incident["source"] == SOURCE and it.task["draft_by"] == it.incident["recorder"])


def _follows(step: Step) -> str:
    """The input whose chosen answer names the button: the act itself, not the form."""
    key = step.form.ui.get("submitFollows")
    return input_name(step.element_id, key) if key else ""


def _heading(steps: list[Step]) -> str:
    """The step's name; of several on one page the first and the last, so that the button's act is among them."""
    if len(steps) == 1:
        return steps[0].title
    return str(_("%(first)s 至 %(last)s", first=steps[0].title, last=steps[-1].title))


def _last(steps: list[Step]) -> Step:
    """The step with which the page ends as it is answered now: it names the one button."""
    return [step for step in steps if not step.off][-1]
