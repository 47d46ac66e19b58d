"""The task page: the forms of a step beside the incident's facts; complete, save a draft, refresh dependent fields."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import escape

from engine import definitions
from engine.errors import ConflictError, EngineError, InvalidValuesError, NotAllowedError, NotFoundError
from webapp import desk as verbs
from webapp.current import current_desk, current_person
from webapp.desk import InvalidStepError
from webapp.failures import status_of
from webapp.forms import input_name
from webapp.people import has_left
from webapp.queries import incidents, people, tasks
from webapp.queries.rows import Record
from webapp.rights import allowed
from webapp.routes import facts, waiting_form
from webapp.routes.blueprint import pages
from webapp.routes.clock import task_clock
from webapp.routes.posted import posted_key, posted_token
from webapp.routes.reading import Reader, reading
from webapp.routes.step_forms import (
    Plan,
    Step,
    all_problems,
    build_steps,
    drafted,
    first_values,
    handed_in,
    plan,
    posted_values,
    with_proposal,
)

Values = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody was faster: the sentence of a 409, who, and when."""

    message: str
    by: str
    at: Any
    title: str = "别人已先提交：这张单刚被改过"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a page is shown again: values refused, by step and field, or a conflict."""

    problems: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    conflict: Conflict | None = None

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return 409 if self.conflict else 422 if self.problems else 200


@pages.get("/tasks/<task_id>", endpoint="task")
def task_page(task_id: str) -> ResponseReturnValue:
    """Show an open task, or how it ended."""
    with reading() as reader:
        task = tasks.get(reader.ctx.connection, task_id)
        if task is None:
            return _done(reader, task_id)
        incident = incidents.get(reader.ctx.connection, task["business_key"])
        the_plan = _plan(reader, task)
        values = with_proposal(reader, first_values(the_plan, incident, task["draft"]), incident)
        return _page(reader, task, incident, the_plan, values, Trouble())


def with_sheet(task_id: str, sheet: waiting_form.Sheet, status: int) -> ResponseReturnValue:
    """The page with a sheet that was refused, open above the form as the draft has it."""
    with reading() as reader:
        task = tasks.get(reader.ctx.connection, task_id)
        if task is None:
            return _done(reader, task_id, late=True)
        incident = incidents.get(reader.ctx.connection, task["business_key"])
        the_plan = _plan(reader, task)
        values = with_proposal(reader, first_values(the_plan, incident, task["draft"]), incident)
        page, _ = _page(reader, task, incident, the_plan, values, Trouble(), sheet)
        return page, status


@pages.post("/tasks/<task_id>")
def complete(task_id: str) -> ResponseReturnValue:
    """Complete the step and what is joined to it; a refusal shows the page again with everything typed."""
    if "refresh" in request.form:
        return _again(task_id, Trouble())
    with reading() as reader:
        task = tasks.get(reader.ctx.connection, task_id)
        values = handed_in(*_typed(reader, task)[:2]) if task else {}
    try:
        done = verbs.complete_joined(
            current_desk(), current_person(), task_id, values, posted_token(), key=posted_key()
        )
    except InvalidStepError as refused:
        return _again(task_id, Trouble(), refused)
    except ConflictError as refused:
        return _conflicted(task_id, Conflict(str(refused), refused.by or "", refused.at))
    except NotAllowedError as refused:
        if task is None or not _taken_meanwhile(task_id):
            raise
        return _conflicted(task_id, Conflict(str(refused), "", None))
    except NotFoundError:
        with reading() as reader:
            return _done(reader, task_id, late=True)
    return _onwards(done)


def _onwards(done: verbs.Completed) -> ResponseReturnValue:
    """To the next step if it is this person's at once, else to the list, saying what was done."""
    with reading() as reader:
        opened = [found for each in done.opened if (found := tasks.get(reader.ctx.connection, each))]
        for task in opened:
            if task["assignee"] == reader.person.account:
                flash("已完成，下一步接着办理。")
                return redirect(url_for("pages.task", task_id=task["id"]), 303)
        flash(_said(reader, done, opened))
    return redirect(url_for("pages.work"), 303)


def _said(reader: Reader, done: verbs.Completed, opened: list[Record]) -> str:
    """Which incident, and who has it now."""
    if not opened:
        return "事件单已关闭。" if done.ended else "已完成，已转到下一步。"
    task = opened[0]
    number = incidents.get(reader.ctx.connection, task["business_key"])["number"] or "事件"
    holder = reader.holder(task["candidate_group"], task["assignee"], reader.accounts(task["assignee"]))
    return f"{number} 已转到{holder}：{task['name']}。"


