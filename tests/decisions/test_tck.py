"""The models of the DMN Technology Compatibility Kit, conformance level 2, through both doors."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from engine.decisions import DecisionError, decide_json, decide_text, load_model
from engine.decisions.answers import plain
from tests.decisions import tck

ROOT, SOURCE = tck.folder()
CASES = list(tck.cases(ROOT))


def test_the_kit_or_its_stand_in_was_found(record_property: Any) -> None:
    record_property("source", SOURCE)
    print(f"decision models: {SOURCE}, {len(CASES)} expected results")
    assert len(CASES) >= (85 if SOURCE == "the TCK" else 30), SOURCE


@pytest.mark.parametrize("case", CASES, ids=[f"{SOURCE}: {case.label}" for case in CASES])
def test_the_public_function_gives_what_the_kit_expects(case: tck.Case) -> None:
    model = load_model(case.model.read_bytes())
    try:
        result = model.decide(case.decision, case.inputs).result
    except DecisionError:
        assert case.may_fail
        return
    assert tck.same(result, case.expected), f"{SOURCE}: {result!r} instead of {case.expected!r}"


@pytest.mark.parametrize("case", CASES, ids=[f"{SOURCE}: {case.label}" for case in CASES])
def test_json_in_and_out_gives_the_same(case: tck.Case) -> None:
    data = case.model.read_bytes()
    inputs = json.dumps({name: plain(value) for name, value in case.inputs.items()}, ensure_ascii=False)
    try:
        answer = decide_json(data, case.decision, inputs)
        text = decide_text(data, case.decision, inputs)
    except DecisionError:
        assert case.may_fail
        return
    expected = plain(case.expected)
    assert _same(answer["result"], expected), f"{SOURCE}: {answer} instead of {expected!r}"
    assert _same(json.loads(text)["result"], expected)
    assert json.loads(json.dumps(answer)) == answer


def _same(found: Any, expected: Any) -> bool:
    return tck.same(_exact(found), _exact(expected))


def _exact(value: Any) -> Any:
    if isinstance(value, list):
        return [_exact(item) for item in value]
    if isinstance(value, dict):
        return {name: _exact(item) for name, item in value.items()}
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value
