"""Child records and their processes, through the real desk: every way that each of them goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from engine.errors import ConflictError, NotAllowedError, NotFoundError
from engine.persistence import user_task
from handlers.records import children, incidents
from handlers.records.children import KINDS
from tests.office import Office
from tests.scenarios.companions import STEPS, do, opened, record, status, task_of
from webapp import desk as verbs
from webapp.desk import InvalidStepError


@pytest.mark.proves("R054", "R055", "R056", "R158", "R161")
@pytest.mark.parametrize(
    ("kind", "facts", "steps", "state", "result"),
    [
        ("change", {}, {"change_approve": {}, "change_implement": {}, "change_verify": {}}, "done", "开户正常"),
        (
            "change",
            {},
            {"change_approve": {}, "change_implement": {}, "change_verify": {"success": False, "result": "已回退"}},
            "failed",
            "已回退",
        ),
        ("change", {}, {"change_approve": {"decision": "rejected", "opinion": "风险太大"}}, "rejected", "风险太大"),
        ("requirement", {"kind": "maintenance"}, {"requirement_process": {}}, "done", "已上线"),
        (
            "requirement",
            {"kind": "maintenance"},
            {"requirement_process": {"fulfilled": False, "result": "厂商不支持"}},
            "failed",
            "厂商不支持",
        ),
        ("requirement", {"kind": "other"}, {"requirement_review": {}, "requirement_process": {}}, "done", "已上线"),
        (
            "requirement",
            {"kind": "other"},
            {"requirement_review": {"decision": "rejected", "opinion": "已有同类"}},
            "rejected",
            "已有同类",
        ),
        ("joint_check", {}, {"joint_check_answer": {}}, "done", "与营业厅核实，确未交付"),
        (
            "joint_check",
            {},
            {"joint_check_answer": {"confirmed": False, "answer": "功能已交付"}},
            "rejected",
            "功能已交付",
        ),
        ("problem", {}, {"problem_analyse": {}, "problem_solve": {}}, "done", "改导入程序"),
        (
            "problem",
            {},
            {"problem_analyse": {}, "problem_solve": {"solved": False, "solution": "等厂商补丁"}},
            "failed",
            "等厂商补丁",
        ),
        ("task", {}, {"task_accept": {}, "task_complete": {}}, "done", "日志已取"),
        (
            "task",
            {},
            {"task_accept": {}, "task_complete": {"done": False, "feedback": "没有权限"}},
            "failed",
            "没有权限",
        ),
        ("escalation", {}, {"s2_10_decide": {}}, "done", "每两小时报进展"),
        ("escalation", {}, {"s2_10_decide": {"decision": "convene", "note": "三点会商"}}, "done", "三点会商"),
    ],
)
def test_a_child_goes_its_way_and_keeps_what_came_of_it(
    office: Office, kind: str, facts: dict[str, Any], steps: dict[str, Mapping[str, Any]], state: str, result: str
) -> None:
    incident_id = office.accept()
    number = opened(office, incident_id, kind, facts, waits=False)
    do(office, number, **steps)
    found = record(office, number)
    assert (found["state"], found["result"], found["finished_at"]) == (state, result, office.now)
    assert status(office, number) == "completed"
    assert office.incident(incident_id)["state"] == "in_progress"


@pytest.mark.parametrize("kind", KINDS)
def test_a_child_that_nobody_wants_any_more_stops_whoever_has_its_task(office: Office, kind: str) -> None:
    incident_id = office.accept()
    facts = {"kind": "other"} if kind == "requirement" else {}
    number = opened(office, incident_id, kind, facts, waits=False)
    task = task_of(office, number)
    by, values = STEPS[task.element.id]
    token = verbs.claim(office.desk, office[by], task.id, task.token)
    with office.desk.unit_of_work("crm01") as ctx:
        children.cancel(ctx, children.get(ctx, number), "不再需要")
    assert (record(office, number)["state"], record(office, number)["result"]) == ("cancelled", "不再需要")
    assert status(office, number) == "completed"
    with pytest.raises((ConflictError, NotFoundError)):
        verbs.complete(office.desk, office[by], task.id, values, token)
    assert record(office, number)["state"] == "cancelled"


def test_who_sends_a_step_of_a_child_that_was_cancelled_this_moment_is_told(office: Office) -> None:
    number = opened(office, office.accept(), "task")
    task = task_of(office, number)
    with office.desk.unit_of_work("crm01") as ctx:
        children.finish(ctx, children.get(ctx, number), "cancelled", result="不用了")  # its process has not heard yet
    with pytest.raises(ConflictError, match="已取消"):
        verbs.complete(office.desk, office["operations-bss01"], task.id, {}, task.token)
    assert record(office, number)["result"] == "不用了"


def test_whoever_cancels_the_process_of_a_child_ends_its_record(office: Office) -> None:
    number = opened(office, office.accept(), "problem", waits=False)
    instance_id = task_of(office, number).instance_id
    verbs.cancel_instance(office.desk, office["owner01"], instance_id, "建错了")
    assert (record(office, number)["state"], record(office, number)["result"]) == ("cancelled", "建错了")
    assert status(office, number) == "cancelled"


@pytest.mark.proves("R098")
def test_an_announcement_is_shown_until_its_incident_is_resolved(office: Office) -> None:
    incident_id = office.accept()
    number = opened(office, incident_id, "announcement", waits=False)
    do(office, number, "s1_6_publish")
    found = record(office, number)
    assert (found["state"], found["title"], found["facts"]["published"]) == ("open", "开户变慢", True)
    with office.desk.unit_of_work("system") as ctx:
        children.close_announcements(ctx, incidents.get(ctx, incident_id, lock=True))
    assert (record(office, number)["state"], status(office, number)) == ("done", "completed")


def test_the_desk_may_find_that_no_announcement_is_needed(office: Office) -> None:
    number = opened(office, office.accept(), "announcement", waits=False)
    refused = {"publish": False, "title": None, "text": None, "reason": "只影响一个厅"}
    task = task_of(office, number)
    verbs.complete(
        office.desk,
        office["reception01"],
        task.id,
        {name: value for name, value in refused.items() if value is not None},
        task.token,
    )
    assert (record(office, number)["state"], record(office, number)["result"]) == ("rejected", "只影响一个厅")


@pytest.mark.proves("R023", "R129")
def test_the_manager_takes_an_escalated_incident_for_a_new_dispatch(office: Office) -> None:
    incident_id = office.accept()
    number = verbs.escalate(office.desk, office["crm01"], incident_id, "复杂耗时", "已两天")
    assert office.task(incident_id).assignee == "crm01"  # who has it keeps it (C-14)
    do(office, number, s2_10_decide={"decision": "reassign", "note": "交支持组"})
    assert office.task(incident_id).element.id == "s2_8_dispatch"
    found = office.incident(incident_id)
    assert (found["state"], found["responsible_group"]) == ("to_dispatch", "desk")
    assert (record(office, number)["state"], status(office, number)) == ("done", "completed")


def test_what_is_no_longer_under_way_cannot_be_taken_and_the_manager_decides_otherwise(office: Office) -> None:
    incident_id = office.accept()
    number = verbs.escalate(office.desk, office["crm01"], incident_id, "客户不满意")
    with office.desk.unit_of_work("crm01") as ctx:
        incidents.change(ctx, incidents.get(ctx, incident_id, lock=True), {"state": "resolved"})
    with pytest.raises(InvalidStepError) as refused:
        do(office, number, s2_10_decide={"decision": "reassign", "note": "收回"})
    assert "已解决" in refused.value.problems["decision"]
    assert record(office, number)["state"] == "open"
    do(office, number, "s2_10_decide")
    assert record(office, number)["state"] == "done"


def test_whoever_takes_a_childs_task_stands_in_its_record(office: Office) -> None:
    number = opened(office, office.accept(), "change")
    desk, leader = office.desk, office["change-lead"]

    def person() -> str | None:
        return record(office, number)["person"]

    task = task_of(office, number)
    token = verbs.claim(desk, leader, task.id, task.token)
    assert person() == "change-lead"
    verbs.release(desk, leader, task.id, token)
    assert person() is None
    verbs.assign(desk, leader, task.id, "change01")
    assert person() == "change01"
    verbs.delegate(desk, office["change01"], task.id, "change-lead")
    assert person() == "change-lead"
    do(office, number, "change_approve")
    assert (person(), task_of(office, number).candidate_group) == (None, "change")


def test_a_childs_task_stands_in_the_lists_by_its_incidents_priority_and_is_never_due(office: Office) -> None:
    incident_id = office.accept()
    number = opened(office, incident_id, "task", group="support")
    with office.desk.reading() as connection:
        row = connection.execute(select(user_task).where(user_task.c.business_key == number)).one()
    assert (row.candidate_group, row.assignee, row.due_at) == ("support", None, None)
    assert row.priority == office.incident(incident_id)["priority"]


def test_whoever_accepts_a_task_completes_it(office: Office) -> None:
    number = opened(office, office.accept(), "task", group="operations")
    do(office, number, "task_accept")
    assert task_of(office, number).assignee == "operations-bss01"
    task = task_of(office, number)
    with pytest.raises(NotAllowedError):
        verbs.complete(office.desk, office["operations-mo01"], task.id, STEPS["task_complete"][1], task.token)
