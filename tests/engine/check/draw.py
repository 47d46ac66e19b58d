"""Small diagrams for the tests of the check: a few words become a complete BPMN file with its drawing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" \
xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" \
xmlns:di="http://www.omg.org/spec/DD/20100524/DI" \
xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core" \
id="definitions_{key}" targetNamespace="http://example.org/bpmn">
"""
STEPS = ("userTask", "serviceTask", "businessRuleTask", "callActivity")
COLUMNS = 7


@dataclass
class El:
    """One node. ``mark`` puts the comment ``here: <id>`` on its line, where a fixture expects its finding."""

    tag: str
    id: str
    name: str = ""
    props: Mapping[str, str] = field(default_factory=dict)
    inner: str = ""
    attrs: Mapping[str, str] = field(default_factory=dict)
    nodes: Sequence[El] = ()
    flows: Sequence[str] = ()
    mark: bool = False
    drawn: tuple[int, int] | None = (118, 48)


def el(tag: str, id: str, **more: object) -> El:
    """A node; unknown words become XML attributes."""
    known = {key: more.pop(key) for key in list(more) if key in El.__dataclass_fields__}
    return El(tag, id, attrs={key: str(value) for key, value in more.items()}, **known)  # type: ignore[arg-type]


def start(id: str = "s", **more: object) -> El:
    return el("startEvent", id, **more)


def end(id: str = "e", outcome: str | None = None, **more: object) -> El:
    if outcome is not None:
        more["props"] = {"outcome": outcome}
    return el("endEvent", id, **more)


def user(id: str = "a", **more: object) -> El:
    more.setdefault("props", {"form": "f"})
    return el("userTask", id, **more)


def service(id: str = "w", **more: object) -> El:
    more.setdefault("props", {"operation": "op"})
    return el("serviceTask", id, **more)


def call(id: str = "c", called: str = "called", **more: object) -> El:
    return el("callActivity", id, calledElement=called, **more)


def choice(id: str = "x", **more: object) -> El:
    """An exclusive gateway; ``default`` names its default flow."""
    return el("exclusiveGateway", id, **more)


def catch(id: str, inner: str, **more: object) -> El:
    return el("intermediateCatchEvent", id, inner=inner, **more)


def throw(id: str, inner: str = "", **more: object) -> El:
    return el("intermediateThrowEvent", id, inner=inner, **more)


def border(id: str, host: str, inner: str, **more: object) -> El:
    """A boundary event; it interrupts unless ``cancelActivity`` is "false"."""
    return el("boundaryEvent", id, attachedToRef=host, inner=inner, **more)


def timer(text: str, kind: str = "timeDuration") -> str:
    return f"<bpmn:timerEventDefinition><bpmn:{kind}>{escape(text)}</bpmn:{kind}></bpmn:timerEventDefinition>"


def about(message: str) -> str:
    """The definition of an event about a message that ``message_`` declares."""
    return f'<bpmn:messageEventDefinition messageRef="{message}"/>'


def message_(id: str, payload: str = "", variable: str = "", extra: str = "", mark: bool = False) -> str:
    """The declaration of a message whose name is its id without ``M_``."""
    inner = f"<spiffworkflow:messagePayload>{escape(payload)}</spiffworkflow:messagePayload>" if payload else ""
    inner += f"<spiffworkflow:messageVariable>{variable}</spiffworkflow:messageVariable>" if variable else ""
    box = f"<bpmn:extensionElements>{inner}{extra}</bpmn:extensionElements>" if inner or extra else ""
    return f'<bpmn:message id="{id}" name="{id.removeprefix("M_")}">{here(id, mark)}{box}</bpmn:message>\n'


def here(id: str, mark: bool = True) -> str:
    return f"<!-- here: {id} -->" if mark else ""


def properties(pairs: Mapping[str, str]) -> str:
    """The properties of our dialect."""
    items = "".join(f"<spiffworkflow:property name={quoteattr(k)} value={quoteattr(v)}/>" for k, v in pairs.items())
    box = f"<spiffworkflow:properties>{items}</spiffworkflow:properties>"
    return f"<bpmn:extensionElements>{box}</bpmn:extensionElements>" if pairs else ""


def flow_parts(text: str) -> tuple[str, str, str, str, bool]:
    """``a>b``, ``a>b: condition`` or ``!a>b`` (marked) as id, source, target, condition and mark."""
    way, _, condition = text.removeprefix("!").partition(": ")
    source, _, target = way.partition(">")
    return f"f_{source}_{target}", source, target, condition, text.startswith("!")


def _flow(text: str) -> str:
    key, source, target, condition, mark = flow_parts(text)
    inner = f"<bpmn:conditionExpression>{escape(condition)}</bpmn:conditionExpression>" if condition else ""
    ends = f'sourceRef="{source}" targetRef="{target}"'
    return f'<bpmn:sequenceFlow id="{key}" {ends}>{here(key, mark)}{inner}</bpmn:sequenceFlow>\n'


