"""The page of an incident, and the acts on it that are no step of the process."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import definitions
from engine.bundles import Bundle
from engine.errors import ConflictError, EngineError, InvalidValuesError, NotFoundError
from webapp import desk as verbs
from webapp.current import current_desk, current_person
from webapp.desk.incidents import PROCESS
from webapp.failures import status_of
from webapp.queries import incidents, tasks, timeline
from webapp.queries.rows import Record
from webapp.rights import allowed
from webapp.routes import facts, incident_view, story, waiting_form
from webapp.routes import tasks as task_pages
from webapp.routes.blueprint import pages
from webapp.routes.clock import NAMES, Clock, incident_clock
from webapp.routes.posted import posted_key, posted_number
from webapp.routes.reading import Reader, reading

ACTS = ("comment", "hold", "resume", "withdraw", "reassign")
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
        events = timeline.events(connection, incident["id"], [row["id"] for row in running])
        bundle = _bundle(reader, running)
        people = [incident["recorder"], incident["responsible_person"], *(task["assignee"] for task in open_tasks)]
        accounts = reader.accounts(*people)
        shown = _shown_stage(incident["stage"])
        context: dict[str, Any] = {
            "incident": incident,
            "clocks": _clocks(reader, incident, events),
            "stages": incident_view.stages(reader, incident, bundle, events, open_tasks),
            "shown": shown,
            "diagram": _diagram(reader, bundle, shown, open_tasks, [row["id"] for row in running]),
            "standing": incident_view.standing(reader, open_tasks, accounts),
            "tasks": [task for task in open_tasks if _may_do(reader, task)],
            "responsible": _responsible(reader, incident, accounts),
            "facts": facts.whole(reader, incident, accounts),
            "texts": facts.long_texts(reader, incident),
            "related": incidents.related(connection, incident),
            "story": story.tell(reader, events, bundle.program if bundle else None),
            "stuck": next((row for row in running if row["status"] == "stuck"), None),
            "may": {act: allowed(reader.person, act, incident=incident) for act in ACTS},
            "waiting": waiting_form.build(reader, incident),
            "waiting_words": reader.name("waiting_codes", incident["waiting_code"]),
            "trouble": trouble,
            "sheet": sheet,
            "key": uuid.uuid4().hex,
        }
        return render_template("incident.html", here="incidents", **context), status


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


def _diagram(
    reader: Reader, bundle: Bundle | None, shown: int, open_tasks: Sequence[Record], instance_ids: Sequence[int]
) -> incident_view.Diagram | None:
    if bundle is None:
        return None
    took = incidents.path_taken(reader.ctx.connection, instance_ids)
    return incident_view.diagram(bundle, shown, took, open_tasks)


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
        raise NotFoundError("没有这张流程图。")
    response = Response(document, mimetype="application/xml")
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


@pages.post("/incidents/<key>/comments")
def comment(key: str) -> ResponseReturnValue:
    """Add a note or a contact with the customer."""
    kind, _, channel = request.form.get("kind", "note").partition(":")
    text = request.form.get("text", "").strip()
    if not text:
        return _page(key, {"comment": "请先写下要补充的内容。"}, 422)
    try:
        verbs.comment(
            current_desk(), current_person(), _id(key), text, kind=kind, channel=channel or None, key=posted_key()
        )
    except InvalidValuesError as refused:
        return _page(key, {"comment": problem_words(refused)}, 422)
    flash("已补充说明。")
    return redirect(url_for("pages.incident", key=key) + "#story", 303)


@pages.post("/incidents/<key>/hold")
def hold(key: str) -> ResponseReturnValue:
    """Put the incident on waiting."""
    with reading() as reader:
        until = waiting_form.read_until(reader, request.form)
    if until is None:
        return _refused(key, "hold", {"until": "预计结束请写成 18:00 或 11-25 18:00"})
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
    flash("已置为等待，时钟暂停。")
    return redirect(_back(key), 303)


@pages.post("/incidents/<key>/resume")
def resume(key: str) -> ResponseReturnValue:
    """End the waiting."""
    return _act(key, verbs.resume, "已恢复处理，时钟接着计时。")


@pages.post("/incidents/<key>/withdraw")
def withdraw(key: str) -> ResponseReturnValue:
    """The user takes the report back."""
    return _act(key, verbs.withdraw, "用户已撤销，可以关闭事件单。")


@pages.post("/incidents/<key>/reassign")
def reassign(key: str) -> ResponseReturnValue:
    """The manager sends the incident back to dispatch."""
    return _act(key, verbs.reassign, "已收回，等待重新分派。")


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
    typed = {each: request.form.get(each, "") for each in ("code", "until", "reason")}
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
    inputs = {"expected_end": "until"}
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
