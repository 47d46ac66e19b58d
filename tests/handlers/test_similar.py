"""Similar incidents: what counts as alike, in which order, and at what price."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from engine.errors import InvalidValuesError
from handlers.records import incidents, relations, similar
from tests.handlers.conftest import CLASS, SUPPORTER, House

FACTS = {"summary": "受理时报错", "details": "提交订单后提示系统异常", "customer_id": None, **CLASS}


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("开户界面报错", "开户界面报错", True),
        ("开户界面报错", "开户 界面，报错！", True),  # blanks and punctuation do not count
        ("CRM login fails", "crm LOGIN fails", True),
        ("开户界面报错", "开户页面报错", True),
        ("开户界面报错", "打印机卡纸", False),
        ("开户界面报错", "", False),
        ("错", "错", False),  # one letter has no pair
    ],
)
def test_reports_are_alike_by_their_pairs_of_letters(one: str, other: str, alike: bool) -> None:
    score = similar.likeness({"summary": one}, {"summary": other, "details": None})
    assert 0 <= score <= 1
    assert (score >= 0.35) is alike


def test_only_the_beginning_of_long_details_is_compared() -> None:
    same, tail = "号码资源锁定失败" * 60, "完全不同的结尾" * 100
    assert similar.likeness({"details": same + tail}, {"summary": None, "details": same}) == 1.0


@pytest.mark.proves("R112")
def test_candidates_cost_one_statement_however_much_is_known(house: House) -> None:
    known = house.dispatched()
    ctx = house.context()
    incidents.get(ctx, known)
    facts: list[dict[str, Any]] = [
        {"summary": "受理时报错"},
        FACTS,
        {**FACTS, "customer_id": house.incident(known)["customer_id"]},
    ]
    for each in facts:
        ctx = house.context()
        house.statements.clear()
        assert [one.id for one in similar.candidates(ctx, each, 5)] == [known]
        assert len(house.statements) == 1


def test_an_incident_is_not_like_itself_and_a_slave_stands_for_nobody(house: House) -> None:
    master, slave = house.dispatched(), house.dispatched()
    ctx = house.context()
    relations.bind(ctx, incidents.get(ctx, slave), incidents.get(ctx, master), "同一故障")
    ctx = house.context()
    assert similar.candidates(ctx, incidents.get(ctx, master), 5) == []


def test_the_same_customer_with_the_same_symptom_comes_first(house: House) -> None:
    mine = house.dispatched()
    other = house.report()
    house.identify(other, staff_number="B2002", customer_name="营业厅岗位02", phone="0731-8000 2002")
    house.record(other)
    house.classify(other)
    ctx = house.context()
    facts = {**FACTS, "customer_id": incidents.get(ctx, mine)["customer_id"]}
    found = similar.candidates(ctx, facts, 5)
    assert [(one.id, one.why) for one in found] == [
        (mine, "同一客户、同一现象、描述相近"),
        (other, "同一现象、描述相近"),
    ]
    assert [one.id for one in similar.candidates(ctx, facts, 1)] == [mine]


def test_other_words_about_another_type_are_not_shown(house: House) -> None:
    house.dispatched()
    other = {"summary": "打印机卡纸", "details": "换纸无效", "category": "terminal", "type": "terminal.device"}
    assert similar.candidates(house.context(), other, 5) == []


@pytest.mark.proves("R112", "R113")
def test_an_open_incident_is_found_behind_likelier_ones_that_are_solved(sqlite_house: House) -> None:
    house = sqlite_house
    open_id = house.dispatched()
    for _ in range(5):
        house.resolved()
    incident_id = house.report()
    house.identify(incident_id)
    house.record(incident_id)
    house.classify(incident_id)
    likeliest = similar.candidates(house.context(), house.incident(incident_id), 6)
    assert [one.id for one in likeliest if similar.is_unsolved(one)] == [likeliest[-1].id] == [open_id]
    assert house.step("similar.search", incident_id, "system") is True


def test_what_is_still_being_recorded_is_shown_and_cannot_lead(sqlite_house: House) -> None:
    house = sqlite_house
    recorded = house.report()
    house.identify(recorded)
    house.record(recorded, scope="more", needed="时间")
    said = {name: FACTS[name] for name in ("summary", "details")}
    (found,) = similar.candidates(house.context(), said, 5)
    assert (found.id, similar.is_unsolved(found), similar.can_lead(found)) == (recorded, True, False)


def test_a_failed_or_unsolved_incident_teaches_nothing(house: House) -> None:
    house.resolved()  # not closed yet
    failed = house.resolved()
    house.step("closing.close", failed, close_code="C03", solution="没有办法", problem_ref=house.problem(failed))
    good = house.closed()
    assert [one.id for one in similar.solutions(house.context(), FACTS, 5)] == [good]


def test_the_search_walks_along_indexes(sqlite_house: House) -> None:
    house = sqlite_house
    house.dispatched()
    house.statements.clear()
    similar.candidates(house.context(), {**FACTS, "customer_id": 1}, 5)
    statement = next(each for each in house.statements if "UNION" in each)
    marks = tuple(range(statement.count("?")))
    plan = house.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", marks).all()
    told = " ".join(str(row[-1]) for row in plan)
    assert "ix_incident_customer_id" in told and "ix_incident_type" in told


@pytest.mark.proves("R264")
def test_a_link_is_made_once_and_never_to_itself(house: House) -> None:
    one, other = house.dispatched(), house.dispatched()
    for first, second in ((one, other), (one, other), (other, one)):
        ctx = house.context(SUPPORTER)
        relations.link(ctx, incidents.get(ctx, first), incidents.get(ctx, second), "可能同源")
    assert house.connection.scalar(text("SELECT count(*) FROM incident_link")) == 1
    ctx = house.context()
    with pytest.raises(InvalidValuesError):
        relations.link(ctx, incidents.get(ctx, one), incidents.get(ctx, one), "自己")


def test_a_number_is_found_however_it_was_typed(house: House) -> None:
    incident_id = house.dispatched()
    number = house.incident(incident_id)["number"]
    found = incidents.find(house.context(), f" {number.lower()} ")
    assert found is not None and found["id"] == incident_id
    assert incidents.find(house.context(), "SJ990101-001") is None