def _node(node: El) -> str:
    attrs = "".join(f" {key}={quoteattr(value)}" for key, value in node.attrs.items())
    name = node.name or (f"步骤 {node.id}" if node.tag in STEPS else node.id)
    text = f'<bpmn:{node.tag} id="{node.id}" name={quoteattr(name)}{attrs}>{here(node.id, node.mark)}'
    if node.tag in STEPS:
        text += "<bpmn:documentation>做什么，记录什么（手册 §1）</bpmn:documentation>"
    text += properties(node.props) + node.inner
    if node.nodes:
        text += "\n" + "".join(map(_node, node.nodes)) + "".join(map(_flow, node.flows))
    return text + f"</bpmn:{node.tag}>\n"


def io(outputs: Iterable[str] = (), inputs: Iterable[str] = ()) -> str:
    """The input and output declaration of a process."""
    text = "".join(f'<bpmn:dataInput id="{key}" name="{key}"/>' for key in inputs)
    text += "".join(f'<bpmn:dataOutput id="{key}" name="{key}"/>' for key in outputs)
    into = "".join(f"<bpmn:dataInputRefs>{key}</bpmn:dataInputRefs>" for key in inputs)
    out = "".join(f"<bpmn:dataOutputRefs>{key}</bpmn:dataOutputRefs>" for key in outputs)
    sets = f"<bpmn:inputSet>{into}</bpmn:inputSet><bpmn:outputSet>{out}</bpmn:outputSet>"
    return f"<bpmn:ioSpecification>{text}{sets}</bpmn:ioSpecification>\n" if text else ""


def _shapes(nodes: Sequence[El], row: int = 0) -> tuple[str, int]:
    """The shapes in a grid; the nodes of a frame fill the rows below, inside the frame's shape."""
    text, below = "", row + (len(nodes) - 1) // COLUMNS + 1
    for n, node in enumerate(nodes):
        x, y = 40 + n % COLUMNS * 150, 40 + (row + n // COLUMNS) * 100
        width, height = node.drawn or (0, 0)
        if not (node.tag in STEPS or node.nodes or node.tag.endswith(("Task", "task"))):
            width = height = 36
        if node.nodes:
            first = below
            inner, below = _shapes(node.nodes, below)
            x, y, width, height = 10, 20 + first * 100, 1100, (below - first) * 100
            text += inner
        if node.drawn:
            bounds = f'<dc:Bounds x="{x}" y="{y}" width="{width}" height="{height}"/>'
            text += f'<bpmndi:BPMNShape id="{node.id}_di" bpmnElement="{node.id}">{bounds}</bpmndi:BPMNShape>\n'
    return text, below


def _edges(flows: Sequence[str], nodes: Sequence[El]) -> str:
    text = "".join(
        f'<bpmndi:BPMNEdge id="{key}_di" bpmnElement="{key}"><di:waypoint x="0" y="0"/>'
        '<di:waypoint x="1" y="1"/></bpmndi:BPMNEdge>\n'
        for key in (flow_parts(flow)[0] for flow in flows)
    )
    return text + "".join(_edges(node.flows, node.nodes) for node in nodes)


def bpmn(
    nodes: Sequence[El],
    flows: Sequence[str],
    *,
    key: str = "p",
    declared: str = "",
    io: str = "",
    extra: str = "",
    lane: str = "服务台",
    lanes: str | None = None,
    process: str = 'isExecutable="true"',
    mark: bool = False,
) -> str:
    """One file with one process whose nodes all lie in one lane; ``lanes`` replaces the lane set."""
    refs = "".join(f"<bpmn:flowNodeRef>{node.id}</bpmn:flowNodeRef>" for node in nodes)
    own_lane = f'<bpmn:lane id="lane_{key}" name="{lane}">{refs}</bpmn:lane>'
    lane_set = f'<bpmn:laneSet id="lanes_{key}">{own_lane if lanes is None else lanes}</bpmn:laneSet>\n'
    shapes, _ = _shapes(nodes)
    return (
        HEAD.format(key=key)
        + declared
        + f'<bpmn:process id="{key}" name="流程 {key}" {process}>{here(key, mark)}\n'
        + extra
        + io
        + lane_set
        + "".join(map(_node, nodes))
        + "".join(map(_flow, flows))
        + "</bpmn:process>\n"
        + f'<bpmndi:BPMNDiagram id="diagram_{key}"><bpmndi:BPMNPlane id="plane_{key}" bpmnElement="{key}">\n'
        + shapes
        + _edges(flows, nodes)
        + "</bpmndi:BPMNPlane></bpmndi:BPMNDiagram>\n</bpmn:definitions>\n"
    )
