"""Decision tables: cells, hit policies, outputs, input and output values, and the rows that an answer names."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.decisions import (
    AnyConflictError,
    DecisionError,
    ModelRefusedError,
    NotUniqueError,
    load_model,
)
from tests.decisions.dmn import NS_1_3, file, model, table

D = Decimal


def hit(cell: str, given: Any, kind: str = "number") -> bool:
    """Does a cell fit a value?"""
    answer = model(table([("x", kind)], [[cell, "1"]])).decide("t", {"x": given})
    assert (answer.result is None) == (answer.rows == ())
    return bool(answer.rows)


@pytest.mark.parametrize(
    ("cell", "before", "at", "after"),
    [
        ("< 5", True, False, False),
        ("<= 5", True, True, False),
        ("> 5", False, False, True),
        (">= 5", False, True, True),
        ("5", False, True, False),
        ("= 5", False, True, False),
        ("!= 5", True, False, True),
        ("not(5)", True, False, True),
        ("[5..9]", False, True, True),
        ("(5..9]", False, False, True),
        ("]5..9]", False, False, True),
        ("[1..5]", True, True, False),
        ("[1..5)", True, False, False),
        ("[1..5[", True, False, False),
        ("not([5..9])", True, False, False),
        ("not(< 5, > 5)", False, True, False),
        ("1, [5..5], > 5.5", False, True, True),
        ("-", True, True, True),
        ("", True, True, True),
        ("2 + 3", False, True, False),
        ("[4, 5]", True, True, False),
        ("? > 4.5", False, True, True),
        ("? + 1 > 5 and ? < 6", False, True, False),
    ],
)
def test_a_limit_before_at_and_after(cell: str, before: bool, at: bool, after: bool) -> None:
    assert [hit(cell, 4), hit(cell, 5), hit(cell, 6)] == [before, at, after]


@pytest.mark.parametrize(
    ("cell", "kind", "given", "fits"),
    [
        ('"高","中"', "string", "中", True),
        ('"高","中"', "string", "低", False),
        ('not("高")', "string", "高", False),
        ('not("高")', "string", "低", True),
        ('not("高","中")', "string", "中", False),
        ("true", "boolean", True, True),
        ("true", "boolean", False, False),
        ("not(true)", "boolean", False, True),
        ("null", "string", None, True),
        ("not(null)", "string", None, False),
        ("not(null)", "string", "a", True),
        ("-", "string", None, True),
        ('"a"', "string", None, False),
        ('not("a")', "string", None, True),
        ("< 5", "number", None, False),
        ("not(< 5)", "number", None, False),
        ('date("2026-01-31")', "date", "2026-01-31", True),
        ('[date("2026-01-01")..date("2026-01-31")]', "date", date(2026, 1, 31), True),
        ('[date("2026-01-01")..date("2026-01-31"))', "date", date(2026, 1, 31), False),
        ('< @"PT30M"', "dayTimeDuration", "PT29M59S", True),
        ('< duration("PT30M")', "dayTimeDuration", timedelta(minutes=30), False),
        ('>= duration("P1Y")', "yearMonthDuration", "P12M", True),
        ('> date and time("2026-01-01T00:00:00Z")', "dateTime", "2026-01-01T08:00:01+08:00", True),
        ('> date and time("2026-01-01T00:00:00Z")', "dateTime", "2026-01-01T08:00:00+08:00", False),
        ('<= time("18:00:00")', "time", "18:00", True),
        ("string length(?) = 2", "string", "中文", True),
        ('"a"', "number", 1, False),
    ],
)
def test_a_cell_of_every_kind(cell: str, kind: str, given: Any, fits: bool) -> None:
    assert hit(cell, given, kind) is fits


def test_a_cell_may_compare_with_another_input() -> None:
    asked = model(table([("x", "number"), ("limit", "number")], [["> limit", "-", "1"], ["<= limit", "-", "2"]]))
    assert asked.decide("t", {"x": 5, "limit": 4}).rows == ("r1",)
    assert asked.decide("t", {"x": 4, "limit": 4}).rows == ("r2",)


ROWS = [["> 1", '"b"'], ["> 2", '"a"'], ["> 3", '"c"'], ["> 4", '"a"']]
VALUES = ['<outputValues id="ov"><text>"a","b","c"</text></outputValues>']


@pytest.mark.parametrize(
    ("policy", "result", "rows"),
    [
        ("FIRST", "b", ("r1",)),
        ("PRIORITY", "a", ("r2", "r4", "r1", "r3")),
        ("RULE ORDER", ["b", "a", "c", "a"], ("r1", "r2", "r3", "r4")),
        ("OUTPUT ORDER", ["a", "a", "b", "c"], ("r2", "r4", "r1", "r3")),
        ("COLLECT", ["b", "a", "c", "a"], ("r1", "r2", "r3", "r4")),
    ],
)
def test_hit_policies_and_the_rows_behind_the_answer(policy: str, result: Any, rows: tuple[str, ...]) -> None:
    answer = model(table([("x", "number")], ROWS, policy=policy, outputs=VALUES)).decide("t", {"x": 9})
    assert (answer.result, answer.rows, answer.decision) == (result, rows, "t")


@pytest.mark.parametrize(("policy", "result"), [("FIRST", None), ("RULE ORDER", []), ("COLLECT", []), ("UNIQUE", None)])
def test_no_row_gives_null_or_an_empty_list(policy: str, result: Any) -> None:
    answer = model(table([("x", "number")], ROWS, policy=policy)).decide("t", {"x": 0})
    assert answer.result == result and answer.rows == ()


@pytest.mark.parametrize(
    ("aggregation", "result", "none"),
    [("SUM", D("10.5"), None), ("MIN", D(1), None), ("MAX", D("6.5"), None), ("COUNT", D(3), D(0))],
)
def test_collect_aggregates(aggregation: str, result: Any, none: Any) -> None:
    rows = [["> 0", "1"], ["> 0", "6.5"], ["> 0", "3"]]
    asked = model(table([("x", "number")], rows, policy="COLLECT", aggregation=aggregation))
    assert asked.decide("t", {"x": 1}).result == result
    assert asked.decide("t", {"x": 0}).result == none


def test_collect_counts_texts_where_the_decision_is_declared_a_number() -> None:
    body = table([("x", "number")], [["> 0", '"a"'], ["> 0", '"a"']], policy="COLLECT", aggregation="COUNT")
    asked = model('<variable name="决定" typeRef="number"/>' + body)
    assert asked.decide("t", {"x": 1}).result == D(2)


def test_two_rows_under_unique_are_an_error_that_names_them() -> None:
    with pytest.raises(NotUniqueError) as caught:
        model(table([("x", "number")], ROWS)).decide("t", {"x": 3})
    assert caught.value.rows == ("r1", "r2") and caught.value.decision == "决定" and caught.value.line
    assert "第 2 行（r2）" in caught.value.zh and "row 2 (r2)" in caught.value.en


def test_any_accepts_equal_answers_and_names_rows_that_differ() -> None:
    asked = model(table([("x", "number")], [["> 1", "1"], ["> 2", "1.0"], ["> 3", "2"]], policy="ANY"))
    assert asked.decide("t", {"x": 3}).rows == ("r1", "r2")
    with pytest.raises(AnyConflictError) as caught:
        asked.decide("t", {"x": 4})
    assert caught.value.rows == ("r1", "r2", "r3")


def test_several_outputs_make_a_context_and_priority_orders_by_the_first_output_first() -> None:
    outputs = [VALUES[0], "<outputValues><text>2,1</text></outputValues>"]
    rows = [["-", '"b"', "2"], ["-", '"a"', "1"], ["-", '"a"', "2"]]
    asked = model(table([("x", "number")], rows, policy="OUTPUT ORDER", outputs=outputs))
    found = asked.decide("t", {})
    assert found.result == [{"o1": "a", "o2": D(2)}, {"o1": "a", "o2": D(1)}, {"o1": "b", "o2": D(2)}]
    assert found.rows == ("r3", "r2", "r1")


def test_default_outputs_answer_where_no_row_does() -> None:
    outputs = ["<defaultOutputEntry><text>7</text></defaultOutputEntry>", ""]
    asked = model(table([("x", "number")], [["1", "1", "1"]], outputs=outputs))
    assert asked.decide("t", {"x": 2}).result == {"o1": D(7), "o2": None}


def test_outputs_may_compute() -> None:
    asked = model(table([("x", "number")], [["-", "x * 2"], ["< 0", "null"]], policy="FIRST"))
    assert asked.decide("t", {"x": 4}).result == D(8)


def test_a_value_outside_the_input_values_gives_null_and_a_warning() -> None:
    asked = model(table([("x", "string", '"高","低"')], [["-", "1"]]))
    assert asked.decide("t", {"x": "高"}).result == D(1)
    answer = asked.decide("t", {"x": "中"})
    assert answer.result is None and "中" in answer.warnings[0]
    assert asked.decide("t", {"x": None}).result == D(1)


def test_an_output_outside_the_output_values_becomes_null_with_a_warning() -> None:
    answer = model(table([("x", "number")], [["-", '"z"']], outputs=VALUES)).decide("t", {"x": 1})
    assert answer.result is None and answer.rows == ("r1",) and "“z”" in answer.warnings[0]


@pytest.mark.parametrize("policy", ["PRIORITY", "OUTPUT ORDER"])
def test_an_order_without_output_values_is_refused(policy: str) -> None:
    with pytest.raises(ModelRefusedError):
        model(table([("x", "number")], ROWS, policy=policy))


def test_an_unknown_policy_and_a_row_of_wrong_width_are_refused_with_their_line() -> None:
    with pytest.raises(ModelRefusedError):
        model(table([("x", "number")], ROWS, policy="SOMETIMES"))
    with pytest.raises(ModelRefusedError) as caught:
        model(table([("x", "number")], [["-", "-", "1"]], outputs=[""]))
    assert caught.value.line == 2


def test_a_rule_without_id_is_named_by_its_number() -> None:
    body = table([("x", "number")], ROWS).replace('id="r2"', "")
    answer = model(body.replace("UNIQUE", "COLLECT")).decide("t", {"x": 3})
    assert answer.rows == ("r1", "2")


MODELER = """
<decision id="Decision_0q3x" name="优先级">
  <variable id="InformationItem_1" name="优先级" typeRef="number"/>
  <decisionTable id="DecisionTable_1">
    <input id="Input_1" label="影响" biodi:width="192">
      <inputExpression id="IE_1" typeRef="number"><text>impact</text></inputExpression>
      <inputValues id="UT_0"><text>1,2,3,4</text></inputValues></input>
    <input id="Input_2">
      <inputExpression id="IE_2" typeRef="string" expressionLanguage="feel"><text>用户 级别</text>
      </inputExpression></input>
    <output id="Output_1" label="优先级" name="priority" typeRef="integer" />
    <rule id="DecisionRule_1"><description>说明</description>
      <inputEntry id="UT_1" expressionLanguage="feel"><text><![CDATA[<= 2]]></text></inputEntry>
      <inputEntry id="UT_2"><text>not("普通员工","主管")</text></inputEntry>
      <outputEntry id="LE_1"><text>1</text></outputEntry><annotationEntry><text>x</text></annotationEntry></rule>
    <rule id="DecisionRule_2"><inputEntry id="UT_3"><text></text></inputEntry>
      <inputEntry id="UT_4"><text>"普通员工",
        "主管"</text></inputEntry><outputEntry id="LE_2"><text>4</text></outputEntry></rule>
  </decisionTable>
