"""The one door for XML from outside: BPMN and DMN files of any origin become a tree here, or a reason why not.

A first pass reads the bytes with the same parser but builds nothing, so that a document that is too deep or too
large is refused before it can cost memory; only then is the tree built. Nothing outside the bytes is ever read:
no DTD, no entity, no network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from lxml import etree

Kind = Literal["malformed", "doctype", "bytes", "depth", "elements"]


@dataclass(frozen=True, slots=True)
class XmlLimits:
    """What one document may cost. ``max_depth`` counts nested elements; the root has depth 1."""

    max_bytes: int = 2_000_000
    max_depth: int = 64
    max_elements: int = 20_000


LIMITS = XmlLimits()


class XmlRefused(Exception):  # noqa: N818 - the name that every caller reads: "the XML was refused"
    """The bytes are not XML that we read. ``kind`` says which limit, ``line`` where (1 for the whole document)."""

    def __init__(self, kind: Kind, line: int, why_zh: str, why_en: str) -> None:
        """Keep both languages: the checker shows them side by side."""
        super().__init__(f"line {line}: {why_en}")
        self.kind = kind
        self.line = line
        self.why_zh = why_zh
        self.why_en = why_en


class _Broken(Exception):  # noqa: N818 - never leaves this module
    """Raised inside the guard, to stop the parser at once."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.kind: Kind = kind


class _Guard:
    """A parser target that counts and keeps nothing."""

    def __init__(self, limits: XmlLimits) -> None:
        self.limits = limits
        self.depth = 0
        self.elements = 0

    def doctype(self, *_name_and_ids: str | None) -> None:
        raise _Broken("doctype")

    def start(self, _tag: object, _attributes: object) -> None:
        self.depth += 1
        self.elements += 1
        if self.depth > self.limits.max_depth:
            raise _Broken("depth")
        if self.elements > self.limits.max_elements:
            raise _Broken("elements")

    def end(self, _tag: object) -> None:
        self.depth -= 1

    def close(self) -> None:
        """Nothing was built."""


def _parser(target: Any = None) -> etree.XMLParser:
    return etree.XMLParser(target=target, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _refused(kind: Kind, line: int, limits: XmlLimits) -> XmlRefused:
    reasons: dict[Kind, tuple[str, str]] = {
        "malformed": ("不是格式正确的 XML", "not well-formed XML"),
        "doctype": ("含有 DOCTYPE 声明", "it has a DOCTYPE"),
        "bytes": (f"超过 {limits.max_bytes} 字节", f"more than {limits.max_bytes} bytes"),
        "depth": (f"元素嵌套超过 {limits.max_depth} 层", f"elements nested deeper than {limits.max_depth}"),
        "elements": (f"超过 {limits.max_elements} 个元素", f"more than {limits.max_elements} elements"),
    }
    return XmlRefused(kind, line, *reasons[kind])


def _malformed(error: etree.XMLSyntaxError) -> XmlRefused:
    line = max(error.lineno or 1, 1)
    detail = (error.msg or "").strip()[:200]
    return XmlRefused("malformed", line, f"不是格式正确的 XML：{detail}", f"not well-formed XML: {detail}")


_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def xml_bool(element: etree._Element, name: str, *, default: bool) -> bool | None:
    """What the ``xs:boolean`` attribute ``name`` says, ``default`` where it is absent; None for any other spelling."""
    text = element.get(name)
    return default if text is None else _BOOLEANS.get(text)


def line_of(element: etree._Element) -> int:
    """The line of ``element`` in its file; 1 where the parser kept none."""
    line: Any = element.sourceline
    return int(line or 1)


def parse_xml(data: bytes, limits: XmlLimits = LIMITS) -> etree._Element:
    """The root element of ``data``, with source lines.

    Raises :class:`XmlRefused`, and nothing else, for bytes that are no XML, carry a DOCTYPE or pass a limit.
    """
    if len(data) > limits.max_bytes:
        raise _refused("bytes", 1, limits)
    try:
        etree.fromstring(data, _parser(_Guard(limits)))
        return etree.fromstring(data, _parser())
    except _Broken as broken:
        line = data[: max(data.find(b"<!DOCTYPE"), 0)].count(b"\n") + 1 if broken.kind == "doctype" else 1
        raise _refused(broken.kind, line, limits) from None
    except etree.XMLSyntaxError as error:
        raise _malformed(error) from None
    except (ValueError, LookupError) as error:  # lxml's word for some impossible encodings
        raise XmlRefused("malformed", 1, f"不是格式正确的 XML：{error}", f"not well-formed XML: {error}") from None
