"""What an instance waits for, read from its tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.errors import ConflictError
from engine.spiff import gateways, specs
from engine.spiff.data import copied
from engine.spiff.events import Message
from engine.spiff.workflow import Workflow

GONE = "这一步已经不在等待了"


@dataclass(frozen=True, slots=True)
class UserTask:
    """A user task to do, with the process data that it sees."""

    task_id: str
    element_id: str
    entered_at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TimerWait:
    """A timer; of an event gateway, the one of its timers that is due first."""

    task_id: str
    element_id: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Subscription:
    """A message that is waited for; one task has several of them when it is an event gateway."""

    task_id: str
    element_id: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Waits:
    """Everything that an instance waits for."""

    user_tasks: tuple[UserTask, ...] = ()
    timers: tuple[TimerWait, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to wait for."""
        return bool(self.user_tasks or self.timers or self.subscriptions)


def waits(workflow: Workflow) -> Waits:
    """What the instance waits for now."""
    user_tasks: list[UserTask] = []
    timers: list[TimerWait] = []
    subscriptions: list[Subscription] = []
    for task in open_tasks(workflow):
        spec = task.task_spec
        if task._state == TaskState.READY and spec.manual:
            since = workflow.arrivals[task.id]
            user_tasks.append(UserTask(task.id.hex, spec.bpmn_id, since, copied(task.data)))
        elif task._state == TaskState.WAITING and isinstance(spec, specs.WAITING_EVENTS):
            _add_event(task, timers, subscriptions)
        elif task._state == TaskState.WAITING and isinstance(spec, gateways.EventGateway):
            _add_gateway(task, timers, subscriptions)
    return Waits(tuple(user_tasks), tuple(timers), tuple(subscriptions))


def open_tasks(workflow: Workflow) -> Iterator[Task]:
    """Every task that is ready, waiting or at work, also in inner workflows that run."""
    for tree in (workflow, *workflow.subprocesses.values()):
        if not tree.completed:
            for task in tree.tasks.values():
                if task._state & (TaskState.WAITING | TaskState.READY | TaskState.STARTED):
                    yield task


def task_by_id(workflow: Workflow, task_id: str) -> Task:
    """The open task of that id; raises ConflictError when it is done, cancelled or of another instance."""
    try:
        key = UUID(hex=task_id)
    except ValueError:
        raise ConflictError(GONE) from None
    for tree in (workflow, *workflow.subprocesses.values()):
        task = tree.tasks.get(key)
        if task is not None and not tree.completed and task._state & (TaskState.WAITING | TaskState.READY):
            return task
    raise ConflictError(GONE)


def due_at(task: Task) -> tuple[str, datetime] | None:
    """Which element's timer is due first at a waiting task, and when; None when it has no timer."""
    due = task.internal_data.get("due")
    if not due:
        return None
    if isinstance(due, str):
        return task.task_spec.bpmn_id, datetime.fromisoformat(due)
    element, first = min(due.items(), key=lambda item: datetime.fromisoformat(item[1]))
    return element, datetime.fromisoformat(first)


def _add_event(task: Task, timers: list[TimerWait], subscriptions: list[Subscription]) -> None:
    spec = task.task_spec
    definition = spec.event_definition
    if isinstance(definition, Message):
        subscriptions.append(Subscription(task.id.hex, spec.bpmn_id, definition.name, definition.address(task)))
    elif isinstance(definition, specs.TIMERS) and (due := due_at(task)) is not None:
        timers.append(TimerWait(task.id.hex, *due))


def _add_gateway(task: Task, timers: list[TimerWait], subscriptions: list[Subscription]) -> None:
    for element, branch in task.task_spec.branches.items():
        if isinstance(branch, Message):
            subscriptions.append(Subscription(task.id.hex, element, branch.name, branch.address(task)))
    if (due := due_at(task)) is not None:
        timers.append(TimerWait(task.id.hex, *due))
