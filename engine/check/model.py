"""What the rules look at: the files of a deployment as processes, nodes and flows, without judgement.

Reading never fails: what a file lacks is empty here, and a rule says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lxml import etree

from engine.check.findings import Hit, Place
from engine.spiff.facts import BPMN, SPIFF, properties
from engine.xml import line_of, xml_bool

BPMNDI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
B = f"{{{BPMN}}}"
S = f"{{{SPIFF}}}"

TASKS = frozenset({"userTask", "serviceTask", "businessRuleTask"})
REFUSED_TASKS = frozenset({"task", "manualTask", "scriptTask", "sendTask", "receiveTask"})
REFUSED_FRAMES = frozenset({"adHocSubProcess", "transaction"})
ACTIVITIES = TASKS | REFUSED_TASKS | REFUSED_FRAMES | {"callActivity", "subProcess"}
GATEWAYS = frozenset({"exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway"})
EVENTS = frozenset({"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"})
NODES = ACTIVITIES | GATEWAYS | EVENTS
FRAMES = frozenset({"subProcess", "adHocSubProcess", "transaction"})
MAX_PROCESSES = 20
"""Processes of one file that are looked at (K010 allows one)."""

MAX_NODES = 400
"""Nodes in one process or frame that are looked at: keeps work that grows with the square small."""


def local(element: etree._Element) -> str:
    """The element's name without its namespace; empty for comments and processing instructions."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def own(element: etree._Element, *names: str) -> Iterator[etree._Element]:
    """Direct children of ``element`` in BPMN's namespace, of these names."""
    for name in names:
        yield from element.iterchildren(B + name)


def text_of(element: etree._Element | None) -> str:
    """The text of an expression element, without the space around it."""
    return "" if element is None or element.text is None else element.text.strip()


@dataclass(eq=False, slots=True)
class Flow:
    """A sequence flow between two nodes of one scope."""

    element: etree._Element
    id: str
    source: Node
    target: Node

    @property
    def condition(self) -> etree._Element | None:
        """The condition element, if there is one."""
        return self.element.find(B + "conditionExpression")


@dataclass(eq=False)
class Node:
    """A flow node: task, gateway, event, called process or frame."""

    element: etree._Element
    type: str
    id: str
    scope: Scope
    outgoing: list[Flow] = field(default_factory=list)
    incoming: list[Flow] = field(default_factory=list)
    boundaries: list[Node] = field(default_factory=list)
    host: Node | None = None
    inner: Scope | None = None

    @property
    def file(self) -> BpmnFile:
        """The file that draws the node."""
        return self.scope.file

    @property
    def name(self) -> str:
        """What a reader of the diagram knows the node by."""
        return self.element.get("name") or self.id

    @cached_property
    def definitions(self) -> list[etree._Element]:
        """The event definitions that the node itself contains."""
        return [child for child in self.element if local(child).endswith("EventDefinition")]

    @cached_property
    def event(self) -> str:
        """``message``, ``timer`` …; empty for an event without definition; the first where there are several."""
        return local(self.definitions[0]).removesuffix("EventDefinition") if self.definitions else ""

    @property
    def interrupting(self) -> bool:
        """Whether a boundary event ends its host."""
        return xml_bool(self.element, "cancelActivity", default=True) is not False

    @property
    def triggered(self) -> bool:
        """Whether a frame is an event sub-process."""
        return xml_bool(self.element, "triggeredByEvent", default=False) is True

    @property
    def default(self) -> str | None:
        """The id of the default flow."""
        return self.element.get("default")

    @property
    def lane(self) -> str:
        """The name of the lane in which the node is drawn; inside a frame it is the frame's unless it has its own."""
        node: Node | None = self
        while node is not None:
            if node.id in self.file.lane_of:
                return self.file.lane_of[node.id]
            node = node.scope.frame
        return ""

    @cached_property
    def properties(self) -> Mapping[str, str]:
        """The properties of our dialect on this node."""
        return properties(self.element)

    @property
    def loop(self) -> etree._Element | None:
        """The multi-instance characteristics."""
        return self.element.find(B + "multiInstanceLoopCharacteristics")

    @property
    def called(self) -> str:
        """The process that a call activity calls."""
        return self.element.get("calledElement", "") if self.type == "callActivity" else ""

    @property
    def message(self) -> etree._Element | None:
        """The message that an event throws or catches, as declared in its file."""
        if self.event != "message":
            return None
        return self.file.declared.get(self.definitions[0].get("messageRef", ""))

    @property
    def throws(self) -> bool:
        """Whether the node sends what its definition names."""
        return self.type in ("endEvent", "intermediateThrowEvent")

    @property
    def waits(self) -> bool:
        """Whether a token stays here until something comes from outside."""
        return self.type in ("userTask", "manualTask", "task", "receiveTask", "eventBasedGateway") or (
            self.type == "intermediateCatchEvent" and bool(self.definitions)
        )

    def at(self, **facts: object) -> Hit:
        """A hit at this node; the name is always among the facts."""
        return Hit(self.place, {"name": self.name, **facts})

    @property
    def place(self) -> Place:
        """Where the node stands."""
        return self.file.place(self.element)