</decision>"""


def test_a_table_as_dmn_js_writes_it() -> None:
    data = file(MODELER).replace(b' id="d"', b' id="d" xmlns:biodi="http://bpmn.io/schema/dmn/biodi/2.0"')
    asked = load_model(data)
    assert [(entry.name, entry.type.kind) for entry in asked.decisions[0].inputs] == [
        ("impact", "number"),
        ("用户 级别", "string"),
    ]
    assert asked.decide("优先级", {"impact": 2, "用户 级别": "经理"}).rows == ("DecisionRule_1",)
    assert asked.decide("Decision_0q3x", {"impact": 3, "用户 级别": "主管"}).result == D(4)
    assert asked.decide("优先级", {"impact": 3, "用户 级别": "经理"}).result is None


@pytest.mark.parametrize(
    "namespace",
    [
        "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
        "http://www.omg.org/spec/DMN/20180521/MODEL/",
        NS_1_3,
        "https://www.omg.org/spec/DMN/20211108/MODEL/",
        "https://www.omg.org/spec/DMN/20230324/MODEL/",
    ],
)
def test_every_namespace_of_dmn_is_read(namespace: str) -> None:
    data = file(f'<decision id="t" name="t">{table([("x", "number")], ROWS[:1])}</decision>', namespace)
    assert load_model(data).decide("t", {"x": 2}).result == "b"


@pytest.mark.parametrize("data", [b"", b"<a/>", b"<!DOCTYPE a><a/>", b"\xff\xfe", file("", "urn:other")])
def test_what_is_no_dmn_is_refused(data: bytes) -> None:
    with pytest.raises(DecisionError):
        load_model(data)


def test_another_expression_language_is_refused() -> None:
    body = table([("x", "number")], ROWS).replace("<inputEntry", '<inputEntry expressionLanguage="juel"', 1)
    with pytest.raises(DecisionError):
        model(body)
