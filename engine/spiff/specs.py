"""Our tasks, events and calls, on top of SpiffWorkflow's.

A spec is shared by all instances and threads and never changes after parsing; what happens to one token lies in its
task and its workflow. Children are not predicted: the run loop makes them when it runs a task.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin
from SpiffWorkflow.bpmn.specs.defaults import (
    BoundaryEvent,
    CallActivity,
    EndEvent,
    IntermediateCatchEvent,
    IntermediateThrowEvent,
    ParallelMultiInstanceTask,
    SequentialMultiInstanceTask,
    StartEvent,
    SubWorkflowTask,
)
from SpiffWorkflow.bpmn.specs.mixins.bpmn_spec_mixin import BpmnSpecMixin
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.errors import BpmnError
from engine.spiff.data import copied, require_json
from engine.spiff.errors import StepError
from engine.spiff.events import CycleTimer, Timer, raise_fault
from engine.spiff.noted import Noted


class UserTask(Noted, BpmnSpecMixin):  # type: ignore[misc]
    """Waits for a person."""

    def __init__(self, wf_spec: Any, bpmn_id: str, **kwargs: Any) -> None:
        """``manual`` keeps the run loop away."""
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.manual = True


class _Asking(Noted, BpmnSpecMixin):  # type: ignore[misc]
    """A task that asks the run for a value and writes it under at most one key."""

    question = "operate"

    def __init__(self, wf_spec: Any, bpmn_id: str, result: str | None = None, **kwargs: Any) -> None:
        """``result`` is the one key of process data that the task writes, if any."""
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.result = result

    def _run_hook(self, my_task: Task) -> bool | None:
        """True whatever the value is; None (token stays) when a boundary event takes over after a BpmnError."""
        top = my_task.workflow.top_workflow
        ask = getattr(top.run, self.question)
        try:
            value = ask(top.program.elements[self.bpmn_id], copied(my_task.data))
        except BpmnError as fault:
            top.note_result(my_task, fault.code)
            raise_fault(my_task, "error", fault.code, self.bpmn_id, str(fault))
            return None
        if self.result is not None:
            require_json(value, self.bpmn_id, self.result)
            my_task.data[self.result] = value
            top.note_result(my_task, value)
        return True


class ServiceTask(_Asking):
    """Calls the operation of its element."""


class BusinessRuleTask(_Asking):
    """Asks the decision of its element."""

    question = "decide"


class _Catching(Noted):
    """A catching event whose payload and outcome are written when it runs."""

    outcome: str | None = None

    def _run_hook(self, my_task: Task) -> bool:
        definition = self.event_definition  # type: ignore[attr-defined]
        definition.update_task_data(my_task)
        my_task.internal_data = {}
        write_outcome(my_task, self.outcome)
        return True


def write_outcome(my_task: Task, outcome: str | None) -> None:
    """Write the key ``outcome`` where the diagram gives the event one."""
    if outcome is not None:
        my_task.data["outcome"] = outcome
        my_task.workflow.top_workflow.note_result(my_task, outcome)


class Start(_Catching, StartEvent):  # type: ignore[misc]
    """The start of a process; who starts it brings the data, so it never waits."""


class Catch(_Catching, IntermediateCatchEvent):  # type: ignore[misc]
    """Waits for one message or timer."""


class Boundary(_Catching, BoundaryEvent):  # type: ignore[misc]
    """A boundary event; one that never fired leaves no trace in the history."""

    def _run_hook(self, my_task: Task) -> bool:
        """It happens before what it cancels, and is noted so."""
        super()._run_hook(my_task)
        my_task.workflow.top_workflow.leave(my_task)
        return True

    def flow_targets(self) -> list[TaskSpec]:
        """Where the diagram's flow leads (the library adds its own join)."""
        return [spec for spec in self.outputs if not isinstance(spec, BoundaryEventJoin)]


class Throw(Noted, IntermediateThrowEvent):  # type: ignore[misc]
    """Throws a message or an escalation, or marks a point."""


class End(Noted, EndEvent):  # type: ignore[misc]
    """An end event; its outcome is written for the caller."""

    outcome: str | None = None

    def _run_hook(self, my_task: Task) -> bool:
        write_outcome(my_task, self.outcome)
        return bool(super()._run_hook(my_task))


class _Calling(Noted):
    """Runs another process in place; its data go in, and what the callee gives comes back."""

    def start_workflow(self, my_task: Task) -> None:
        """Make the inner workflow and let its start pass."""
        inner = my_task.workflow.top_workflow.create_subprocess(my_task, self.spec)  # type: ignore[attr-defined]
        inner.completed_event.connect(self._on_subworkflow_completed, my_task)
        inner.task_tree.data = self._given(my_task, inner)
        inner.task_tree.run()

    def _given(self, my_task: Task, inner: Any) -> dict[str, Any]:
        return copied(my_task.data)

    def _taken(self, my_task: Task, inner: Any) -> dict[str, Any]:
        return copied(inner.last_task.data)

    def _on_subworkflow_completed(self, inner: Any, my_task: Task) -> None:
        if my_task._state == TaskState.STARTED:
            my_task.data = self._taken(my_task, inner)
            my_task._set_state(TaskState.READY)


class SubProcess(_Calling, SubWorkflowTask):  # type: ignore[misc]
    """An embedded sub-process: all its data come back."""


class Call(_Calling, CallActivity):  # type: ignore[misc]
    """A call activity: only the declared inputs go in and only the declared outputs come back, where any are."""

    def _given(self, my_task: Task, inner: Any) -> dict[str, Any]:
        declared = inner.spec.io_specification
        if declared is None or not declared.data_inputs:
            return copied(my_task.data)
        return self._selected(my_task.data, declared.data_inputs, "输入")

    def _taken(self, my_task: Task, inner: Any) -> dict[str, Any]:
        declared = inner.spec.io_specification
        if declared is None or not declared.data_outputs:
            return copied(inner.last_task.data)
        taken = self._selected(inner.last_task.data, declared.data_outputs, "输出")
        if "outcome" in taken:
            my_task.workflow.top_workflow.note_result(my_task, taken["outcome"])
        return {**my_task.data, **taken}

    def _selected(self, data: dict[str, Any], references: Sequence[Any], kind: str) -> dict[str, Any]:
        names = [reference.bpmn_id for reference in references]
        missing = [name for name in names if name not in data]
        if missing:
            raise StepError(self.bpmn_id, f"被调用的流程声明了{kind} {missing[0]!r}，但没有人写它")
        return copied({name: data[name] for name in names})


class _OverList(Noted):
    """Several instances, one for each item of a list."""

    def _update_hook(self, my_task: Task) -> Any:
        """Refuse what is no list: the library would take a text apart, and an object by its keys."""
        reference = self.data_input  # type: ignore[attr-defined]
        if reference is not None:
            key = reference.bpmn_id
            if type(my_task.parent.data.get(key)) is not list:  # its own data are inherited below
                element: str = self.bpmn_id  # type: ignore[attr-defined]
                raise StepError(element, f"多实例需要列表，流程数据 {key!r} 不是列表")
        return super()._update_hook(my_task)


class ParallelInstances(_OverList, ParallelMultiInstanceTask):  # type: ignore[misc]
    """All instances at once. Its history is that of its instances."""


class SequentialInstances(_OverList, SequentialMultiInstanceTask):  # type: ignore[misc]
    """One instance after the other. Its history is that of its instances."""


INSTANCES = (ParallelInstances, SequentialInstances)
WAITING_EVENTS = (Catch, Boundary)
TIMERS = (Timer, CycleTimer)
