"""The report page as it is shown: 1.2 and 1.4 on one screen, similar incidents, running announcements."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import definitions
from engine.bundles import Bundle
from engine.forms import Form
from webapp.desk.incidents import IDENTIFY, PROCESS, RECORD
from webapp.forms import Field, build_fields, input_name
from webapp.language import N_
from webapp.queries import announcements, people, work
from webapp.routes.alike import incidents_like
from webapp.routes.choices import reference_choices
from webapp.routes.reading import Reader
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
    "phone": {"col": 3, "help": N_("电话和手机至少填一个")},
    "mobile": {"col": 3, "help": ""},
    "extension": {"col": 3},
    "location": {"col": 3, "help": ""},
    "email": {"col": 3},
    "served": {"col": 3},
    "request_type": {"col": 6, "help": ""},
    "occurred_at": {"col": 6, "help": ""},
    "summary": {"col": 12, "help": ""},
    "details": {"col": 12, "rows": 2, "help": ""},
    "service_effect": {"col": 6, "rows": 2},
    "affected_departments": {"col": 3},
    "configuration_items": {"col": 3},
    "scope": {"col": 8, "kind": "chips"},
    "announce": {"col": 4, "help": ""},
    "needed": {"col": 12, "rows": 2},
}
ORDER = ("staff_number", "customer_name", "department", "phone", "mobile", "extension", "location")
FURTHER = frozenset({"extension", "location", "email", "served"})  # rarely asked for: folded
BY_BUTTON = frozenset({"existing", "addition"})  # 1.3: filled in by the button beside a similar incident
Values = Mapping[str, Mapping[str, Any]]


def page(
    reader: Reader, values: Values, problems: Mapping[str, Mapping[str, str]], file_problem: str = ""
) -> ResponseReturnValue:
    """The whole page and its status: 422 with problems by step and field, or of the files."""
    found = found_customers(reader, plain_text(request.form.get("who", ""))) if "refresh" in request.form else []
    if request.form.get("refresh") == "found" and len(found) == 1:
        values = {**values, IDENTIFY: {**values[IDENTIFY], **found[0]["fields"]}}
    bundle = the_bundle(reader)
    fields = {step: _fields(reader, form, values, problems, step) for step, form in forms_of(bundle).items()}
    listed = [field for step in fields.values() for field in step]
    shown = {(step, field.key) for step, each in fields.items() for field in each}
    others = [text for step, each in problems.items() for key, text in each.items() if (step, key) not in shown]
    others += [file_problem] if file_problem else []
    context: dict[str, Any] = {
        "source": next(field for field in fields[RECORD] if field.key == "source"),
        "customer": sorted((each for each in fields[IDENTIFY] if each.key not in FURTHER | BY_BUTTON), key=_place),
        "further": [each for each in fields[IDENTIFY] if each.key in FURTHER],
        "source_fields": [field for field in fields[RECORD] if "source" in field.when],
        "event_fields": [field for field in fields[RECORD] if "source" not in field.when and field.key != "source"],
        "all_fields": listed,
        "other_problems": others,
        "has_problems": any(problems.values()) or bool(file_problem),
        "file_problem": file_problem,
        "rows": incidents_like(reader, reported_facts(reader, values)) if request.form else [],
        "relate": request.form.get("relate", ""),
        "announced": announcements.running(reader.ctx.connection),
        "found": found,
        "who": request.form.get("who", ""),
        "key": request.form.get("key") or uuid.uuid4().hex,
        "steps": [_words(bundle, step) for step in (IDENTIFY, RECORD)],
        "next_field": input_name(RECORD, "summary"),
        "mine": [] if any(problems.values()) else work.recorded(reader.ctx.connection, reader.person).rows[:5],
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
    return [_dense(field) for field in fields]


def _dense(field: Field) -> Field:
    changes = dict(DENSE.get(field.key, {}))
    if words := changes.get("help"):
        changes["help"] = _(words)
    return replace(field, **changes)


def _words(bundle: Bundle, step: str) -> tuple[str, str, str]:
    """Name, purpose and handbook section of a step."""
    element = bundle.program.elements[step]
    purpose, section = split_section(element.documentation or "", element.properties.get("section", ""))
    return element.name or "", purpose, section


def _place(field: Field) -> int:
    return ORDER.index(field.key) if field.key in ORDER else len(ORDER)


def found_customers(reader: Reader, text: str) -> list[dict[str, Any]]:
    """Customers with the values of the form's fields, by key for this server and by input name for the browser."""
    found = []
    for row in people.find_customers(reader.ctx.connection, text):
        values = {field: row[column] for field, column in CUSTOMER_FIELDS.items()}
        inputs = {input_name(IDENTIFY, field): value for field, value in values.items()}
        parts = [row["staff_number"], reader.name("departments", row["department"]), row["mobile"] or row["phone"]]
        second = " · ".join(part for part in parts if part)
        found.append({"name": row["name"], "grade": row["grade"], "second": second, "fields": values, "inputs": inputs})
    return found


def reported_facts(reader: Reader, values: Values) -> dict[str, Any]:
    """What a report says so far, as the search for similar incidents asks for it; the customer by his numbers."""
    who, what = values.get(IDENTIFY, {}), values.get(RECORD, {})
    numbers = [who[name] for name in ("staff_number", "phone", "mobile") if who.get(name)]
    known = people.find_customers(reader.ctx.connection, str(numbers[0])) if numbers else []
    return {
        "customer_id": known[0]["id"] if known else None,
        "summary": what.get("summary"),
        "details": what.get("details"),
    }


def the_bundle(reader: Reader) -> Bundle:
    """The process as a new incident would follow it; one and the same for the whole request."""
    if "report_bundle" not in g:
        g.report_bundle = definitions.bundle_for(reader.ctx, PROCESS)
    bundle: Bundle = g.report_bundle
    return bundle


def forms_of(bundle: Bundle) -> dict[str, Form]:
    """The forms of 1.2 and 1.4 by step."""
    elements = bundle.program.elements
    return {step: bundle.forms[elements[step].properties["form"]].form for step in (IDENTIFY, RECORD)}


def plain_text(text: str) -> str:
    """What is looked up, in ASCII figures and letters whatever width they were typed in."""
    return unicodedata.normalize("NFKC", text).strip()
