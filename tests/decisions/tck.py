"""Reads test cases of the DMN Technology Compatibility Kit: inputs and expected results as plain values."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from lxml import etree

from engine.decisions import temporal

NS = "{http://www.omg.org/spec/DMN/20160719/testcase}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
STAND_IN = Path(__file__).parent / "models"


def folders() -> list[tuple[str, Path]]:
    """Names and places of the models: these tests' own always, the kit's beside the repository where it is there."""
    kit = Path(os.environ.get("DMN_TCK") or Path(__file__).parents[3] / "shared" / "data" / "dmn-tck")
    return [("stand-in", STAND_IN), *([("TCK", kit)] if kit.is_dir() else [])]


@dataclass(frozen=True)
class Case:
    """One expected result of one test case."""

    label: str
    model: Path
    inputs: dict[str, Any]
    decision: str
    expected: Any
    may_fail: bool


def cases(root: Path) -> Iterator[Case]:
    """Every result that the kit expects below ``root``."""
    for path in sorted(root.glob("*/*-test-*.xml")):
        tree = etree.parse(path).getroot()
        model = path.parent / tree.findtext(f"{NS}modelName")
        for case in tree.iter(f"{NS}testCase"):
            inputs = {node.get("name"): value_of(node) for node in case.findall(f"{NS}inputNode")}
            for result in case.findall(f"{NS}resultNode"):
                label = f"{path.parent.name}-{case.get('id')}-{result.get('name')}"
                expected = value_of(result.find(f"{NS}expected"))
                may_fail = result.get("errorResult") == "true"
                yield Case(label, model, inputs, result.get("name"), expected, may_fail)


def value_of(node: etree._Element) -> Any:
    """A value, list or context of the kit."""
    listed = node.find(f"{NS}list")
    if listed is not None:
        return [value_of(item) for item in listed.findall(f"{NS}item")]
    components = node.findall(f"{NS}component")
    if components:
        return {component.get("name"): value_of(component) for component in components}
    value = node.find(f"{NS}value")
    if value is None or value.get(f"{XSI}nil") == "true":
        return None
    return _typed(value.text or "", (value.get(f"{XSI}type") or "string").rpartition(":")[2])


def _typed(text: str, kind: str) -> Any:
    if kind in ("decimal", "double", "float", "integer", "int", "long"):
        return Decimal(text)
    if kind == "boolean":
        return text == "true"
    if kind in ("date", "time", "dateTime", "duration", "dayTimeDuration", "yearMonthDuration"):
        return temporal.parse_any(text)
    return text


def same(found: Any, expected: Any) -> bool:
    """Equal, with numbers compared to nine digits after the point, as the kit's runners do."""
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(same(found[name], expected[name]) for name in found)
    if isinstance(found, Decimal | int | float) and isinstance(expected, Decimal):
        return not isinstance(found, bool) and abs(Decimal(str(found)) - expected) < Decimal("1e-9")
    return type(found) is type(expected) and found == expected
