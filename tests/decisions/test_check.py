"""The checker against brute force, and what it says about tables that it cannot prove."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.decisions import AnyConflictError, Budget, Model, NotUniqueError, check_table
from engine.decisions.check import OUTPUT_STEPS
from tests.decisions.dmn import model, table

NUMBERS = st.sampled_from(
    ["-", "1", "2", "< 1", "<= 2", "> 2", ">= 1", "[1..2]", "(1..2)", "]0..2[", "not(1)", "not([1..2])", "0, 2", "null"]
)
TEXTS = st.sampled_from(["-", '"a"', '"b"', '"a","b"', 'not("a")', '> "a"', '["a","c"]'])
FLAGS = st.sampled_from(["-", "true", "false", "not(true)"])
SAMPLES: list[list[Any]] = [
    [Decimal(n) / 2 for n in range(-2, 8)],
    ["", "a", "aa", "b", "c", "其他", "a\x00", "b\x00"],
    [True, False],
]


@st.composite
def tables(draw: st.DrawFn, policy: str) -> Model:
    rows = draw(st.lists(st.tuples(NUMBERS, TEXTS, FLAGS, st.sampled_from(["1", "2"])), min_size=1, max_size=6))
    inputs = [("n", "number"), ("s", "string"), ("b", "boolean")]
    return model(table(inputs, [list(row) for row in rows], policy=policy))


def hits(checked: Model, values: tuple[Any, ...]) -> tuple[str, ...]:
    try:
        return checked.decide("t", dict(zip("nsb", values, strict=True))).rows
    except (NotUniqueError, AnyConflictError) as error:
        return error.rows


@settings(deadline=None, max_examples=60)
@given(tables("UNIQUE"))
def test_gaps_and_overlaps_are_those_that_brute_force_finds(checked: Model) -> None:
    found = check_table(checked)
    everywhere = [hits(checked, values) for values in product(*SAMPLES)]
    assert {finding.kind for finding in found} <= {"gap", "overlap"}
    assert any(finding.kind == "gap" for finding in found) == any(not rows for rows in everywhere)
    pairs = {pair for rows in everywhere for pair in product(rows, rows) if pair[0] < pair[1]}
    reported = {pair for finding in found for pair in product(finding.rows, finding.rows) if pair[0] < pair[1]}
    assert reported == pairs


@settings(deadline=None, max_examples=40)
@given(tables("UNIQUE"))
def test_every_example_is_a_real_one(checked: Model) -> None:
    for finding in check_table(checked):
        values = tuple(finding.example[name] for name in "nsb")
        assert set(hits(checked, values)) >= set(finding.rows)
        assert (finding.kind == "gap") == (not hits(checked, values))


@settings(deadline=None, max_examples=40)
@given(tables("ANY"))
def test_any_overlaps_only_where_the_outputs_differ(checked: Model) -> None:
    conflict = False
    for values in product(*SAMPLES):
        try:
            checked.decide("t", dict(zip("nsb", values, strict=True)))
        except AnyConflictError:
            conflict = True
    assert any(finding.kind == "overlap" for finding in check_table(checked)) == conflict


def test_a_proved_table_has_no_findings() -> None:
    rows = [["< 18", "-", '"A"'], [">= 18", '"高"', '"B"'], [">= 18", '"低"', '"C"']]
    assert check_table(model(table([("age", "number"), ("risk", "string", '"高","低"')], rows))) == []


def test_a_gap_between_two_ranges_is_named_with_a_value_inside_it() -> None:
    (gap,) = check_table(model(table([("n", "number")], [["< 10", "1"], ["> 10", "2"]])))
    assert gap.kind == "gap" and gap.example == {"n": Decimal(10)} and "n = 10" in gap.zh


def test_whole_numbers_have_no_gap_between_neighbours() -> None:
    rows = [["<= 3", "1"], [">= 4", "2"]]
    assert check_table(model(table([("n", "integer")], rows))) == []
    (gap,) = check_table(model(table([("n", "number")], rows)))
    assert gap.example == {"n": Decimal("3.5")}


def test_days_have_no_gap_between_neighbours() -> None:
    rows = [['<= date("2026-01-31")', "1"], ['>= date("2026-02-01")', "2"]]
    assert check_table(model(table([("d", "date")], rows))) == []
    rows[1][0] = '> date("2026-02-01")'
    (gap,) = check_table(model(table([("d", "date")], rows)))
    assert gap.example == {"d": date(2026, 2, 1)}


def test_input_values_bound_what_is_checked() -> None:
    rows = [["[1..2]", "1"], ["[3..4]", "2"]]
    assert check_table(model(table([("impact", "number", "1,2,3,4")], rows))) == []


def test_a_default_output_fills_every_gap() -> None:
    default = ["<defaultOutputEntry><text>9</text></defaultOutputEntry>"]
    assert check_table(model(table([("n", "number")], [["1", "1"]], outputs=default))) == []


@pytest.mark.parametrize("policy", ["FIRST", "RULE ORDER", "COLLECT"])
def test_overlaps_are_meant_under_other_policies(policy: str) -> None:
    assert check_table(model(table([("n", "number")], [["-", "1"], ["> 1", "2"]], policy=policy))) == []


def test_a_text_without_quotes_is_found() -> None:
    found = check_table(model(table([("risk", "string")], [["High", "1"], ["-", "2"]])))
    assert [finding.rows for finding in found if finding.kind == "unknown-name"] == [("r1",)]


def test_what_cannot_be_proved_is_said() -> None:
    found = check_table(model(table([("n", "number"), ("m", "number")], [["> m", "-", "1"], ["-", "< 0", "2"]])))
    assert [finding.kind for finding in found] == ["unchecked"]


def test_a_table_of_many_columns_stays_bounded_and_says_so() -> None:
    inputs = [(f"i{n}", "number") for n in range(12)]
    rows = [[f"> {(row * 7 + n * 3) % 23}" for n in range(12)] + ["1"] for row in range(60)]
    found = check_table(model(table(inputs, rows)))
    assert found[-1].kind == "unchecked" and len(found) <= 110


def test_two_columns_on_one_input_are_taken_together() -> None:
    rows = [["< 5", "< 3", "1"], [">= 5", "-", "2"], ["< 5", ">= 3", "3"]]
    assert check_table(model(table([("n", "number"), ("n", "number")], rows))) == []


def test_a_table_with_too_many_different_cells_is_not_passed_in_silence() -> None:
    rows = [[f"[{n}..{n + 1})", str(n)] for n in range(800)]
    found = check_table(model(table([("n", "number")], rows)))
    assert {finding.kind for finding in found} == {"unchecked"}


@pytest.mark.parametrize(("room", "proved"), [(1, True), (0, True), (-1, False)])
def test_a_table_before_at_and_after_the_end_of_its_budget(room: int, proved: bool) -> None:
    checked = model(table([("n", "number")], [["< 5", "1"], [">= 5", "2"]]))
    whole = Budget()
    assert check_table(checked, budget=whole) == []
    found = check_table(checked, budget=Budget(most=whole.spent + room))
    assert [finding.kind for finding in found] == ([] if proved else ["unchecked"])


def test_tables_that_share_a_budget_take_their_steps_from_it() -> None:
    checked = model(table([("n", "number")], [["< 5", "1"], [">= 5", "2"]]))
    alone, shared = Budget(), Budget()
    check_table(checked, budget=alone)
    check_table(checked, budget=shared)
    check_table(checked, budget=shared)
    assert shared.spent == 2 * alone.spent


def test_rows_that_all_match_together_cost_steps_too() -> None:
    budget = Budget()
    found = check_table(model(table([("n", "number")], [["-", str(n)] for n in range(500)])), budget=budget)
    assert budget.spent > budget.most
    assert found[-1].kind == "unchecked"


def test_answers_that_must_be_calculated_cost_more_steps_than_constants() -> None:
    def spent(answer: str) -> int:
        budget = Budget()
        rows = [["> 1", answer], ["< 5", answer], [">= 5", answer]]
        check_table(model(table([("n", "number")], rows, policy="ANY")), budget=budget)
        return budget.spent

    assert spent("n * 0 + 1") > spent("1") + OUTPUT_STEPS


def test_a_cell_counts_as_often_as_it_has_tests() -> None:
    def spent(cells: list[str]) -> int:
        budget = Budget()
        check_table(model(table([("n", "number")], [[cell, "1"] for cell in cells], policy="FIRST")), budget=budget)
        return budget.spent

    numbers = [str(n) for n in range(100)]
    assert spent([",".join(numbers)]) > 0.9 * spent(numbers)
