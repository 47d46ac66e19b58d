"""Verbs on user tasks: complete, claim, release, assign, delegate, save a draft."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from engine import tasks
from engine.context import Context
from engine.errors import EngineError, NotAllowedError
from engine.persistence import instance
from handlers.records import child_rows, incidents
from webapp import people
from webapp.desk import idempotency
from webapp.desk.core import Desk
from webapp.desk.incidents import PROCESS, locked
from webapp.desk.steps import Completed, LaterStepFailedError, Values, apart, check_right, complete_one, walk
from webapp.rights import Person

COMPLETE = "complete"


def complete(
    desk: Desk, actor: Person, task_id: str, values: Values, token: int, *, key: str | None = None
) -> Completed:
    """Complete one task; one that is offered to a group of the actor needs no claim before.

    ``token`` is the task's revision when its page was made. ``key`` makes a second arrival return the first result.
    Raises NotAllowedError, ConflictError (somebody was faster; by whom and when), InvalidStepError, StepFailedError.
    """

    def step(ctx: Context) -> Completed:
        element_id, led_to = complete_one(ctx, actor, task_id, token, lambda _element: values)
        return Completed(led_to.instance_id, (element_id,), led_to.opened, led_to.completed)

    return _once(desk, actor, task_id, key, step)


def complete_joined(
    desk: Desk, actor: Person, task_id: str, values: Mapping[str, Values], token: int, *, key: str | None = None
) -> Completed:
    """Complete a task and the steps that follow it on the same page; ``values`` are by element id.

    A following step is completed if it opens, its values are given and the actor may. All or nothing: where a later
    step's values are refused nothing is applied. Raises as ``complete`` does. Only where a later step cannot be carried
    out at all (StepFailedError) the steps before it stay done, and the instance is stuck at it with what was typed.
    """
    try:
        return _once(desk, actor, task_id, key, lambda ctx: walk(ctx, actor, task_id, token, values))
    except LaterStepFailedError:
        return apart(
            desk,
            actor,
            task_id,
            token,
            values,
            first=lambda ctx, done: idempotency.remember(ctx, COMPLETE, task_id, key, done.as_json()),
        )


def _once(desk: Desk, actor: Person, task_id: str, key: str | None, step: Callable[[Context], Completed]) -> Completed:
    """Carry out ``step`` in a unit of work, unless the same command with the same key was carried out before."""
    return Completed.from_json(idempotency.once(desk, actor, COMPLETE, task_id, key, lambda ctx: step(ctx).as_json()))


def claim(desk: Desk, actor: Person, task_id: str, token: int) -> int:
    """Take a task of one of my groups, also from somebody who has left it; returns its new token."""
    with desk.unit_of_work(actor) as ctx:
        task = tasks.get(ctx, task_id)
        abandoned = people.has_left(ctx.connection, task.assignee, task.candidate_group)
        check_right(actor, "claim", task, abandoned=abandoned)
        with _record_following(ctx, task, actor.account, "领取"):
            if abandoned:
                token = tasks.release(ctx, task_id, token)
            return tasks.claim(ctx, task_id, token)


def release(desk: Desk, actor: Person, task_id: str, token: int) -> int:
    """Give a task back to its group; returns its new token."""
    with desk.unit_of_work(actor) as ctx:
        task = _permitted(ctx, actor, "release", task_id)
        with _record_following(ctx, task, None, "退回本组"):
            return tasks.release(ctx, task_id, token)


def assign(desk: Desk, actor: Person, task_id: str, person: str) -> int:
    """Give a task to somebody of the group to which it is offered (C-16); returns its new token."""
    with desk.unit_of_work(actor) as ctx:
        task = _permitted(ctx, actor, "assign", task_id)
        _check_member(ctx, task, person)
        with _record_following(ctx, task, person, "改派"):
            return tasks.assign(ctx, task_id, person)


def delegate(desk: Desk, actor: Person, task_id: str, person: str) -> int:
    """Have a colleague of the same group do my task on my behalf (§5.1.4, R218–R219); returns its new token."""
    with desk.unit_of_work(actor) as ctx:
        task = _permitted(ctx, actor, "delegate", task_id)
        _check_member(ctx, task, person)
        with _record_following(ctx, task, person, "委托代办"):
            return tasks.delegate(ctx, task_id, person)


def save_draft(desk: Desk, actor: Person, task_id: str, values: dict[str, Any]) -> None:
    """Keep what is typed so far, for the next time or the next person; nothing is validated.

    Raises ConflictError where somebody else has the task, or began a draft of one that nobody has.
    """
    with desk.unit_of_work(actor) as ctx:
        _permitted(ctx, actor, "draft", task_id)
        tasks.save_draft(ctx, task_id, values)


def _permitted(ctx: Context, actor: Person, action: str, task_id: str) -> tasks.UserTask:
    task = tasks.get(ctx, task_id)
    check_right(actor, action, task)
    return task


@contextmanager
def _record_following(ctx: Context, task: tasks.UserTask, person: str | None, reason: str) -> Iterator[None]:
    """While the task changes hands: who has it answers for its incident (R203); ``person`` None is the group.

    A task for another group than the responsible one (5.2) changes hands without that (T-8).
    """
    if task.process_key != PROCESS:
        child = _locked_child(ctx, task)
        yield
        if child is not None:
            child_rows.change(ctx, child, {"person": person}, reason=reason)
        return
    incident = locked(ctx, int(task.business_key))
    yield
    if task.candidate_group != incident["responsible_group"]:
        return
    if person is None:
        incidents.given_back(ctx, incident, reason)
    else:
        incidents.taken_by(ctx, incident, person, reason)


def _locked_child(ctx: Context, task: tasks.UserTask) -> child_rows.Child | None:
    """The child record of a task, for changing; None for a process that has none. Its instance is locked first."""
    if task.business_key.isdigit():
        return None
    c = instance.c
    running = select(c.id).where(c.business_key == task.business_key, c.ended_at.is_(None))
    ctx.connection.execute(running.with_for_update())
    return child_rows.get(ctx, task.business_key)


def _check_member(ctx: Context, task: tasks.UserTask, person: str) -> None:
    if task.candidate_group is None:
        raise NotAllowedError(f"“{task.element.name}”不是分给组的任务，不能改派。")
    if not people.in_group(ctx.connection, person, task.candidate_group):
        raise EngineError(_("%(person)s 不在任务所属的组内，只能交给本组人员。", person=person))
