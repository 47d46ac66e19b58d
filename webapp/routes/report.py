"""登记事件: 1.2 and 1.4 on one page, and from there to the desk's next page. Works without JavaScript."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import definitions
from engine.bundles import Bundle
from engine.errors import ConflictError, InvalidValuesError, NotAllowedError
from engine.forms import Form, validate
from webapp import desk as verbs
from webapp.current import current_desk, current_person
from webapp.desk import InvalidStepError
from webapp.desk.incidents import IDENTIFY, PROCESS, RECORD
from webapp.forms import Field, build_fields, input_name, read_all, shown_values
from webapp.queries import people, tasks, work
from webapp.rights import allowed
from webapp.routes.blueprint import pages
from webapp.routes.choices import reference_choices
from webapp.routes.posted import posted_key
from webapp.routes.reading import Reader, reading
from webapp.routes.step_forms import split_section

# The customer master's columns under the names of the form's fields.
CUSTOMER_FIELDS = {
    "staff_number": "staff_number",
    "customer_name": "name",
    "customer_grade": "grade",
    "department": "department",
    "phone": "phone",
    "mobile": "mobile",
    "extension": "extension",
    "location": "location",
    "email": "email",
    "served": "served",
}
# The whole call on one screen: narrower than the forms are when they stand alone.
DENSE: Mapping[str, dict[str, Any]] = {
    "staff_number": {"col": 3, "help": ""},
    "customer_name": {"col": 3},
    "department": {"col": 3},
    "phone": {"col": 3, "help": "电话和手机至少填一个"},
    "mobile": {"col": 3, "help": ""},
    "extension": {"col": 3},
    "location": {"col": 3, "help": ""},
    "email": {"col": 3},
    "served": {"col": 3},
    "occurred_at": {"col": 6},
    "summary": {"col": 12},
    "details": {"col": 12, "rows": 2},
    "service_effect": {"col": 6, "rows": 2},
    "affected_departments": {"col": 3},
    "configuration_items": {"col": 3},
}
ORDER = ("staff_number", "customer_name", "department", "phone", "mobile", "extension", "location")
FURTHER = frozenset({"extension", "location", "email", "served"})  # rarely asked for: folded
Values = Mapping[str, Mapping[str, Any]]


@pages.get("/report", endpoint="report")
def report_page() -> ResponseReturnValue:
    """An empty page, or one that a look-up without JavaScript filled."""
    _check_right()
    with reading() as reader:
        return _page(reader, {IDENTIFY: {}, RECORD: {"source": request.args.get("source", "phone")}}, {})


@pages.post("/report")
def report_incident() -> ResponseReturnValue:
    """Record the incident and go on to its next step; a refusal shows the page with everything typed."""
    _check_right()
    with reading() as reader:
        values = _typed(reader)
        handed_in = {step: shown_values(form, values[step]) for step, form in _forms(_bundle(reader)).items()}
    if "refresh" in request.form:
        return _again(values, {})
    try:
        done = verbs.report(current_desk(), current_person(), handed_in, key=posted_key())
    except InvalidStepError as refused:
        return _again(values, _all_problems(values, refused))
    flash(f"已登记 {done.number}。")
    if done.next_task and _take(done.next_task):
        return redirect(url_for("pages.task", task_id=done.next_task), 303)
    return redirect(url_for("pages.incident", key=done.number), 303)


@pages.get("/report/customers")
def customers() -> ResponseReturnValue:
    """What a look-up finds, for the list under the look-up field."""
    _check_right()
    text = request.args.get("who", "").strip()
    with reading() as reader:
        return render_template("customers.html", found=_found(reader, text), text=text)


def _check_right() -> None:
    if not allowed(current_person(), "report"):
        raise NotAllowedError("只有服务台可以登记事件，请联系服务台。")


def _bundle(reader: Reader) -> Bundle:
    return definitions.bundle_for(reader.ctx, PROCESS)


def _forms(bundle: Bundle) -> dict[str, Form]:
    elements = bundle.program.elements
    return {step: bundle.forms[elements[step].properties["form"]].form for step in (IDENTIFY, RECORD)}


def _typed(reader: Reader) -> dict[str, dict[str, Any]]:
    forms = _forms(_bundle(reader))
    return {
        step: read_all(form, request.form, zone=reader.zone, now=reader.ctx.now, prefix=step)
        for step, form in forms.items()
    }


def _all_problems(values: Values, refused: InvalidStepError) -> dict[str, dict[str, str]]:
    """The problems of the refused step and, so that nobody has to submit twice, of the one after it."""
    with reading() as reader:
        found = {refused.element_id: dict(refused.problems)}
        for step, form in _forms(_bundle(reader)).items():
            if step != refused.element_id:
                found[step] = _problems_of(form, values[step])
        if not (values[IDENTIFY].get("phone") or values[IDENTIFY].get("mobile")):
            found[IDENTIFY].setdefault("phone", "电话和手机至少填一个")
    return found


def _problems_of(form: Form, values: Mapping[str, Any]) -> dict[str, str]:
    try:
        validate(form, dict(values))
    except InvalidValuesError as refused:
        return refused.problems
    return {}


def _again(values: Values, problems: Mapping[str, Mapping[str, str]]) -> ResponseReturnValue:
    with reading() as reader:
        return _page(reader, values, problems)


def _page(reader: Reader, values: Values, problems: Mapping[str, Mapping[str, str]]) -> ResponseReturnValue:
    found = _found(reader, request.form.get("who", "").strip()) if "refresh" in request.form else []
    if request.form.get("refresh") == "found" and len(found) == 1:
        values = {**values, IDENTIFY: {**values[IDENTIFY], **found[0]["fields"]}}
    bundle = _bundle(reader)
    fields = {step: _fields(reader, form, values, problems, step) for step, form in _forms(bundle).items()}
    listed = [field for step in fields.values() for field in step]
    shown = {(step, field.key) for step, each in fields.items() for field in each}
    others = [text for step, each in problems.items() for key, text in each.items() if (step, key) not in shown]
    context: dict[str, Any] = {
        "source": next(field for field in fields[RECORD] if field.key == "source"),
        "customer": sorted((each for each in fields[IDENTIFY] if each.key not in FURTHER), key=_place),
        "further": [each for each in fields[IDENTIFY] if each.key in FURTHER],
        "source_fields": [field for field in fields[RECORD] if "source" in field.when],
        "event_fields": [field for field in fields[RECORD] if "source" not in field.when and field.key != "source"],
        "all_fields": listed,
        "other_problems": others,
        "has_problems": any(problems.values()),
        "found": found,
        "who": request.form.get("who", ""),
        "key": request.form.get("key") or uuid.uuid4().hex,
        "steps": [_words(bundle, step) for step in (IDENTIFY, RECORD)],
        "next_field": input_name(RECORD, "summary"),
        "mine": work.recorded(reader.ctx.connection, reader.person).rows[:5],
    }
    return render_template("report.html", here="report", **context), 422 if context["has_problems"] else 200


def _fields(
    reader: Reader, form: Form, values: Values, problems: Mapping[str, Mapping[str, str]], step: str
) -> list[Field]:
    fields = build_fields(
        form,
        values.get(step, {}),
        zone=reader.zone,
        choices=reference_choices(reader.ctx, {}, step),
        problems=problems.get(step),
        prefix=step,
    )
    return [replace(field, **DENSE.get(field.key, {})) for field in fields]


def _words(bundle: Bundle, step: str) -> tuple[str, str, str]:
    """Name, purpose and handbook section of a step."""
    element = bundle.program.elements[step]
    purpose, section = split_section(element.documentation or "", element.properties.get("section", ""))
    return element.name or "", purpose, section


def _place(field: Field) -> int:
    return ORDER.index(field.key) if field.key in ORDER else len(ORDER)


def _found(reader: Reader, text: str) -> list[dict[str, Any]]:
    """Customers with the values of the form's fields, by key for this server and by input name for the browser."""
    found = []
    for row in people.find_customers(reader.ctx.connection, text):
        values = {field: row[column] for field, column in CUSTOMER_FIELDS.items()}
        inputs = {input_name(IDENTIFY, field): value for field, value in values.items()}
        parts = [row["staff_number"], reader.name("departments", row["department"]), row["mobile"] or row["phone"]]
        second = " · ".join(part for part in parts if part)
        found.append({"name": row["name"], "grade": row["grade"], "second": second, "fields": values, "inputs": inputs})
    return found


def _take(task_id: str) -> bool:
    """Keep the call with whoever took it: the next step becomes his; whether he may do it now."""
    with reading() as reader:
        task = tasks.get(reader.ctx.connection, task_id)
        if task is None or not allowed(reader.person, "complete", task=tasks.as_offered(task)):
            return False
    if task["assignee"] is None:
        try:
            verbs.claim(current_desk(), current_person(), task_id, task["revision"])
        except (ConflictError, NotAllowedError):
            return False  # a colleague was faster
    return True
