"""A diagram as a table of steps: who does what, with which form, and where it goes on (R012, R013)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from flask_babel import gettext as _
from lxml import etree

from engine.cache import Cache
from engine.catalogue import DefinitionRef, contents
from engine.check.model import DC, B, Node, Scope, text_of
from engine.check.reading import read_bpmn
from engine.context import Context
from engine.forms import Form, parse_form
from engine.xml import parse_xml
from webapp.language import N_, language

KINDS: Mapping[str, str] = {
    "userTask": N_("人工任务"),
    "serviceTask": N_("系统步骤"),
    "businessRuleTask": N_("规则"),
    "callActivity": N_("下一层的图"),
    "subProcess": N_("一段步骤"),
    "exclusiveGateway": N_("判断"),
    "parallelGateway": N_("并行"),
    "eventBasedGateway": N_("等先来的"),
    "startEvent": N_("开始"),
    "endEvent": N_("结束"),
    "intermediateCatchEvent": N_("等待"),
    "intermediateThrowEvent": N_("发出"),
    "boundaryEvent": N_("中途"),
}
EVENTS: Mapping[str, str] = {
    "timer": N_("到时"),
    "message": N_("消息"),
    "error": N_("出错"),
    "escalation": N_("升级"),
    "terminate": N_("全部结束"),
}


@dataclass(frozen=True, slots=True)
class Lead:
    """Where a step leads: ``when`` is what the flow says, ``target`` the element that comes next."""

    when: str
    target: str
    name: str


@dataclass(frozen=True, slots=True)
class Step:
    """One element of a diagram with everything that its reader asks."""

    id: str
    name: str
    kind: str
    type: str
    lane: str
    purpose: str
    section: str
    form: str
    operation: str
    decision: str
    calls: str
    message: str
    outcome: str
    leads: tuple[Lead, ...]
    inside: str  # the name of the frame in which it is drawn


@dataclass(frozen=True, slots=True)
class Drawn:
    """A process file as a page shows it."""

    key: str
    name: str
    purpose: str
    steps: tuple[Step, ...]
    lanes: tuple[str, ...]

    @property
    def calls(self) -> list[str]:
        """The processes that it calls, in the order of the drawing."""
        return list(dict.fromkeys(step.calls for step in self.steps if step.calls))

    @property
    def started_by(self) -> list[str]:
        """The messages that start it."""
        return [step.message for step in self.steps if step.type == "startEvent" and step.message and not step.inside]


_drawn: Cache[str, Drawn] = Cache(128)
_forms: Cache[str, Form] = Cache(128)


def drawn(ctx: Context, refs: Iterable[DefinitionRef]) -> dict[str, Drawn]:
    """Process key → its diagram, for several versions at once: one statement for those not read before."""
    listed = list(refs)
    missing: dict[int, bytes] = {}

    def read(ref: DefinitionRef) -> Drawn:
        if not missing:
            missing.update(contents(ctx, [each.id for each in listed]))
        return _read(ref, missing[ref.id])

    return {ref.key: _drawn.get(f"{ref.content_hash} {language()}", partial(read, ref)) for ref in listed}


def forms(ctx: Context, refs: Iterable[DefinitionRef]) -> dict[str, Form]:
    """Form key → form, in the same way."""
    listed = list(refs)
    missing: dict[int, bytes] = {}

    def read(ref: DefinitionRef) -> Form:
        if not missing:
            missing.update(contents(ctx, [each.id for each in listed]))
        return parse_form(missing[ref.id])

    return {ref.key: _forms.get(ref.content_hash, partial(read, ref)) for ref in listed}


def _read(ref: DefinitionRef, content: bytes) -> Drawn:
    file = read_bpmn(ref.filename, parse_xml(content))
    process = file.processes[0]
    places = {id_: _place(shape) for id_, shape in file.shapes.items()}
    steps = [(places.get(step.id, (0.0, 0.0)), step) for scope in file.scopes for step in _steps(scope)]
    steps.sort(key=lambda placed: placed[0])
    lanes = tuple(dict.fromkeys(file.lane_of.values()))
    return Drawn(ref.key, process.name, _documentation(process.element), tuple(step for _place, step in steps), lanes)


def _place(shape: etree._Element) -> tuple[float, float]:
    """Left to right, then from above: the order in which a diagram is read."""
    bounds = shape.find(f"{{{DC}}}Bounds")
    if bounds is None:
        return (0.0, 0.0)
    return float(bounds.get("x", "0")), float(bounds.get("y", "0"))


def _steps(scope: Scope) -> Iterator[Step]:
    for node in scope.nodes.values():
        properties = node.properties
        message = node.message
        yield Step(
            id=node.id,
            name=_name(node),
            kind=_kind(node),
            type=node.type,
            lane=node.lane,
            purpose=_documentation(node.element),
            section=properties.get("section", ""),
            form=properties.get("form", ""),
            operation=properties.get("operation", ""),
            decision=properties.get("decision", ""),
            calls=node.called,
            message="" if message is None else message.get("name", ""),
            outcome=properties.get("outcome", ""),
            leads=tuple(_leads(node)),
            inside=scope.frame.name if scope.frame is not None else "",
        )


def _name(node: Node) -> str:
    return node.element.get("name") or _(KINDS.get(node.type, node.type))


def _kind(node: Node) -> str:
    kind = _(KINDS.get(node.type, node.type))
    return f"{kind}：{_(EVENTS.get(node.event, node.event))}" if node.event else kind


def _leads(node: Node) -> Iterator[Lead]:
    for flow in node.outgoing:
        said = flow.element.get("name", "") or text_of(flow.condition)
        if not said and len(node.outgoing) > 1 and node.default == flow.id:
            said = _("其他")
        yield Lead(said, flow.target.id, _name(flow.target))
    for event in node.boundaries:
        for lead in _leads(event):
            yield Lead(event.element.get("name", "") or _kind(event), lead.target, lead.name)


def _documentation(element: etree._Element) -> str:
    return text_of(element.find(B + "documentation"))
