"""Reading the files of a deployment: what each one is, and why it cannot be read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import orjson

from engine.check import rules
from engine.check.deployment import DecisionFile, Deployment, FormFile
from engine.check.findings import Finding, Place
from engine.check.model import B
from engine.check.reading import read_bpmn
from engine.decisions import DecisionError, load_model
from engine.errors import FormRefusedError
from engine.forms import parse_form
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
        yield from _read_form(deployment, name, data)
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
    try:
        model = load_model(data)
    except DecisionError as error:
        place = Place(name, error.line or 1, error.decision)
        yield rules.DECISION_REFUSED.at(place, zh=error.zh.rstrip("。"), en=error.en.rstrip("."))
        return
    required = {link.get("href", "").rpartition("#")[2] for link in root.iter("{*}requiredDecision")}
    tops = [decision for decision in model.decisions if decision.id not in required]
    if len(tops) != 1:
        yield rules.ONE_DECISION.at(Place(name, line_of(root)), count=len(tops))
        return
    place = Place(name, tops[0].line or 1, tops[0].id)
    if tops[0].id in deployment.decisions:
        deployment.again.append((place, tops[0].id, deployment.decisions[tops[0].id].place.file))
    else:
        deployment.decisions[tops[0].id] = DecisionFile(place, model, hashlib.sha256(data).hexdigest())


def _read_form(deployment: Deployment, name: str, data: bytes) -> Iterator[Finding]:
    try:
        form = parse_form(data)
    except FormRefusedError as error:
        yield rules.FORM_REFUSED.at(Place(name, _line_of_json(data)), zh=str(error))
        return
    place = Place(name, 1, form.key)
    if form.key in deployment.forms:
        deployment.again.append((place, form.key, deployment.forms[form.key].place.file))
    else:
        deployment.forms[form.key] = FormFile(place, form)


def _line_of_json(data: bytes) -> int:
    """The line on which ``data`` stops being JSON; 1 if it is JSON."""
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError as error:
        return max(error.lineno, 1)
    return 1
