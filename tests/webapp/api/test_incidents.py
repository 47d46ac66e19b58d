"""Incidents over the API: created once, listed, read as the reader may, supplemented."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.webapp.api.conftest import Api


def test_an_incident_is_created_with_the_values_of_1_2_and_1_4(api: Api):
    desk = api.caller("reception01")
    answer = desk.post("/incidents", api.new_incident(), Idempotency_Key="k1")
    assert answer.status_code == 201
    number = answer.get_json()["number"]
    assert answer.headers["Location"] == f"/api/incidents/{number}"
    assert answer.get_json()["next_task"]
    found = desk.get(f"/incidents/{number}").get_json()
    assert found["state"] == "to_dispatch"
    assert found["facts"]["phone"] == "0731-85550101"
    assert {"s1_2_identify", "s1_4_record"} <= {event["element"] for event in found["timeline"]}
    assert datetime.fromisoformat(found["facts"]["occurred_at"]).utcoffset() is not None


def test_the_same_key_answers_the_first_result_and_another_body_is_a_conflict(both: Api):
    desk, body = both.caller("reception01"), both.new_incident()
    first = desk.post("/incidents", body, Idempotency_Key="k1").get_json()
    again = desk.post("/incidents", body, Idempotency_Key="k1")
    assert (again.status_code, again.get_json()) == (201, first)
    other = desk.post("/incidents", both.new_incident(summary="别的事情"), Idempotency_Key="k1")
    assert other.status_code == 409
    assert other.get_json()["by"] == "reception01"
    assert len(desk.get("/incidents").get_json()["incidents"]) == 1
    # A key belongs to its account.
    colleague = both.caller("reception02").post("/incidents", body, Idempotency_Key="k1")
    assert colleague.get_json()["number"] != first["number"]


def test_the_longest_key_is_kept(api: Api):
    answer = api.caller("reception01").post("/incidents", api.new_incident(), Idempotency_Key="k" * 80)
    assert answer.status_code == 201


@pytest.mark.parametrize("key", [None, "", "k" * 81, "ü"])
def test_a_creation_needs_a_key_that_can_be_kept(api: Api, key: str | None):
    headers = {} if key is None else {"Idempotency_Key": key}
    answer = api.caller("reception01").post("/incidents", api.new_incident(), **headers)
    assert answer.status_code == 422
    assert set(answer.get_json()["problems"]) == {"Idempotency-Key"}


def test_everything_that_is_wrong_is_named_by_its_field_at_once(api: Api):
    body = api.new_incident(summary="短", source=None, strange=1, occurred_at="gestern")
    body["customer"] |= {"phone": "abc", "served": "yes"}
    del body["customer"]["customer_name"]
    answer = api.caller("reception01").post("/incidents", body, Idempotency_Key="k")
    assert answer.status_code == 422
    named = {"customer.phone", "customer.served", "customer.customer_name"}
    named |= {"incident.summary", "incident.source", "incident.strange", "incident.occurred_at"}
    assert set(answer.get_json()["problems"]) == named


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([], {"", "customer", "incident"}),
        ({}, {"customer", "incident"}),
        ({"customer": 1, "incident": [], "more": {}}, {"customer", "incident", "more"}),
    ],
)
def test_a_body_of_another_shape_is_refused_by_its_parts(api: Api, body: Any, named: set[str]):
    answer = api.caller("reception01").post("/incidents", body, Idempotency_Key="k")
    assert (answer.status_code, set(answer.get_json()["problems"])) == (422, named)


def test_a_rule_of_the_step_itself_is_told_under_its_part(api: Api):
    body = api.new_incident()
    del body["customer"]["phone"]
    answer = api.caller("reception01").post("/incidents", body, Idempotency_Key="k")
    assert answer.status_code == 422
    assert set(answer.get_json()["problems"]) == {"customer.phone"}
    later = api.new_incident(occurred_at="2026-11-23T10:00:00+08:00")
    answer = api.caller("reception01").post("/incidents", later, Idempotency_Key="k")
    assert set(answer.get_json()["problems"]) == {"incident.occurred_at"}


@pytest.mark.parametrize(
    ("account", "status"), [("reception01", 201), ("crm01", 403), ("leaders01", 403), ("customer01", 403)]
)
def test_only_who_may_report_creates(api: Api, account: str, status: int):
    answer = api.caller(account).post("/incidents", api.new_incident(), Idempotency_Key="k")
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("account", "sees"), [("reception01", True), ("quality01", True), ("crm01", False), ("leaders01", False)]
)
def test_contacts_are_masked_for_whoever_does_not_need_them_also_in_the_timeline(api: Api, account: str, sees: bool):
    number = api.number(api.office.report())
    text = api.caller(account).get(f"/incidents/{number}").get_data(as_text=True)
    assert ("0731-85550101" in text) is sees
    assert "城中营业厅" in text


def test_similar_incidents_are_found_by_what_is_said(api: Api):
    number = api.number(api.office.report())
    desk = api.caller("reception01")
    found = desk.get("/similar", summary="开户界面报错，号码资源锁定失败").get_json()
    assert [row["number"] for row in found["incidents"]] == [number]
    assert found["incidents"][0]["why"]
    assert desk.get("/similar", summary="打印机卡纸").get_json() == {"incidents": [], "solutions": []}
    assert set(desk.get("/similar").get_json()["problems"]) == {"summary"}


def test_the_customer_and_strangers_read_nothing(api: Api):
    number = api.number(api.office.report())
    assert api.caller("customer01").get(f"/incidents/{number}").status_code == 403
    assert api.caller(None).get(f"/incidents/{number}").status_code == 401


def test_the_timeline_tells_steps_changes_decisions_and_words(both: Api):
    incident_id = both.office.accept()
    number = both.number(incident_id)
    support = both.caller("crm01")
    support.post(f"/incidents/{number}/supplement", {"text": "又有两个台席报错"})
    found = support.get(f"/incidents/{number}").get_json()
    kinds = {event["kind"] for event in found["timeline"]}
    assert {"step", "comment"} <= kinds
    assert found["timeline"][0]["text"] == "又有两个台席报错"
    decided = {row["decision"] for event in found["timeline"] for row in event["decisions"]}
    assert {"urgency", "priority", "targets"} <= decided
    accepted = next(event for event in found["timeline"] if event["element"] == "s2_9_accept")
    assert {"field": "state", "old": "to_accept", "new": "in_progress"}.items() <= {
        key: value for row in accepted["changes"] if row["field"] == "state" for key, value in row.items()
    }.items()
    running = {clock["name"]: clock for clock in found["clocks"]}
    assert running["restoration"]["due_at"] is not None
    assert running["acceptance"]["stopped_at"] is not None
    assert [task["assignee"] for task in found["tasks"]] == ["crm01"]


def test_a_supplement_arrives_once_and_not_after_closing(api: Api):
    incident_id = api.office.report()
    number, desk = api.number(incident_id), api.caller("reception01")
    for _ in range(2):
        answer = desk.post(f"/incidents/{number}/supplement", {"text": "客户又来电"}, Idempotency_Key="s1")
        assert answer.status_code == 201
    told = [event for event in desk.get(f"/incidents/{number}").get_json()["timeline"] if event["kind"] == "comment"]
    assert [event["text"] for event in told] == ["客户又来电"]
    refused = desk.post(f"/incidents/{number}/supplement", {"text": ""})
    assert (refused.status_code, set(refused.get_json()["problems"])) == (422, {"text"})
    assert api.caller("billing01").post(f"/incidents/{number}/supplement", {"text": "x"}).status_code == 403


def test_what_the_desk_asked_for_is_answered_and_the_incident_waits_no_longer(api: Api):
    desk = api.caller("reception01")
    body = api.new_incident(scope="more", needed="请说明是哪个窗口")
    number = desk.post("/incidents", body, Idempotency_Key="k").get_json()["number"]
    assert desk.get(f"/incidents/{number}").get_json()["waiting"]["code"] == "W01"
    answered = desk.post(f"/incidents/{number}/answer", {"answer": "3 号窗口"}, Idempotency_Key="a")
    assert (answered.status_code, answered.get_json()) == (200, {"number": number})
    found = desk.get(f"/incidents/{number}").get_json()
    assert (found["waiting"]["code"], found["tasks"][0]["element"]) == (None, "s1_4_scope")


def test_an_answer_where_nobody_asked_is_a_conflict(api: Api):
    number = api.number(api.office.report())
    answer = api.caller("reception01").post(f"/incidents/{number}/answer", {"answer": "是 3 号窗口"})
    assert answer.status_code == 409
    assert answer.get_json()["by"] == "reception01"


def test_lists_are_filtered_and_paged(both: Api):
    for place in range(52):
        both.office.report(summary=f"第 {place} 件事", source="phone" if place else "email")
    desk = both.caller("reception01")
    first = desk.get("/incidents").get_json()
    assert len(first["incidents"]) == 50
    second = desk.get("/incidents", after=first["after"]).get_json()
    assert (len(second["incidents"]), second["after"]) == (2, None)
    assert not {row["number"] for row in first["incidents"]} & {row["number"] for row in second["incidents"]}
    assert [row["source"] for row in desk.get("/incidents", source="email").get_json()["incidents"]] == ["email"]
    number = first["incidents"][0]["number"]
    assert [row["number"] for row in desk.get("/incidents", q=number).get_json()["incidents"]] == [number]
    assert desk.get("/incidents", state="closed").get_json() == {"incidents": [], "after": None}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"state": "gone"}, "state"),
        ({"priority": "0"}, "priority"),
        ({"priority": "eins"}, "priority"),
        ({"after": "-1"}, "after"),
        ({"since": "23.11.2026"}, "since"),
        ({"q": ""}, "q"),
        ({"stat": "open"}, "stat"),
        ({"state": ["open", "all"]}, "state"),
    ],
)
def test_a_wrong_filter_is_refused_by_name(api: Api, query: dict[str, Any], named: str):
    answer = api.caller("reception01").get("/incidents", **query)
    assert (answer.status_code, set(answer.get_json()["problems"])) == (422, {named})


@pytest.mark.parametrize("number", ["SJ261123-999", "99999", "nothing", "%00", "SJ261123-001%00"])
def test_what_is_not_there_is_404_or_not_understood(both: Api, number: str):
    assert both.caller("reception01").get(f"/incidents/{number}").status_code in {400, 404}
