"""Completing user tasks one after the other inside one unit of work: what a page with several steps does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any

from flask_babel import gettext as _

from engine import instances, tasks
from engine.context import Context
from engine.errors import InvalidValuesError, NotAllowedError, StepFailedError
from webapp.desk.core import Desk
from webapp.rights import Person, allowed

Values = Mapping[str, Any]


class InvalidStepError(InvalidValuesError):
    """Values of one step of a page with several; ``element_id`` says whose fields ``problems`` names."""

    def __init__(self, element_id: str, problems: dict[str, str]) -> None:
        """Nothing of the page was applied."""
        super().__init__(problems)
        self.element_id = element_id


class LaterStepFailedError(Exception):
    """A step after the first of a page could not be carried out: roll back, then go step by step (``apart``)."""


@dataclass(frozen=True, slots=True)
class Completed:
    """What completing led to: the steps done (element ids), the user tasks now open, and whether the process ended."""

    instance_id: int
    steps: tuple[str, ...]
    opened: tuple[str, ...]
    ended: bool

    def as_json(self) -> dict[str, Any]:
        """For the table of results that second arrivals get."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Completed:
        """The other way round."""
        return cls(stored["instance_id"], tuple(stored["steps"]), tuple(stored["opened"]), stored["ended"])


def complete_one(
    ctx: Context, actor: Person, task_id: str, token: int, choose: Callable[[str], Values]
) -> tuple[str, instances.Step]:
    """Complete one task with the values that ``choose`` has for its element; the element's id and what it led to.

    Raises NotAllowedError, InvalidStepError, ConflictError, StepFailedError.
    """
    element_id = ""

    def answer(asked: instances.Asked) -> Values:
        nonlocal element_id
        element_id = asked.element.id
        check_right(actor, "complete", asked)
        return choose(element_id)

    try:
        step = instances.complete(ctx, task_id, answer, token)
    except InvalidValuesError as refused:
        raise InvalidStepError(element_id, refused.problems) from refused
    return element_id, step


def walk(ctx: Context, actor: Person, task_id: str, token: int, values: Mapping[str, Values]) -> Completed:
    """Complete a task and then each one that opens, as long as ``values`` has its element and the actor may.

    Raises InvalidStepError naming the first step whose values are refused; the caller's roll-back undoes the others.
    Raises LaterStepFailedError where a step after the first cannot be carried out.
    """
    completed: list[Completed] = []
    try:
        for each in _follow(lambda: nullcontext(ctx), actor, task_id, token, values):
            completed.append(each)
    except StepFailedError as failure:
        if completed:
            raise LaterStepFailedError from failure
        raise
    return completed[-1]


def apart(
    desk: Desk,
    actor: Person,
    task_id: str,
    token: int,
    values: Mapping[str, Values],
    *,
    first: Callable[[Context, Completed], None] = lambda _ctx, _completed: None,
) -> Completed:
    """The steps of a page, each in a unit of work of its own, after ``walk`` failed at a later one.

    What was typed is not lost: the steps before the failing one are done, and the instance is stuck at that one with
    its values, to be retried. Raises its StepFailedError. ``first`` is called within the first unit of work.
    """
    *_, completed = _follow(lambda: desk.unit_of_work(actor), actor, task_id, token, values, first)
    return completed


def _follow(
    unit: Callable[[], AbstractContextManager[Context]],
    actor: Person,
    task_id: str,
    token: int,
    values: Mapping[str, Values],
    first: Callable[[Context, Completed], None] = lambda _ctx, _completed: None,
) -> Iterator[Completed]:
    """Complete step after step, each inside ``unit()``, and tell after each what is done so far."""
    left = dict(values)
    done: list[str] = []
    following: tasks.UserTask | None
    while True:
        with unit() as ctx:
            element_id, step = complete_one(ctx, actor, task_id, token, lambda element: left.pop(element, {}))
            done.append(element_id)
            completed = Completed(step.instance_id, tuple(done), step.opened, step.completed)
            if len(done) == 1:
                first(ctx, completed)
            following = _next(ctx, actor, step.opened, left)
        yield completed
        if following is None:
            return
        task_id, token = following.id, following.token


def check_right(actor: Person, action: str, task: tasks.UserTask | instances.Asked, *, abandoned: bool = False) -> None:
    """Raise NotAllowedError in words that say who may."""
    if allowed(actor, action, task=task, abandoned=abandoned):
        return
    if task.assignee and task.assignee != actor.account:
        raise NotAllowedError(f"“{task.element.name}”已由 {task.assignee} 领取，您不能办理。")
    raise NotAllowedError(_("“%(name)s”没有分给您或您所在的组，您不能办理。", name=task.element.name))


def _next(ctx: Context, actor: Person, opened: Sequence[str], left: Mapping[str, Values]) -> tasks.UserTask | None:
    if not left:
        return None
    for task_id in opened:
        task = tasks.get(ctx, task_id)
        if task.element.id in left and allowed(actor, "complete", task=task):
            return task
    return None
