"""One BPMN file as scopes, nodes and flows. Reading never fails: what the file lacks is empty, and a rule says so."""

from __future__ import annotations

from collections import deque
from itertools import islice

from lxml import etree

from engine.check.model import FRAMES, MAX_NODES, MAX_PROCESSES, NODES, B, BpmnFile, Flow, Node, Scope, local, own


def read_bpmn(name: str, root: etree._Element) -> BpmnFile:
    """The file as scopes, nodes and flows."""
    file = BpmnFile(name, root)
    for kind in ("message", "error", "escalation", "signal"):
        for element in own(root, kind):
            file.declared.setdefault(element.get("id", ""), element)
    todo: deque[tuple[etree._Element, Node | None]] = deque()
    todo.extend((element, None) for element in islice(own(root, "process"), MAX_PROCESSES))
    while todo:
        element, frame = todo.popleft()
        scope = Scope(element, element.get("id", ""), file, frame)
        if frame is not None:
            frame.inner = scope
        file.scopes.append(scope)
        _read_nodes(scope)
        todo.extend((node.element, node) for node in scope.nodes.values() if node.type in FRAMES)
    return file


def _read_nodes(scope: Scope) -> None:
    elements = [child for child in scope.element if local(child) in NODES and child.tag == B + local(child)]
    scope.too_many = len(elements) > MAX_NODES
    for element in elements[:MAX_NODES]:
        node = Node(element, local(element), element.get("id", ""), scope)
        scope.nodes.setdefault(node.id, node)
    for node in scope.nodes.values():
        host = scope.nodes.get(node.element.get("attachedToRef", "")) if node.type == "boundaryEvent" else None
        if host is not None:
            node.host = host
            host.boundaries.append(node)
    for element in own(scope.element, "sequenceFlow"):
        source = scope.nodes.get(element.get("sourceRef", ""))
        target = scope.nodes.get(element.get("targetRef", ""))
        if source is None or target is None:
            scope.loose.append(element)
            continue
        flow = Flow(element, element.get("id", ""), source, target)
        scope.flows.append(flow)
        source.outgoing.append(flow)
        target.incoming.append(flow)
