"""Stage 4, resolution: changes, requirements and tasks that the incident waits for, and every way on (§4.3.4, §4.1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from engine.persistence import instance, subscription, user_task
from handlers import clocks
from handlers.records.tables import child as child_table
from tests.office import ROAD, Office
from tests.scenarios.companions import do as done
from tests.scenarios.companions import record as child
from tests.scenarios.companions import status as runs
from webapp import desk as verbs
from webapp.desk import InvalidStepError

STAGE_3 = ("s3_1_analyse", "s3_3_confirm", "s3_5_diagnose", "s3_6_try")
CHANGE = {"title": "调整接口超时", "details": "由 5 秒改为 15 秒"}
CHANGED = ("change_approve", "change_implement", "change_verify")
MAINTENANCE = {"kind": "maintenance", "title": "补上号码释放", "details": "功能没有交付"}
TASK = {"group": "operations", "title": "取日志", "details": "取昨晚的接口日志"}


def at(office: Office, incident_id: int) -> str:
    """The step at which the incident stands."""
    return office.task(incident_id).element.id


def agreed(way: str) -> dict[str, Any]:
    return {"agreed": True, "answer": "同意", "next": way}


def to_4(office: Office) -> int:
    """An incident with a solution, at 4.1."""
    incident_id = office.accept()
    office.do(incident_id, "crm01", *STAGE_3)
    return incident_id


def children_of(office: Office, incident_id: int, kind: str) -> list[str]:
    c = child_table.c
    query = select(c.number).where(c.incident_id == incident_id, c.kind == kind).order_by(c.id)
    with office.desk.reading() as connection:
        return list(connection.scalars(query))


def change(office: Office) -> tuple[int, str]:
    """An incident that waits for its change."""
    incident_id = to_4(office)
    office.do(incident_id, "crm01", s4_1_agree=agreed("change"))
    office.do(incident_id, "crm01", s4_2_change=CHANGE)
    return incident_id, children_of(office, incident_id, "change")[0]


def requirement(office: Office, values: dict[str, Any]) -> int:
    incident_id = to_4(office)
    office.do(incident_id, "crm01", s4_1_agree=agreed("requirement"))
    office.do(incident_id, "crm01", s4_3_create=values)
    return incident_id


def two_tasks(office: Office) -> tuple[int, list[str]]:
    """An incident that waits for two tasks."""
    incident_id = to_4(office)
    office.do(incident_id, "crm01", s4_1_agree=agreed("tasks"))
    office.do(incident_id, "crm01", s4_4_split={**TASK, "more": True})
    assert at(office, incident_id) == "s4_4_split"
    office.do(incident_id, "crm01", s4_4_split=TASK)
    return incident_id, children_of(office, incident_id, "task")


def waits(office: Office, incident_id: int) -> bool:
    """Whether the incident's process waits for its children, and has nothing for anybody to do."""
    with office.desk.reading() as connection:
        key = str(incident_id)
        tasks = connection.scalars(select(user_task.c.id).where(user_task.c.business_key == key)).all()
        of_incident = select(instance.c.id).where(instance.c.business_key == key)
        subscribed = select(subscription.c.name).where(subscription.c.instance_id.in_(of_incident))
        names = connection.scalars(subscribed).all()
    return not tasks and "children_done" in names


@pytest.mark.proves("R052", "R055", "R153", "R157", "R241")
def test_an_incident_waits_for_its_change_and_goes_on_to_verify_it(office: Office):
    incident_id, number = change(office)
    found = office.incident(incident_id)
    assert (found["state"], found["waiting_code"]) == ("waiting", "W03")
    assert waits(office, incident_id)
    due = clocks.due_at({**found, "waiting_since": None}, "restoration")
    office.pass_(hours=5)
    done(office, number, *CHANGED)
    assert (at(office, incident_id), office.incident(incident_id)["state"]) == ("s4_6_verify", "in_progress")
    assert office.task(incident_id).due_at == due + timedelta(hours=5)
    assert office.task(incident_id).assignee == "crm01"
    office.do(incident_id, "crm01", "s4_6_verify")
    assert office.incident(incident_id)["state"] == "resolved"


@pytest.mark.proves("R157")
@pytest.mark.parametrize(
    ("steps", "changed"),
    [
        (CHANGED[:2], {"change_verify": {"success": False, "result": "已回退"}}),
        ((), {"change_approve": {"decision": "rejected", "opinion": "风险太大"}}),
    ],
    ids=["failed", "rejected"],
)
def test_a_change_that_fails_or_is_rejected_brings_the_incident_back_to_stage_3(
    office: Office, steps: tuple[str, ...], changed: dict[str, Any]
):
    incident_id, number = change(office)
    done(office, number, *steps, **changed)
    found = office.incident(incident_id)
    assert (at(office, incident_id), found["stage"], found["state"]) == ("s3_1_analyse", 3, "in_progress")
    assert found["waiting_code"] is None