@pages.post("/tasks/<task_id>/draft")
def draft(task_id: str) -> ResponseReturnValue:
    """Keep what is typed; by button the page returns, by itself only the note beside the buttons changes."""
    with reading() as reader:
        task = tasks.get(reader.ctx.connection, task_id)
        if task is None:
            raise NotFoundError("这项工作已经办完，不再保存草稿。")
        values = _typed(reader, task)[1]
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
    flash("草稿已保存。")
    return redirect(url_for("pages.task", task_id=task_id), 303)


@pages.post("/tasks/<task_id>/assign")
def assign(task_id: str) -> ResponseReturnValue:
    """Give the task to a colleague of its group."""
    account = request.form.get("person", "")
    verbs.assign(current_desk(), current_person(), task_id, account)
    with reading() as reader:
        flash(f"已改派给{reader.accounts(account).get(account, account)}。")
    return redirect(url_for("pages.task", task_id=task_id), 303)


@pages.post("/tasks/<task_id>/fields")
def fields(task_id: str) -> ResponseReturnValue:
    """The forms again, for what is chosen now: dependent lists, computed facts, the proposed group."""
    with reading() as reader:
        task = tasks.get(reader.ctx.connection, task_id)
        if task is None:
            raise NotFoundError("这项工作已经办完。")
        the_plan, values, incident = _typed(reader, task)
        steps = build_steps(reader, the_plan, values, incident)
    return render_template("step_fields.html", steps=steps)


def _plan(reader: Reader, task: Record) -> Plan:
    return plan(definitions.load_bundle(reader.ctx, task["bundle_id"]), task["element_id"])


def _typed(reader: Reader, task: Record) -> tuple[Plan, dict[str, dict[str, Any]], Record]:
    incident = incidents.get(reader.ctx.connection, task["business_key"])
    the_plan = _plan(reader, task)
    return the_plan, posted_values(reader, the_plan, request.form, incident), incident


def _again(task_id: str, trouble: Trouble, refused: InvalidStepError | None = None) -> ResponseReturnValue:
    """The page as it was typed, with what is wrong in the refused step and in the others that were begun."""
    with reading() as reader:
        task = tasks.get(reader.ctx.connection, task_id)
        if task is None:
            return _done(reader, task_id, late=True)
        the_plan, values, incident = _typed(reader, task)
        if refused:
            trouble = Trouble(all_problems(the_plan, handed_in(the_plan, values), refused.element_id, refused.problems))
        return _page(reader, task, incident, the_plan, values, trouble)


def _taken_meanwhile(task_id: str) -> bool:
    """Whether a task of the person's own group is in somebody else's hands: he was too late, not without the right."""
    with reading() as reader:
        task = tasks.get(reader.ctx.connection, task_id)
        if task is None:
            return False
        in_group = task["candidate_group"] in reader.person.groups
        return in_group and task["assignee"] not in (None, reader.person.account)


def _conflicted(task_id: str, conflict: Conflict) -> ResponseReturnValue:
    """The page again with who was faster and when; for a task taken meanwhile its row says both."""
    with reading() as reader:
        task = tasks.get(reader.ctx.connection, task_id)
        by = conflict.by or (task["assignee"] or task["changed_by"] or "" if task else "")
        at = conflict.at or (task["changed_at"] if task else None)
        name = reader.accounts(by).get(by, by)
        me = reader.person.account
    taken = bool(task and by and task["assignee"] == by)
    what = f"“{task['name']}”" if task else "这一步"
    if by == me:
        title, words = "您在另一个窗口改动过这项工作", f"您自己领取或改动了{what}，请从最新内容继续"
    elif taken:
        title, words = "别人已先领取", f"{name} 领取了{what}"
    else:
        title, words = conflict.title, conflict.message.replace(by, name) if by else conflict.message
    said = "" if (name and name in words) or by == me else name
    return _again(task_id, Trouble(conflict=Conflict(words, said, at, title)))


