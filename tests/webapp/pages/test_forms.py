"""Forms as fields and posts as values: types, full-width digits, local times, hidden fields."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvalidValuesError
from engine.forms import Form, parse_form, validate
from webapp.forms import Option, build_fields, read_all, read_time, read_values, shown_values
from webapp.shipped import PROCESSES

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 7, 40, tzinfo=UTC)  # 15:40 in Shanghai
SHIPPED = sorted((PROCESSES / "forms").glob("*.json"))


def form(properties: dict[str, Any], fields: dict[str, Any] | None = None, required: tuple[str, ...] = ()) -> Form:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return parse_form(orjson.dumps({"key": "f", "title": "F", "schema": schema, "ui": {"fields": fields or {}}}))


def read(a_form: Form, post: dict[str, str], prefix: str = "") -> dict[str, Any]:
    return read_values(a_form, post, zone=ZONE, now=NOW, prefix=prefix)


def no_choices(*_: Any) -> list[Option]:
    return []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-11-23 15:20", "2026-11-23T15:20:00+08:00"),
        ("2026-11-23T15:20", "2026-11-23T15:20:00+08:00"),
        ("２０２６－１１－２３　１５：２０", "2026-11-23T15:20:00+08:00"),
        ("11-22 23:05", "2026-11-22T23:05:00+08:00"),
        ("15:20", "2026-11-23T15:20:00+08:00"),
        ("16:40", "2026-11-23T16:40:00+08:00"),  # an hour ahead: today, the rule says that it lies in the future
        ("16:41", "2026-11-22T16:41:00+08:00"),  # further ahead than that: yesterday
        ("-20", "2026-11-23T15:20:00+08:00"),
        ("昨天下午", "昨天下午"),
        ("2026-02-30 10:00", "2026-02-30 10:00"),
        ("25:00", "25:00"),
    ],
)
def test_times_are_read_as_staff_type_them(typed: str, meant: str) -> None:
    assert read_time(typed, zone=ZONE, now=NOW) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("20:00", "2026-11-23T20:00:00+08:00"),
        ("15:41", "2026-11-23T15:41:00+08:00"),
        ("15:40", "2026-11-24T15:40:00+08:00"),  # now is not to come any more
        ("06:30", "2026-11-24T06:30:00+08:00"),
        ("11-22 23:05", "2026-11-22T23:05:00+08:00"),  # with its day it is what it says
        ("-20", "-20"),
    ],
)
def test_a_time_alone_is_the_next_one_in_a_field_that_points_ahead(typed: str, meant: str) -> None:
    assert read_time(typed, zone=ZONE, now=NOW, ahead=True) == meant


def test_the_deadline_of_the_other_side_points_ahead_and_the_occurrence_back() -> None:
    a_form = parse_form((PROCESSES / "forms" / "record_incident.json").read_bytes())
    post = {"source": "noc", "external_deadline": "06:30", "occurred_at": "06:30"}
    values = read(a_form, post)
    assert values["external_deadline"] == "2026-11-24T06:30:00+08:00"
    assert values["occurred_at"] == "2026-11-23T06:30:00+08:00"
    shown = {field.key: field for field in build_fields(a_form, values, zone=ZONE, choices=no_choices)}
    assert (shown["external_deadline"].time, shown["occurred_at"].time) == ("ahead", "back")
    assert shown["external_deadline"].instant == datetime(2026, 11, 23, 22, 30, tzinfo=UTC)


def test_values_get_their_types_back() -> None:
    a_form = form(
        {
            "n": {"type": "integer", "title": "数"},
            "x": {"type": "number", "title": "量"},
            "yes": {"type": "boolean", "title": "是否"},
            "on": {"type": "boolean", "title": "勾选"},
            "text": {"type": "string", "title": "文字"},
            "long": {"type": "string", "title": "长文"},
        },
        {"yes": {"widget": "chips"}, "on": {"widget": "check"}, "long": {"widget": "area"}},
    )
    post = {"n": "３", "x": "2.50", "yes": "false", "on": "true", "text": " ０７３１-8 ", "long": "一\r\n２ "}
    assert read(a_form, post) == {"n": 3, "x": 2.5, "yes": False, "on": True, "text": "0731-8", "long": "一\n２"}


@pytest.mark.parametrize("typed", ["0731－85550401", "0731—85550401", "０７３１–８５５５０４０１"])
def test_a_telephone_number_may_be_typed_in_full_width(typed: str) -> None:
    a_form = parse_form((PROCESSES / "forms" / "identify_customer.json").read_bytes())
    assert read(a_form, {"phone": typed})["phone"] == "0731-85550401"


@pytest.mark.proves("R274")
def test_a_code_that_needs_a_problem_asks_for_its_number() -> None:
    a_form = parse_form((PROCESSES / "forms" / "close.json").read_bytes())
    with pytest.raises(InvalidValuesError) as refused:
        validate(a_form, {"close_code": "C02", "solution": "先停批量任务"})
    assert refused.value.problems == {"problem_ref": "请填写问题单号"}
    with pytest.raises(InvalidValuesError) as refused:
        validate(a_form, {"close_code": "C03", "solution": "先停批量任务", "problem_ref": "没有"})
    assert refused.value.problems == {"problem_ref": "问题单号请写成 WT261122-001 的样子"}
    assert validate(a_form, {"close_code": "C01", "solution": "重载缓存"})


def test_an_unchecked_box_is_false_and_an_empty_field_is_absent() -> None:
    a_form = form({"on": {"type": "boolean", "title": "勾选"}, "text": {"type": "string", "title": "文字"}})
    assert read(a_form, {"text": " 　 "}) == {"on": False}


def test_what_is_no_number_stays_as_it_was_typed_for_the_validation_to_refuse() -> None:
    a_form = form({"n": {"type": "integer", "title": "数"}})
    values = read(a_form, {"n": "三个"})
    assert values == {"n": "三个"}
    with pytest.raises(InvalidValuesError):
        validate(a_form, values)


def test_a_field_that_is_not_shown_is_not_read() -> None:
    a_form = form(
        {"source": {"type": "string", "title": "来源"}, "alarm": {"type": "string", "title": "告警"}},
        {"alarm": {"showIf": {"source": ["alarm", "inspection"]}}},
        required=("source", "alarm"),
    )
    assert read(a_form, {"source": "phone", "alarm": "A1"}) == {"source": "phone"}
    assert read(a_form, {"source": "alarm", "alarm": "A1"}) == {"source": "alarm", "alarm": "A1"}
    fields = build_fields(a_form, {"source": "phone"}, zone=ZONE, choices=no_choices, prefix="s1")
    assert [(field.when, field.off) for field in fields] == [("", False), ("s1.source=alarm|inspection", True)]


def test_a_hidden_field_keeps_what_it_held_for_when_it_is_shown_again() -> None:
    a_form = form(
        {"source": {"type": "string", "title": "来源"}, "alarm": {"type": "string", "title": "告警"}},
        {"alarm": {"showIf": {"source": "alarm"}}},
    )
    values = read_all(a_form, {"source": "phone", "alarm": "A1"}, zone=ZONE, now=NOW)
    assert values == {"source": "phone", "alarm": "A1"}
    field = build_fields(a_form, values, zone=ZONE, choices=no_choices)[1]
    assert (field.value, field.off) == ("A1", True)
    assert shown_values(a_form, values) == {"source": "phone"}


def test_two_steps_on_one_page_do_not_take_each_others_fields() -> None:
    a_form = form({"note": {"type": "string", "title": "说明"}})
    assert read(a_form, {"s1.note": "一", "s2.note": "二"}, "s2") == {"note": "二"}


def test_an_instant_is_shown_in_local_time() -> None:
    a_form = form({"at": {"type": "string", "format": "date-time", "title": "时间"}})
    field = build_fields(a_form, {"at": datetime(2026, 11, 23, 7, 20, tzinfo=UTC)}, zone=ZONE, choices=no_choices)[0]
    assert field.value == "2026-11-23 15:20"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_form_is_shown_and_an_empty_post_is_refused_field_by_field(path: Any) -> None:
    a_form = parse_form(path.read_bytes())
    fields = build_fields(a_form, {}, zone=ZONE, choices=no_choices)
    assert {field.key for field in fields} == set(a_form.fields)
    assert all(field.label and field.kind in {"text", "area", "select", "chips", "cards", "check"} for field in fields)
    defaults = {name: part["default"] for name, part in a_form.fields.items() if "default" in part}
    asked = (a_form.required & a_form.shown(defaults)) - defaults.keys()
    if asked - {name for name, part in a_form.fields.items() if part.get("type") == "boolean"}:
        with pytest.raises(InvalidValuesError) as refused:
            validate(a_form, read(a_form, {}))
        assert set(refused.value.problems) <= set(a_form.fields)


@settings(deadline=None, max_examples=80)
@given(st.text(max_size=40))
def test_reading_a_time_never_fails(text: str) -> None:
    assert isinstance(read_time(text, zone=ZONE, now=NOW), str)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(["n", "at", "on", "list"]), st.text(max_size=30)))
def test_reading_a_post_never_fails(post: dict[str, str]) -> None:
    a_form = form(
        {
            "n": {"type": "number", "title": "数"},
            "at": {"type": "string", "format": "date-time", "title": "时间"},
            "on": {"type": "boolean", "title": "勾选"},
            "list": {"type": "array", "items": {"type": "string", "title": "项"}, "title": "列"},
        }
    )
    assert set(read(a_form, post)) <= {"n", "at", "on", "list"}
