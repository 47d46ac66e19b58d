"""Administration of running instances: those that are stuck or suspended, why, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.catalogue import catalogue
from engine.errors import ConflictError, InvalidValuesError, NotFoundError, StepFailedError
from webapp import desk as verbs
from webapp.current import current_desk, current_person
from webapp.desk.incidents import PROCESS
from webapp.language import N_
from webapp.queries import admin as queries
from webapp.queries.rows import Record
from webapp.rights import allowed
from webapp.routes import process_view
from webapp.routes.blueprint import pages
from webapp.routes.reading import Reader, reading

COMMANDS = {
    "start": N_("开始流程"),
    "complete": N_("完成任务"),
    "fire": N_("到时自动继续"),
    "deliver": N_("收到消息后继续"),
}
ACTS = ("retry", "reopen", "suspend", "resume", "cancel")


@pages.get("/admin/instances", endpoint="admin_instances")
def instances() -> ResponseReturnValue:
    """What cannot go on by itself."""
    return _page(200)


def _page(status: int, problem: str = "") -> ResponseReturnValue:
    with reading() as reader:
        rows = queries.instances_in_need(reader.ctx.connection)
        process, key = request.args.get("process", PROCESS), request.args.get("q", "").strip()[:60]
        found = _found(reader, process, key) if key else None
        ids = [row["business_key"] for row in (*rows, *([found] if found else ())) if row["process_key"] == PROCESS]
        known = catalogue(reader.ctx).all_in_force(reader.ctx.now)
        drawn = process_view.drawn(reader.ctx, [ref for ref in known.values() if ref.kind == "process"])
        names = {step.id: step.name for each in drawn.values() for step in each.steps}
        context = {
            "stuck": [_stuck(row, names) for row in rows if row["status"] == "stuck"],
            "suspended": [row for row in rows if row["status"] == "suspended"],
            "processes": {each.key: each.name for each in drawn.values()},
            "people": reader.accounts(*(row["actor"] for row in rows)),
            "numbers": queries.numbers(reader.ctx.connection, [int(each) for each in ids]),
            "may": {act: allowed(reader.person, f"instance.{act}") for act in ACTS},
            "problem": problem,
            "found": found,
            "q": key,
            "process_key": process,
            "incident_process": PROCESS,
            "typed": request.form,
        }
    return render_template("admin_instances.html", here="admin", **context), status


def _found(reader: Reader, process: str, key: str) -> Record | None:
    """A running instance by what staff know: an incident's number, or the key of another record."""
    connection = reader.ctx.connection
    known = queries.incident_id(connection, key) if process == PROCESS else None
    return queries.one_instance(connection, process, key if known is None else str(known))


def _stuck(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The row with its step and cause in plain words."""
    command = row["command"] or {}
    step = names.get(row["element_id"] or "", row["element_id"] or "")
    cause = row["cause"] or ""
    kind, _sign, text = cause.partition(":")
    plain = text.strip() if text and kind.isidentifier() else cause
    does = COMMANDS.get(command.get("do", ""))
    return {
        **row,
        "step": step,
        "plain": plain,
        "does": _(does) if does else "",
        "by_hand": command.get("do") == "complete",
    }


@pages.post("/admin/instances/<int:instance_id>/<act>", endpoint="admin_instance")
def act(instance_id: int, act: str) -> ResponseReturnValue:
    """Carry out one act on an instance."""
    if act not in ACTS:
        raise NotFoundError(_("没有这种操作。"))
    desk, person, reason = current_desk(), current_person(), request.form.get("reason", "")
    try:
        if act == "retry":
            verbs.retry(desk, person, instance_id)
        else:
            verb = {
                "reopen": verbs.reopen,
                "suspend": verbs.suspend_instance,
                "resume": verbs.resume_instance,
                "cancel": verbs.cancel_instance,
            }[act]
            verb(desk, person, instance_id, reason)
    except StepFailedError as failure:
        return _page(409, _("重试后仍然出错：%(cause)s", cause=failure.cause))
    except ConflictError as refused:
        return _page(409, str(refused))
    except InvalidValuesError as refused:
        return _page(422, "；".join(refused.problems.values()))
    flash(_("已完成。"))
    return redirect(url_for("pages.admin_instances"), 303)
