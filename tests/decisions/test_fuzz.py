"""Any text and any file give a value or a DecisionError, and never another exception."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.decisions import DecisionError, check_table, decide_text, load_model, to_json, to_text
from engine.decisions.closures import NOTHING
from engine.decisions.compiler import compile_cell, compile_expression
from engine.decisions.tokens import Names
from tests.decisions.dmn import file, model, table

SOURCE = """
1|2.5|.5|1e400|"a"|"\\n"|@"P1D"|@"2026-01-01"|@"10:00:00Z"|@"x"|date("2026-01-31")|duration("P1M")|true|false|null
+|-|*|/|**|(|)|[|]|{|}|,|:|.|..|<|<=|>|>=|=|!=|and|or|not|not(|in|between|if|then|else|for|some|every|function|?|x|y
影响|影响 范围|“高”|，|min(|sum(|count(|string(|number(|decimal(|substring(|date|time|date and time(|.year|//|/*|*/|"
"""
PIECES = st.sampled_from([piece for line in SOURCE.strip().splitlines() for piece in line.split("|")])
TEXTS = st.lists(PIECES, max_size=25).map(" ".join) | st.text(max_size=60)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(max_size=5)
    | st.dates()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.times()
    | st.timedeltas(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, max_examples=400)
@given(TEXTS)
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    for compiler in (compile_expression, compile_cell):
        try:
            compiled = compiler(text, Names(["x", "影响 范围"]))
        except DecisionError:
            continue
        if hasattr(compiled, "match"):
            assert compiled.match(None, NOTHING) in (True, False, None)


@settings(deadline=None, max_examples=200)
@given(TEXTS, VALUES, VALUES)
def test_any_expression_gives_a_value_for_any_inputs(text: str, x: Any, y: Any) -> None:
    body = f"<literalExpression><text><![CDATA[{text.replace(']]>', '')}]]></text></literalExpression>"
    try:
        answer = load_model(file(f'<decision id="t" name="t">{body}</decision>')).decide("t", {"x": x, "y": y})
    except DecisionError:
        return
    to_json(answer)
    to_text(answer).encode()


@settings(deadline=None, max_examples=150)
@given(st.lists(TEXTS, min_size=2, max_size=4), VALUES, st.sampled_from(["number", "string", "date", "dateTime", ""]))
def test_any_cells_are_answered_and_checked(cells: list[str], x: Any, kind: str) -> None:
    rows = [[cell.replace("]]>", ""), "1"] for cell in cells]
    try:
        asked = model(table([("x", kind)], rows, policy="FIRST"))
        check_table(asked)
        asked.decide("t", {"x": x})
    except DecisionError:
        return


FILE = file(f'<decision id="t" name="t">{table([("x", "number")], [["< 1", "1"], ["[1..2]", "x"]])}</decision>')


@settings(deadline=None, max_examples=200)
@given(st.integers(0, len(FILE)), st.integers(0, 40), st.binary(max_size=6))
def test_any_damage_to_a_file_is_read_or_refused(start: int, length: int, put: bytes) -> None:
    try:
        decide_text(FILE[:start] + put + FILE[start + length :], "t", '{"x": 1}')
    except DecisionError:
        return


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_model_or_refused(data: bytes) -> None:
    try:
        load_model(data)
    except DecisionError:
        return
