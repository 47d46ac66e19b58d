"""The requirements graph of a DMN file: inputs, decisions, business knowledge, types; every reference resolved.

Model namespaces of DMN 1.1 to 1.6 are read; diagrams, extensions and knowledge sources are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from engine.decisions.compiler import compile_cell
from engine.decisions.datatypes import ANY, Type, simple_type
from engine.decisions.elements import Element, child, children, line_of, local, text_in
from engine.decisions.errors import DecisionError, ModelRefusedError, UnsupportedError
from engine.decisions.properties import PROPERTIES
from engine.decisions.tokens import Names, normalized
from engine.xml import XmlRefused, parse_xml

_NAMESPACE = re.compile(
    r"https?://www\.omg\.org/spec/DMN/(?:20151101/dmn\.xsd|20151130|(?:20180521|20191111|20211108|20230324|20240513)/MODEL/?)"
)


@dataclass(slots=True)
class Node:
    """An input, a decision or a business knowledge model, with the ids of what it requires."""

    kind: str
    id: str
    name: str
    variable: str
    element: Element
    type_reference: str | None
    requires: list[str] = field(default_factory=list)

    @property
    def line(self) -> int | None:
        """The source line."""
        return line_of(self.element)


MAX_NODES = 1_000
_KINDS = {"inputData": "input", "decision": "decision", "businessKnowledgeModel": "knowledge"}
_REQUIREMENTS = {
    "informationRequirement": ("requiredInput", "requiredDecision"),
    "knowledgeRequirement": ("requiredKnowledge",),
}


@dataclass(slots=True)
class Graph:
    """All nodes by id, in the order of the file, and the types of the model."""

    name: str
    nodes: dict[str, Node]
    types: Types
    language: str | None

    def order(self, root: Node) -> list[Node]:
        """What ``root`` needs and then itself, each after what it requires."""
        ordered: dict[str, Node] = {}
        stack: list[tuple[Node, Iterator[str]]] = [(root, iter(root.requires))]
        open_ids = {root.id}
        while stack:
            node, rest = stack[-1]
            following = next((required for required in rest if required not in ordered), None)
            if following is None:
                ordered[node.id] = node
                stack.pop()
            elif following in open_ids:
                raise ModelRefusedError(
                    f"“{node.name}”的依赖成环。", f"{node.name!r} requires itself in a circle", line=node.line
                )
            else:
                open_ids.add(following)
                stack.append((self.nodes[following], iter(self.nodes[following].requires)))
        return list(ordered.values())


class Types:
    """The types that a model declares, resolved when they are asked for."""

    def __init__(self, root: Element) -> None:
        """Collect the item definitions below ``root``."""
        self._elements = {normalized(item.get("name") or ""): item for item in children(root, "itemDefinition")}
        self._known: dict[str, Type] = {}
        self._open: set[str] = set()

    def find(self, reference: str | None) -> Type:
        """The type of a ``typeRef``; no reference means any value; ModelRefusedError for an unknown one."""
        if not reference or not reference.strip():
            return ANY
        name = normalized(reference)
        if name not in self._elements and name.rpartition(":")[2] in self._elements:
            name = name.rpartition(":")[2]
        if name in self._known:
            return self._known[name]
        if name not in self._elements:
            found = simple_type(reference)
            if found is None:
                raise ModelRefusedError(f"类型“{reference}”没有定义。", f"type {reference!r} is not defined")
            return found
        return self._define(name)

    def _define(self, name: str) -> Type:
        element = self._elements[name]
        if name in self._open:
            raise ModelRefusedError(
                f"类型“{name}”的定义成环。", f"type {name!r} is defined by itself", line=line_of(element)
            )
        self._open.add(name)
        self._known[name] = self._read(element, name)
        self._open.discard(name)
        return self._known[name]

    def _read(self, element: Element, name: str) -> Type:
        try:
            return self._resolved(element, name)
        except DecisionError as error:
            raise error.at(line=line_of(element)) from None

    def _resolved(self, element: Element, name: str) -> Type:
        parts = children(element, "itemComponent")
        reference = child(element, "typeRef")
        if child(element, "functionItem") is not None:
            found = Type(name, "function")
        elif parts:
            components = {
                normalized(part.get("name") or ""): self._read(part, part.get("name") or "") for part in parts
            }
            found = Type(name, "context", components=components)
        else:
            text = (
                "".join(str(part) for part in reference.itertext()) if reference is not None else element.get("typeRef")
            )
            found = replace(self.find(text), name=name)
        allowed = text_in(child(element, "allowedValues"))
        is_list = element.get("isCollection") == "true"
        if allowed:
            found = replace(found, allowed=compile_cell(allowed, Names()), allowed_text=allowed)
        if is_list and found.is_list:
            raise UnsupportedError(f"类型“{name}”是列表的列表。", f"type {name!r} is a list of lists")
        return replace(found, is_list=found.is_list or is_list)

    def names(self) -> list[str]:
        """Every component name, for the parser."""
        found = [
            normalized(part.get("name") or "")
            for item in self._elements.values()
            for part in item.iter()
            if local(part) == "itemComponent"
        ]
        return [*found, *PROPERTIES]


def read_graph(data: bytes) -> Graph:
    """The graph of a DMN file; DecisionError kinds for what is no DMN or does not fit together."""
    try:
        root = parse_xml(data)
    except XmlRefused as refused:
        raise ModelRefusedError(refused.why_zh, refused.why_en, line=refused.line) from None
    _check_root(root)
    nodes: dict[str, Node] = {}
    for element in root:
        kind = _KINDS.get(local(element))
        if kind is not None:
            node = _node(element, kind)
            if node.id in nodes:
                raise ModelRefusedError(f"标识 {node.id} 重复。", f"id {node.id} occurs twice", line=node.line)
            nodes[node.id] = node
    if len(nodes) > MAX_NODES:
        raise ModelRefusedError(f"模型的元素不得超过 {MAX_NODES} 个。", f"more than {MAX_NODES} elements in the model")
    for node in nodes.values():
        _check_references(node, nodes)
    return Graph(normalized(root.get("name") or ""), nodes, Types(root), root.get("expressionLanguage"))


def _check_root(root: Element) -> None:
    tag = str(root.tag)
    space, _, name = tag.removeprefix("{").rpartition("}")
    if name != "definitions" or not _NAMESPACE.fullmatch(space):
        raise ModelRefusedError(
            "文件不是 DMN 1.1–1.6 模型。", f"no DMN 1.1 to 1.6 model: root element {tag[:200]}", line=line_of(root)
        )
    imported = child(root, "import")
    if imported is not None:
        raise UnsupportedError(
            "不支持导入其他模型。", "imports of other models are not supported", line=line_of(imported)
        )


def _node(element: Element, kind: str) -> Node:
    name = normalized(element.get("name") or element.get("id") or "")
    if not name:
        raise ModelRefusedError("元素没有名称。", f"{local(element)} has neither name nor id", line=line_of(element))
    variable = child(element, "variable")
    label = normalized(variable.get("name") or "") if variable is not None else ""
    node = Node(
        kind=kind,
        id=element.get("id") or name,
        name=name,
        variable=label or name,
        element=element,
        type_reference=variable.get("typeRef") if variable is not None else None,
    )
    for requirement, targets in _REQUIREMENTS.items():
        for part in children(element, requirement):
            node.requires.extend(_reference(target) for target in part if local(target) in targets)
    return node


def _reference(element: Element) -> str:
    return (element.get("href") or "").rpartition("#")[2]


def _check_references(node: Node, nodes: dict[str, Node]) -> None:
    for required in node.requires:
        if required not in nodes:
            raise ModelRefusedError(
                f"“{node.name}”所依赖的 {required or '（空）'} 不存在或不受支持。",
                f"{node.name!r} requires {required or 'nothing'}, which does not exist or is not supported",
                decision=node.name,
                line=node.line,
            )