def _page(
    reader: Reader,
    task: Record,
    incident: Record,
    the_plan: Plan,
    values: Values,
    trouble: Trouble,
    sheet: waiting_form.Sheet | None = None,
) -> tuple[str, int]:
    steps = build_steps(reader, the_plan, values, incident, trouble.problems)
    shown = {name for step in steps for name in (each.key for each in step.fields)}
    others = [text for step in trouble.problems.values() for key, text in step.items() if key not in shown]
    named = (incident["recorder"], incident["responsible_person"], task["assignee"], task["draft_by"])
    accounts = reader.accounts(*named)
    context: dict[str, Any] = {
        "task": task,
        "incident": incident,
        "steps": steps,
        "heading": _heading(steps),
        "primary": _primary(steps),
        "follows": _follows(steps[-1]),
        "all_fields": [each for step in steps for each in step.fields],
        "other_problems": others,
        "trouble": trouble,
        "clock_now": task_clock(incident, reader.ctx.now),
        "facts": facts.beside_form(reader, incident, accounts),
        "by_colleague": _drafted(reader, task, the_plan),
        "draft_by": accounts.get(task["draft_by"], ""),
        "holder": accounts.get(task["assignee"], task["assignee"]),
        "group": reader.name("groups", task["candidate_group"]),
        "may": _may(reader, task, incident),
        "colleagues": _colleagues(reader, task),
        "waiting": waiting_form.build(reader, incident),
        "sheet": sheet,
        "key": uuid.uuid4().hex,
    }
    return render_template("task.html", here="work", **context), trouble.status


def _may(reader: Reader, task: Record, incident: Record) -> dict[str, bool]:
    offered = tasks.as_offered(task)
    found = {action: allowed(reader.person, action, task=offered) for action in ("complete", "release")}
    abandoned = has_left(reader.ctx.connection, task["assignee"], task["candidate_group"])
    found["claim"] = allowed(reader.person, "claim", task=offered, abandoned=abandoned)
    return found | {action: allowed(reader.person, action, incident=incident) for action in ("hold", "resume")}


def _colleagues(reader: Reader, task: Record) -> list[tuple[str, str]]:
    """To whom this person may give the task: (account, name) of its group's people, but for who has it."""
    if task["candidate_group"] is None or not allowed(reader.person, "assign", task=tasks.as_offered(task)):
        return []
    found = people.colleagues(reader.ctx.connection, task["candidate_group"])
    return [(account, name) for account, name in found if account != task["assignee"]]


def _drafted(reader: Reader, task: Record, the_plan: Plan) -> list[str]:
    """The fields that a colleague's draft fills in."""
    if not task["draft"] or task["draft_by"] in (None, reader.person.account):
        return []
    forms = [(the_plan.form(each), drafted(the_plan, each, task["draft"])) for each in the_plan.element_ids]
    return [form.title_of(key) for form, each in forms for key in form.fields if each.get(key) not in (None, "", False)]


def _follows(step: Step) -> str:
    """The input whose chosen answer names the button: the act itself, not the form."""
    key = step.form.ui.get("submitFollows")
    return input_name(step.element_id, key) if key else ""


def _heading(steps: list[Step]) -> str:
    """The step's name; of several on one page the first and the last, so that the button's act is among them."""
    return steps[0].title if len(steps) == 1 else f"{steps[0].title} 至 {steps[-1].title}"


def _number(step: Step) -> str:
    """The handbook's number, with which every step's name begins."""
    return step.title.partition(" ")[0]


def _primary(steps: list[Step]) -> str:
    """The one button is named after what the page ends with."""
    return steps[-1].submit


def _done(reader: Reader, task_id: str, *, late: bool = False) -> ResponseReturnValue:
    """Say how a task ended; with what was typed, where somebody was faster."""
    ended = tasks.done(reader.ctx.connection, task_id)
    if ended is None:
        raise NotFoundError("没有这项工作，地址可能有误。")
    try:
        incident = incidents.get(reader.ctx.connection, ended["business_key"])
    except EngineError:
        incident = None
    program = definitions.load_bundle(reader.ctx, ended["bundle_id"]).program
    context = {
        "step": program.elements[ended["element_id"]].name,
        "ended": ended,
        "by": reader.accounts(ended["actor"]).get(ended["actor"], ended["actor"]),
        "incident": incident,
        "late": late,
        "mine": ended["actor"] == reader.person.account,
        "typed": _typed_words(reader, ended, incident) if late and incident else [],
    }
    return render_template("task_done.html", here="work", **context), 409 if late else 200


def _typed_words(reader: Reader, ended: Record, incident: Record) -> list[tuple[str, str]]:
    """What was typed, as label and words, for copying: the form itself is gone."""
    the_plan = plan(definitions.load_bundle(reader.ctx, ended["bundle_id"]), ended["element_id"])
    values = posted_values(reader, the_plan, request.form, incident)
    fields = [each for step in build_steps(reader, the_plan, values, incident) for each in step.fields]
    return [(each.label, each.words) for each in fields if each.words and not each.off]
