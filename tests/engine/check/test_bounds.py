"""The check is bounded: limits before, at and after; work grows with the files, counted in calls, not in time."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from engine.check import Known, Limits, check
from engine.check.findings import SHOWN
from engine.check.model import MAX_NODES
from engine.check.rules import tables
from engine.decisions import Budget, check_table, load_model
from engine.decisions.check import MAX_STEPS
from engine.xml import XmlLimits
from tests.decisions.dmn import file
from tests.decisions.dmn import table as dmn_table
from tests.engine.check.draw import about, border, bpmn, call, choice, el, end, message_, start, throw, timer, user

KNOWN = Known(forms={"f"})


def rules(files: dict[str, str], **limits: int) -> set[str]:
    xml = XmlLimits(**{key: limits.pop(key) for key in ("max_depth", "max_elements") if key in limits})
    found = check({name: text.encode() for name, text in files.items()}, known=KNOWN, limits=Limits(xml=xml, **limits))
    return {finding.rule for finding in found if finding.severity == "error"}


def small(key: str) -> str:
    return bpmn(
        [start(f"s_{key}"), user(f"a_{key}"), end(f"e_{key}")], [f"s_{key}>a_{key}", f"a_{key}>e_{key}"], key=key
    )


@pytest.mark.parametrize(("count", "fits"), [(2, True), (3, True), (4, False)])
def test_files_before_at_and_after_the_limit(count: int, fits: bool) -> None:
    files = {f"{n}.bpmn": small(f"p{n}") for n in range(count)}
    assert rules(files, max_files=3) == (set() if fits else {"K006"})


@pytest.mark.parametrize(("room", "fits"), [(1, True), (0, True), (-1, False)])
def test_bytes_of_all_files_before_at_and_after_the_limit(room: int, fits: bool) -> None:
    files = {f"{n}.bpmn": small(f"p{n}") for n in range(3)}
    size = sum(len(text.encode()) for text in files.values())
    assert rules(files, max_bytes=size + room) == (set() if fits else {"K006"})


@pytest.mark.parametrize(("count", "fits"), [(MAX_NODES - 1, True), (MAX_NODES, True), (MAX_NODES + 1, False)])
def test_nodes_of_one_process_before_at_and_after_the_limit(count: int, fits: bool) -> None:
    names = ["s", *(f"t{n}" for n in range(count - 2)), "e"]
    nodes = [start(), *(throw(name) for name in names[1:-1]), end()]
    text = bpmn(nodes, [f"{a}>{b}" for a, b in itertools.pairwise(names)])
    assert ("K112" in rules({"p.bpmn": text})) != fits


def test_of_many_findings_the_first_are_listed_and_the_rest_counted() -> None:
    nodes = [start(), *(el("task", f"t{n}") for n in range(30)), end()]
    found = check({"p.bpmn": bpmn(nodes, ["s>e"]).encode()}, limits=Limits(max_findings=10))
    assert len(found) == 11
    assert found[-1].rule == "K009"


def test_a_finding_repeats_only_the_beginning_of_a_long_name() -> None:
    text = bpmn([start(), el("task", "t", name="事" * 50_000), end()], ["s>t", "t>e"])
    for finding in check({"p.bpmn": text.encode()}):
        assert len(finding.zh) < 5 * SHOWN
        assert len(finding.en) < 5 * SHOWN


def calls_of(files: dict[str, str]) -> int:
    """How many Python functions one check calls."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    data = {name: text.encode() for name, text in files.items()}
    check(data, known=KNOWN)  # caches are warm
    sys.setprofile(note)
    try:
        check(data, known=KNOWN)
    finally:
        sys.setprofile(None)
    return count


def chain(size: int) -> dict[str, str]:
    names = ["s", *(f"u{n}" for n in range(size)), "e"]
    flows = [f"{a}>{b}" for a, b in itertools.pairwise(names)]
    return {"p.bpmn": bpmn([start(), *(user(name) for name in names[1:-1]), end()], flows)}


def borders(size: int) -> dict[str, str]:
    events = [border(f"b{n}", "a", about("M_m"), props={"key": "incident_id"}) for n in range(size)]
    flows = ["s>a", "a>e", *(f"b{n}>a" for n in range(size))]
    return {"p.bpmn": bpmn([start(), user(), *events, end()], flows, declared=message_("M_m"))}


