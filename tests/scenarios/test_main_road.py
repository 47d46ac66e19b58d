"""The main road of the handbook through the shipped diagrams, with the verbs that the pages call."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from engine.errors import ConflictError, InvalidValuesError, NotAllowedError
from engine.persistence import decision_log, history
from handlers.records.tables import field_change
from tests.office import CAUSE, CUSTOMER, ROAD, TREE, Office
from webapp import desk as verbs
from webapp.desk import InvalidStepError

STAGE_3 = ("s3_1_analyse", "s3_3_confirm", "s3_5_diagnose", "s3_6_try")
STAGE_4 = ("s4_1_agree", "s4_5_recover", "s4_6_verify")
ONE_MICROSECOND = timedelta(microseconds=1)


def responsible(office: Office, incident_id: int) -> tuple[str, int, str | None, str | None]:
    found = office.incident(incident_id)
    return found["state"], found["stage"], found["responsible_group"], found["responsible_person"]


@pytest.mark.proves("R058", "R136", "R198", "R199", "R203", "R211")
def test_a_call_is_recorded_dispatched_solved_confirmed_and_closed(office: Office):
    incident_id = office.report()
    assert responsible(office, incident_id) == ("to_dispatch", 2, "desk", None)
    office.do(incident_id, "reception01", "s2_1_type", "s2_2_classify", "s2_8_dispatch")
    assert responsible(office, incident_id) == ("to_accept", 2, "crm", None)
    office.do(incident_id, "crm01", "s2_9_accept")
    assert responsible(office, incident_id) == ("in_progress", 3, "crm", "crm01")
    office.do(incident_id, "crm01", *STAGE_3)
    office.do(incident_id, "crm01", *STAGE_4)
    assert responsible(office, incident_id) == ("resolved", 5, "desk", "reception01")
    office.do(incident_id, "reception01", "s5_1_check", "s5_3_ask")
    done = office.do(incident_id, "reception01", "s5_5_close")
    assert done.ended and done.opened == ()
    assert responsible(office, incident_id) == ("closed", 5, None, None)
    assert office.status(incident_id) == "completed"
    assert [step for step in office.steps(incident_id) if step in ROAD] == list(ROAD)
    assert office.timers() == 0


@pytest.mark.proves("R008")
def test_the_number_is_given_with_the_report_and_never_twice(office: Office):
    first, second = office.report(), office.report()
    office.pass_(hours=15)  # midnight in Shanghai
    third = office.report()
    numbers = [office.incident(one)["number"] for one in (first, second, third)]
    assert numbers == ["SJ261123-001", "SJ261123-002", "SJ261124-001"]


@pytest.mark.proves("R014", "R221")
def test_every_step_and_every_fact_is_kept_with_actor_and_instant(office: Office):
    incident_id = office.accept()
    with office.desk.reading() as connection:
        rows = connection.execute(select(history).where(history.c.element_id == "s2_9_accept")).all()
        accepted = select(field_change).where(field_change.c.field == "responsible_person")
        changes = connection.execute(accepted.where(field_change.c.incident_id == incident_id)).all()
        decisions = connection.scalars(select(decision_log.c.element_id).order_by(decision_log.c.id)).all()
    assert [(row.actor, row.left_at, row.outcome) for row in rows] == [("crm01", office.now, "accept")]
    assert [(row.actor, row.old, row.new, row.at) for row in changes] == [("crm01", None, "crm01", office.now)]
    assert {"s1_4_record", "s2_2_assess", "s2_8_propose"} <= set(decisions)


@pytest.mark.proves("R127", "R215")
def test_a_wrong_symptom_brings_the_incident_back_to_the_desk(office: Office):
    incident_id = office.dispatch()
    with pytest.raises(InvalidStepError) as refused:
        office.do(incident_id, "crm01", s2_9_accept={"answer": "return"})
    assert refused.value.element_id == "s2_9_accept" and set(refused.value.problems) == {"return_reason"}
    office.do(incident_id, "crm01", s2_9_accept={"answer": "return", "return_reason": "现象应为接口超时"})
    assert responsible(office, incident_id) == ("to_dispatch", 2, "desk", None)
    assert office.task(incident_id).element.id == "s2_8_dispatch"


@pytest.mark.proves("R132", "R214", "R216")
def test_a_transfer_names_cause_and_reason_and_counts(office: Office):
    incident_id = office.dispatch()
    office.do(
        incident_id,
        "crm01",
        s2_9_accept={"answer": "transfer"},
        s2_11_transfer={"group": "billing_apps", "cause": CAUSE, "reason": "T1"},
    )
    assert responsible(office, incident_id) == ("to_accept", 2, "billing_apps", None)
    found = office.incident(incident_id)
    assert (found["dispatches"], found["transfers"], found["cause"]) == (2, 1, CAUSE)
    office.do(incident_id, "billing01", "s2_9_accept")
    assert responsible(office, incident_id) == ("in_progress", 3, "billing_apps", "billing01")


@pytest.mark.proves("R101", "R150")
def test_without_a_solution_the_incident_goes_back_to_dispatch(office: Office):
    incident_id = office.accept()
    office.do(incident_id, "crm01", *STAGE_3[:3], s3_6_try={"found": "none"})
    assert responsible(office, incident_id) == ("to_dispatch", 2, "desk", None)
    assert office.task(incident_id).element.id == "s2_8_dispatch"


@pytest.mark.proves("R132", "R150")
def test_who_finds_that_others_must_do_it_transfers(office: Office):
    incident_id = office.accept()
    office.do(incident_id, "crm01", *STAGE_3[:3], s3_6_try={"found": "transfer", "cause": CAUSE})
    assert office.task(incident_id).element.id == "s2_11_transfer"
    assert office.task(incident_id).assignee == "crm01"


@pytest.mark.proves("R151")
def test_who_does_not_agree_to_the_solution_is_dispatched_anew(office: Office):
    incident_id = office.accept()
    office.do(incident_id, "crm01", *STAGE_3)
    office.do(incident_id, "crm01", s4_1_agree={"agreed": False, "answer": "不能停机"})
    assert office.task(incident_id).element.id == "s2_8_dispatch"


@pytest.mark.proves("R165")
def test_what_is_not_restored_is_investigated_again_by_the_same_person(office: Office):
    incident_id = office.accept()
    office.do(incident_id, "crm01", *STAGE_3)
    failed = {"restored": False, "verification": "仍然报错", "cause": CAUSE}
    office.do(incident_id, "crm01", *STAGE_4[:2], s4_6_verify=failed)
    assert office.task(incident_id).element.id == "s3_1_analyse"
    assert responsible(office, incident_id) == ("in_progress", 3, "crm", "crm01")


@pytest.mark.proves("R101", "R125", "R174", "R248")
def test_a_rejected_result_is_dispatched_again_and_counted(office: Office):
    incident_id = office.resolve()
    for round_ in (1, 2):
        office.do(incident_id, "reception01", "s5_1_check", s5_3_ask={"satisfied": False, "opinion": "又不行了"})
        assert office.incident(incident_id)["rejections"] == round_
        office.do(incident_id, "reception01", "s2_8_dispatch")
        office.do(incident_id, "crm02", "s2_9_accept")
        office.do(incident_id, "crm02", *STAGE_3, *STAGE_4)
    assert responsible(office, incident_id) == ("resolved", 5, "desk", "reception01")
    assert office.incident(incident_id)["transfers"] == 0  # back to the group that had it is no move


@pytest.mark.proves("R275", "R276")
@pytest.mark.parametrize(
    ("short_of", "closed"), [(ONE_MICROSECOND, False), (timedelta(), True), (-ONE_MICROSECOND, True)]
)
def test_what_stays_resolved_for_thirty_days_closes_itself(office: Office, short_of: timedelta, closed: bool):
    incident_id = office.resolve()
    office.now += timedelta(days=30) - short_of
    assert verbs.tick(office.desk).timers == closed
    found = office.incident(incident_id)
    assert (found["state"], found["close_code"]) == (("closed", "C11") if closed else ("resolved", None))
    assert office.status(incident_id) == ("completed" if closed else "running")


def test_a_rejection_counts_the_thirty_days_anew(office: Office):
    incident_id = office.resolve()
    office.pass_(days=29)
    office.do(incident_id, "reception01", "s5_1_check", s5_3_ask={"satisfied": False, "opinion": "又不行了"})
    office.pass_(days=2)
    assert verbs.tick(office.desk).timers == 0
    office.do(incident_id, "reception01", "s2_8_dispatch")
    office.do(incident_id, "crm01", "s2_9_accept")
    office.do(incident_id, "crm01", *STAGE_3, *STAGE_4)
    office.pass_(days=29)
    assert verbs.tick(office.desk).timers == 0
    office.pass_(days=1)
    assert verbs.tick(office.desk).timers == 1
    assert office.incident(incident_id)["state"] == "closed"


@pytest.mark.proves("R240", "R243", "R244")
def test_waiting_stops_what_is_due_and_resuming_gives_the_time_back(office: Office):
    incident_id = office.accept()
    due = office.task(incident_id).due_at
    assert due is not None
    until = office.now + timedelta(days=1)
    verbs.hold(office.desk, office["crm01"], incident_id, "W06", until, "等厂商备件")
    assert (office.task(incident_id).due_at, office.incident(incident_id)["state"]) == (None, "waiting")
    office.pass_(hours=5)
    verbs.resume(office.desk, office["crm01"], incident_id, "备件到了")
    assert office.task(incident_id).due_at == due + timedelta(hours=5)
    assert office.incident(incident_id)["state"] == "in_progress"


def test_whoever_goes_on_working_ends_the_waiting(office: Office):
    incident_id = office.accept()
    until = office.now + timedelta(days=1)
    verbs.hold(office.desk, office["crm01"], incident_id, "W06", until, "等厂商备件")
    office.do(incident_id, "crm01", "s3_1_analyse")
    assert office.incident(incident_id)["state"] == "in_progress"


@pytest.mark.proves("R243")
def test_a_code_of_the_system_is_not_for_people(office: Office):
    incident_id = office.accept()
    with pytest.raises(InvalidValuesError) as refused:
        verbs.hold(office.desk, office["crm01"], incident_id, "W03", office.now + timedelta(hours=1), "等变更")
    assert set(refused.value.problems) == {"code"}


@pytest.mark.proves("R270")
def test_a_withdrawn_report_waits_for_closing_with_the_users_code(office: Office):
    incident_id = office.accept()
    verbs.withdraw(office.desk, office["reception01"], incident_id, "用户自己解决了")
    task = office.task(incident_id)
    assert (task.element.id, task.assignee) == ("s5_5_close", "reception01")
    assert office.incident(incident_id)["proposed_close_code"] == "C06"
    with pytest.raises((ConflictError, NotAllowedError)):
        verbs.withdraw(office.desk, office["reception01"], incident_id, "再撤一次")
    office.do(incident_id, "reception01", s5_5_close={"close_code": "C06", "solution": "用户撤回请求"})
    assert office.status(incident_id) == "completed"


@pytest.mark.proves("R023")
def test_the_manager_takes_an_incident_from_whoever_has_it(office: Office):
    incident_id = office.accept()
    with pytest.raises(NotAllowedError):
        verbs.reassign(office.desk, office["crm02"], incident_id, "我来")
    verbs.reassign(office.desk, office["manager01"], incident_id, "处理太慢，重新分派")
    assert office.task(incident_id).element.id == "s2_8_dispatch"
    office.do(incident_id, "reception02", s2_8_dispatch={"group": "crm"})
    assert responsible(office, incident_id) == ("to_accept", 2, "crm", None)


@pytest.mark.proves("R277")
def test_a_closed_incident_is_never_reopened_but_recurs(office: Office):
    incident_id = office.resolve()
    office.do(incident_id, "reception01", "s5_1_check", "s5_3_ask", "s5_5_close")
    for verb in (verbs.withdraw, verbs.reassign, verbs.resume):
        with pytest.raises((ConflictError, NotAllowedError)):
            verb(office.desk, office["manager01"], incident_id, "再来")
    values = {verbs.IDENTIFY: CUSTOMER, verbs.RECORD: office.record()}
    again = verbs.report(office.desk, office["reception01"], values, original=incident_id)
    assert office.incident(again.incident_id)["original_id"] == incident_id


@pytest.mark.proves("R221")
def test_a_changed_impact_changes_the_priority_and_what_is_due(office: Office):
    incident_id = office.accept()
    before = office.task(incident_id)
    office.do(incident_id, "crm01", "s3_1_analyse", s3_3_confirm={**TREE, "impact": 1, "reason": "全部营业厅都受影响"})
    after = office.task(incident_id)
    assert (before.priority, after.priority) == (2, 1)
    assert before.due_at is not None and after.due_at is not None and after.due_at < before.due_at
