"""The task page: show it, complete its steps, refresh what depends on a choice; a refusal keeps all that was typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import ConflictError, NotAllowedError, NotFoundError
from webapp import desk as verbs
from webapp.contacts import hidden, may_reach
from webapp.current import current_desk, current_person
from webapp.desk import InvalidStepError
from webapp.forms import Post
from webapp.queries import children, incidents, tasks
from webapp.queries.rows import Record
from webapp.rights import allowed
from webapp.routes import child_words, waiting_form
from webapp.routes.blueprint import pages
from webapp.routes.posted import posted_key, posted_token
from webapp.routes.reading import Reader, reading
from webapp.routes.step_forms import all_problems, build_steps, first_values, handed_in, posted_values, with_proposal
from webapp.routes.task_conflicts import conflict_words, merge, read_base, taken_meanwhile
from webapp.routes.task_done import done
from webapp.routes.task_subject import Subject, subject_of
from webapp.routes.task_view import Opened, Trouble, opened, page, panels


@pages.get("/tasks/<task_id>", endpoint="task")
def task_page(task_id: str) -> ResponseReturnValue:
    """Show an open task, or how it ended."""
    with reading() as reader:
        task = tasks.get(reader.ctx.connection, task_id)
        if task is None:
            return done(reader, task_id)
        it = opened(reader, task)
        return page(reader, it, _begun(reader, it), Trouble())


def with_sheet(task_id: str, sheet: waiting_form.Sheet, status: int) -> ResponseReturnValue:
    """The page with a sheet that was refused, open above the form as the draft has it."""
    with reading() as reader:
        task = tasks.get(reader.ctx.connection, task_id)
        if task is None:
            return done(reader, task_id, late=True)
        it = opened(reader, task)
        shown, _status = page(reader, it, _begun(reader, it), Trouble(), sheet)
        return shown, status


@pages.post("/tasks/<task_id>")
def complete(task_id: str) -> ResponseReturnValue:
    """Complete the step and what is joined to it; a refusal shows the page again with everything typed."""
    if request.form.keys() & {"refresh", "take"}:
        return _again(task_id, Trouble())
    with reading() as reader:
        task = tasks.get(reader.ctx.connection, task_id)
        it = opened(reader, task) if task else None
        values = handed_in(it.plan, _typed(reader, it)) if it else {}
    try:
        led_to = verbs.complete_joined(
            current_desk(), current_person(), task_id, values, posted_token(), key=posted_key()
        )
    except InvalidStepError as refused:
        return _again(task_id, Trouble(), refused)
    except ConflictError as refused:
        return _conflicted(task_id, refused)
    except NotAllowedError as refused:
        with reading() as reader:
            too_late = task is not None and taken_meanwhile(reader, task_id)
        if not too_late:
            raise
        return _conflicted(task_id, ConflictError(str(refused)))
    except NotFoundError:
        with reading() as reader:
            return done(reader, task_id, late=True)
    return _onwards(led_to, it.subject if it else None)


@pages.post("/tasks/<task_id>/fields")
def fields(task_id: str) -> ResponseReturnValue:
    """The forms again for what is chosen now: dependent lists, computed facts, the group, similar incidents."""
    with reading() as reader:
        task = tasks.get(reader.ctx.connection, task_id)
        if task is None:
            raise NotFoundError(_("这项工作已经办完。"))
        it = opened(reader, task)
        values = _typed(reader, it)
        steps = build_steps(reader, it.plan, values, it.facts)
        beside = panels(reader, it, values)
        return render_template("step_fields.html", steps=steps, panels=beside, again=True)


def _begun(reader: Reader, it: Opened) -> dict[str, dict[str, Any]]:
    """What the page begins with: facts of the record, the draft, the rule's group.

    Whoever only looks on sees contact data in a draft as he sees them in the record.
    """
    values = first_values(it.plan, it.subject, it.task["draft"])
    may = allowed(reader.person, "complete", task=tasks.as_offered(it.task))
    if not may and not may_reach(reader.person, it.incident):
        values = {element_id: hidden(each) for element_id, each in values.items()}
    return with_proposal(reader, it.plan, values, it.facts)


def _typed(reader: Reader, it: Opened) -> dict[str, dict[str, Any]]:
    return posted_values(reader, it.plan, _post(), it.facts)


def _post() -> Post:
    """What was typed, and over it what a button without JavaScript fills in (``take``: JSON, input name → text)."""
    if "take" not in request.form:
        return request.form
    try:
        taken = orjson.loads(request.form["take"])
    except orjson.JSONDecodeError:
        return request.form
    texts = {str(name): str(text) for name, text in taken.items()} if isinstance(taken, Mapping) else {}
    return request.form.to_dict() | texts


def _again(task_id: str, trouble: Trouble, refused: InvalidStepError | None = None) -> ResponseReturnValue:
    """The page as it was typed, with what is wrong in the refused step and in the others that were begun."""
    with reading() as reader:
        task = tasks.get(reader.ctx.connection, task_id)
        if task is None:
            return done(reader, task_id, late=True)
        it = opened(reader, task)
        values = _typed(reader, it)
        if refused:
            trouble = Trouble(all_problems(it.plan, handed_in(it.plan, values), refused.element_id, refused.problems))
        return page(reader, it, values, trouble)


def _conflicted(task_id: str, refused: ConflictError) -> ResponseReturnValue:
    """The page again with who was faster, and what he changed beside what was typed."""
    with reading() as reader:
        task = tasks.get(reader.ctx.connection, task_id)
        if task is None:
            return done(reader, task_id, late=True)
        it = opened(reader, task)
        conflict = conflict_words(reader, task, str(refused), refused.by, refused.at)
        base = read_base(request.form.get("base", ""))
        merged = merge(reader, it, _typed(reader, it), _begun(reader, it), base)
        return page(reader, it, merged.values, Trouble(conflict=conflict, theirs=merged.theirs))


def _onwards(led_to: verbs.Completed, done_for: Subject | None) -> ResponseReturnValue:
    """To the next step if it is this person's at once, else to the list, saying what was done."""
    with reading() as reader:
        found = [task for each in led_to.opened if (task := tasks.get(reader.ctx.connection, each))]
        for task in found:
            if task["assignee"] == reader.person.account:
                flash(_("已完成，下一步接着办理。"))
                return redirect(url_for("pages.task", task_id=task["id"]), 303)
        flash(_said(reader, led_to, found, done_for))
    return redirect(url_for("pages.work"), 303)


def _said(reader: Reader, led_to: verbs.Completed, found: list[Record], done_for: Subject | None) -> str:
    """Which record, and who has it now; or for whom it waits."""
    if not found and led_to.ended:
        return str(_("已办结。"))
    if not found:
        waits = _awaited(reader, done_for)
        return str(_("已完成，等待%(children)s的结果。", children=waits) if waits else _("已完成，已转到下一步。"))
    task = found[0]
    subject = subject_of(reader, task["business_key"])
    number = subject.child["number"] if subject.child else subject.incident["number"] or _("事件")
    holder = reader.holder(task["candidate_group"], task["assignee"], reader.accounts(task["assignee"]))
    return str(_("%(number)s 已转到%(holder)s：%(step)s。", number=number, holder=holder, step=task["name"]))


def _awaited(reader: Reader, done_for: Subject | None) -> str:
    """The children for which the incident of a completed step waits now."""
    if done_for is None or done_for.child is not None:
        return ""
    connection = reader.ctx.connection
    incident = incidents.get(connection, str(done_for.incident["id"]))
    listed = children.of_incident(connection, incident["id"]) if incident["has_children"] else []
    return child_words.awaited(reader, incident, listed)
