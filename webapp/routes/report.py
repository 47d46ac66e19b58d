"""登记事件: 1.2 and 1.4 on one page, and from there to the desk's next page. Works without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import ConflictError, EngineError, InvalidValuesError, NotAllowedError
from engine.forms import Form, validate
from handlers.records.attachments import FIELD
from webapp import desk as verbs
from webapp.current import current_desk, current_person
from webapp.desk import InvalidStepError, Reported
from webapp.desk.incidents import IDENTIFY, RECORD
from webapp.forms import read_all, shown_values
from webapp.queries import incidents, tasks
from webapp.rights import allowed
from webapp.routes.alike import incidents_like
from webapp.routes.attachments import posted_files
from webapp.routes.blueprint import pages
from webapp.routes.posted import posted_key
from webapp.routes.reading import Reader, reading
from webapp.routes.report_view import Values, forms_of, found_customers, page, plain_text, reported_facts, the_bundle

SUPPLEMENT, RECURRENCE = "supplement", "recurrence"  # buttons beside a similar incident; their value is its number
BIND, LINK = "bind", "link"  # what is done with one once the new incident is recorded: ``bind:SJ261122-001``


@pages.get("/report", endpoint="report")
def report_page() -> ResponseReturnValue:
    """An empty page, or one that a look-up without JavaScript filled."""
    with reading() as reader:
        return page(reader, {IDENTIFY: {}, RECORD: {"source": request.args.get("source", "phone")}}, {})


@pages.post("/report")
def report_incident() -> ResponseReturnValue:
    """Record the incident and go on to its next step; a refusal shows the page with everything typed."""
    with reading() as reader:
        values = _typed(reader)
        forms = forms_of(the_bundle(reader))
    if "refresh" in request.form:
        return _again(values, {})
    try:
        files = posted_files()
    except InvalidValuesError as refused:
        return _again(values, {}, refused.problems[FIELD])
    handed_in = {step: shown_values(form, values[step]) for step, form in forms.items()}
    if problems := _problems_of_forms(forms, handed_in):
        return _again(values, problems)
    try:
        done = verbs.report(current_desk(), current_person(), handed_in, key=posted_key(), original=_original())
    except InvalidStepError as refused:
        return _again(values, {refused.element_id: refused.problems})
    if files:
        incident_id = done.supplemented or done.incident_id
        verbs.attach(current_desk(), current_person(), incident_id, files, key=posted_key())
    return _onwards(done)


def _onwards(done: Reported) -> ResponseReturnValue:
    """To the incident's next step if whoever reported may do it, else to the incident, saying what was done."""
    if done.supplemented:
        flash(_("已补充到 %(number)s，原事件照常处理。", number=done.number))
        return redirect(url_for("pages.incident", key=done.number), 303)
    flash(_("已登记 %(number)s。", number=done.number) + _relate(done))
    if done.next_task and _take(done.next_task):
        return redirect(url_for("pages.task", task_id=done.next_task), 303)
    return redirect(url_for("pages.incident", key=done.number), 303)


@pages.get("/report/customers")
def customers() -> ResponseReturnValue:
    """What a look-up finds, for the list under the look-up field."""
    text = plain_text(request.args.get("who", ""))
    with reading() as reader:
        return render_template("customers.html", found=found_customers(reader, text), text=text)


@pages.post("/report/similar")
def similar() -> ResponseReturnValue:
    """Incidents like the one that is being typed: the panel beside the form."""
    with reading() as reader:
        rows = incidents_like(reader, reported_facts(reader, _typed(reader)))
    return render_template("report_alike.html", rows=rows, relate=request.form.get("relate", ""))


def _typed(reader: Reader) -> dict[str, dict[str, Any]]:
    values = {
        step: read_all(form, request.form, zone=reader.zone, now=reader.ctx.now, prefix=step)
        for step, form in forms_of(the_bundle(reader)).items()
    }
    if number := request.form.get(SUPPLEMENT):
        what = values[RECORD]
        said = [str(what[name]) for name in ("summary", "details") if what.get(name)]
        values[IDENTIFY] |= {"existing": number, "addition": "\n".join(said)}
    return values


def _original() -> int | None:
    """The closed incident of which this is a recurrence, where that button was pressed."""
    number = request.form.get(RECURRENCE)
    if not number:
        return None
    with reading() as reader:
        found: int = incidents.get(reader.ctx.connection, number)["id"]
        return found


def _relate(done: Reported) -> str:
    """Bind or link the new incident as was chosen beside a similar one; what to add to the note."""
    act, _colon, number = request.form.get("relate", "").partition(":")
    if act not in (BIND, LINK):
        return ""
    desk, person = current_desk(), current_person()
    try:
        with reading() as reader:
            other = incidents.get(reader.ctx.connection, number)["id"]
        if act == BIND:
            verbs.bind(desk, person, done.incident_id, other, "登记时判断为同一件事")
            return str(_("已绑为 %(number)s 的从事件。", number=number))
        verbs.link(desk, person, done.incident_id, other, "登记时判断为相关")
        return str(_("已与 %(number)s 建立关联。", number=number))
    except InvalidValuesError as refused:
        return str(_("没有关联 %(number)s：%(why)s。", number=number, why="；".join(refused.problems.values())))
    except EngineError as refused:
        return str(_("没有关联 %(number)s：%(why)s。", number=number, why=str(refused)))


def _problems_of_forms(forms: Mapping[str, Form], values: Values) -> dict[str, dict[str, str]]:
    """What both forms refuse, all at once and before anything is written; nothing of what the verb itself must refuse.

    Who may not report is told that, and not what is missing; what adds to an open incident (1.3) has no 1.4.
    """
    if not allowed(current_person(), "report"):
        return {}
    asked = [IDENTIFY] if values[IDENTIFY].get("existing") else [IDENTIFY, RECORD]
    found = {step: _problems_of(forms[step], values[step]) for step in asked}
    if any(found.values()) and not (values[IDENTIFY].get("phone") or values[IDENTIFY].get("mobile")):
        found[IDENTIFY].setdefault("phone", _("电话和手机至少填一个"))
    return found if any(found.values()) else {}


def _problems_of(form: Form, values: Mapping[str, Any]) -> dict[str, str]:
    try:
        validate(form, dict(values))
    except InvalidValuesError as refused:
        return refused.problems
    return {}


def _again(values: Values, problems: Mapping[str, Mapping[str, str]], file_problem: str = "") -> ResponseReturnValue:
    with reading() as reader:
        return page(reader, values, problems, file_problem)


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
