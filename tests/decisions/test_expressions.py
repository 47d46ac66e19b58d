"""S-FEEL expressions: literals, operators, three-valued logic, dates and durations, names."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from engine.decisions import DecisionError, ExpressionRefusedError, Months, UnsupportedError, load_model
from tests.decisions.dmn import file, literal, value

D = Decimal


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", D(7)),
        ("(1 + 2) * 3", D(9)),
        ("2 ** 3 ** 2", D(64)),
        ("-2 ** 2", D(4)),
        ("10 - 2 - 3", D(5)),
        (".5 + 1.25", D("1.75")),
        ("1/3", D("0.3333333333333333333333333333333333")),
        ("0.1 + 0.2 = 0.3", True),
        ("1/0", None),
        ("10 ** 7000", None),
        ("-(1 + 2)", D(-3)),
        ("--1", D(1)),
        ("1.2e3", D(1200)),
        ('"a" + "b"', "ab"),
        ('"a" + 1', None),
        ('"a" - "b"', None),
        ("1 + null", None),
        (r'"say \"hi\"\n\u4e2d\\"', 'say "hi"\n中\\'),
        (r'"\uD83D\uDC0E\U01F40E"', "🐎🐎"),
        ("null", None),
        ("1 < 2 and 2 < 3", True),
        ("1 = 1.0", True),
        ('1 = "1"', None),
        ('1 != "1"', None),
        ("null = null", True),
        ("null != 1", True),
        ("null < 1", None),
        ("true < false", None),
        ('"a" < "b"', True),
        ("5 between 1 and 5 and true", True),
        ("0 between 1 and 5", False),
        ("null between 1 and 5", None),
        ("3 in [1..3]", True),
        ("3 in [1..3)", False),
        ("3 in (1..3]", True),
        ("1 in (1..3)", False),
        ("1 in ]1..3[", False),
        ("3 in (1, 2, 3)", True),
        ("3 in (< 2, >= 3)", True),
        ("3 in > 3", False),
        ("3 in [[1..2], [3..4]]", True),
        ("[1, 2] = [1, 2]", True),
        ("[1, 2] = [2, 1]", False),
        ("{a: 1, b: a + 1}.b", D(2)),
        ("{a: 1} = {a: 1}", True),
        ('if 1 > 2 then "a" else "b"', "b"),
        ('if null then "a" else "b"', "b"),
        ("not(true)", False),
        ("not(null)", None),
        ("abs(-1) + floor(1.5) + ceiling(1.5)", D(4)),
        ("decimal(2.5, 0)", D(2)),
        ("decimal(1/3, 2)", D("0.33")),
        ("modulo(-12, 5)", D(3)),
        ("sum(1, 2, 3)", D(6)),
        ("sum([])", None),
        ("count([])", D(0)),
        ("min([3, 1, 2])", D(1)),
        ("max(1, \"a\")", None),
        ("mean([1, 2])", D("1.5")),
        ("substring(\"中文测试\", 2, 2)", "文测"),
        ("substring(string: \"abc\", start position: 2)", "bc"),
        ("string length(\"🐎\")", D(1)),
        ("contains(\"abc\", \"b\")", True),
        ("string(1.50)", "1.5"),
        ("string(date(\"2026-01-01\"))", "2026-01-01"),
        ("number(\"1,5\", null, \",\")", D("1.5")),
        ("number(from: \"12\")", D(12)),
        ("list contains([1, null], null)", True),
        ("1 // a comment\n + 1 /* another */", D(2)),
    ],
)  # fmt: skip
def test_an_expression_has_its_feel_value(text: str, expected: Any) -> None:
    found = value(text)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('date("2026-11-22")', date(2026, 11, 22)),
        ('@"2026-11-22"', date(2026, 11, 22)),
        ('date("2026-02-29")', None),
        ('date("26-1-1")', None),
        ("date(2026, 2, 28)", date(2026, 2, 28)),
        ("date(2026, 2, 29)", None),
        ('time("09:30:00")', time(9, 30)),
        ('time("24:30:00")', None),
        ('@"09:30:00Z"', time(9, 30, tzinfo=UTC)),
        ('date and time("2026-11-22T09:30:00")', datetime(2026, 11, 22, 9, 30)),  # noqa: DTZ001
        ('@"2026-11-22T09:30:00+08:00"', datetime(2026, 11, 22, 9, 30, tzinfo=timezone(timedelta(hours=8)))),
        ('date and time(@"2026-11-22", @"09:30:00")', datetime(2026, 11, 22, 9, 30)),  # noqa: DTZ001
        ('duration("P1DT2H")', timedelta(days=1, hours=2)),
        ('-duration("PT1H")', timedelta(hours=-1)),
        ('duration("P1Y2M")', Months(14)),
        ('duration("P1Y1D")', None),
        ('duration("P")', None),
        ('duration("P1DT")', None),
        ('@"2026-01-31" + @"P1M"', date(2026, 2, 28)),
        ('@"2024-02-29" - @"P1Y"', date(2023, 2, 28)),
        ('@"2026-01-01" + @"P1D"', date(2026, 1, 2)),
        ('@"2026-01-01" + @"PT36H"', date(2026, 1, 2)),
        ('@"9999-12-31" + @"P1D"', None),
        ('@"2026-01-02" - @"2026-01-01"', timedelta(days=1)),
        ('@"2026-01-01T10:00:00+08:00" - @"2026-01-01T00:00:00Z"', timedelta(hours=2)),
        ('@"2026-01-01T10:00:00" - @"2026-01-01T00:00:00Z"', None),
        ('@"2026-01-01T10:00:00+08:00" = @"2026-01-01T02:00:00Z"', True),
        ('@"2026-01-01T10:00:00" < @"2026-01-01T02:00:00Z"', None),
        ('@"23:30:00" + @"PT1H"', time(0, 30)),
        ('@"PT1H" * 1.5', timedelta(minutes=90)),
        ('@"PT1H" / 2', timedelta(minutes=30)),
        ('@"P1D" / @"PT6H"', D(4)),
        ('@"P1Y" > @"P11M"', True),
        ('@"P1Y" > @"P365D"', None),
        ('@"PT90M" = @"PT1H30M"', True),
        ('years and months duration(@"2024-03-31", @"2026-03-30")', Months(23)),
        ('@"2026-11-22".year', D(2026)),
        ('@"2026-11-22".weekday', D(7)),
        ('@"P1DT2H30M".hours', D(2)),
        ('@"2026-01-15" in [@"2026-01-01"..@"2026-01-31"]', True),
        ('@"2026-01-01T00:00:00@Asia/Shanghai" = @"2025-12-31T16:00:00Z"', True),
        ('@"2026-01-01T00:00:00@Nowhere/At_All"', None),
    ],
)
def test_dates_times_and_durations(text: str, expected: Any) -> None:
    found = value(text)
    assert found == expected and type(found) is type(expected)


TRUTHS = [True, False, None]


@pytest.mark.parametrize("a", TRUTHS)
@pytest.mark.parametrize("b", TRUTHS)
def test_logic_has_three_values(a: bool | None, b: bool | None) -> None:
    conjunction = False if a is False or b is False else None if a is None or b is None else True
    disjunction = True if a is True or b is True else None if a is None or b is None else False
    assert value("a and b", a=a, b=b) is conjunction
    assert value("a or b", a=a, b=b) is disjunction


def test_what_is_no_boolean_counts_as_null_in_logic() -> None:
    assert value('true and "x"') is None and value('false and "x"') is False and value('true or "x"') is True


@pytest.mark.parametrize(
    "name",
    ["Full Name", "影响 范围", "影响范围", "a-b", "Approved/Declined", "date of birth", "in or out", "x+y", "it's"],
)
def test_declared_names_may_hold_spaces_operators_and_chinese(name: str) -> None:
    more = '<informationRequirement><requiredInput href="#i"/></informationRequirement>'
    given = f'<inputData id="i" name="{name}"><variable name="{name}" typeRef="number"/></inputData>'
    model = load_model(file(given + literal(f"{name} + 1", more=more)))
    assert model.decide("answer", {name: 2}).result == D(3)
    assert [entry.name for entry in model.decisions[0].inputs] == [name]


def test_the_longest_declared_name_wins() -> None:
    more = "".join(f'<informationRequirement><requiredInput href="#i{n}"/></informationRequirement>' for n in range(3))
    given = "".join(
        f'<inputData id="i{n}" name="{name}"/>' for n, name in enumerate(["profit", "loss", "profit and loss"])
    )
    model = load_model(file(given + literal("profit and loss", more=more)))
    assert model.decide("answer", {"profit": True, "loss": False, "profit and loss": 7}).result == D(7)


@pytest.mark.parametrize("text", ["1 +", "(1", '"open', "1 2", "[1..", "a,b", "if 1 then 2", "＞ 3", "{a 1}", "@"])
def test_what_is_no_expression_is_refused_with_line_and_decision(text: str) -> None:
    with pytest.raises(ExpressionRefusedError) as caught:
        value(text)
    assert caught.value.line == 2 and caught.value.decision == "答案"


@pytest.mark.parametrize(
    "text",
    ["for i in [1] return i", "some i in [1] satisfies i > 0", "function(x) x", "1 instance of number", "[1,2][1]"],
)
def test_feel_of_level_3_is_refused_by_name(text: str) -> None:
    with pytest.raises(UnsupportedError):
        value(text)


@pytest.mark.parametrize("text", ["sort([2, 1])", "string join([])", "now()", "High(1)", 'replace("a", "b", "c")'])
def test_a_function_that_is_not_there_is_refused_by_name(text: str) -> None:
    with pytest.raises(UnsupportedError, match=text.partition("(")[0]):
        value(text)


@pytest.mark.parametrize("text", ["(" * 30 + "1" + ")" * 30, "+".join("1" * 200), "-" * 20 + "1"])
def test_depth_and_length_within_the_limit_are_read(text: str) -> None:
    assert value(text) is not None


@pytest.mark.parametrize(
    "text",
    ["(" * 60 + "1" + ")" * 60, "+".join("1" * 400), "-" * 300 + "1", "[" * 5000, "1" * 10_001, "a." * 400 + "b"],
)
def test_depth_and_length_past_the_limit_are_refused(text: str) -> None:
    with pytest.raises(DecisionError):
        value(text)
