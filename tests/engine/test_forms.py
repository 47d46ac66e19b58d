from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import FormRefusedError, InvalidValuesError
from engine.forms import MAX_FORM_BYTES, MAX_NUMBER, MAX_TEXT, Form, parse_form, unstorable, validate
from engine.patterns import PatternRefusedError, compile_pattern
from tests.engine.toys import form

FIELDS: dict[str, Any] = {
    "summary": {"type": "string", "title": "摘要", "maxLength": 5},
    "details": {"type": "string", "title": "说明"},
    "kind": {"type": "string", "title": "种类", "enum": ["fault", "question", "other"]},
    "other": {"type": "string", "title": "其他种类"},
    "why": {"type": "string", "title": "原因"},
    "impact": {"type": "integer", "title": "影响", "minimum": 1, "maximum": 4},
    "at": {"type": "string", "title": "发生时间", "format": "date-time"},
    "day": {"type": "string", "title": "日期", "format": "date"},
    "mail": {"type": "string", "title": "邮箱", "format": "email"},
    "agreed": {"type": "boolean", "title": "同意", "const": True},
    "served": {"type": "boolean", "title": "在服务范围内", "default": True},
    "items": {"type": "array", "title": "配置项", "items": {"type": "string"}, "maxItems": 2, "uniqueItems": True},
    "code": {"type": "string", "title": "代码", "pattern": "^C[0-9]{2}$", "maxLength": 9},
    "weight": {"type": "number", "title": "重量", "multipleOf": 0.1},
}
UI = {"fields": {"other": {"showIf": {"kind": "other"}}, "why": {"showIf": {"other": ["甲", "乙"]}}}}


def made(**changes: Any) -> Form:
    return parse_form(form("f", FIELDS, ui=UI, required=["summary", "other", "why"], **changes))


FORM = made()


def problems(**values: Any) -> dict[str, str]:
    with pytest.raises(InvalidValuesError) as refused:
        validate(FORM, {"summary": "好"} | values)
    return refused.value.problems


def clean(**values: Any) -> dict[str, Any]:
    return validate(FORM, {"summary": "好"} | values)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("summary", "一二三四五六", "摘要不能超过 5 个字"),
        ("summary", 5, "摘要应为文字"),
        ("summary", "  ", "请填写摘要"),
        ("summary", None, "请填写摘要"),
        ("kind", "x", "种类不在可选的范围之内"),
        ("impact", 0, "影响不能小于 1"),
        ("impact", 5, "影响不能大于 4"),
        ("impact", "1", "影响应为整数"),
        ("impact", True, "影响应为整数"),
        ("impact", 1.5, "影响应为整数"),
        ("impact", MAX_NUMBER + 1, "影响的数值过大"),
        ("impact", float("nan"), "影响的数值过大"),
        ("at", "2026-01-31T08:30:00", "发生时间请写成 15:20、11-23 15:20 或 2026-11-23 15:20"),
        ("at", "2026-02-30T08:30:00Z", "发生时间请写成 15:20、11-23 15:20 或 2026-11-23 15:20"),
        ("day", "2026-02-30", "日期请写成 2026-01-31"),
        ("mail", "nobody", "邮箱请写成 fuwutai@example.com 的样子"),
        ("agreed", False, "请确认同意"),
        ("items", ["a", "b", "c"], "配置项最多只能有 2 项"),
        ("items", ["a", "a"], "配置项不能有重复的项"),
        ("items", [1], "配置项应为文字"),
        ("code", "D01", "代码的格式不对"),
        ("details", "x" * (MAX_TEXT + 1), f"说明不能超过 {MAX_TEXT} 个字"),
        ("details", "a\0b", "说明含有不能保存的字符"),
        ("details", "\ud800", "说明含有不能保存的字符"),
        ("details", b"bytes", "说明不是可以保存的内容"),
        ("details", [[[[[1]]]]], "说明嵌套过深"),
    ],
)
def test_each_refusal_is_a_sentence_that_names_the_field(field: str, value: Any, sentence: str) -> None:
    assert problems(**{field: value}) == {field: sentence}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("summary", "一二三四五"),
        ("impact", 1),
        ("impact", 4),
        ("at", "2026-01-31T08:30:00Z"),
        ("at", "2026-01-31T08:30:00.123456+08:00"),
        ("day", "2024-02-29"),
        ("mail", "a@b"),
        ("agreed", True),
        ("items", ["a", "b"]),
        ("code", "C06"),
        ("details", "x" * MAX_TEXT),
    ],
)
def test_values_at_their_limits_are_accepted(field: str, value: Any) -> None:
    assert clean(**{field: value})[field] == value


def test_an_unknown_field_is_refused() -> None:
    assert problems(hacked=1) == {"hacked": "表单没有这个字段"}


