"""Stage 2 through the shipped diagrams: answers, similar incidents, solutions at the desk, escalation (§4.3.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from engine import messages
from engine.context import SYSTEM
from handlers.records import children, incidents, relations, similar
from handlers.records.tables import child, incident_link
from tests.office import CAUSE, CUSTOMER, DESK_PAGE, ROAD, TREE, Office
from webapp import desk as verbs
from webapp.desk import InvalidStepError

OTHER_CALLER = {**CUSTOMER, "customer_name": "城北营业厅-值班长岗", "phone": "0731-85550199"}
OTHER_MATTER = {"summary": "打印机卡纸", "details": "三楼打印机反复卡纸，换纸无效"}
SOLVED = {"restored": True, "action": "已指导清理缓存", "solution": "清理缓存", "cause": CAUSE, "close_code": "C01"}


def alike(office: Office, by: str = "reception02", **record: Any) -> int:
    """The same fault, reported by somebody else; returns the id."""
    values = {verbs.IDENTIFY: OTHER_CALLER, verbs.RECORD: office.record(**record)}
    return verbs.report(office.desk, office[by], values).incident_id


def classify(office: Office, incident_id: int, by: str = "reception02", **values: Any) -> None:
    """2.1 and 2.2 only, and what is given."""
    task = office.task(incident_id)
    together = {step: ROAD[step] for step in ("s2_1_type", "s2_2_classify")} | values
    verbs.complete_joined(office.desk, office[by], task.id, together, task.token)


def links(office: Office) -> list[tuple[int, int]]:
    with office.desk.reading() as connection:
        found = connection.execute(select(incident_link.c.incident_id, incident_link.c.other_id)).all()
    return [(row.incident_id, row.other_id) for row in found]


@pytest.mark.proves("R102", "R103", "R376")
def test_a_question_that_is_answered_at_once_goes_to_closing(office: Office):
    incident_id = office.report()
    office.pass_(minutes=6)
    told = {"request_type": "咨询", "ci_affected": False, "answered": True, "answer": "月结单每月三日生成"}
    office.do(incident_id, "reception01", s2_1_type=told)
    found = office.incident(incident_id)
    assert (found["state"], found["solution"], found["proposed_close_code"]) == ("resolved", told["answer"], "C04")
    assert (found["dispatches"], found["acceptance_started_at"]) == (0, None)
    assert found["response_stopped_at"] == office.now
    assert office.task(incident_id).element.id == "s5_1_check"


def test_an_answer_is_for_questions_only_and_is_written_down(office: Office):
    incident_id = office.report()
    with pytest.raises(InvalidStepError) as refused:
        office.do(
            incident_id, "reception01", s2_1_type={"request_type": "咨询", "ci_affected": False, "answered": True}
        )
    assert set(refused.value.problems) == {"answer"}
    fault = {"request_type": "故障", "ci_affected": False, "answered": True}
    office.do(incident_id, "reception01", s2_1_type=fault)
    assert office.task(incident_id).element.id == "s2_2_classify"


@pytest.mark.proves("R105", "R113", "R120", "R121")
def test_an_ordinary_call_is_dispatched_on_one_page(office: Office):
    incident_id = office.report()
    done = office.do(incident_id, "reception01", *DESK_PAGE)
    assert done.steps == DESK_PAGE
    assert office.task(incident_id).element.id == "s2_9_accept"


@pytest.mark.proves("R112", "R113")
def test_what_resembles_an_open_incident_is_shown_before_it_goes_on(office: Office):
    first = office.accept()
    second = alike(office)
    classify(office, second)
    assert office.task(second).element.id == "s2_3_link"
    third = office.report(by="reception02", **OTHER_MATTER)
    classify(office, third, s2_2_classify={**TREE, "symptom": "crm.app.slow"})
    assert office.task(third).element.id == "s2_5_find"
    assert office.incident(first)["state"] == "in_progress"


@pytest.mark.proves("R114", "R115", "R116", "R117")
def test_the_same_incident_becomes_a_slave_and_follows_its_master(office: Office):
    master_id = office.accept()
    slave_id = alike(office)
    classify(office, slave_id)
    number = office.incident(master_id)["number"]
    office.do(slave_id, "reception02", s2_3_link={"relation": "bind", "other": number, "reason": "同一故障"})
    found = office.incident(slave_id)
    assert (found["state"], found["master_id"]) == ("slave", master_id)
    with office.desk.unit_of_work("test") as ctx:
        assert relations.slaves_of(ctx, master_id) == [slave_id]
    office.do(master_id, "crm01", "s3_1_analyse", "s3_3_confirm", "s3_5_diagnose", "s3_6_try")
    office.do(master_id, "crm01", "s4_1_agree", "s4_5_recover", "s4_6_verify")
    assert office.incident(slave_id)["state"] == "resolved"
    assert office.task(slave_id).element.id == "s5_1_check"


@pytest.mark.proves("R113", "R264")
def test_what_is_only_related_is_linked_and_goes_on(office: Office):
    other = office.accept()
    incident_id = alike(office)
    classify(office, incident_id)
    number = office.incident(other)["number"]
    office.do(incident_id, "reception02", s2_3_link={"relation": "link", "other": number, "reason": "可能同源"})
    assert links(office) == [(incident_id, other)]
    assert office.task(incident_id).element.id == "s2_5_find"


@pytest.mark.proves("R265")
def test_a_master_that_is_none_is_refused_at_its_field(office: Office):
    solved = office.resolve()
    office.accept()
    incident_id = alike(office)
    classify(office, incident_id)
    for number in ("SJ990101-001", office.incident(solved)["number"], office.incident(incident_id)["number"]):
        with pytest.raises(InvalidStepError) as refused:
            office.do(incident_id, "reception02", s2_3_link={"relation": "bind", "other": number, "reason": "同一件"})
        assert set(refused.value.problems) == {"other"}


@pytest.mark.proves("R118", "R119", "R120", "R122", "R123", "R376")
def test_a_known_solution_is_applied_at_the_desk(office: Office):
    former = office.resolve()
    number = office.incident(former)["number"]
    incident_id = alike(office, **OTHER_MATTER)
    office.pass_(minutes=5)
    found = {"found": True, "solution": "清理缓存", "used": number}
    classify(office, incident_id, s2_5_find=found)
    assert office.task(incident_id).element.id == "s2_7_apply"
    assert links(office) == [(incident_id, former)]
    decided = office.now
    office.pass_(minutes=20)
    office.do(incident_id, "reception02", s2_7_apply=SOLVED)
    record = office.incident(incident_id)
    assert (record["state"], record["solution"], record["recovery"]) == ("resolved", "清理缓存", "已指导清理缓存")
    assert (record["response_stopped_at"], record["acceptance_started_at"]) == (decided, None)
    assert (record["restoration_started_at"], record["restoration_stopped_at"]) == (decided, office.now)
    assert (record["resolver"], record["dispatches"]) == ("reception02", 0)
    assert office.task(incident_id).element.id == "s5_1_check"


@pytest.mark.proves("R121", "R122")
def test_what_the_desk_can_solve_by_itself_is_not_dispatched(office: Office):
    incident_id = office.report()
    classify(office, incident_id, "reception01", s2_5_find={"found": False})
    office.do(incident_id, "reception01", s2_6_attempt={"solved": True, "solution": "重新登录"})
    office.do(incident_id, "reception01", s2_7_apply=SOLVED)
    assert office.incident(incident_id)["state"] == "resolved"


@pytest.mark.proves("R121", "R376")
def test_what_was_tried_in_vain_is_dispatched_as_if_nothing_had_been_tried(office: Office):
    incident_id = office.report()
    started = office.now
    office.pass_(minutes=3)
    classify(office, incident_id, "reception01", s2_5_find={"found": True, "solution": "清理缓存"})
    office.pass_(minutes=7)
    office.do(incident_id, "reception01", s2_7_apply={"restored": False, "action": "清理后仍报错"})
    record = office.incident(incident_id)
    assert (record["response_started_at"], record["response_stopped_at"]) == (started, None)
    assert (record["restoration_started_at"], record["restored"]) == (None, False)
    office.do(incident_id, "reception01", "s2_8_dispatch")
    office.pass_(minutes=2)
    office.do(incident_id, "crm01", "s2_9_accept")
    assert office.incident(incident_id)["restoration_started_at"] == office.now


def test_a_source_of_a_solution_that_does_not_exist_is_refused(office: Office):
    incident_id = office.report()
    classify(office, incident_id, "reception01")
    with pytest.raises(InvalidStepError) as refused:
        office.do(incident_id, "reception01", s2_5_find={"found": True, "solution": "清理缓存", "used": "SJ990101-001"})
    assert set(refused.value.problems) == {"used"}


@pytest.mark.proves("R128", "R129", "R228")
def test_who_needs_coordination_escalates_and_then_accepts(office: Office):
    incident_id = office.dispatch()
    office.do(incident_id, "crm01", s2_9_accept={"answer": "escalate"})
    assert office.task(incident_id).element.id == "s2_10_escalate"
    assert office.task(incident_id).assignee == "crm01"
    office.do(incident_id, "crm01", s2_10_escalate={"reason": "复杂耗时", "note": "涉及三个系统"})
    found = office.incident(incident_id)
    assert (found["escalated"], found["urgency"], found["state"]) == (True, "高", "to_accept")
    with office.desk.reading() as connection:
        kinds = connection.scalars(select(child.c.kind).where(child.c.incident_id == incident_id)).all()
    assert kinds == ["escalation"]
    office.do(incident_id, "crm01", "s2_9_accept")
    assert office.incident(incident_id)["state"] == "in_progress"


@pytest.mark.proves("R118", "R370")
def test_solutions_of_former_incidents_are_found_best_first(office: Office):
    former = office.resolve()
    office.do(former, "reception01", "s5_1_check", "s5_3_ask", "s5_5_close")
    other = office.resolve()
    office.pass_(minutes=1)
    incident_id = alike(office)
    classify(office, incident_id)
    with office.desk.unit_of_work("test") as ctx:
        facts = incidents.get(ctx, incident_id)
        found = similar.solutions(ctx, facts, 5)
        alike_ = similar.candidates(ctx, facts, 5)
    assert [(each.id, each.why) for each in found] == [(former, "同一现象、描述相近")]
    assert {each.id: each.why for each in alike_} == {
        former: "同一现象、描述相近（已关闭，可能是复发）",
        other: "同一现象、描述相近",
    }


@pytest.mark.parametrize(("after", "found"), [(-1, True), (0, False), (1, False)])
def test_a_closed_incident_may_recur_for_thirty_days(office: Office, after: int, found: bool):
    former = office.resolve()
    office.do(former, "reception01", "s5_1_check", "s5_3_ask", "s5_5_close")
    office.now += timedelta(days=30, microseconds=after)
    facts = {"summary": "开户界面报错", "details": None, **{name: TREE[name] for name in ("category", "type")}}
    with office.desk.unit_of_work("test") as ctx:
        assert [each.id for each in similar.candidates(ctx, facts, 5)] == [former] * found


def bound(office: Office, master_id: int) -> int:
    """An incident that the desk has bound to ``master_id`` in 2.3."""
    slave_id = alike(office)
    classify(office, slave_id)
    number = office.incident(master_id)["number"]
    office.do(slave_id, "reception02", s2_3_link={"relation": "bind", "other": number, "reason": "同一故障"})
    return slave_id


@pytest.mark.proves("R117")
def test_a_slave_whose_master_is_withdrawn_is_dispatched_by_itself(office: Office):
    master_id = office.accept()
    slave_id = bound(office, master_id)
    verbs.withdraw(office.desk, office["reception01"], master_id, "用户撤回")
    found = office.incident(slave_id)
    assert (found["state"], found["master_id"]) == ("to_dispatch", None)


def test_what_others_work_on_is_not_bound(office: Office):
    master_id, incident_id = office.accept(), office.accept()
    with office.desk.unit_of_work("crm01") as ctx:
        record = incidents.get(ctx, incident_id)
        children.open_child(ctx, record, "task", "取日志", None, "operations", {}, waits=False, element=None)
    with office.desk.unit_of_work("crm01") as ctx:
        record, master = incidents.get(ctx, incident_id), incidents.get(ctx, master_id)
        assert "任务" in (relations.bind_refusal(ctx, record, master) or "")


def test_an_alarm_that_recovers_before_anybody_accepts_it_resolves_the_incident(office: Office):
    incident_id = office.dispatch()
    with office.desk.unit_of_work(SYSTEM) as ctx:
        messages.command(ctx, "recovered", incident_id)
    found = office.incident(incident_id)
    assert (found["state"], found["proposed_close_code"]) == ("resolved", "C05")
    assert office.task(incident_id).element.id == "s5_1_check"
