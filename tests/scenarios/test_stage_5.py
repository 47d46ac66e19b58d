"""Stage 5, closure: incomplete records, who is asked, announcements, and incidents that come here by other roads."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from engine import instances
from engine.errors import NotAllowedError
from handlers.records import incidents, people, recovery
from handlers.records.tables import comment
from tests.office import TREE, Office
from tests.scenarios.companions import do as done
from tests.scenarios.companions import opened
from tests.scenarios.companions import record as child
from webapp import desk as verbs
from webapp.desk import InvalidStepError

INCOMPLETE = {"complete": False, "missing": "根源写得太简单"}
ADDED = {"supplement": "补上根源：升级时覆盖了配置", "solution": "恢复配置，升级脚本加校验"}
CALL_OF_SUPPORT = {"summary": "号码库表空间将满", "details": "使用率 96%，今晚写满。"}
STAGE_3 = ("s3_1_analyse", "s3_3_confirm", "s3_5_diagnose", "s3_6_try")
STAGE_4 = ("s4_1_agree", "s4_5_recover", "s4_6_verify")


def at(office: Office, incident_id: int) -> str:
    """The step at which the incident stands."""
    return office.task(incident_id).element.id


def responsible(office: Office, incident_id: int) -> tuple[str, str]:
    found = office.incident(incident_id)
    return found["responsible_group"], found["responsible_person"]


@pytest.mark.proves("R170", "R172", "R166", "R173")
def test_an_incomplete_record_goes_to_whoever_resolved_it_while_the_recorder_stays_responsible(office: Office):
    incident_id = office.resolve()
    office.do(incident_id, "reception01", s5_1_check=INCOMPLETE)
    task = office.task(incident_id)
    assert (task.element.id, task.candidate_group, task.assignee) == ("s5_2_update", "crm", "crm01")
    assert responsible(office, incident_id) == ("desk", "reception01")
    assert office.incident(incident_id)["check_remark"] == INCOMPLETE["missing"]
    with pytest.raises(NotAllowedError):
        office.do(incident_id, "reception01", s5_2_update=ADDED)
    office.do(incident_id, "crm01", s5_2_update=ADDED)
    task = office.task(incident_id)
    assert (task.element.id, task.assignee) == ("s5_3_ask", "reception01")
    assert office.incident(incident_id)["solution"] == ADDED["solution"]
    with office.desk.reading() as connection:
        assert connection.scalars(select(comment.c.text)).all() == [ADDED["supplement"]]
    office.do(incident_id, "reception01", "s5_3_ask")
    office.do(incident_id, "reception01", "s5_5_close")
    assert office.status(incident_id) == "completed"


@pytest.mark.proves("R172")
def test_a_colleague_who_takes_the_supplement_does_not_become_responsible(office: Office):
    incident_id = office.resolve()
    office.do(incident_id, "reception01", s5_1_check=INCOMPLETE)
    task = office.task(incident_id)
    verbs.release(office.desk, office["crm01"], task.id, task.token)
    task = office.task(incident_id)
    verbs.claim(office.desk, office["crm02"], task.id, task.token)
    assert responsible(office, incident_id) == ("desk", "reception01")
    office.do(incident_id, "crm02", s5_2_update=ADDED)
    assert at(office, incident_id) == "s5_3_ask"


@pytest.mark.proves("R172")
def test_the_supplement_of_somebody_who_has_left_is_his_groups(office: Office):
    incident_id = office.resolve()
    with office.desk.unit_of_work("system") as ctx:
        people.set_active(ctx, "crm01", False)
    office.do(incident_id, "reception01", s5_1_check=INCOMPLETE)
    task = office.task(incident_id)
    assert (task.candidate_group, task.assignee) == ("crm", None)
    office.do(incident_id, "crm02", s5_2_update=ADDED)
    assert at(office, incident_id) == "s5_3_ask"


def without_asking(office: Office) -> int:
    """A resolved incident whose user need not be asked: somebody of support has found it."""
    incident_id = office.resolve()
    with office.desk.unit_of_work("test") as ctx:
        facts = {"source": "support", "impact": 4, "priority": 3}
        incidents.change(ctx, incidents.get(ctx, incident_id, lock=True), facts)
    return incident_id


@pytest.mark.proves("R171")
def test_where_nobody_need_be_asked_5_1_leads_to_closing(office: Office):
    incident_id = without_asking(office)
    office.do(incident_id, "reception01", "s5_1_check")
    assert at(office, incident_id) == "s5_5_close"


@pytest.mark.proves("R171", "R172")
def test_where_nobody_need_be_asked_the_supplement_leads_to_closing(office: Office):
    incident_id = without_asking(office)
    office.do(incident_id, "reception01", s5_1_check=INCOMPLETE)
    office.do(incident_id, "crm01", s5_2_update=ADDED)
    assert (at(office, incident_id), office.task(incident_id).assignee) == ("s5_5_close", "reception01")


def announced(office: Office, incident_id: int) -> str:
    number = opened(office, incident_id, "announcement", waits=False)
    done(office, number, "s1_6_publish")
    assert child(office, number)["state"] == "open"
    return number


@pytest.mark.proves("R175")
def test_the_announcement_is_taken_down_before_the_incident_is_closed(office: Office):
    incident_id = office.accept()
    number = announced(office, incident_id)
    office.do(incident_id, "crm01", *STAGE_3)
    office.do(incident_id, "crm01", *STAGE_4)
    office.do(incident_id, "reception01", "s5_1_check")
    assert child(office, number)["state"] == "open"
    office.do(incident_id, "reception01", "s5_3_ask")
    assert (at(office, incident_id), child(office, number)["state"]) == ("s5_5_close", "done")


@pytest.mark.proves("R175", "R275")
def test_closing_by_time_takes_the_announcement_down_too(office: Office):
    incident_id = office.accept()
    number = announced(office, incident_id)
    office.do(incident_id, "crm01", *STAGE_3)
    office.do(incident_id, "crm01", *STAGE_4)
    office.pass_(days=30)
    verbs.tick(office.desk)
    assert (office.status(incident_id), child(office, number)["state"]) == ("completed", "done")


@pytest.mark.proves("R103", "R169")
def test_a_question_answered_at_once_is_classified_at_5_1_and_nobody_is_asked_again(office: Office):
    incident_id = office.report()
    answer = {"request_type": "咨询", "ci_affected": False, "answered": True, "answer": "套餐在营业厅首页查询"}
    office.do(incident_id, "reception01", s2_1_type=answer)
    found = office.incident(incident_id)
    assert (found["state"], found["proposed_close_code"]) == ("resolved", "C04")
    assert (found["resolver"], found["resolving_group"]) == ("reception01", "desk")
    with pytest.raises(InvalidStepError) as refused:
        office.do(incident_id, "reception01", "s5_1_check")
    assert set(refused.value.problems) == {"category", "type"}
    office.do(incident_id, "reception01", s5_1_check={"complete": True, "category": "crm", "type": "crm.app"})
    assert at(office, incident_id) == "s5_5_close"


@pytest.mark.proves("R172")
def test_what_the_desk_solved_is_supplemented_by_the_desk(office: Office):
    incident_id = office.report()
    answer = {"request_type": "咨询", "ci_affected": False, "answered": True, "answer": "见公告"}
    office.do(incident_id, "reception01", s2_1_type=answer)
    office.do(incident_id, "reception01", s5_1_check=INCOMPLETE)
    task = office.task(incident_id)
    assert (task.element.id, task.candidate_group, task.assignee) == ("s5_2_update", "desk", "reception01")
    tree = {name: TREE[name] for name in ("category", "type", "symptom")}
    office.do(incident_id, "reception01", s5_2_update={"supplement": "补分类", **tree})
    assert at(office, incident_id) == "s5_5_close"


@pytest.mark.proves("R171", "R174")
def test_who_is_not_satisfied_after_a_supplement_is_dispatched_anew(office: Office):
    incident_id = office.resolve()
    office.do(incident_id, "reception01", s5_1_check=INCOMPLETE)
    office.do(incident_id, "crm01", s5_2_update=ADDED)
    office.do(incident_id, "reception01", s5_3_ask={"satisfied": False, "opinion": "没有解决"})
    assert at(office, incident_id) == "s2_8_dispatch"


@pytest.mark.proves("R271", "R177")
def test_the_record_is_closed_by_its_recorder(office: Office):
    incident_id = office.resolve()
    office.do(incident_id, "reception01", "s5_1_check", "s5_3_ask")
    with pytest.raises(NotAllowedError):
        office.do(incident_id, "crm01", "s5_5_close")
    assert office.task(incident_id).assignee == "reception01"


@pytest.mark.proves("R138", "R176")
def test_what_a_support_person_found_begins_at_3_1_and_is_closed_by_him(office: Office):
    found = {"source": "support", "occurred_at": office.now.isoformat(), **CALL_OF_SUPPORT, **TREE, "impact": 4}
    incident_id = verbs.raise_incident(office.desk, office["crm01"], found).incident_id
    assert at(office, incident_id) == "s3_1_analyse"
    office.do(incident_id, "crm01", *STAGE_3, s3_3_confirm={**TREE, "impact": 4})
    office.do(incident_id, "crm01", *STAGE_4)
    assert (at(office, incident_id), office.task(incident_id).assignee) == ("s5_1_check", "crm01")
    office.do(incident_id, "crm01", "s5_1_check")
    office.do(incident_id, "crm01", "s5_5_close")
    assert office.status(incident_id) == "completed"


@pytest.mark.proves("R086", "R168")
def test_an_alarm_that_recovers_before_anybody_accepts_it_is_checked_and_closed_as_such(office: Office):
    alarm = {
        "source": "alarm",
        "alarm_severity": "major",
        "alarm_number": "ZBX-4711",
        "alarm_text": "主机 CPU 使用率 98%",
        "alarm_trigger": "automatic",
    }
    incident_id = office.dispatch(**alarm)
    with office.desk.unit_of_work("system") as ctx:
        recovery.clear(ctx, incidents.get(ctx, incident_id, lock=True), ctx.now)
        ctx.settle()
        instances.deliver(ctx, "recovered", str(incident_id))
    found = office.incident(incident_id)
    assert (found["state"], found["proposed_close_code"], found["resolver"]) == ("resolved", "C05", None)
    assert found["acceptance_stopped_at"] == office.now
    office.do(incident_id, "reception01", "s5_1_check", "s5_3_ask")
    office.do(incident_id, "reception01", s5_5_close={"close_code": "C05", "solution": "负载回落，告警自行消除"})
    assert office.status(incident_id) == "completed"