def test_an_integer_written_as_a_decimal_is_an_integer() -> None:
    assert repr(clean(impact=3.0)["impact"]) == "3"


def test_a_default_fills_what_was_left_out_and_only_that() -> None:
    assert clean()["served"] is True
    assert clean(served=False)["served"] is False


def test_empty_optional_fields_are_left_out() -> None:
    assert "details" not in clean(details="  \n")
    assert "impact" not in clean(impact=None)


def test_a_hidden_field_leaves_validation_and_required() -> None:
    assert clean(kind="fault", other=5) == {"summary": "好", "kind": "fault", "served": True}
    assert problems(kind="other") == {"other": "请填写其他种类"}


def test_what_hangs_on_a_hidden_field_is_hidden_too() -> None:
    assert "why" not in clean(kind="fault", other="甲", why="因为")
    assert clean(kind="other", other="丙") == {"summary": "好", "kind": "other", "other": "丙", "served": True}
    assert problems(kind="other", other="乙") == {"why": "请填写原因"}


def test_a_hidden_value_never_reveals_a_field_of_another_type() -> None:
    boxes = {"yes": {"type": "boolean", "title": "是"}, "more": {"type": "string", "title": "更多"}}
    shown = parse_form(form("g", boxes, ui={"fields": {"more": {"showIf": {"yes": True}}}}, required=["more"]))
    with pytest.raises(InvalidValuesError) as refused:
        validate(shown, {"yes": 1})
    assert refused.value.problems == {"yes": "是应为是或否"}


@pytest.mark.parametrize("values", [None, 5, "text", [], ["a"], object()])
def test_something_that_is_no_form_is_refused(values: Any) -> None:
    with pytest.raises(InvalidValuesError):
        validate(FORM, values)


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20)
    | st.binary(max_size=5)
    | st.datetimes()
    | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
        | st.tuples(inner)
        | st.sets(st.integers(), max_size=3)
    ),
    max_leaves=10,
)


@settings(deadline=None, max_examples=150)
@given(
    st.dictionaries(st.sampled_from(list(FIELDS)) | st.text(max_size=5) | st.integers() | st.none(), JUNK, max_size=6)
)
def test_junk_is_refused_in_words_or_becomes_plain_json(values: dict[Any, Any]) -> None:
    unstorable(values)
    try:
        result = validate(FORM, values)
    except InvalidValuesError as refused:
        assert all(text and json.dumps(name) for name, text in refused.problems.items())
    else:
        assert result == json.loads(json.dumps(result, allow_nan=False))
        assert validate(FORM, result) == result


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=60) | st.builds(lambda v: json.dumps(v, default=str).encode(), JUNK.filter(lambda v: True)))
def test_junk_is_no_form_and_says_why(content: bytes) -> None:
    with pytest.raises(FormRefusedError):
        parse_form(content)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key": ""}, "key"),
        ({"title": 5}, "title"),
        ({"schema": []}, "schema"),
        ({"ui": []}, "schema 与 ui"),
        ({"schema": {"type": "array"}}, "object"),
        ({"schema": {"type": "object", "properties": {"a": {"type": "string"}}}}, "缺少 title"),
        ({"schema": {"type": "object", "properties": {"a": {"title": "甲"}}}}, "缺少 type"),
        ({"schema": {"type": "object", "properties": {"a": True}}}, "不支持 true/false"),
        ({"schema": {"type": "object", "properties": {"a": {"title": "甲", "type": "text"}}}}, "JSON Schema"),
        ({"schema": {"type": "object", "properties": {"a": {"title": "甲", "$ref": "http://x"}}}}, "不支持 \\$ref"),
        ({"schema": {"type": "object", "properties": {}, "allOf": []}}, "不支持 allOf"),
        ({"schema": {"type": "object", "properties": {}, "required": ["b"]}}, "required"),
        (
            {"schema": {"type": "object", "properties": {"a": {"title": "甲", "type": "string", "pattern": "("}}}},
            "pattern",
        ),
        (
            {"schema": {"type": "object", "properties": {"a": {"title": "甲", "type": "string", "format": "ipv4"}}}},
            "format",
        ),
        (
            {"schema": {"type": "object", "properties": {"a": {"title": "甲", "type": "string", "maxLength": 10**9}}}},
            "maxLength",
        ),
        (
            {"schema": {"type": "object", "properties": {"a": {"title": "甲", "type": "string", "default": 5}}}},
            "默认值",
        ),
        ({"ui": {"order": ["b"]}}, "b 不是"),
        ({"ui": {"fields": {"b": {}}}}, "b 不是"),
        ({"ui": {"fields": {"note": {"showIf": {"b": 1}}}}}, "b 不是"),
        ({"ui": {"fields": {"note": 5}}}, "对象"),
        ({"ui": {"leaves": {"b": [True]}}}, "leaves 中的 b 不是"),
        ({"ui": {"leaves": {"note": True}}}, "列表"),
        ({"ui": {"leaves": ["note"]}}, "对象"),
    ],
)
def test_a_form_that_cannot_be_vouched_for_is_refused(changes: dict[str, Any], words: str) -> None:
    content = json.loads(form("f")) | changes
    with pytest.raises(FormRefusedError, match=words):
        parse_form(json.dumps(content).encode())


