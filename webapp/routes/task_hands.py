"""Keeping what is typed, and giving a task to a colleague."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import escape

from engine.errors import ConflictError, InvalidValuesError, NotFoundError
from webapp import desk as verbs
from webapp.current import current_desk, current_person
from webapp.failures import status_of
from webapp.queries import tasks
from webapp.rights import allowed
from webapp.routes.blueprint import pages
from webapp.routes.posted import posted_token
from webapp.routes.reading import reading
from webapp.routes.step_forms import posted_values
from webapp.routes.task_view import opened


@pages.post("/tasks/<task_id>/draft")
def draft(task_id: str) -> ResponseReturnValue:
    """Keep what is typed; by button the page returns, by itself only the note beside the buttons changes."""
    with reading() as reader:
        task = tasks.get(reader.ctx.connection, task_id)
        if task is None:
            raise NotFoundError(_("这项工作已经办完，不再保存草稿。"))
        it = opened(reader, task)
        values = posted_values(reader, it.plan, request.form, it.facts)
        at = reader.ctx.now
    by_itself = request.headers.get("HX-Request")
    token = posted_token()
    try:
        if task["assignee"] is None and allowed(current_person(), "claim", task=tasks.as_offered(task)):
            token = verbs.claim(current_desk(), current_person(), task_id, token)  # whoever writes first has it
        verbs.save_draft(current_desk(), current_person(), task_id, dict(values))
    except (ConflictError, InvalidValuesError) as refused:
        if not by_itself:
            raise
        problems = refused.problems.values() if isinstance(refused, InvalidValuesError) else [str(refused)]
        return str(escape("；".join(problems))), status_of(refused)  # into the note beside the buttons
    if by_itself:
        with reading() as reader:
            task = tasks.get(reader.ctx.connection, task_id) or task
            may = allowed(reader.person, "release", task=tasks.as_offered(task))
        return render_template("saved.html", at=at, task=task, may_release=may)
    flash(_("草稿已保存。"))
    return redirect(url_for("pages.task", task_id=task_id), 303)


@pages.post("/tasks/<task_id>/assign")
def assign(task_id: str) -> ResponseReturnValue:
    """Give the task to a colleague of its group."""
    account = request.form.get("person", "")
    verbs.assign(current_desk(), current_person(), task_id, account)
    with reading() as reader:
        flash(_("已改派给%(name)s。", name=reader.accounts(account).get(account, account)))
    return redirect(url_for("pages.task", task_id=task_id), 303)
