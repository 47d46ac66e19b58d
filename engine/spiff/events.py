"""What our events wait for and throw: messages by task id, timers by the given instant, errors and escalations.

SpiffWorkflow's own definitions broadcast to every waiting event and read the server's clock; these do neither. A
message leaves the instance as a row and comes back to one task by its id. A timer knows when it is due and fires only
when it is told to. An error or escalation goes to the boundary event of the activities around it, innermost first.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit
from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.simple import TerminateEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.timer import CycleTimerEventDefinition, TimerEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import MultiInstanceTask
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.expressions import Expression, ExpressionError
from engine.spiff.data import require_json
from engine.spiff.errors import StepError, UnhandledEventError
from engine.spiff.instants import InstantError, parse_cycle, parse_duration, parse_instant

FIRED = "event_fired"  # the key that SpiffWorkflow itself looks at
MAX_ADDRESS = 120  # characters of a routing key
_FAULTS = {"error": "错误", "escalation": "升级"}


def element_of(task: Task) -> str | None:
    """The BPMN id of a task, None for SpiffWorkflow's own joins and splits."""
    found: str | None = getattr(task.task_spec, "bpmn_id", None)
    return found


def evaluated(expression: Expression, task: Task) -> Any:
    """The value of a diagram's expression in the data of ``task``."""
    try:
        return expression.evaluate(task.data)
    except ExpressionError as error:
        raise StepError(element_of(task), str(error)) from error


def fire(task: Task) -> None:
    """Let a waiting event happen; the run loop then takes its token on."""
    task.internal_data[FIRED] = True
    task.task_spec._update(task)


class Message(EventDefinition):  # type: ignore[misc]
    """A message: ``payload`` when it is thrown, ``key`` and ``variable`` when it is waited for."""

    def __init__(self, name: str, payload: Expression | None, variable: str | None, key: str | None) -> None:
        """``key`` names the process data that address the wait, ``variable`` where the payload goes."""
        super().__init__(name)
        self.payload = payload
        self.variable = variable
        self.key = key

    def throw(self, my_task: Task) -> None:
        """Put the message among those that leave the instance; it is never caught inside."""
        element = element_of(my_task)
        if self.payload is None:
            raise StepError(element, f"消息 {self.name} 没有内容（messagePayload），无法寻址")
        sent = evaluated(self.payload, my_task)
        if not isinstance(sent, dict) or set(sent) != {"key", "value"}:
            raise StepError(element, f"消息 {self.name} 的内容必须是 {{'key': …, 'value': …}}")
        require_json(sent["value"], element, "value")
        my_task.workflow.top_workflow.send(self.name, address(sent["key"], element), sent["value"])

    def address(self, my_task: Task) -> str:
        """The key under which ``my_task`` waits."""
        element = element_of(my_task)
        if self.key is None:
            raise StepError(element, f"等待消息 {self.name}，但没有写属性 key")
        if self.key not in my_task.data:
            raise StepError(element, f"等待消息 {self.name} 需要流程数据 {self.key!r}，还没有人写它")
        return address(my_task.data[self.key], element)

    def receive(self, my_task: Task, payload: Any) -> None:
        """Keep the payload until the event runs."""
        if self.variable is not None:
            require_json(payload, element_of(my_task), self.variable)
            my_task.internal_data["payload"] = payload

    def update_task_data(self, my_task: Task) -> None:
        """Write the payload where the diagram wants it."""
        if self.variable is not None:
            my_task.data[self.variable] = my_task.internal_data.pop("payload", None)


def address(key: Any, element: str | None) -> str:
    """A routing key as text; only identifiers address a wait."""
    if type(key) is int or (type(key) is str and key and len(key) <= MAX_ADDRESS and "\0" not in key):
        return str(key)
    raise StepError(element, f"{str(key)[:MAX_ADDRESS]!r} 不能作为消息的地址")


class Timer(TimerEventDefinition):  # type: ignore[misc]
    """A date or a duration. The due instant is fixed when the token arrives; it fires when it is told to."""

    def __init__(self, name: str, text: Expression, kind: str) -> None:
        """``kind`` is ``timeDate`` or ``timeDuration``."""
        super().__init__(name, text.text)
        self.text = text
        self.kind = kind

    def has_fired(self, my_task: Task) -> bool:
        """Whether it was told to fire; the first question fixes the due instant."""
        if "due" not in my_task.internal_data:
            my_task.internal_data["due"] = self.due_from(my_task).isoformat()
        return bool(my_task.internal_data.get(FIRED, False))

    def due_from(self, my_task: Task) -> datetime:
        """When it is due if the token arrives now."""
        text = timer_text(self.text, my_task)
        try:
            if self.kind == "timeDate":
                return parse_instant(text)
            return parse_duration(text).after(now_of(my_task))
        except InstantError as error:
            raise StepError(element_of(my_task), str(error)) from error


