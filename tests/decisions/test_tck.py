"""The models of the DMN Technology Compatibility Kit, conformance level 2, through both doors."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from engine.decisions import DecisionError, decide_text, load_model, to_json
from engine.decisions.answers import plain
from tests.decisions import tck
from webapp.cli import main

FOUND = [(source, case) for source, root in tck.folders() for case in tck.cases(root)]
CASES = [case for _, case in FOUND]
IDS = [f"{source}-{case.label}" for source, case in FOUND]


def test_the_models_that_these_tests_ran_on(record_property: Any, capsys: pytest.CaptureFixture[str]) -> None:
    counts = {source: sum(1 for found, _ in FOUND if found == source) for source, _ in tck.folders()}
    record_property("models", counts)
    with capsys.disabled():
        print(f" expected results: {counts}{'' if 'TCK' in counts else ' (the TCK itself is not here)'}")
    assert counts["stand-in"] == 53 and counts.get("TCK", 85) >= 85


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_public_function_gives_what_the_kit_expects(case: tck.Case) -> None:
    model = load_model(case.model.read_bytes())
    try:
        result = model.decide(case.decision, case.inputs).result
    except DecisionError:
        assert case.may_fail
        return
    assert tck.same(result, case.expected), f"{result!r} instead of {case.expected!r}"


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_json_in_and_out_gives_the_same(case: tck.Case) -> None:
    data = case.model.read_bytes()
    inputs = json.dumps({name: plain(value) for name, value in case.inputs.items()}, ensure_ascii=False)
    try:
        answer = to_json(load_model(data).decide(case.decision, json.loads(inputs)))
        text = decide_text(data, case.decision, inputs)
    except DecisionError:
        assert case.may_fail
        return
    expected = plain(case.expected)
    assert _same(answer["result"], expected), f"{answer} instead of {expected!r}"
    assert _same(json.loads(text)["result"], expected)
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_command_line_prints_what_the_kit_expects(case: tck.Case, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = json.dumps({name: plain(value) for name, value in case.inputs.items()}, ensure_ascii=False)
    status = main(["decide", str(case.model), "--decision", case.decision, "--inputs", inputs])
    printed = capsys.readouterr().out
    assert status == 0 or case.may_fail
    if status == 0:
        answer = json.loads(printed)
        assert answer.keys() == {"result", "rows"} and _same(answer["result"], plain(case.expected))


def _same(found: Any, expected: Any) -> bool:
    return tck.same(_exact(found), _exact(expected))


def _exact(value: Any) -> Any:
    if isinstance(value, list):
        return [_exact(item) for item in value]
    if isinstance(value, dict):
        return {name: _exact(item) for name, item in value.items()}
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value
