"""Finding things in the XML of a DMN file, whatever its namespace version."""

from __future__ import annotations

from lxml import etree

from engine.decisions.errors import ModelRefusedError
from engine.decisions.tokens import normalized

Element = etree._Element
EXPRESSIONS = frozenset(
    (
        "literalExpression",
        "decisionTable",
        "invocation",
        "context",
        "list",
        "relation",
        "functionDefinition",
        "conditional",
        "for",
        "every",
        "some",
        "filter",
    )
)


def local(element: Element) -> str:
    """The tag without namespace; empty for comments and instructions."""
    tag = element.tag
    return etree.QName(tag).localname if isinstance(tag, str) else ""


def children(element: Element, name: str) -> list[Element]:
    """The child elements of that local name, of the parent's namespace."""
    space = etree.QName(element.tag).namespace
    return [child for child in element if local(child) == name and etree.QName(child.tag).namespace == space]


def child(element: Element, name: str) -> Element | None:
    """The first child of that local name."""
    found = children(element, name)
    return found[0] if found else None


def line_of(element: Element) -> int | None:
    """The source line."""
    line = element.sourceline
    return line if isinstance(line, int) else None


def text_in(element: Element | None) -> str | None:
    """What stands in the ``<text>`` of an element, also as CDATA; None if there is none."""
    holder = child(element, "text") if element is not None else None
    if holder is None:
        return None
    return "".join(str(part) for part in holder.itertext()).strip()


def expression_of(element: Element) -> Element | None:
    """The boxed expression inside a decision, binding, entry or item."""
    return next((part for part in element if local(part) in EXPRESSIONS), None)


def name_of(element: Element, what: str) -> str:
    """The ``name`` of an element; ``what`` says in Chinese what it names where it is missing."""
    name = normalized(element.get("name") or "")
    if not name:
        raise ModelRefusedError(f"{what}没有名称。", f"{local(element)} has no name", line=line_of(element))
    return name
