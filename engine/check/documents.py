"""Reading the files of a deployment: what each one is, and why it cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

from engine.check import rules
from engine.check.findings import Finding, Place
from engine.check.model import B, Deployment, read_bpmn
from engine.xml import XmlLimits, XmlRefused, line_of, parse_xml

_REFUSALS = {
    "malformed": rules.MALFORMED,
    "doctype": rules.DOCTYPE,
    "bytes": rules.TOO_LARGE,
    "depth": rules.TOO_DEEP,
    "elements": rules.TOO_MANY_ELEMENTS,
}


def read(deployment: Deployment, name: str, data: bytes, limits: XmlLimits) -> Iterator[Finding]:
    """Add one file to ``deployment``, or say why it is not part of it."""
    kind = name.rpartition(".")[2].lower()
    if kind == "bpmn":
        yield from _read_bpmn(deployment, name, data, limits)
    elif kind == "dmn":
        yield from _read_dmn(deployment, name, data, limits)
    elif kind == "json":
        yield from _read_form(deployment, name, data, limits)
    else:
        yield rules.UNKNOWN_KIND.at(Place(name), file=name)


def _refusal(name: str, refused: XmlRefused) -> Finding:
    return _REFUSALS[refused.kind].at(Place(name, refused.line), zh=refused.why_zh, en=refused.why_en)


def _read_bpmn(deployment: Deployment, name: str, data: bytes, limits: XmlLimits) -> Iterator[Finding]:
    try:
        root = parse_xml(data, limits)
    except XmlRefused as refused:
        yield _refusal(name, refused)
        return
    if root.tag != B + "definitions":
        yield rules.NOT_BPMN.at(Place(name, line_of(root)), root=root.tag)
        return
    deployment.files.append(read_bpmn(name, root))


def _read_dmn(deployment: Deployment, name: str, data: bytes, limits: XmlLimits) -> Iterator[Finding]:
    try:
        root = parse_xml(data, limits)
    except XmlRefused as refused:
        yield _refusal(name, refused)
        return
    for element in root.iter("{*}decision"):
        _add(deployment.decisions, deployment, "decision", element.get("id", ""), Place(name, line_of(element)))


def _read_form(deployment: Deployment, name: str, data: bytes, limits: XmlLimits) -> Iterator[Finding]:
    yield from ()


def _add(keys: dict[str, Place], deployment: Deployment, kind: str, key: str, place: Place) -> None:
    if key in keys:
        deployment.again.append((place, key, keys[key].file))
    else:
        keys[key] = place
