"""The marked tests are honest: take a row out of a decision table or a flow out of a diagram, and one of them fails.

Each mutant is a copy of the project with one thing missing; the tests marked with R-numbers run in it, on SQLite alone:
rules do not depend on the database. A seeded sample runs always, every row and every flow with ``LOVEM_PROVE=1``.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("engine", "handlers", "webapp", "processes", "tests", "docs", "pyproject.toml")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "build", "node_modules")
TESTS = ["tests/scenarios"]
SEED = 2026
SAMPLE = 1  # of each kind

Mutant = tuple[str, str]  # file, id of what is taken out


def mutants(pattern: str, tag: str) -> list[Mutant]:
    """Everything of one kind that could be taken out."""
    found = []
    for path in sorted((ROOT / "processes").glob(pattern)):
        for element in etree.fromstring(path.read_bytes()).iter(f"{{*}}{tag}"):
            found.append((path.relative_to(ROOT).as_posix(), element.get("id", "")))
    return found


ROWS = mutants("decisions/*.dmn", "rule")
FLOWS = mutants("*/*.bpmn", "sequenceFlow")


def chosen(everything: list[Mutant]) -> list[Mutant]:
    """All of them for the long proof, else the sample."""
    return everything if os.environ.get("LOVEM_PROVE") else random.Random(SEED).sample(everything, SAMPLE)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the project in which things may go missing."""
    folder = tmp_path_factory.mktemp("mutant") / "project"
    folder.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=LEFT_OUT)
        else:
            shutil.copyfile(source, folder / name)
    yield folder
    shutil.rmtree(folder)


def marked_tests_fail(folder: Path) -> bool:
    """Whether a test with an R-number fails in the copy."""
    which = ["-m", "proves", "-k", "not postgresql"]
    command = [sys.executable, "-m", "pytest", "-x", "-q", *which, "-p", "no:cacheprovider", *TESTS]
    environment = {name: value for name, value in os.environ.items() if name != "LOVEM_PROVE"}
    done = subprocess.run(
        command, cwd=folder, env=environment | {"PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr  # 1: tests failed; all else is no answer
    return done.returncode == 1


def test_in_an_unchanged_copy_every_marked_test_passes(copy: Path) -> None:
    assert not marked_tests_fail(copy)


@pytest.mark.parametrize("mutant", [*chosen(ROWS), *chosen(FLOWS)], ids=lambda mutant: f"{mutant[0]}:{mutant[1]}")
def test_a_marked_test_fails_when_something_is_missing(copy: Path, mutant: Mutant) -> None:
    file, id_ = mutant
    original = (ROOT / file).read_bytes()
    (copy / file).write_bytes(without(original, id_))
    try:
        assert marked_tests_fail(copy), f"nothing marked notices that {id_} is missing from {file}"
    finally:
        (copy / file).write_bytes(original)


def without(xml: bytes, id_: str) -> bytes:
    """The file without the element ``id_`` and without what refers to it (its line in the picture, its ends)."""
    root = etree.fromstring(xml)
    for element in list(root.iter(etree.Element)):
        refers = element.get("bpmnElement") == id_ or (
            etree.QName(element).localname in ("incoming", "outgoing") and element.text == id_
        )
        parent = element.getparent()
        if parent is not None and (element.get("id") == id_ or refers):
            parent.remove(element)
        elif element.get("default") == id_:
            del element.attrib["default"]
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