@pytest.mark.proves("R157")
def test_a_change_that_is_cancelled_leads_back_to_the_choice(office: Office):
    incident_id, number = change(office)
    verbs.cancel_child(office.desk, office["crm01"], number, "不需要了")
    assert (at(office, incident_id), runs(office, number)) == ("s4_1_agree", "completed")
    office.do(incident_id, "crm01", "s4_1_agree", "s4_5_recover", "s4_6_verify")
    assert office.incident(incident_id)["state"] == "resolved"


@pytest.mark.proves("R154", "R158", "R159", "R273")
def test_another_requirement_closes_the_incident_at_once_and_lives_on(office: Office):
    incident_id = requirement(office, {**MAINTENANCE, "kind": "other"})
    found = office.incident(incident_id)
    assert (found["state"], found["close_code"], office.status(incident_id)) == ("closed", "C10", "completed")
    (number,) = children_of(office, incident_id, "requirement")
    done(office, number, "requirement_review", "requirement_process")
    assert child(office, number)["state"] == "done"
    assert office.incident(incident_id)["state"] == "closed"


@pytest.mark.proves("R051", "R052", "R053", "R154", "R241")
def test_a_maintenance_requirement_is_checked_jointly_and_waited_for(office: Office):
    incident_id = requirement(office, MAINTENANCE)
    (check,) = children_of(office, incident_id, "joint_check")
    assert office.incident(incident_id)["waiting_code"] == "W05"
    done(office, check, "joint_check_answer")
    (number,) = children_of(office, incident_id, "requirement")
    assert (office.incident(incident_id)["waiting_code"], waits(office, incident_id)) == ("W04", True)
    done(office, number, "requirement_process")
    assert at(office, incident_id) == "s4_6_verify"


@pytest.mark.proves("R053")
def test_a_requirement_that_is_not_confirmed_leads_back_to_3_6_with_the_answer(office: Office):
    incident_id = requirement(office, MAINTENANCE)
    (check,) = children_of(office, incident_id, "joint_check")
    done(office, check, joint_check_answer={"confirmed": False, "answer": "功能已交付，是误用"})
    found = office.incident(incident_id)
    assert (at(office, incident_id), found["stage"], found["state"]) == ("s3_6_try", 3, "in_progress")
    assert child(office, check)["result"] == "功能已交付，是误用"
    assert children_of(office, incident_id, "requirement") == []


@pytest.mark.proves("R052")
@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_a_maintenance_requirement_may_come_to_nothing(office: Office, end: str):
    incident_id = requirement(office, MAINTENANCE)
    done(office, children_of(office, incident_id, "joint_check")[0], "joint_check_answer")
    (number,) = children_of(office, incident_id, "requirement")
    if end == "failed":
        done(office, number, requirement_process={"fulfilled": False, "result": "厂商不支持"})
        assert (at(office, incident_id), office.incident(incident_id)["stage"]) == ("s3_1_analyse", 3)
    else:
        verbs.cancel_child(office.desk, office["crm01"], number, "另有办法")
        assert at(office, incident_id) == "s4_1_agree"


@pytest.mark.proves("R057", "R155", "R160", "R162", "R163")
def test_tasks_go_to_other_groups_and_the_last_feedback_brings_the_incident_to_4_6(office: Office):
    incident_id, tasks = two_tasks(office)
    assert waits(office, incident_id) and len(tasks) == 2
    assert office.incident(incident_id)["state"] == "in_progress"
    done(office, tasks[0], "task_accept", "task_complete")
    assert waits(office, incident_id)
    done(office, tasks[1], "task_accept", "task_complete")
    assert at(office, incident_id) == "s4_6_verify"


@pytest.mark.proves("R163")
def test_a_task_that_was_not_done_brings_the_incident_back_to_stage_3(office: Office):
    incident_id, tasks = two_tasks(office)
    done(office, tasks[0], "task_accept", task_complete={"done": False, "feedback": "没有权限"})
    done(office, tasks[1], "task_accept", "task_complete")
    assert (at(office, incident_id), office.incident(incident_id)["stage"]) == ("s3_1_analyse", 3)


@pytest.mark.proves("R160")
def test_tasks_that_are_all_cancelled_lead_back_to_the_choice(office: Office):
    incident_id, tasks = two_tasks(office)
    for number in tasks:
        verbs.cancel_child(office.desk, office["crm01"], number, "自己来做")
    assert at(office, incident_id) == "s4_1_agree"


