"""The page of a child record: what is asked for, how it stands, its own live diagram and history."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import definitions
from engine.errors import ConflictError, InvalidValuesError, NotFoundError
from webapp import desk as verbs
from webapp.current import current_desk, current_person
from webapp.desk.children import CANCELLABLE
from webapp.failures import status_of
from webapp.queries import children, incidents, tasks, timeline
from webapp.rights import allowed
from webapp.routes import child_words, incident_view, story, waiting_form
from webapp.routes.blueprint import pages
from webapp.routes.posted import posted_key, posted_number
from webapp.routes.reading import reading


@pages.get("/children/<number>", endpoint="child")
def child_page(number: str) -> ResponseReturnValue:
    """One child record."""
    return _page(number, None, 200)


def _page(number: str, sheet: waiting_form.Sheet | None, status: int) -> ResponseReturnValue:
    with reading() as reader:
        connection = reader.ctx.connection
        child = children.get(connection, number)
        incident = incidents.get(connection, str(child["incident_id"]))
        running = incidents.instances_of(connection, child["number"])
        instance_ids = [row["id"] for row in running]
        walked = timeline.walked(connection, instance_ids)
        open_tasks = incidents.open_tasks(connection, child["number"])
        bundle = definitions.load_bundle(reader.ctx, running[0]["bundle_id"]) if running else None
        accounts = reader.accounts(child["person"], child["created_by"], *(task["assignee"] for task in open_tasks))
        words, tone = child_words.state_of(child)
        may_cancel = allowed(reader.person, "cancel_child", incident=incident)
        context: dict[str, Any] = {
            "child": child,
            "incident": incident,
            "name": child_words.NAMES[child["kind"]],
            "state_words": words,
            "tone": tone,
            "holder": reader.holder(child["group"], child["person"], accounts),
            "facts": child_words.facts(reader, child, bundle),
            "tasks": [task for task in open_tasks if allowed(reader.person, "complete", task=tasks.as_offered(task))],
            "standing": incident_view.standing(reader, open_tasks, accounts),
            "may_cancel": may_cancel and child["state"] == "open" and child["kind"] in CANCELLABLE,
            "story": story.tell(
                reader, timeline.of_child(connection, child, walked), bundle.program if bundle else None
            ),
            "diagram": None,
            "sheet": sheet,
            "key": uuid.uuid4().hex,
        }
        if bundle:
            drawn, took = incident_view.Drawn(bundle), [row["element_id"] for row in walked[::-1]]
            ended = child["state"] != "open"
            context["diagram"] = incident_view.diagram(drawn, bundle.process_key, took, open_tasks, ended=ended)
        return render_template("child.html", here="incidents", **context), status


@pages.get("/children/<number>/diagrams/<process_key>.bpmn", endpoint="child_diagram")
def child_diagram(number: str, process_key: str) -> Response:
    """The diagram to which this child's process is pinned; it never changes, so the browser may keep it."""
    with reading() as reader:
        child = children.get(reader.ctx.connection, number)
        running = incidents.instances_of(reader.ctx.connection, child["number"])
        document = incidents.pinned_process(reader.ctx, running, process_key)
    if document is None:
        raise NotFoundError(_("没有这张流程图。"))
    response = Response(document, mimetype="application/xml")
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


@pages.post("/children/<number>/cancel", endpoint="cancel_child")
def cancel_child(number: str) -> ResponseReturnValue:
    """Stop what is no longer needed."""
    reason = request.form.get("reason", "")
    revision = posted_number("revision")
    try:
        verbs.cancel_child(current_desk(), current_person(), number, reason, revision=revision, key=posted_key())
    except (InvalidValuesError, ConflictError) as refused:
        problems = refused.problems if isinstance(refused, InvalidValuesError) else {"": str(refused)}
        return _page(number, waiting_form.Sheet("cancel", {"reason": reason}, problems), status_of(refused))
    flash(_("已撤回。"))
    return redirect(url_for("pages.child", number=number), 303)