@dataclass(eq=False)
class Scope:
    """A process or an embedded frame: its own nodes and flows only."""

    element: etree._Element
    id: str
    file: BpmnFile
    frame: Node | None = None
    nodes: dict[str, Node] = field(default_factory=dict)
    flows: list[Flow] = field(default_factory=list)
    loose: list[etree._Element] = field(default_factory=list)
    too_many: bool = False

    @property
    def parent(self) -> Scope | None:
        """The scope in which the frame is drawn; None for a process."""
        return None if self.frame is None else self.frame.scope

    @property
    def process(self) -> Scope:
        """The process around this scope, or itself."""
        scope = self
        while scope.frame is not None:
            scope = scope.frame.scope
        return scope

    @cached_property
    def inputs(self) -> list[str]:
        """Keys declared as data inputs of a process."""
        return [item.get("id", "") for item in self.element.iterfind(f"{B}ioSpecification/{B}dataInput")]

    @cached_property
    def outputs(self) -> list[str]:
        """Keys declared as data outputs of a process."""
        return [item.get("id", "") for item in self.element.iterfind(f"{B}ioSpecification/{B}dataOutput")]

    @property
    def starts(self) -> list[Node]:
        """The start events."""
        return [node for node in self.nodes.values() if node.type == "startEvent"]

    @property
    def name(self) -> str:
        """What a reader knows the process by."""
        return self.element.get("name") or self.id

    def at(self, **facts: object) -> Hit:
        """A hit at the process or frame itself."""
        return Hit(self.file.place(self.element), {"name": self.name, **facts})


@dataclass(eq=False)
class BpmnFile:
    """One BPMN file. ``scopes`` are all its processes and frames, each before what it contains."""

    name: str
    root: etree._Element
    scopes: list[Scope] = field(default_factory=list)
    declared: dict[str, etree._Element] = field(default_factory=dict)
    """Messages, errors, escalations and signals by id."""

    @property
    def processes(self) -> list[Scope]:
        """The processes of the file."""
        return [scope for scope in self.scopes if scope.parent is None]

    @cached_property
    def shapes(self) -> dict[str, etree._Element]:
        """Shapes and edges of the drawing by the element that they draw."""
        drawn = self.root.iter(f"{{{BPMNDI}}}BPMNShape", f"{{{BPMNDI}}}BPMNEdge")
        return {shape.get("bpmnElement", ""): shape for shape in drawn}

    @cached_property
    def lane_of(self) -> dict[str, str]:
        """The name of the lane that lists a node, read as SpiffWorkflow reads it: exact text."""
        lanes = self.root.iter(B + "lane")
        return {ref.text or "": lane.get("name", "") for lane in lanes for ref in own(lane, "flowNodeRef")}

    def place(self, element: etree._Element) -> Place:
        """Where ``element`` stands; an element without id lends its parent's."""
        named: etree._Element | None = element
        while named is not None and named.get("id") is None:
            named = named.getparent()
        return Place(self.name, line_of(element), None if named is None else named.get("id"))

    def at(self, element: etree._Element, **facts: object) -> Hit:
        """A hit at any element of the file."""
        name = element.get("name") or element.get("id") or local(element)
        return Hit(self.place(element), {"name": name, "tag": local(element), **facts})


def extension(element: etree._Element, name: str) -> str:
    """The text of a ``spiffworkflow:`` extension element, such as ``messagePayload``."""
    return text_of(element.find(f"{B}extensionElements/{S}{name}"))
