"""登记发现的故障: what support people find themselves, straight to 3.1 (R048, R088). Works without JavaScript."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import InvalidValuesError
from webapp import desk as verbs
from webapp.current import current_desk, current_person, current_settings
from webapp.desk.raising import raise_form
from webapp.forms import Option, build_fields, read_all, shown_values
from webapp.routes.blueprint import pages
from webapp.routes.choices import reference_choices, settle
from webapp.routes.posted import posted_key
from webapp.routes.reading import Reader, reading
from webapp.routes.step_forms import with_assessment

STEP = "raise"  # the prefix of the inputs
GROUP = "group"


@pages.get("/raise", endpoint="raise_page")
def raise_page() -> ResponseReturnValue:
    """An empty form."""
    with reading() as reader:
        return _page(reader, {}, {})


@pages.post("/raise")
def raise_incident() -> ResponseReturnValue:
    """Record what was found and open 3.1; a refusal shows the page with everything typed."""
    with reading() as reader:
        form = raise_form(reader.ctx)
        typed = read_all(form, request.form, zone=reader.zone, now=reader.ctx.now, prefix=STEP)
        values = settle(reader.ctx, typed)
        if "refresh" in request.form:
            return _page(reader, values, {})
    try:
        done = verbs.raise_incident(
            current_desk(),
            current_person(),
            shown_values(form, values),
            group=request.form.get(GROUP) or None,
            key=posted_key(),
            zone=current_settings().zone,
        )
    except InvalidValuesError as refused:
        with reading() as reader:
            return _page(reader, values, refused.problems)
    flash(_("已登记 %(number)s，请接着分析。", number=done.number))
    return redirect(url_for("pages.task", task_id=done.next_task), 303)


def _page(reader: Reader, values: Mapping[str, Any], problems: Mapping[str, str]) -> ResponseReturnValue:
    fields = build_fields(
        raise_form(reader.ctx),
        values,
        zone=reader.zone,
        choices=reference_choices(reader.ctx, values),
        problems=problems,
        prefix=STEP,
    )
    facts = {"request_type": None, "customer_grade": None, "escalated": False, "source": "support", **values}
    groups = [Option(group, reader.name("groups", group)) for group in sorted(reader.person.groups)]
    shown = {each.key for each in fields}
    context: dict[str, Any] = {
        "fields": with_assessment(reader, fields, facts),
        "all_fields": fields,
        "other_problems": [text for key, text in problems.items() if key not in shown],
        "group_problem": problems.get(GROUP, ""),
        "problems_found": bool(problems),
        "groups": groups,
        "chosen_group": request.form.get(GROUP, ""),
        "key": request.form.get("key") or uuid.uuid4().hex,
    }
    return render_template("raise.html", here="report", **context), 422 if problems else 200
