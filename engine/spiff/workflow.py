"""One running instance in memory: SpiffWorkflow's workflow with what we note about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.specs.Join import Join
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.expressions import ExpressionError, compile_expression
from engine.spiff import gateways, specs
from engine.spiff.data import copied, require_json_items
from engine.spiff.errors import LoopBudgetExceededError, StepError
from engine.spiff.facts import Element
from engine.spiff.program import Program

OPEN = TaskState.WAITING | TaskState.READY | TaskState.STARTED
CANCELLED = "cancelled"
MAX_OUTCOME = 120  # characters
MAX_NESTING = 20  # called processes and sub-processes inside each other

Ask = Callable[[Element, Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Run:
    """What a step is given: the instant, what carries out operations, and what answers decisions.

    Both callbacks get the element and a copy of the process data; what they return must be plain JSON.
    ``operate`` may raise :class:`engine.errors.BpmnError`.
    """

    now: datetime
    operate: Ask
    decide: Ask

    def __post_init__(self) -> None:
        """Refuse a naive instant."""
        if self.now.tzinfo is None:
            raise ValueError("Run.now must be an aware datetime")


@dataclass(frozen=True, slots=True)
class Left:
    """A flow node that a token left, or was taken from (``outcome`` is then ``cancelled``).

    ``outcome`` is the outcome of an event, the value that a task wrote, the flow that a gateway took, the catch event
    that an event gateway took, or the code of the BPMN error that ended a task; None where there is nothing to say.
    """

    element_id: str
    type: str
    task_id: str
    entered_at: datetime
    left_at: datetime
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Thrown:
    """A message that leaves the instance."""

    name: str
    key: str
    payload: Any


class Evaluator:
    """The script engine: expressions only, and only ours. There is no way to run a script."""

    def evaluate(self, task: Task, expression: str, external_context: Any = None) -> Any:
        """The value of one of the library's own expressions (cardinality and completion of instances)."""
        try:
            return compile_expression(expression).evaluate(task.data)
        except ExpressionError as error:
            raise StepError(getattr(task.task_spec, "bpmn_id", None), str(error)) from error


_EVALUATOR = Evaluator()


class _Tree:
    """What top and inner workflows have in common."""

    tasks: dict[UUID, Task]
    top_workflow: Any

    def update_waiting_tasks(self) -> None:
        """Only joins depend on what happens elsewhere; events are told."""
        for task in list(self.tasks.values()):
            if task._state == TaskState.WAITING and isinstance(task.task_spec, Join | gateways.ParallelGateway):
                task.task_spec._update(task)

    def _task_removed_notify(self, task: Task) -> None:
        self.top_workflow.remove(task)

    def collect_log_extras(self, dct: Any = None) -> dict[str, Any]:
        """Nothing: the history is our log."""
        return {}


class InnerWorkflow(_Tree, BpmnSubWorkflow):  # type: ignore[misc]
    """A called process or embedded sub-process at work."""


class Workflow(_Tree, BpmnWorkflow):  # type: ignore[misc]
    """An instance at work. Made by ``start`` or ``load``; used by one thread; thrown away when a step fails."""

    def __init__(self, program: Program, run: Run, *, deserializing: bool = False) -> None:
        """Make the start task unless the tasks are about to be loaded."""
        self.program = program
        self.run = run
        self.thrown: list[Thrown] = []
        self.left: list[Left] = []
        self.arrivals: dict[UUID, datetime] = {}  # open tasks: since when
        self.outcomes: dict[UUID, str] = {}
        self.urgent: list[Task] = []  # boundary events that take over before anything else goes on
        self.pending = True  # something is to be advanced
        self.failed = False
        super().__init__(program.spec, program.callees, script_engine=_EVALUATOR, deserializing=deserializing)

    def create_subprocess(self, my_task: Task, spec_name: str) -> InnerWorkflow:
        """Make an inner workflow of our kind."""
        inner = InnerWorkflow(self.subprocess_specs[spec_name], my_task.id, self)
        if inner.depth > MAX_NESTING:
            raise LoopBudgetExceededError(my_task.task_spec.bpmn_id, f"流程互相调用超过 {MAX_NESTING} 层")
        self.subprocesses[my_task.id] = inner
        return inner

    def arrive(self, task: Task) -> None:
        """A token arrived; a waiting task may be told so again."""
        self.arrivals.setdefault(task.id, self.run.now)

    def note_result(self, task: Task, value: Any) -> None:
        """Keep a plain value that a task wrote as its outcome, in characters that every database can keep."""
        if isinstance(value, str | int | float | bool):
            self.outcomes[task.id] = str(value)[:MAX_OUTCOME].replace("\0", "?")

    def leave(self, task: Task) -> None:
        """A token left its flow node."""
        self._note_left(task, self.outcomes.pop(task.id, None))

    def leave_cancelled(self, task: Task) -> None:
        """A token was taken away. Tasks that it never reached, boundary events and joins are not mentioned."""
        if task.id in self.arrivals and not isinstance(task.task_spec, specs.Boundary | gateways.ParallelGateway):
            self._note_left(task, self.outcomes.pop(task.id, CANCELLED))

    def _note_left(self, task: Task, outcome: str | None) -> None:
        entered = self.arrivals.pop(task.id, self.run.now)
        element = self.program.elements.get(getattr(task.task_spec, "bpmn_id", None) or "")
        if element is None or isinstance(task.task_spec, specs.INSTANCES):
            return
        self.left.append(Left(element.id, element.type, task.id.hex, entered, self.run.now, outcome))

    def send(self, name: str, key: str, payload: Any) -> None:
        """A message leaves."""
        self.thrown.append(Thrown(name, key, payload))

    def remove(self, task: Task) -> None:
        """A task left the tree; the library would forget what runs inside it and go on running it."""
        self.event_manager.remove_task(task)
        inner = self.subprocesses.pop(task.id, None)
        if inner is not None:
            for lost in inner.tasks.values():
                self.remove(lost)
        if task._state & OPEN:
            self.leave_cancelled(task)
        self.arrivals.pop(task.id, None)


def start(program: Program, data: Mapping[str, Any], run: Run) -> Workflow:
    """A new instance with ``data`` at its start event; nothing has run yet. Raises DataRefusedError."""
    require_json_items(data, None)
    workflow = Workflow(program, run)
    workflow.task_tree.data = copied(data)
    return workflow


def left(workflow: Workflow) -> list[Left]:
    """What tokens left since the workflow was started or loaded, in order."""
    return list(workflow.left)


def thrown(workflow: Workflow) -> list[Thrown]:
    """The messages that left since the workflow was started or loaded, in order."""
    return list(workflow.thrown)


def is_completed(workflow: Workflow) -> bool:
    """Whether the process ended."""
    return bool(workflow.completed)