def test_a_form_file_has_a_greatest_size() -> None:
    body = form("f")
    assert parse_form(body + b" " * (MAX_FORM_BYTES - len(body)))
    with pytest.raises(FormRefusedError):
        parse_form(body + b" " * (MAX_FORM_BYTES - len(body) + 1))


def patterned(pattern: str, **more: Any) -> bytes:
    return form("f", {"a": {"title": "甲", "type": "string", "pattern": pattern, "maxLength": 40} | more})


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "^(a|a)*$",
        "^(a?){30}$",
        "a*a*a*a*a*b",
        "^([a-z]+[0-9]*)*$",
        "(?=a)a",
        "(?P<n>a)(?P=n)",
        "(a)\\1",
        "a*?",
        "a++",
        "a{2}{3}",
        "[a",
        "a)",
        "(a",
        "\\",
        "a{5,2}",
        "(" * 30 + ")" * 30,
        "a" * 201,
    ],
)
def test_a_pattern_that_could_search_for_ever_or_that_we_do_not_read_is_refused(pattern: str) -> None:
    with pytest.raises(FormRefusedError, match="pattern"):
        parse_form(patterned(pattern))


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (r"^\d{3}$", "123", "123\n"),
        (r"^\d{3}$", "123", "１２３"),
        (r"^(\d{1,3}\.){3}\d{1,3}$", "10.0.0.1", "10.0.1"),
        ("^(fault|question)-[A-Z]{2,}$", "fault-AB", "fault-A"),
        ("^[^ ]+$", "工单", "工 单"),
        ("b", "abc", "ac"),
        ("^.?转?$", "a转", "a-"),
    ],
)
def test_a_pattern_is_matched_to_the_very_end_in_ascii(pattern: str, good: str, bad: str) -> None:
    made = parse_form(patterned(pattern))
    assert validate(made, {"a": good}) == {"a": good}
    with pytest.raises(InvalidValuesError, match="甲的格式不对"):
        validate(made, {"a": bad})


@pytest.mark.parametrize("length", [None, 1001])
def test_a_pattern_needs_a_greatest_length(length: int | None) -> None:
    parse_form(patterned("^a$", maxLength=1000))
    content = json.loads(patterned("^a$"))
    content["schema"]["properties"]["a"] |= {"maxLength": length}
    if length is None:
        del content["schema"]["properties"]["a"]["maxLength"]
    with pytest.raises(FormRefusedError, match="maxLength"):
        parse_form(json.dumps(content).encode())


def test_a_text_too_long_for_its_pattern_is_refused_for_its_length() -> None:
    with pytest.raises(InvalidValuesError, match="甲不能超过 40 个字"):
        validate(parse_form(patterned("^a*b$")), {"a": "a" * 20_000})


@settings(deadline=None, max_examples=100)
@given(st.text("ab(|)*+?{1,3}^$.", max_size=20), st.text("ab1\n", max_size=12))
def test_a_pattern_is_refused_or_means_what_it_means_elsewhere(pattern: str, text: str) -> None:
    try:
        found = compile_pattern(pattern, 12)
    except PatternRefusedError:
        return
    assert bool(found.search(text)) == bool(re.search(pattern.replace("$", r"\Z"), text))


@pytest.mark.parametrize(
    "part",
    [{"type": "array", "items": {"type": "string", "format": "nosuch"}}, {"type": "number", "multipleOf": 1e-300}],
)
def test_what_is_wrong_inside_a_field_is_refused_too(part: dict[str, Any]) -> None:
    with pytest.raises(FormRefusedError, match=r"format|multipleOf"):
        parse_form(form("f", {"a": {"title": "甲"} | part}))


@pytest.mark.parametrize("weight", [0.3, 0.7, 1.1, 3])
def test_a_decimal_multiple_is_one_in_decimals(weight: float) -> None:
    assert clean(weight=weight)["weight"] == weight


@pytest.mark.parametrize("weight", [0.25, 0.01])
def test_what_is_no_multiple_is_refused(weight: float) -> None:
    assert problems(weight=weight) == {"weight": "重量应为 0.1 的倍数"}
