"""What a diagram says of its elements, read once from the XML and never changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lxml import etree

from engine.xml import line_of

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
SPIFF = "http://spiffworkflow.org/bpmn/schema/1.0/core"
NAMESPACES = {"bpmn": BPMN, "spiffworkflow": SPIFF}

BOOLEANS = frozenset(
    {
        "cancelActivity",
        "instantiate",
        "isClosed",
        "isCollection",
        "isExecutable",
        "isForCompensation",
        "isImmediate",
        "isInterrupting",
        "isSequential",
        "parallelMultiple",
        "testBefore",
        "triggeredByEvent",
    }
)
"""The attributes of BPMN elements that say true or false."""

FLOW_NODES = frozenset(
    {
        "startEvent",
        "endEvent",
        "intermediateCatchEvent",
        "intermediateThrowEvent",
        "boundaryEvent",
        "userTask",
        "serviceTask",
        "businessRuleTask",
        "exclusiveGateway",
        "parallelGateway",
        "eventBasedGateway",
        "callActivity",
        "subProcess",
    }
)


@dataclass(frozen=True, slots=True)
class Element:
    """One flow node. ``type`` is BPMN's tag, ``lane`` the innermost lane's name, ``line`` counts from 1.

    ``calls`` is the process that a call activity calls, empty for every other node.
    """

    id: str
    type: str
    name: str
    lane: str | None
    process_id: str
    properties: Mapping[str, str]
    documentation: str
    line: int
    calls: str = ""


def properties(node: etree._Element) -> Mapping[str, str]:
    """The ``spiffworkflow:property`` values of one element; the first of a name wins."""
    found: dict[str, str] = {}
    for item in node.iterfind("bpmn:extensionElements/spiffworkflow:properties/spiffworkflow:property", NAMESPACES):
        found.setdefault(item.get("name", ""), item.get("value", ""))
    return MappingProxyType(found)


def booleans_of(root: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    """Every BPMN element of a file with each of its attributes that says true or false."""
    for element in root.iter(f"{{{BPMN}}}*"):
        yield from ((element, name) for name in element.attrib if name in BOOLEANS)


def tag_of(node: etree._Element) -> str | None:
    """The local name of a BPMN node, None for anything else."""
    if not isinstance(node.tag, str):
        return None
    name = etree.QName(node)
    return name.localname if name.namespace == BPMN else None


def elements_of(root: etree._Element) -> Iterator[Element]:
    """Every flow node of every process of one file, in document order."""
    lanes = {
        ref.text: lane.get("name")
        for lane in root.iterfind(".//bpmn:lane", NAMESPACES)
        for ref in lane.iterfind("bpmn:flowNodeRef", NAMESPACES)
    }
    for process in root.iterfind("bpmn:process", NAMESPACES):
        yield from _nodes(process, process.get("id", ""), lanes, None)


def _nodes(
    parent: etree._Element, process_id: str, lanes: Mapping[str | None, str | None], outer: str | None
) -> Iterator[Element]:
    for node in parent:
        tag = tag_of(node)
        if tag not in FLOW_NODES:
            continue
        lane = lanes.get(node.get("id"), outer)
        yield Element(
            id=node.get("id", ""),
            type=tag,
            name=node.get("name", ""),
            lane=lane,
            process_id=process_id,
            properties=properties(node),
            documentation=(node.findtext("bpmn:documentation", "", NAMESPACES) or "").strip(),
            line=line_of(node),
            calls=node.get("calledElement", "") if tag == "callActivity" else "",
        )
        if tag == "subProcess":
            yield from _nodes(node, process_id, lanes, lane)
