"""Small diagrams as text, for tests: one call per node, one per flow, and a desk that runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from engine import spiff

NAMESPACES = (
    'xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core"'
)
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def node(tag: str, id: str, body: str = "", *, properties: Mapping[str, str] | None = None, **attributes: str) -> str:
    extension = ""
    if properties:
        items = "".join(
            f'<spiffworkflow:property name="{name}" value="{escaped(value)}"/>' for name, value in properties.items()
        )
        extension = (
            f"<bpmn:extensionElements><spiffworkflow:properties>{items}</spiffworkflow:properties>"
            "</bpmn:extensionElements>"
        )
    given = "".join(f' {name}="{escaped(value)}"' for name, value in attributes.items())
    return f'<bpmn:{tag} id="{id}"{given}>{extension}{body}</bpmn:{tag}>'


def start(id: str = "start") -> str:
    return node("startEvent", id)


def end(id: str = "end", outcome: str | None = None, body: str = "", **properties: str) -> str:
    given = properties | ({"outcome": outcome} if outcome else {})
    return node("endEvent", id, body, properties=given)


def user(id: str, result: str | None = None) -> str:
    return node("userTask", id, properties={"form": id} | ({"result": result} if result else {}))


def service(id: str, result: str | None = None) -> str:
    return node("serviceTask", id, properties={"operation": id} | ({"result": result} if result else {}))


def rule(id: str, result: str) -> str:
    return node("businessRuleTask", id, properties={"decision": id, "result": result})


def xor(id: str, default: str | None = None) -> str:
    return node("exclusiveGateway", id, **({"default": default} if default else {}))


def fork(id: str) -> str:
    return node("parallelGateway", id)


def call(id: str, called: str, body: str = "") -> str:
    return node("callActivity", id, body, calledElement=called)


def boundary(id: str, attached: str, body: str, *, interrupting: bool = True, **properties: str) -> str:
    cancel = "true" if interrupting else "false"
    return node("boundaryEvent", id, body, properties=properties, attachedToRef=attached, cancelActivity=cancel)


def catch(id: str, body: str, **properties: str) -> str:
    return node("intermediateCatchEvent", id, body, properties=properties)


def throw(id: str, body: str) -> str:
    return node("intermediateThrowEvent", id, body)


def message(name: str) -> str:
    return f'<bpmn:messageEventDefinition messageRef="M_{name}"/>'


def timer(text: str, kind: str = "timeDuration") -> str:
    return f"<bpmn:timerEventDefinition><bpmn:{kind}>{escaped(text)}</bpmn:{kind}></bpmn:timerEventDefinition>"


def fault(kind: str, code: str | None) -> str:
    reference = f' {kind}Ref="{kind}_{code}"' if code else ""
    return f"<bpmn:{kind}EventDefinition{reference}/>"


TERMINATE = "<bpmn:terminateEventDefinition/>"


def instances(collection: str, item: str, *, output: str = "", output_item: str = "", sequential: bool = False) -> str:
    out = f"<bpmn:loopDataOutputRef>{output}</bpmn:loopDataOutputRef>" if output else ""
    out_item = f'<bpmn:outputDataItem id="{output_item}"/>' if output_item else ""
    return (
        f'<bpmn:multiInstanceLoopCharacteristics isSequential="{"true" if sequential else "false"}">'
        f"<bpmn:loopDataInputRef>{collection}</bpmn:loopDataInputRef>{out}"
        f'<bpmn:inputDataItem id="{item}"/>{out_item}</bpmn:multiInstanceLoopCharacteristics>'
    )


def flow(source: str, target: str, condition: str | None = None, id: str | None = None) -> str:
    body = f"<bpmn:conditionExpression>{escaped(condition)}</bpmn:conditionExpression>" if condition else ""
    return (
        f'<bpmn:sequenceFlow id="{id or f"f_{source}_{target}"}" sourceRef="{source}" targetRef="{target}">'
        f"{body}</bpmn:sequenceFlow>"
    )


def flows(*ids: str) -> str:
    return "".join(flow(source, target) for source, target in pairwise(ids))


def outputs(*names: str, inputs: tuple[str, ...] = ()) -> str:
    def references(kind: str, given: tuple[str, ...]) -> str:
        return "".join(f"<bpmn:data{kind}Refs>{name}</bpmn:data{kind}Refs>" for name in given)

    return (
        "<bpmn:ioSpecification>"
        + "".join(f'<bpmn:dataInput id="{name}" name="{name}"/>' for name in inputs)
        + "".join(f'<bpmn:dataOutput id="{name}" name="{name}"/>' for name in names)
        + f"<bpmn:inputSet>{references('Input', inputs)}</bpmn:inputSet>"
        + f"<bpmn:outputSet>{references('Output', names)}</bpmn:outputSet></bpmn:ioSpecification>"
    )


@dataclass(frozen=True)
class Message:
    """A message of a diagram: what is thrown, and where a received payload goes."""

    name: str
    payload: str | None = None
    variable: str | None = None


def process(id: str, *body: str, messages: tuple[Message, ...] = (), codes: tuple[str, ...] = ()) -> bytes:
    declared = ""
    for item in messages:
        inner = (
            f"<spiffworkflow:messagePayload>{escaped(item.payload)}</spiffworkflow:messagePayload>"
            if item.payload
            else ""
        )
        if item.variable:
            inner += f"<spiffworkflow:messageVariable>{item.variable}</spiffworkflow:messageVariable>"
        inner = f"<bpmn:extensionElements>{inner}</bpmn:extensionElements>" if inner else ""
        declared += f'<bpmn:message id="M_{item.name}" name="{item.name}">{inner}</bpmn:message>'
    for code in codes:
        declared += f'<bpmn:error id="error_{code}" name="{code}" errorCode="{code}"/>'
        declared += f'<bpmn:escalation id="escalation_{code}" name="{code}" escalationCode="{code}"/>'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><bpmn:definitions {NAMESPACES} id="D_{id}" targetNamespace="http://x">'
        f'{declared}<bpmn:process id="{id}" isExecutable="true">{"".join(body)}</bpmn:process></bpmn:definitions>'
    ).encode()


def program(*documents: bytes, key: str = "p") -> spiff.Program:
    return spiff.compile_program({f"{place}.bpmn": content for place, content in enumerate(documents)}, key)


Answer = Callable[[Mapping[str, Any]], Any]


@dataclass
class Desk:
    """One instance with its clock; ``saved`` saves and loads after every command."""

    program: spiff.Program
    data: dict[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    saved: bool = True
    now: datetime = NOW
    history: list[spiff.Left] = field(default_factory=list)
    sent: list[spiff.Thrown] = field(default_factory=list)
    size: int = 0

    def __post_init__(self) -> None:
        self.workflow = spiff.start(self.program, self.data, self.run())
        self._advance()

    def run(self) -> spiff.Run:
        return spiff.Run(now=self.now, operate=self._answer, decide=self._answer)

    def _answer(self, element: spiff.Element, data: Mapping[str, Any]) -> Any:
        answer = self.answers.get(element.id)
        if callable(answer):
            answer = answer(data)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _advance(self) -> None:
        spiff.advance(self.workflow)
        noted, sent = spiff.left(self.workflow), spiff.thrown(self.workflow)
        if self.saved:
            self.history += noted
            self.sent += sent
            state = spiff.dump(self.workflow)
            self.size = len(state)
            self.workflow = spiff.load(self.program, state, self.run())
        else:
            self.history, self.sent = noted, sent

    def move(self, **delta: float) -> None:
        self.now += timedelta(**delta)
        self.workflow.run = self.run()

    @property
    def waits(self) -> spiff.Waits:
        return spiff.waits(self.workflow)

    @property
    def open(self) -> list[str]:
        return sorted(task.element_id for task in self.waits.user_tasks)

    @property
    def completed(self) -> bool:
        return spiff.is_completed(self.workflow)

    @property
    def final(self) -> dict[str, Any]:
        """The data with which the process ended."""
        return dict(self.workflow.data)

    def task(self, element: str, **where: Any) -> spiff.UserTask:
        return next(
            task
            for task in self.waits.user_tasks
            if task.element_id == element and all(task.data.get(key) == value for key, value in where.items())
        )

    def do(self, element: str, where: Mapping[str, Any] | None = None, **written: Any) -> Desk:
        spiff.complete(self.workflow, self.task(element, **(where or {})).task_id, written)
        self._advance()
        return self

    def send(self, name: str, key: object, payload: Any = None) -> bool:
        """Deliver to the one task that waits; False when nobody does."""
        for wait in self.waits.subscriptions:
            if wait.name == name and wait.key == str(key):
                spiff.deliver(self.workflow, wait.task_id, name, payload)
                self._advance()
                return True
        return False

    def fire(self, element: str) -> Desk:
        wait = next(wait for wait in self.waits.timers if wait.element_id == element)
        spiff.fire_timer(self.workflow, wait.task_id)
        self._advance()
        return self

    def trail(self) -> list[str]:
        """The history in short: element or element=outcome."""
        return [f"{one.element_id}={one.outcome}" if one.outcome else one.element_id for one in self.history]
