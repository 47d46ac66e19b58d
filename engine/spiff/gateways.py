"""Our gateways: choices in the order of the file, joins that count a token once, waits for the first of many events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from SpiffWorkflow.bpmn.specs.mixins.bpmn_spec_mixin import BpmnSpecMixin
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.expressions import Expression
from engine.spiff.data import changes, copied
from engine.spiff.errors import StepError
from engine.spiff.events import Message, Timer, evaluated
from engine.spiff.noted import Noted


@dataclass(frozen=True, slots=True)
class Flow:
    """One way out of a gateway; ``position`` is its place in the file."""

    id: str
    target: str
    condition: Expression | None
    position: int


class ExclusiveGateway(Noted, BpmnSpecMixin):  # type: ignore[misc]
    """Takes the first flow, in the order of the file, whose condition holds, else the default."""

    def __init__(self, wf_spec: Any, bpmn_id: str, **kwargs: Any) -> None:
        """Flows are added by the parser."""
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.flows: tuple[Flow, ...] = ()
        self.default: Flow | None = None

    def add_flow(self, flow: Flow, target: TaskSpec, is_default: bool) -> None:
        """Connect ``target``; moving a shape in the diagram does not change the order of the conditions."""
        self.connect(target)
        if is_default:
            self.default = flow
        else:
            self.flows = tuple(sorted((*self.flows, flow), key=lambda item: item.position))

    def _predict_hook(self, my_task: Task) -> None:
        """Which child it gets is decided when it runs."""

    def _run_hook(self, my_task: Task) -> bool:
        for flow in self.flows:
            if flow.condition is not None and evaluated(flow.condition, my_task):
                break
        else:
            if self.default is None:
                raise StepError(self.bpmn_id, "没有一个条件成立，也没有默认连线")
            flow = self.default
        my_task._sync_children([self._wf_spec.task_specs[flow.target]], TaskState.FUTURE)
        my_task.workflow.top_workflow.outcomes[my_task.id] = flow.id
        return True


class ParallelGateway(Noted, BpmnSpecMixin):  # type: ignore[misc]
    """Forks, and joins one token of each incoming flow.

    Every arrived token waits for itself, so a second pass of a loop never counts tokens of the first. What the
    branches changed since they parted is merged, so that a branch that did not touch a key cannot undo another's.
    """

    def _update_hook(self, my_task: Task) -> bool:
        if len(self._inputs) < 2:
            return bool(super()._update_hook(my_task))
        my_task.workflow.top_workflow.arrive(my_task)
        partners = self._partners(my_task)
        if len(partners) + 1 < len(self._inputs):
            if my_task._state != TaskState.WAITING:
                my_task._set_state(TaskState.WAITING)
            return False
        my_task.data = merged([*partners, my_task])
        for token in partners:
            token._set_state(TaskState.CANCELLED)
        return True

    def _partners(self, my_task: Task) -> list[Task]:
        """One waiting token of every other incoming flow, the earliest of each."""
        waiting = [
            task
            for task in my_task.workflow.tasks.values()
            if task.task_spec is self and task._state == TaskState.WAITING and task is not my_task
        ]
        taken = {my_task.parent.task_spec.name}
        partners = []
        for task in sorted(waiting, key=lambda token: token.last_state_change):
            source = task.parent.task_spec.name
            if source not in taken:
                taken.add(source)
                partners.append(task)
        return partners


def merged(tokens: Sequence[Task]) -> dict[str, Any]:
    """The data of the tokens' nearest common ancestor with what each branch changed since, the last token's last."""
    ancestor = common_ancestor(tokens)
    base = ancestor.data if ancestor is not None else {}
    data = copied(base)
    for token in tokens:
        data.update(copied(changes(base, token.parent.data)))
    return data


def common_ancestor(tasks: Sequence[Task]) -> Task | None:
    """The nearest task above (or equal to) all ``tasks`` of one workflow."""
    paths = []
    for task in tasks:
        path, step = [], task
        while step is not None:
            path.append(step)
            step = step.parent
        paths.append(path[::-1])
    nearest = None
    for level in zip(*paths, strict=False):
        if any(task is not level[0] for task in level):
            break
        nearest = level[0]
    return nearest


class EventGateway(Noted, BpmnSpecMixin):  # type: ignore[misc]
    """Waits for the first of several events; each message is an own subscription, each timer has its own due."""

    def __init__(self, wf_spec: Any, bpmn_id: str, **kwargs: Any) -> None:
        """Branches are added as the parser connects the catch events."""
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.branches: dict[str, Message | Timer] = {}

    def add_branch(self, target: Any, nothing: Any) -> None:
        """Wait here for what ``target`` waits for; ``target`` itself then waits for ``nothing``."""
        self.connect(target)
        self.branches[target.bpmn_id] = target.event_definition
        target.event_definition = nothing

    def _predict_hook(self, my_task: Task) -> None:
        """Which child it gets is decided by the event."""

    def _update_hook(self, my_task: Task) -> bool:
        if "chosen" in my_task.internal_data:
            return True
        if my_task._state != TaskState.WAITING:
            super()._update_hook(my_task)
            my_task.internal_data["due"] = {
                name: branch.due_from(my_task).isoformat()
                for name, branch in self.branches.items()
                if isinstance(branch, Timer)
            }
            my_task._set_state(TaskState.WAITING)
        return False

    def choose(self, my_task: Task, branch: str) -> None:
        """The event of ``branch`` happened."""
        my_task.internal_data["chosen"] = branch
        my_task.task_spec._update(my_task)

    def _run_hook(self, my_task: Task) -> bool:
        chosen = my_task.internal_data["chosen"]
        self.branches[chosen].update_task_data(my_task)
        my_task.internal_data = {}
        my_task._sync_children([self._wf_spec.task_specs[chosen]], TaskState.FUTURE)
        my_task.workflow.top_workflow.outcomes[my_task.id] = chosen
        return True
