"""Any file gives findings, never a traceback: damaged fixtures, shipped diagrams, reference files of other editors.

Three mutants of each source in CI, 300 with ``LOVEM_PROVE=1``. The seed of a failing mutant is noted on its error.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.check import Finding, check, render
from engine.spiff import compile_program
from tests.engine.check.mutants import DAMAGES, damaged, stand_in

ROOT = Path(__file__).parents[3]
FIXTURES = Path(__file__).parent / "fixtures"
MUTANTS = 300 if os.environ.get("LOVEM_PROVE") else 3
KINDS = {".bpmn", ".dmn", ".json"}


def sources() -> Iterator[tuple[str, bytes]]:
    """Our fixtures and the shipped definitions."""
    shipped = [path for part in ("incident", "decisions", "forms") for path in (ROOT / "processes" / part).rglob("*.*")]
    for path in sorted([*FIXTURES.rglob("*.*"), *shipped]):
        if path.suffix in KINDS and path.name != "case.json":
            yield path.name, path.read_bytes()


def assert_readable(found: list[Finding], seed: str) -> None:
    for finding in found:
        said = render(finding)
        assert said["line"] >= 1, (seed, said)  # type: ignore[operator]
        assert len(str(said)) < 2000, (seed, said)
        assert len(finding.zh) < 700, (seed, said)


def attack(name: str, data: bytes, seed: str) -> None:
    random = Random(seed)
    mutant = damaged(random, data)
    try:
        assert_readable(check({name: mutant}, operations=set()), seed)
    except Exception as error:
        error.add_note(f"seed {seed}")
        raise


def test_damaged_definitions_give_findings() -> None:
    for number, (name, data) in enumerate(sources()):
        for mutant in range(MUTANTS):
            attack(name, data, f"{number}/{name}/{mutant}")


def test_damaged_reference_files_give_findings(shared: Path | None) -> None:
    if shared is not None:
        originals = [(path.name, path.read_bytes()) for path in sorted((shared / "data/miwg-reference").glob("*.bpmn"))]
    else:
        print("stand-in: no reference files beside the project, random diagrams take their place")
        originals = [(f"random{number}.bpmn", stand_in(Random(number))) for number in range(8)]
    for name, data in originals:
        for mutant in range(MUTANTS * 10):
            attack(name, data, f"{name}/{mutant}")


def test_random_diagrams_give_findings_and_never_a_traceback() -> None:
    for number in range(MUTANTS * 40):
        assert_readable(check({"random.bpmn": stand_in(Random(number))}), str(number))


def test_a_damaged_deployment_is_checked_as_a_whole() -> None:
    whole = {f"{number}_{name}": data for number, (name, data) in enumerate(sources()) if name[0].isdigit()}
    for number in range(MUTANTS * 3):
        random = Random(number)
        files = {name: damaged(random, data) if random.random() < 0.3 else data for name, data in whole.items()}
        assert_readable(check(files), str(number))


def test_what_passes_the_check_compiles() -> None:
    parts = ("incident", "decisions", "forms")
    shipped = {path.name: path.read_bytes() for part in parts for path in sorted((ROOT / "processes" / part).glob("*"))}
    diagrams = [name for name in shipped if name.endswith(".bpmn")]
    passed = 0
    for number in range(MUTANTS * 20):
        random = Random(f"compile {number}")
        name = random.choice(diagrams)
        files = shipped | {name: random.choice(DAMAGES)(random, shipped[name])}
        if not any(finding.severity == "error" for finding in check(files)):
            passed += 1
            compile_program(files, "incident")
    assert passed, "no mutant passed: this test proves nothing"


def test_every_reference_file_of_other_editors_is_refused_with_reasons(shared: Path | None) -> None:
    if shared is None:
        pytest.skip("no reference files beside the project")
    for path in sorted((shared / "data/miwg-reference").glob("*.bpmn")):
        errors = {finding.rule for finding in check({path.name: path.read_bytes()}) if finding.severity == "error"}
        assert errors, path.name


@given(st.dictionaries(st.sampled_from(["a.bpmn", "b.dmn", "c.json", "d", "e.BPMN"]), st.binary(max_size=200)))
@settings(deadline=None, max_examples=100)
def test_any_bytes_under_any_name_give_findings(files: dict[str, bytes]) -> None:
    assert_readable(check(files), "")