@pytest.mark.proves("R162")
def test_change_and_task_are_waited_for_together(office: Office):
    incident_id, number = change(office)
    added = verbs.add_child(office.desk, office["crm01"], incident_id, "task", "取日志", "取昨晚的", group="operations")
    done(office, number, *CHANGED)
    assert waits(office, incident_id)
    done(office, added, "task_accept", "task_complete")
    assert at(office, incident_id) == "s4_6_verify"


def interrupted(office: Office) -> tuple[int, str]:
    """An incident whose change goes on while the incident itself was taken away and has come to 4.1 again."""
    incident_id, number = change(office)
    verbs.reassign(office.desk, office["manager01"], incident_id, "换个组")
    assert at(office, incident_id) == "s2_8_dispatch"
    office.do(incident_id, "reception01", s2_8_dispatch={"group": "crm"})
    office.do(incident_id, "crm01", "s2_9_accept")
    return incident_id, number


@pytest.mark.proves("R162")
def test_what_was_sent_out_before_is_waited_for_again(office: Office):
    incident_id, number = interrupted(office)
    office.do(incident_id, "crm01", *STAGE_3)
    office.do(incident_id, "crm01", s4_1_agree=agreed("wait"))
    assert waits(office, incident_id) and office.incident(incident_id)["waiting_code"] == "W03"
    done(office, number, *CHANGED)
    assert at(office, incident_id) == "s4_6_verify"


@pytest.mark.proves("R162")
def test_the_late_result_of_an_interrupted_wait_disturbs_nobody(office: Office):
    incident_id, number = interrupted(office)
    done(office, number, *CHANGED)
    assert (at(office, incident_id), child(office, number)["state"]) == ("s3_1_analyse", "done")
    office.do(incident_id, "crm01", *STAGE_3)
    office.do(incident_id, "crm01", "s4_1_agree", "s4_5_recover", "s4_6_verify")
    assert office.incident(incident_id)["state"] == "resolved"


@pytest.mark.proves("R162")
def test_nothing_is_resolved_while_others_still_work_for_it(office: Office):
    incident_id, number = interrupted(office)
    with pytest.raises(InvalidStepError) as refused:
        office.do(incident_id, "crm01", *STAGE_3[:3], s3_6_try={**ROAD["s3_6_try"], "found": "problem"})
    assert number in refused.value.problems["found"]
    office.do(incident_id, "crm01", *STAGE_3)
    with pytest.raises(InvalidStepError) as refused:
        office.do(incident_id, "crm01", "s4_1_agree", "s4_5_recover", "s4_6_verify")
    assert number in refused.value.problems["restored"]
    other = {**MAINTENANCE, "kind": "other"}
    office.do(incident_id, "crm01", s4_1_agree=agreed("requirement"))
    with pytest.raises(InvalidStepError) as refused:
        office.do(incident_id, "crm01", s4_3_create=other)
    assert number in refused.value.problems["kind"]


@pytest.mark.proves("R156", "R162")
def test_nothing_is_waited_for_where_nothing_was_sent_out(office: Office):
    incident_id = to_4(office)
    with pytest.raises(InvalidStepError) as refused:
        office.do(incident_id, "crm01", s4_1_agree=agreed("wait"))
    assert set(refused.value.problems) == {"next"}
    assert office.incident(incident_id)["agreed"] is None


@pytest.mark.proves("R052", "R057")
def test_a_withdrawn_incident_cancels_what_others_do_for_it(office: Office):
    incident_id, number = change(office)
    verbs.withdraw(office.desk, office["reception01"], incident_id, "用户撤回")
    assert (child(office, number)["state"], runs(office, number)) == ("cancelled", "completed")
    assert at(office, incident_id) == "s5_5_close"
    assert office.incident(incident_id)["withdrawn"] is True


@pytest.mark.proves("R165", "R164")
def test_what_is_not_restored_is_investigated_again(office: Office):
    incident_id = to_4(office)
    failed = {"restored": False, "verification": "仍然报错", "cause": "crm.app.config"}
    office.do(incident_id, "crm01", "s4_1_agree", "s4_5_recover", s4_6_verify=failed)
    assert (at(office, incident_id), office.incident(incident_id)["stage"]) == ("s3_1_analyse", 3)


@pytest.mark.proves("R272")
def test_a_code_of_the_system_cannot_be_proposed(office: Office):
    incident_id = to_4(office)
    values = {**ROAD["s4_6_verify"], "close_code": "C10"}
    with pytest.raises(InvalidStepError) as refused:
        office.do(incident_id, "crm01", "s4_1_agree", "s4_5_recover", s4_6_verify=values)
    assert set(refused.value.problems) == {"close_code"}