class CycleTimer(CycleTimerEventDefinition):  # type: ignore[misc]
    """A repetition. Each firing starts the flow once; occurrences missed meanwhile count as fired with it."""

    def __init__(self, name: str, text: Expression) -> None:
        """The text gives ``R[n]/[start/]duration``."""
        super().__init__(name, text.text)
        self.text = text

    def has_fired(self, my_task: Task) -> bool:
        """Whether the last occurrence has fired; the first question fixes the first due instant."""
        if "due" not in my_task.internal_data:
            text = timer_text(self.text, my_task)
            now = now_of(my_task)
            try:
                due = parse_cycle(text, now).occurrence(0)
            except InstantError as error:
                raise StepError(element_of(my_task), str(error)) from error
            my_task.internal_data.update(cycle=text, since=now.isoformat(), done=0, due=due and due.isoformat())
        return bool(my_task.internal_data.get(FIRED, False))

    def update_task(self, my_task: Task) -> None:
        """Nothing happens by itself."""

    def fire_once(self, my_task: Task) -> None:
        """Start the flow of one occurrence and wait for the next one after now, or end with the last one."""
        internal = my_task.internal_data
        cycle = parse_cycle(internal["cycle"], datetime.fromisoformat(internal["since"]))
        done = cycle.done_at(internal["done"], now_of(my_task))
        due = cycle.occurrence(done)
        internal.update(done=done, due=due and due.isoformat())
        for target in my_task.task_spec.flow_targets():
            child = my_task._add_child(target, TaskState.FUTURE)
            child.triggered = True
            child.task_spec._update(child)
        if due is None:
            fire(my_task)
        else:  # it happened, and waits on
            my_task.workflow.top_workflow.leave(my_task)
            my_task.workflow.top_workflow.arrive(my_task)


def timer_text(text: Expression, my_task: Task) -> str:
    """The ISO text that a timer's expression gives."""
    value = evaluated(text, my_task)
    if not isinstance(value, str):
        raise StepError(element_of(my_task), f"定时器需要 ISO 文本，不是 {value!r}")
    return value


def now_of(my_task: Task) -> datetime:
    """The instant of the run."""
    now: datetime = my_task.workflow.top_workflow.run.now
    return now


class Fault(EventDefinition):  # type: ignore[misc]
    """An error or an escalation with its code; a boundary event without a code catches every code of its kind."""

    def __init__(self, kind: str, name: str, code: str | None) -> None:
        """``kind`` is ``error`` or ``escalation``."""
        super().__init__(name)
        self.kind = kind
        self.code = code

    def throw(self, my_task: Task) -> None:
        """Hand it to the activities around the process of ``my_task``."""
        raise_fault(enclosing(my_task), self.kind, self.code or "", element_of(my_task))


class Terminate(TerminateEventDefinition):  # type: ignore[misc]
    """Ends its process with everything in it; nobody else is told."""

    def throw(self, my_task: Task) -> None:
        """The end event itself cancels what is open."""


def enclosing(my_task: Task) -> Task | None:
    """The call activity or sub-process in which ``my_task`` lies, None at the top."""
    workflow = my_task.workflow
    if workflow.parent_task_id is None:
        return None
    return workflow.top_workflow.get_task_from_id(workflow.parent_task_id)


def raise_fault(activity: Task | None, kind: str, code: str, thrower: str | None, why: str = "") -> None:
    """Fire the boundary event that catches the fault, on ``activity`` or around it; nobody there is an error."""
    while activity is not None:
        boundary = _catching_boundary(activity, kind, code)
        if boundary is not None:
            fire(boundary)
            activity.workflow.top_workflow.urgent.append(boundary)
            return
        activity = activity.parent if _is_instance(activity) else enclosing(activity)
    detail = f"（{why}）" if why else ""
    raise UnhandledEventError(thrower, f"{_FAULTS[kind]} {code!r} 没有边界事件接住{detail}")


def _is_instance(activity: Task) -> bool:
    return activity.parent is not None and isinstance(activity.parent.task_spec, MultiInstanceTask)


def _catching_boundary(activity: Task, kind: str, code: str) -> Task | None:
    split = activity.parent
    if split is None or not isinstance(split.task_spec, BoundaryEventSplit):
        return None
    general = None
    for task in split.children:
        definition = getattr(task.task_spec, "event_definition", None)
        waits = isinstance(task.task_spec, BoundaryEvent) and task._state == TaskState.WAITING
        if waits and isinstance(definition, Fault) and definition.kind == kind:
            if definition.code == code:
                return task
            if definition.code is None:
                general = task
    return general
