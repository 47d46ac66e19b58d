"""What an incident sends out to others, and every way in which it comes back (§4.1, §4.3.4, C-07 … C-10, C-46)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from engine.context import Call, Context
from engine.errors import ConflictError, InvalidValuesError, NotAllowedError, NotFoundError
from handlers import HANDLERS
from handlers.records import children
from tests.office import ROAD, Office
from tests.scenarios.companions import (
    CHANGE,
    MAINTENANCE,
    OTHER,
    STEPS,
    agree,
    at_agreement,
    change_wanted,
    children_of,
    do,
    element,
    record,
    split,
    status,
    task_of,
    waiting,
)
from webapp import desk as verbs
from webapp.desk import InvalidStepError


def at_verification(office: Office, incident_id: int) -> bool:
    return element(office, incident_id) == "s4_6_verify" and waiting(office, incident_id) == ("in_progress", None)


@pytest.mark.proves("R055", "R153", "R157")
def test_a_change_that_succeeds_brings_the_incident_to_4_6(office: Office) -> None:
    incident_id, number = change_wanted(office)
    assert waiting(office, incident_id) == ("waiting", "W03")
    office.pass_(days=3)
    do(office, number, "change_approve", "change_implement", "change_verify")
    assert at_verification(office, incident_id)
    assert office.incident(incident_id)["restoration_paused"] == timedelta(days=3)
    assert office.task(incident_id).assignee == "crm01"


@pytest.mark.proves("R055")
@pytest.mark.parametrize(
    "steps",
    [
        {"change_approve": {"decision": "rejected", "opinion": "风险太大"}},
        {"change_approve": {}, "change_implement": {}, "change_verify": {"success": False, "result": "已回退"}},
    ],
    ids=["rejected", "failed"],
)
def test_a_change_that_is_rejected_or_fails_brings_it_back_to_stage_3(office: Office, steps: dict[str, Any]) -> None:
    incident_id, number = change_wanted(office)
    do(office, number, **steps)
    assert element(office, incident_id).startswith("s3_")
    assert waiting(office, incident_id) == ("in_progress", None)
    assert office.incident(incident_id)["stage"] == 3


def test_a_change_that_is_cancelled_brings_it_back_to_4_1(office: Office) -> None:
    incident_id, number = change_wanted(office)
    verbs.cancel_child(office.desk, office["crm01"], number, "用户改主意", key="k")
    verbs.cancel_child(office.desk, office["crm01"], number, "用户改主意", key="k")
    assert (element(office, incident_id), record(office, number)["state"]) == ("s4_1_agree", "cancelled")
    with pytest.raises(ConflictError, match="已经结束"):
        verbs.cancel_child(office.desk, office["crm01"], number, "再取消")


@pytest.mark.proves("R051", "R052", "R053", "R054", "R154", "R241")
def test_a_maintenance_requirement_is_checked_then_done_and_comes_back(office: Office) -> None:
    incident_id = at_agreement(office)
    agree(office, incident_id, "requirement", s4_3_create=MAINTENANCE)
    (check,) = children_of(office, incident_id)
    assert waiting(office, incident_id) == ("waiting", "W05")
    do(office, check, "joint_check_answer")
    _, requirement = children_of(office, incident_id)
    assert waiting(office, incident_id) == ("waiting", "W04")
    do(office, requirement, "requirement_process")
    assert at_verification(office, incident_id)


@pytest.mark.proves("R053")
def test_a_joint_check_that_says_no_brings_the_incident_back_to_3_6(office: Office) -> None:
    incident_id = at_agreement(office)
    agree(office, incident_id, "requirement", s4_3_create=MAINTENANCE)
    do(office, children_of(office, incident_id)[0], joint_check_answer={"confirmed": False, "answer": "已经交付"})
    assert element(office, incident_id) == "s3_6_try"
    assert len(children_of(office, incident_id)) == 1


@pytest.mark.proves("R158", "R159", "R273")
def test_another_requirement_closes_the_incident_and_goes_on_without_it(office: Office) -> None:
    incident_id = at_agreement(office)
    agree(office, incident_id, "requirement", s4_3_create=OTHER)
    found = office.incident(incident_id)
    assert (found["state"], found["close_code"]) == ("closed", "C10")
    (number,) = children_of(office, incident_id)
    do(office, number, "requirement_review", "requirement_process")
    assert record(office, number)["state"] == "done"
    assert office.incident(incident_id)["revision"] == found["revision"]


@pytest.mark.proves("R057", "R155", "R160", "R161", "R163")
def test_several_tasks_of_several_groups_bring_it_to_4_6_when_all_are_done(office: Office) -> None:
    incident_id = at_agreement(office)
    first, second = split(office, incident_id, "operations", "operations")
    assert waiting(office, incident_id) == ("in_progress", None)
    do(office, first, "task_accept", "task_complete")
    assert record(office, second)["state"] == "open"
    do(office, second, "task_accept", "task_complete")
    assert at_verification(office, incident_id)


def test_a_task_that_could_not_be_done_brings_it_back_to_stage_3(office: Office) -> None:
    incident_id = at_agreement(office)
    first, second = split(office, incident_id, "operations", "operations")
    do(office, first, "task_accept", task_complete={"done": False, "feedback": "没有权限"})
    do(office, second, "task_accept", "task_complete")
    assert element(office, incident_id).startswith("s3_")


def test_a_task_that_ends_before_the_last_one_is_given_out_counts(office: Office) -> None:
    incident_id = at_agreement(office)
    agree(office, incident_id, "tasks")
    task = {"group": "operations", "title": "查日志", "details": "前晚", "more": True}
    office.do(incident_id, "crm01", s4_4_split=task)
    do(office, children_of(office, incident_id)[0], "task_accept", "task_complete")
    assert element(office, incident_id) == "s4_4_split"
    office.do(incident_id, "crm01", s4_4_split={**task, "more": False})
    do(office, children_of(office, incident_id)[1], "task_accept", "task_complete")
    assert at_verification(office, incident_id)


@pytest.mark.proves("R057")
def test_one_more_child_joins_a_wait_that_goes_on(office: Office) -> None:
    incident_id = at_agreement(office)
    (task,) = split(office, incident_id, "operations")
    desk, crm = office.desk, office["crm01"]
    change = verbs.add_child(desk, crm, incident_id, "change", "改参数", "随任务一起", key="k")
    assert verbs.add_child(desk, crm, incident_id, "change", "改参数", "随任务一起", key="k") == change
    more = verbs.add_child(desk, crm, incident_id, "task", "查网络", "同一时段", group="support")
    assert waiting(office, incident_id) == ("waiting", "W03")
    do(office, task, "task_accept", "task_complete")
    do(office, change, "change_approve", "change_implement", "change_verify")
    assert waiting(office, incident_id) == ("in_progress", None)
    verbs.cancel_child(desk, crm, more, "不用查了")
    assert at_verification(office, incident_id)
    with pytest.raises(ConflictError, match="不在等待"):
        verbs.add_child(desk, crm, incident_id, "change", "太晚", "太晚")


def test_what_cannot_be_added_is_refused_by_the_field(office: Office) -> None:
    incident_id, _ = change_wanted(office)
    desk, crm = office.desk, office["crm01"]
    for given, field in (
        ({"kind": "requirement"}, "kind"),
        ({"kind": "task"}, "group"),
        ({"kind": "task", "group": "customer"}, "group"),
        ({"title": " "}, "title"),
        ({"title": "长" * 201}, "title"),
        ({"details": ""}, "details"),
    ):
        asked = {"kind": "change", "title": "标题", "details": "说明"} | given
        with pytest.raises(InvalidValuesError) as refused:
            verbs.add_child(desk, crm, incident_id, **asked)
        assert set(refused.value.problems) == {field}
    with pytest.raises(NotAllowedError):
        verbs.add_child(desk, office["settlement01"], incident_id, "change", "标题", "说明")


@pytest.mark.proves("R162")
def test_4_6_is_refused_while_others_work_for_the_incident(office: Office) -> None:
    incident_id, number = change_wanted(office)
    _taken_back(office, incident_id)
    office.do(incident_id, "crm01", *[step for step in ROAD if step.startswith("s3")])
    agree(office, incident_id, "recover", s4_5_recover=ROAD["s4_5_recover"])
    with pytest.raises(InvalidStepError) as refused:
        office.do(incident_id, "crm01", "s4_6_verify")
    assert number in refused.value.problems["restored"]
    verbs.cancel_child(office.desk, office["crm01"], number, "已用别的办法恢复")
    office.do(incident_id, "crm01", "s4_6_verify")
    assert office.incident(incident_id)["state"] == "resolved"


def test_a_result_that_comes_after_an_interruption_moves_nothing_and_is_kept(office: Office) -> None:
    incident_id, number = change_wanted(office)
    _taken_back(office, incident_id)
    before = (element(office, incident_id), office.incident(incident_id)["revision"])
    do(office, number, "change_approve", "change_implement", "change_verify")
    assert (record(office, number)["state"], record(office, number)["result"]) == ("done", "开户正常")
    assert (element(office, incident_id), office.incident(incident_id)["revision"]) == before


def test_who_takes_the_incident_over_can_wait_for_what_was_sent_out_before(office: Office) -> None:
    incident_id, number = change_wanted(office)
    _taken_back(office, incident_id)
    office.do(incident_id, "crm01", *[step for step in ROAD if step.startswith("s3")])
    agree(office, incident_id, "wait")
    assert waiting(office, incident_id) == ("waiting", "W03")
    do(office, number, "change_approve", "change_implement", "change_verify")
    assert at_verification(office, incident_id)


def test_a_withdrawal_stops_what_others_do(office: Office) -> None:
    incident_id = at_agreement(office)
    numbers = split(office, incident_id, "operations", "operations")
    task = task_of(office, numbers[0])
    token = verbs.claim(office.desk, office["operations-bss01"], task.id, task.token)
    verbs.withdraw(office.desk, office["reception01"], incident_id, "用户自己好了")
    assert element(office, incident_id) == "s5_5_close"
    assert [(record(office, each)["state"], status(office, each)) for each in numbers] == [
        ("cancelled", "completed")
    ] * 2
    with pytest.raises((ConflictError, NotFoundError)):
        verbs.complete(office.desk, office["operations-bss01"], task.id, {}, token)


def test_of_the_last_two_that_end_at_once_one_is_the_last(office: Office) -> None:
    incident_id = at_agreement(office)
    numbers = split(office, incident_id, "operations", "operations")
    for number in numbers:
        do(office, number, "task_accept")
    met = _together(office, *[_completing(office, number) for number in numbers])
    assert met == [None, None]
    assert at_verification(office, incident_id)
    assert [record(office, number)["state"] for number in numbers] == ["done", "done"]


def _completing(office: Office, number: str) -> Callable[[Any], object]:
    task, (by, values) = task_of(office, number), STEPS["task_complete"]
    return lambda desk: verbs.complete(desk, office[by], task.id, values, task.token)


def _together(office: Office, *acts: Callable[[Any], object]) -> list[Exception | None]:
    """Carry out both acts: the first one's child ends, and its commit waits until the second act waits for it."""
    ended = threading.Event()

    def finish(ctx: Context, call: Call) -> None:
        HANDLERS["child.finish"](ctx, call)
        if not ended.is_set():
            ended.set()
            _until_somebody_waits(office)

    desk = office.with_handlers(child__finish=finish)
    faults: list[Exception | None] = [None, None]

    def carry_out(number: int) -> None:
        assert number == 0 or ended.wait(20)
        try:
            acts[number](desk)
        except Exception as error:
            faults[number] = error

    threads = [threading.Thread(target=carry_out, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return faults


def _until_somebody_waits(office: Office) -> None:
    """Until somebody waits for a lock, as the database itself says; on SQLite writers queue, nobody comes between."""
    engine = office.desk.engine
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    if engine.dialect.name == "postgresql":
        for _ in range(20_000):
            with engine.connect() as connection:
                if connection.exec_driver_sql(query).scalar():
                    return
        pytest.fail("the second never met the first")


def _taken_back(office: Office, incident_id: int) -> None:
    """The manager takes the incident while it waits; it is dispatched and accepted again."""
    verbs.reassign(office.desk, office["manager01"], incident_id, "换人")
    office.do(incident_id, "reception01", "s2_8_dispatch")
    office.do(incident_id, "crm01", "s2_9_accept")


@pytest.mark.proves("R056", "R274")
def test_a_problem_is_opened_once_and_lives_on_after_the_incident(office: Office) -> None:
    incident_id = office.resolve()
    desk, by = office.desk, office["reception01"]
    number = verbs.open_problem(desk, by, incident_id, "锁不释放", "导入程序", key="k")
    assert verbs.open_problem(desk, by, incident_id, "锁不释放", "导入程序", key="k") == number
    assert office.incident(incident_id)["problem_ref"] == number
    with pytest.raises(ConflictError, match=number):
        verbs.open_problem(desk, by, incident_id, "又一个", "同一件事")
    close = {"close_code": "C02", "solution": "重启导入", "problem_ref": number}
    office.do(incident_id, "reception01", "s5_1_check", "s5_3_ask", s5_5_close=close)
    assert office.incident(incident_id)["close_code"] == "C02"
    do(office, number, "problem_analyse", "problem_solve")
    assert record(office, number)["state"] == "done"
    with pytest.raises(ConflictError, match="不能在这里取消"):
        _cancel_as_manager(office, number)


def _cancel_as_manager(office: Office, number: str) -> None:
    other = office.accept()
    problem = verbs.open_problem(office.desk, office["crm01"], other, "另一个", "另一个")
    assert problem != number
    verbs.cancel_child(office.desk, office["crm01"], problem, "不要了")


@pytest.mark.proves("R129", "R228")
def test_an_escalation_is_over_when_its_incident_closes(office: Office) -> None:
    incident_id = office.accept()
    number = verbs.escalate(office.desk, office["crm01"], incident_id, "事件经理不满意", key="k")
    assert verbs.escalate(office.desk, office["crm01"], incident_id, "事件经理不满意", key="k") == number
    found = office.incident(incident_id)
    assert (found["escalated"], found["urgency"]) == (True, "高")
    with pytest.raises(ConflictError, match="已经升级"):
        verbs.escalate(office.desk, office["manager01"], incident_id, "客户不满意")
    office.do(incident_id, "crm01", *[step for step in ROAD if step.startswith(("s3", "s4"))])
    office.do(incident_id, "reception01", "s5_1_check", "s5_3_ask", "s5_5_close")
    assert office.incident(incident_id)["state"] == "closed"
    assert (record(office, number)["state"], status(office, number)) == ("cancelled", "completed")


@pytest.mark.parametrize("reason", ["", "派单超过三次", "想升级"])
def test_people_escalate_for_three_reasons_only(office: Office, reason: str) -> None:
    incident_id = office.accept()
    with pytest.raises(InvalidValuesError):
        verbs.escalate(office.desk, office["crm01"], incident_id, reason)
    with pytest.raises(NotAllowedError):
        verbs.escalate(office.desk, office["settlement01"], incident_id, "复杂耗时")


@pytest.mark.proves("R098", "R175")
def test_5_4_takes_the_announcement_down(office: Office) -> None:
    incident_id = office.report(announce=True)
    (number,) = children_of(office, incident_id)
    do(office, number, "s1_6_publish")
    office.do(incident_id, "reception01", "s2_1_type", "s2_2_classify", "s2_8_dispatch")
    office.do(incident_id, "crm01", *[step for step in ROAD if step.startswith(("s2_9", "s3", "s4"))])
    office.do(incident_id, "reception01", "s5_1_check", "s5_3_ask", "s5_5_close")
    assert (record(office, number)["state"], status(office, number)) == ("done", "completed")


def test_nothing_is_cancelled_that_does_not_exist(office: Office) -> None:
    with pytest.raises(NotFoundError):
        verbs.cancel_child(office.desk, office["manager01"], "BG000000-001", "没有")


def test_the_verbs_answer_to_the_page_that_was_seen(office: Office) -> None:
    incident_id, number = change_wanted(office)
    seen = office.incident(incident_id)["revision"]
    for act in (
        lambda: verbs.cancel_child(office.desk, office["crm01"], number, "取消", revision=seen - 1),
        lambda: verbs.escalate(office.desk, office["crm01"], incident_id, "复杂耗时", revision=seen - 1),
        lambda: verbs.add_child(office.desk, office["crm01"], incident_id, "change", "一", "二", revision=seen - 1),
        lambda: verbs.open_problem(office.desk, office["crm01"], incident_id, "一", "二", revision=seen - 1),
    ):
        with pytest.raises(ConflictError, match="刚被他人修改"):
            act()
    assert children_of(office, incident_id) == [number]
    assert children.KINDS["change"].prefix == number[:2]
    assert CHANGE["title"] == record(office, number)["title"]
