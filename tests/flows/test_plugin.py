"""The plugin fails a run that leaves a flow out, and only that."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.check.draw import about, border, bpmn, call, choice, end, message_, start, user

pytest_plugins = ["pytester"]
ROOT = Path(__file__).resolve().parents[2]

OUTER = bpmn(
    [
        start(),
        call("c", "inner"),
        border("b", "c", about("M_stop"), props={"key": "number", "outcome": "stopped"}),
        choice("x", default="f_x_e"),
        end("e", "done"),
        end("e2", "again"),
        end("e3", "stopped"),
    ],
    ["s>c", "c>x", "x>e", "x>e2: answer == 'again'", "b>e3"],
    key="outer",
    declared=message_("M_stop", variable="said"),
)
INNER = bpmn(
    [start("si"), user("ai", props={"form": "f", "result": "answer"}), end("ei")], ["si>ai", "ai>ei"], key="inner"
)
CASE = """
import datetime, pathlib, pytest
from engine import spiff

FILES = {path.name: path.read_bytes() for path in pathlib.Path(__file__).parents[1].glob("drawn/*.bpmn")}

def begin():
    run = spiff.Run(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), lambda *a: None, lambda *a: None)
    flow = spiff.start(spiff.compile_program(FILES, "outer"), {"number": 7}, run)
    spiff.advance(flow)
    return flow

@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer(answer):
    flow = begin()
    spiff.complete(flow, spiff.waits(flow).user_tasks[0].task_id, {"answer": answer})
    spiff.advance(flow)

def test_a_stop():
    flow = begin()
    spiff.deliver(flow, spiff.waits(flow).subscriptions[0].task_id, "stop", None)
    spiff.advance(flow)
"""


@pytest.fixture
def folder(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini("[pytest]\nflows_diagrams = drawn\nflows_tests = cases")
    pytester.makeconftest("pytest_plugins = ['tests.flows.plugin']")
    drawn = pytester.mkdir("drawn")
    drawn.joinpath("outer.bpmn").write_text(OUTER)
    drawn.joinpath("inner.bpmn").write_text(INNER)
    pytester.mkdir("cases")
    return pytester


def case(folder: pytest.Pytester, answers: list[str], *, where: str = "cases") -> None:
    (folder.path / where).mkdir(exist_ok=True)
    (folder.path / where / "test_it.py").write_text(f"ANSWERS = {answers!r}\n{CASE}")


def test_a_run_that_takes_every_flow_passes(folder: pytest.Pytester) -> None:
    case(folder, ["again", "enough"])
    result = folder.runpytest("--flows")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["7 of 7 flows are taken by cases"])


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_a_flow_that_no_scenario_takes_fails_the_run_by_name(folder: pytest.Pytester, workers: list[str]) -> None:
    case(folder, ["enough"])
    result = folder.runpytest("--flows", *workers)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["6 of 7 flows are taken by cases", "not taken: outer.bpmn: x → e2 (f_x_e2)"])


def test_what_other_tests_take_does_not_count(folder: pytest.Pytester) -> None:
    case(folder, ["enough", "again"], where="others")
    result = folder.runpytest("--flows")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["0 of 7 flows are taken by cases"])


def test_without_the_option_nothing_is_recorded(folder: pytest.Pytester) -> None:
    case(folder, ["enough"])
    result = folder.runpytest()
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*sequence flows*")
