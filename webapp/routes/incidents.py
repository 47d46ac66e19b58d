"""The page of an incident, and the acts on it that are no step of the process."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import definitions
from engine.bundles import Bundle
from engine.errors import ConflictError, EngineError, InvalidValuesError, NotFoundError
from webapp import desk as verbs
from webapp.contacts import may_reach
from webapp.current import current_desk, current_person
from webapp.desk.children import CANCELLABLE
from webapp.desk.incidents import PROCESS
from webapp.failures import status_of
from webapp.queries import attachments, children, incidents, tasks, timeline
from webapp.queries.rows import Record
from webapp.rights import allowed
from webapp.routes import act_sheets, child_words, facts, incident_view, story, waiting_form
from webapp.routes import tasks as task_pages
from webapp.routes.blueprint import pages
from webapp.routes.clock import NAMES, Clock, incident_clock
from webapp.routes.posted import posted_key, posted_number
from webapp.routes.reading import Reader, reading

ACTS = (
    "comment",
    "attach",
    "hold",
    "resume",
    "withdraw",
    "reassign",
    "escalate",
    "bind",
    "link",
    "open_problem",
    "add_child",
    "cancel_child",
    "customer_link",
)
OTHERS = ("escalate", "bind", "link", "open_problem", "add_child", "withdraw", "reassign")  # behind the dots
TASK_ADDRESS = re.compile(r"/tasks/[0-9a-f-]{1,60}")


@pages.get("/incidents/<key>", endpoint="incident")
def incident_page(key: str) -> ResponseReturnValue:
    """One incident: clocks, process, facts and one timeline."""
    return _page(key, None, 200)


def _page(
    key: str, trouble: Mapping[str, str] | None, status: int, sheet: waiting_form.Sheet | None = None
) -> ResponseReturnValue:
    with reading() as reader:
        connection = reader.ctx.connection
        incident = incidents.get(connection, key)
        open_tasks = incidents.open_tasks(connection, incident["id"])
        running = incidents.instances_of(connection, incident["id"])
        instance_ids = [row["id"] for row in running]
        links = incidents.links_of(connection, incident["id"]) if incident["has_links"] else []
        listed = children.of_incident(connection, incident["id"]) if incident["has_children"] else []
        files = attachments.of_incident(connection, incident["id"]) if incident["has_files"] else []
        walked = timeline.walked(connection, instance_ids)
        beside = timeline.Beside(listed, links, files, walked)
        events = timeline.events(connection, incident["id"], instance_ids, beside)
        bundle = _bundle(reader, running)
        people = [incident["recorder"], incident["responsible_person"], *(task["assignee"] for task in open_tasks)]
        accounts = reader.accounts(*people, *(each["person"] for each in listed), *(each["actor"] for each in files))
        may = {act: allowed(reader.person, act, incident=incident) for act in ACTS}
        may["add_child"] = may["add_child"] and any(each["wait"] and each["state"] == "open" for each in listed)
        may["open_problem"] = may["open_problem"] and not incident["problem_ref"]
        may["customer_link"] = may["customer_link"] and incident["customer_id"] is not None
        context: dict[str, Any] = {
            "incident": incident,
            "clocks": _clocks(reader, incident, events),
            "standing": incident_view.standing(reader, open_tasks, accounts),
            "awaited": "" if open_tasks else child_words.awaited(reader, incident, listed),
            "tasks": [task for task in open_tasks if _may_do(reader, task)],
            "responsible": _responsible(reader, incident, accounts),
            "facts": facts.whole(reader, incident, accounts),
            "texts": facts.long_texts(reader, incident),
            "related": incidents.related(connection, incident),
            "links": links,
            "children": [_child_row(reader, each, accounts) for each in listed],
            "files": files,
            "accounts": accounts,
            "announced": any(each["kind"] == "announcement" and each["facts"].get("published") for each in listed),
            "story": story.tell(
                reader, events, bundle.program if bundle else None, reach=may_reach(reader.person, incident)
            ),
            "stuck": next((row for row in running if row["status"] == "stuck"), None),
            "may": may,
            "others": any(may[act] for act in OTHERS),
            "waiting": waiting_form.build(reader, incident),
            "waiting_words": reader.name("waiting_codes", incident["waiting_code"]),
            "sheets": act_sheets.build(reader, bundle),
            "trouble": trouble,
            "sheet": sheet,
            "key": uuid.uuid4().hex,
        }
        context |= _process(reader, incident, bundle, events, open_tasks, [row["element_id"] for row in walked[::-1]])
        return render_template("incident.html", here="incidents", **context), status


def _process(
    reader: Reader,
    incident: Record,
    bundle: Bundle | None,
    events: Sequence[timeline.Event],
    open_tasks: Sequence[Record],
    took: Sequence[str],
) -> dict[str, Any]:
    """The strip of stages, the tabs of the stage that is shown, and one live diagram."""
    shown = _shown_stage(incident["stage"])
    drawn = incident_view.Drawn(bundle) if bundle else None
    stages = incident_view.stages(reader, incident, drawn, events, open_tasks)
    found: dict[str, Any] = {"stages": stages, "shown": shown, "tabs": [], "diagram": None}
    if drawn is None:
        return found
    tabs = drawn.tabs(shown, took)
    here = incident_view.where(drawn, shown, took, open_tasks)
    asked = request.args.get("diagram")
    process_key = asked if asked in {tab.process_key for tab in tabs} else here
    if process_key:
        ended = incident["state"] == incident_view.ENDED or shown != incident["stage"]
        found |= {
            "tabs": tabs,
            "diagram": incident_view.diagram(drawn, process_key, took, open_tasks, ended=ended),
        }
    return found


def _child_row(reader: Reader, child: Record, accounts: Mapping[str, str]) -> dict[str, Any]:
    """A child as the incident lists it."""
    stoppable = child["state"] == "open" and child["kind"] in CANCELLABLE
    return {**child_words.row(reader, child, accounts), "stoppable": stoppable}


def _shown_stage(present: int) -> int:
    asked = request.args.get("stage", "")
    return int(asked) if asked in {"1", "2", "3", "4", "5"} else present


def _bundle(reader: Reader, running: list[Any]) -> Bundle | None:
    bundle_id = next((row["bundle_id"] for row in running if row["process_key"] == PROCESS), None)
    return definitions.load_bundle(reader.ctx, bundle_id) if bundle_id else None


def _clocks(reader: Reader, incident: Record, events: Sequence[timeline.Event]) -> list[Clock]:
    ended = [event.row for event in events if event.kind == "resume" and event.row]
    periods = [(row["began_at"], row["ended_at"]) for row in ended]
    return [incident_clock(incident, name, reader.ctx.now, periods) for name in NAMES]


def _may_do(reader: Reader, task: Any) -> bool:
    return allowed(reader.person, "complete", task=tasks.as_offered(task))


def _responsible(reader: Reader, incident: Mapping[str, Any], accounts: Mapping[str, str]) -> str:
    group = reader.name("groups", incident["responsible_group"])
    person = incident["responsible_person"]
    return " · ".join(part for part in (group, accounts.get(person, person) if person else "") if part)


@pages.get("/incidents/<key>/diagrams/<process_key>.bpmn")
def diagram(key: str, process_key: str) -> ResponseReturnValue:
    """The diagram to which this incident is pinned; it never changes, so the browser may keep it."""
    with reading() as reader:
        incident = incidents.get(reader.ctx.connection, key)
        running = incidents.instances_of(reader.ctx.connection, incident["id"])
        document = incidents.pinned_process(reader.ctx, running, process_key)
    if document is None:
        raise NotFoundError(_("没有这张流程图。"))
    response = Response(document, mimetype="application/xml")
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


@pages.post("/incidents/<key>/comments")
def comment(key: str) -> ResponseReturnValue:
    """Add a note or a contact with the customer."""
    kind, _colon, channel = request.form.get("kind", "note").partition(":")
    text = request.form.get("text", "").strip()
    if not text:
        return _page(key, {"comment": _("请先写下要补充的内容。")}, 422)
    try:
        verbs.comment(
            current_desk(), current_person(), _id(key), text, kind=kind, channel=channel or None, key=posted_key()
        )
    except InvalidValuesError as refused:
        return _page(key, {"comment": problem_words(refused)}, 422)
    flash(_("已补充说明。"))
    return redirect(url_for("pages.incident", key=key) + "#story", 303)


@pages.post("/incidents/<key>/hold")
def hold(key: str) -> ResponseReturnValue:
    """Put the incident on waiting."""
    with reading() as reader:
        until = waiting_form.read_until(reader, request.form)
    if until is None:
        return _refused(key, "hold", {"until": _("预计结束请写成 18:00 或 11-25 18:00")})
    code, reason = request.form.get("code", ""), request.form.get("reason", "").strip()
    try:
        verbs.hold(
            current_desk(),
            current_person(),
            _id(key),
            code,
            until,
            reason,
            revision=posted_number("revision"),
            key=posted_key(),
        )
    except (InvalidValuesError, ConflictError) as refused:
        return _refused(key, "hold", _problems(refused), refused)
    flash(_("已置为等待，时钟暂停。"))
    return redirect(_back(key), 303)


@pages.post("/incidents/<key>/resume")
def resume(key: str) -> ResponseReturnValue:
    """End the waiting."""
    return _act(key, verbs.resume, _("已恢复处理，时钟接着计时。"))


@pages.post("/incidents/<key>/withdraw")
def withdraw(key: str) -> ResponseReturnValue:
    """The user takes the report back."""
    return _act(key, verbs.withdraw, _("用户已撤销，可以关闭事件单。"))


@pages.post("/incidents/<key>/reassign")
def reassign(key: str) -> ResponseReturnValue:
    """The manager sends the incident back to dispatch."""
    return _act(key, verbs.reassign, _("已收回，等待重新分派。"))


@pages.post("/incidents/<key>/escalate")
def escalate(key: str) -> ResponseReturnValue:
    """Put the incident before the manager."""
    form = request.form
    return _say(
        key, "escalate", _("已升级，等待事件经理决定。"), form.get("code", ""), form.get("reason", ""), revised=True
    )


@pages.post("/incidents/<key>/problem")
def open_problem(key: str) -> ResponseReturnValue:
    """Have the cause found for good."""
    form = request.form
    return _say(key, "open_problem", _("已建立问题单。"), form.get("title", ""), form.get("reason", ""), revised=True)


@pages.post("/incidents/<key>/children")
def open_child(key: str) -> ResponseReturnValue:
    """One more change or task for an incident that waits for others already."""
    form = request.form
    kind, _colon, group = form.get("code", "").partition(":")
    said = (kind, form.get("title", ""), form.get("reason", ""))
    return _say(key, "add_child", _("已增加子单。"), *said, group=group or None, revised=True)


@pages.post("/incidents/<key>/bind")
def bind(key: str) -> ResponseReturnValue:
    """Make the incident a slave of another one, which is named by its number."""
    return _relate(key, "bind", _("已绑为从事件，随主事件处理。"))


@pages.post("/incidents/<key>/link")
def link(key: str) -> ResponseReturnValue:
    """Note that two incidents have to do with each other."""
    return _relate(key, "link", _("已建立关联。"))


def _relate(key: str, name: str, done: str) -> ResponseReturnValue:
    typed = request.form.get("other", "")
    with reading() as reader:
        try:
            other = incidents.get(reader.ctx.connection, act_sheets.number_of(reader, typed))["id"]
        except NotFoundError:
            other = None
    if other is None:
        return _refused(key, name, {"other": _("没有找到这个单号，请写全，如 SJ261123-058")})
    return _say(key, name, done, other, request.form.get("reason", ""), revised=name == "bind")


def _say(key: str, name: str, done: str, *said: Any, revised: bool, **named: Any) -> ResponseReturnValue:
    """Carry out a verb with what its sheet asked for; a refusal opens the sheet again."""
    if revised:
        named["revision"] = posted_number("revision")
    try:
        getattr(verbs, name)(current_desk(), current_person(), _id(key), *said, key=posted_key(), **named)
    except (InvalidValuesError, ConflictError) as refused:
        return _refused(key, name, _problems(refused), refused)
    flash(done)
    return redirect(_back(key), 303)


def _act(key: str, verb: Any, done: str) -> ResponseReturnValue:
    reason, revision = request.form.get("reason", ""), posted_number("revision")
    try:
        verb(current_desk(), current_person(), _id(key), reason, revision=revision, key=posted_key())
    except (InvalidValuesError, ConflictError) as refused:
        return _refused(key, verb.__name__, _problems(refused), refused)
    flash(done)
    return redirect(_back(key), 303)


def _refused(
    key: str, name: str, problems: Mapping[str, str], refused: EngineError | None = None
) -> ResponseReturnValue:
    """The page from which a sheet came, with the sheet open and everything typed in it."""
    typed = {each: request.form.get(each, "") for each in ("code", "until", "reason", "other", "title")}
    sheet = waiting_form.Sheet(name, typed, problems)
    status = status_of(refused) if refused else 422
    task_id = _back(key).removeprefix("/tasks/")
    if "/" not in task_id:
        with reading() as reader:
            still_open = tasks.get(reader.ctx.connection, task_id) is not None
        if still_open:
            return task_pages.with_sheet(task_id, sheet, status)
    return _page(key, None, status, sheet)


def _problems(refused: InvalidValuesError | ConflictError) -> dict[str, str]:
    """What is wrong by the sheet's inputs; a conflict belongs to none of them."""
    if isinstance(refused, ConflictError):
        with reading() as reader:
            by = reader.accounts(refused.by).get(refused.by or "", "")
            at = f" {reader.moment(refused.at)}" if refused.at else ""
        return {"": f"{refused}（{by}{at}）" if by else str(refused)}
    inputs = {"expected_end": "until", **act_sheets.INPUTS}
    return {inputs.get(name, name): text for name, text in refused.problems.items()}


def problem_words(refused: EngineError) -> str:
    """The sentences of a refusal, without names of fields."""
    problems = getattr(refused, "problems", None)
    return "；".join(problems.values()) if problems else str(refused)


def _id(key: str) -> int:
    with reading() as reader:
        found: int = incidents.get(reader.ctx.connection, key)["id"]
        return found


def _back(key: str) -> str:
    wanted = request.form.get("back", "")
    return wanted if TASK_ADDRESS.fullmatch(wanted) else url_for("pages.incident", key=key)
