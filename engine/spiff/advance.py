"""What makes an instance go on: one command, then the run to the next waits.

A command (``complete``, ``deliver``, ``fire_timer``, ``fail``) only places the token; ``advance`` runs. A second
command before ``advance`` is refused, because two interrupting events in one step would leave two tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from SpiffWorkflow.specs.Join import Join
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.errors import BpmnError, ConflictError, EngineError
from engine.spiff import gateways, specs
from engine.spiff.data import require_json_items
from engine.spiff.errors import DeadWorkflowError, LoopBudgetExceededError, StateError, StepError
from engine.spiff.events import CycleTimer, Message, element_of, fire, raise_fault
from engine.spiff.prune import prune
from engine.spiff.waits import GONE, due_at, open_tasks, task_by_id, waits
from engine.spiff.workflow import Workflow

MAX_STEPS = 5000  # tasks run by one unit of work
MAX_VISITS = 500  # of one element by one advance
PRUNE_EVERY = 200  # steps; the library loses sight of tasks deeper than 1000


def complete(workflow: Workflow, task_id: str, written: Mapping[str, Any]) -> None:
    """Complete a user task; ``written`` goes into the process data. Raises ConflictError if it is not open."""
    task = _user_task(workflow, task_id)
    require_json_items(written, element_of(task))
    task.data.update(written)
    result = workflow.program.elements[task.task_spec.bpmn_id].properties.get("result")
    if result is not None and result in written:
        workflow.note_result(task, written[result])
    _begin(workflow)
    _run_task(workflow, task)


def fail(workflow: Workflow, task_id: str, fault: BpmnError) -> None:
    """A user task's operation raised ``fault``: its error boundary event takes over. Raises UnhandledEventError."""
    task = _user_task(workflow, task_id)
    _begin(workflow)
    workflow.note_result(task, fault.code)
    raise_fault(task, "error", fault.code, task.task_spec.bpmn_id, str(fault))


def deliver(workflow: Workflow, task_id: str, message_name: str, payload: Any) -> None:
    """Hand a message to the one task that waits for it. Raises ConflictError if it does not wait (any more)."""
    task = task_by_id(workflow, task_id)
    spec = task.task_spec
    is_gateway = isinstance(spec, gateways.EventGateway)
    branches = spec.branches if is_gateway else {"": getattr(spec, "event_definition", None)}
    for branch, definition in branches.items():
        if task._state == TaskState.WAITING and isinstance(definition, Message) and definition.name == message_name:
            definition.receive(task, payload)
            _begin(workflow)
            if is_gateway:
                spec.choose(task, branch)
            else:
                fire(task)
            return
    raise ConflictError(GONE)


def fire_timer(workflow: Workflow, task_id: str) -> None:
    """Fire the timer of one task, and no other. Raises ConflictError if it does not wait (any more) or is not due."""
    task = task_by_id(workflow, task_id)
    due = due_at(task) if task._state == TaskState.WAITING else None
    if due is None:
        raise ConflictError(GONE)
    element, instant = due
    if instant > workflow.run.now:
        raise ConflictError("定时器还没有到期", at=instant)
    _begin(workflow)
    if isinstance(task.task_spec, gateways.EventGateway):
        task.task_spec.choose(task, element)
    elif isinstance(task.task_spec.event_definition, CycleTimer):
        task.task_spec.event_definition.fire_once(task)
    else:
        fire(task)


def cancel(workflow: Workflow) -> None:
    """End the instance with everything in it."""
    for task in list(open_tasks(workflow)):
        workflow.leave_cancelled(task)
    workflow.cancel()
    workflow.pending = False


def advance(workflow: Workflow, spent: int = 0) -> int:
    """Run to the next waits, or to the end. Raises StepError and its kinds, or what an operation refused.

    ``spent`` are the steps that the same unit of work has run before: they count against the limit, and with these
    they are the answer. After any error the workflow is of no use any more.
    """
    visits: Counter[str] = Counter()
    steps = spent
    while ready := _ready_tasks(workflow):
        for task in ready:
            if task._state != TaskState.READY or task.id not in task.workflow.tasks:
                continue
            steps += 1
            _spend(task, steps, visits)
            _run_task(workflow, task)
            if workflow.urgent:
                break
            if steps % PRUNE_EVERY == 0:
                prune(workflow)
                break
    _check(workflow)
    workflow.pending = False
    return steps


def _user_task(workflow: Workflow, task_id: str) -> Task:
    task = task_by_id(workflow, task_id)
    if task._state != TaskState.READY or not task.task_spec.manual:
        raise ConflictError(GONE)
    return task


def _begin(workflow: Workflow) -> None:
    if workflow.pending:
        raise StateError("advance the workflow before the next command")
    workflow.pending = True


def _ready_tasks(workflow: Workflow) -> list[Task]:
    """What can run now: first the boundary events that take over, else everything, the innermost first."""
    urgent = [task for task in workflow.urgent if task._state == TaskState.READY]
    workflow.urgent.clear()
    if urgent:
        return urgent
    trees = sorted(workflow.subprocesses.values(), key=lambda tree: -tree.depth)
    return [
        task
        for tree in (*trees, workflow)
        if not tree.completed
        for task in tree.tasks.values()
        if task._state == TaskState.READY and not task.task_spec.manual
    ]


def _run_task(workflow: Workflow, task: Task) -> None:
    """Run one task, note that its token left, and say which element failed if it did."""
    try:
        task.task_spec._predict_hook(task)
        task.run()
    except (EngineError, StepError):
        workflow.failed = True
        raise
    except Exception as error:
        workflow.failed = True
        raise StepError(element_of(task), f"{type(error).__name__}: {error}") from error
    if task._state == TaskState.COMPLETED and not isinstance(task.task_spec, specs.Boundary):
        workflow.leave(task)


def _spend(task: Task, steps: int, visits: Counter[str]) -> None:
    name = task.task_spec.name
    visits[name] += 1
    if steps > MAX_STEPS or visits[name] > MAX_VISITS:
        raise LoopBudgetExceededError(
            element_of(task) or name, f"一次运行了 {visits[name]} 遍（共 {steps} 步），中间没有等待"
        )


def _check(workflow: Workflow) -> None:
    """Completed means that nothing is open; otherwise there must be something to wait for."""
    remaining = list(open_tasks(workflow))
    if workflow.completed:
        if remaining:
            names = "、".join(sorted({str(element_of(task) or task.task_spec.name) for task in remaining}))
            raise DeadWorkflowError(element_of(remaining[0]), f"流程已经结束，但 {names} 还没有完成")
        return
    if not waits(workflow):
        joins = [task for task in remaining if isinstance(task.task_spec, Join | gateways.ParallelGateway)]
        named = sorted({str(element_of(task) or task.task_spec.name) for task in joins})
        detail = f"；这些汇合永远等不齐：{'、'.join(named)}" if named else ""
        raise DeadWorkflowError(element_of(joins[0]) if joins else None, f"流程没有结束，也不再等待任何事{detail}")
