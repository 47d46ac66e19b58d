"""Every rule against its fixtures: the valid files give no finding at all, the invalid ones give the rule in its place.

A folder of ``fixtures`` is named after its rule. Files named ``valid…`` make the good deployment, ``invalid…`` the bad
one, ``with…`` belong to both. The comment ``here: <id>`` stands on the line on which the finding is expected, with the
element that it must name; where a file cannot carry a comment, ``case.json`` says ``line`` and ``element``. That file
also carries arguments of the check that differ from the usual ones.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.check import RULES, Finding, Known, Limits, check, render
from engine.xml import XmlLimits

FIXTURES = Path(__file__).parent / "fixtures"
HERE = re.compile(r"<!-- here: (\S+) -->")
USUAL = Known(processes={"called"}, decisions={"d"}, forms={"f"})


def case_of(rule: str) -> dict[str, Any]:
    path = FIXTURES / rule / "case.json"
    case: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return case


def found(rule: str, kind: str) -> list[Finding]:
    case = case_of(rule)
    files = {
        path.name: path.read_bytes()
        for path in (FIXTURES / rule).iterdir()
        if path.stem.removeprefix("also_").startswith((kind, "with"))
    }
    given = case.get("limits", {})
    xml = {key: given[key] for key in ("max_depth", "max_elements") if key in given}
    own = {key: given[key] for key in ("max_files", "max_findings", "max_steps") if key in given}
    if "max_bytes" in given:
        xml["max_bytes"] = given["max_bytes"]
    limits = Limits(xml=XmlLimits(**xml), **own)
    return check(files, operations={"op"}, known=replace(USUAL, **case.get("known", {})), limits=limits)


def places(rule: str) -> set[tuple[str, int, str | None]]:
    """Where the findings of ``rule`` are expected."""
    case = case_of(rule)
    marked = {
        (path.name, number, mark)
        for path in (FIXTURES / rule).glob("*invalid*")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for mark in HERE.findall(line)
    }
    if marked:
        return marked
    name = case.get("file") or next(path.name for path in (FIXTURES / rule).glob("invalid*"))
    return {(name, case["line"], case["element"])}


@pytest.mark.parametrize("rule", RULES)
def test_a_valid_fixture_gives_no_finding_at_all(rule: str) -> None:
    assert [render(finding) for finding in found(rule, "valid")] == []


@pytest.mark.parametrize("rule", RULES)
def test_an_invalid_fixture_gives_its_rule_at_the_right_element_and_line(rule: str) -> None:
    hits = {(hit.file, hit.line, hit.element) for hit in found(rule, "invalid") if hit.rule == rule}
    assert hits == places(rule)


@pytest.mark.parametrize("rule", RULES)
def test_every_finding_says_in_both_languages_what_to_do(rule: str) -> None:
    for finding in found(rule, "invalid"):
        assert re.search(r"[\u4e00-\u9fff].*。.*。$", finding.zh), finding
        assert re.search(r"\. .*\.$", finding.en), finding
        assert not re.search(r"\{[a-z_]+\}", finding.zh + finding.en), finding
        assert finding.severity == RULES[finding.rule].severity


def test_every_fixture_belongs_to_a_rule() -> None:
    assert {path.name for path in FIXTURES.iterdir()} == set(RULES)