def sides(size: int) -> dict[str, str]:
    events = [border(f"b{n}", "a", timer("'R/P1D'", "timeCycle"), cancelActivity="false") for n in range(size)]
    flows = ["s>a", "a>e", *(f"b{n}>e2" for n in range(size))]
    return {"p.bpmn": bpmn([start(), user(), *events, end(), end("e2", props={"side": "true"})], flows)}


def choices(size: int) -> dict[str, str]:
    gates = [choice(f"x{n}", default=f"f_x{n}_e") for n in range(size)]
    flows = ["s>x0", *(f"x{n}>e" for n in range(size))]
    flows += [f"x{n}>x{n + 1}: outcome == 'o{n}'" for n in range(size - 1)]
    return {"p.bpmn": bpmn([start(), *gates, end()], flows)}


def processes(size: int) -> dict[str, str]:
    return {
        f"p{n}.bpmn": bpmn(
            [start(f"s{n}"), call(f"c{n}", called=f"p{n + 1}"), end(f"e{n}")], [f"s{n}>c{n}", f"c{n}>e{n}"], key=f"p{n}"
        )
        for n in range(size)
    }


@pytest.mark.parametrize("shape", [chain, borders, choices, processes])
def test_twice_the_size_is_about_twice_the_work(shape: Callable[[int], dict[str, str]]) -> None:
    assert calls_of(shape(80)) < 2.7 * calls_of(shape(40))


def test_work_that_grows_with_the_square_stops_at_the_budget() -> None:
    files = sides(100)
    assert "K014" not in rules(files)
    assert "K014" in rules(files, max_steps=20_000)


def table(key: str, asked: str) -> bytes:
    """A table of one row whose input is an expression, so that it can be proved only if the row matches anything."""
    return f"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="n">
<decision id="{key}" name="{key}"><decisionTable id="t"><input id="i"><inputExpression id="ie" typeRef="string">
<text>kind</text></inputExpression></input><output id="o" name="o" typeRef="number"/><rule id="r">
<inputEntry id="c"><text>{asked}</text></inputEntry><outputEntry id="a"><text>1</text></outputEntry></rule>
</decisionTable></decision></definitions>""".encode()


def unproved(files: dict[str, bytes], steps: int) -> set[str]:
    """The files of which the check says that a table could not be proved."""
    found = check(files, limits=Limits(max_proof_steps=steps))
    return {finding.file for finding in found if finding.rule == "K055"}


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize(("room", "tried"), [(1, True), (0, True), (-1, False)])
def test_tables_past_the_steps_of_one_check_are_said_to_be_unchecked(room: int, tried: bool, again: bool) -> None:
    files = {f"{n}.dmn": table(f"t{n}", "-") for n in range(4)}
    spent = sum(proof_steps(data) for name, data in files.items() if name != "3.dmn")
    if again:
        check(files)  # a proof that is known already counts alike
    assert unproved(files, spent + room) == (set() if tried else {"3.dmn"})


def proof_steps(data: bytes) -> int:
    budget = Budget()
    check_table(load_model(data), budget=budget)
    return budget.spent


def large_table(key: str, columns: int, rows: int) -> bytes:
    inputs = [(f"i{n}", "number") for n in range(columns)]
    cells = [[f"> {(row * 7 + n * 3) % 23}" for n in range(columns)] + ["1"] for row in range(rows)]
    return file(f'<decision id="{key}" name="{key}">{dmn_table(inputs, cells)}</decision>')


def test_the_proofs_of_one_check_share_their_steps() -> None:
    files = {f"{n}.dmn": large_table(f"t{n}", 10, 100) for n in range(5)}
    assert all(proof_steps(data) < 2 * MAX_STEPS for data in files.values())
    found = check(files)
    skipped = {finding.file for finding in found if "took all the steps" in finding.en}
    assert skipped == {"2.dmn", "3.dmn", "4.dmn"}


def test_a_table_that_was_proved_is_not_proved_again(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"only.dmn": table("proved_once", "-")}
    check(files)
    monkeypatch.setattr(tables, "check_table", None)
    assert unproved(files, 1000) == set()
