"""Child records: opening, waiting for several, every way in which they come back, cancelling."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError

from engine.context import Call
from engine.errors import ConflictError, InvalidValuesError, NotFoundError
from engine.persistence import message
from handlers import HANDLERS
from handlers.records import children, incidents, waiting
from handlers.records.children import Child
from handlers.records.tables import child_change
from tests.handlers.conftest import SUPPORTER, House

PERSON = "变更管理-实施岗01"


def opened(house: House, incident_id: int, kind: str = "change", *, waits: bool = True, group: str = "crm") -> str:
    ctx = house.context(SUPPORTER)
    own = group if kind == "task" else None
    incident = incidents.get(ctx, incident_id)
    return children.open_child(ctx, incident, kind, "补单", "说明", own, {}, waits=waits, element="s4_2_change")


def begun(house: House, incident_id: int) -> str:
    ctx = house.context(SUPPORTER)
    return children.begin_wait(ctx, incidents.get(ctx, incident_id))


def ended(house: House, number: str, outcome: str = "done") -> None:
    ctx = house.context(PERSON)
    children.finish(ctx, children.get(ctx, number), outcome, result="做完了")


def child(house: House, number: str) -> Child:
    return children.get(house.context(), number)


def waiting_for(house: House, incident_id: int) -> tuple[str, str | None]:
    found = house.incident(incident_id)
    return found["state"], found["waiting_code"]


def sent(house: House, name: str = "children_done") -> list[tuple[str, Any]]:
    columns = message.c
    query = select(columns.key, columns.payload).where(columns.name == name).order_by(columns.id)
    return [(row.key, row.payload) for row in house.connection.execute(query)]


@pytest.mark.proves("R055", "R057")
def test_a_child_has_a_number_of_its_kind_and_day_and_its_process_is_wanted_once(house: House) -> None:
    incident_id = house.accepted()
    numbers = [opened(house, incident_id, kind) for kind in ("change", "change", "task")]
    assert numbers == ["BG261122-001", "BG261122-002", "RW261122-001"]
    assert sent(house, "change_wanted") == [(number, incident_id) for number in numbers[:2]]
    found = child(house, numbers[0])
    assert (found["state"], found["group"], found["priority"]) == ("open", "change", 3)
    assert (found["incident_id"], found["created_by"], found["wait"]) == (incident_id, SUPPORTER, 1)


def test_what_changes_in_a_child_is_kept_and_never_lost(house: House) -> None:
    number = opened(house, house.accepted())
    ctx = house.context(PERSON)
    found = children.change(
        ctx, children.get(ctx, number), {"person": PERSON}, facts={"opinion": "可行"}, reason="领取"
    )
    assert children.change(ctx, found, {"person": PERSON}) is found
    rows = house.connection.execute(select(child_change).where(child_change.c.child_id == found["id"])).all()
    later = [(row.field, row.old, row.new, row.actor, row.reason) for row in rows if row.reason]
    assert later == [("person", None, PERSON, PERSON, "领取"), ("opinion", None, "可行", PERSON, "领取")]
    assert {row.field for row in rows if not row.reason} == {"kind", "state", "title", "details", "group"}
    assert child(house, number)["facts"] == {"opinion": "可行"}
    with pytest.raises(DatabaseError), house.connection.begin_nested():
        house.connection.execute(update(child_change).values(reason="改"))


def test_of_two_writers_of_one_child_the_second_is_told(house: House) -> None:
    number = opened(house, house.accepted())
    stale = child(house, number)
    ctx = house.context(PERSON)
    children.change(ctx, children.get(ctx, number), {"person": PERSON})
    ctx = house.context(SUPPORTER)
    children.change(ctx, stale, {"person": SUPPORTER})
    with pytest.raises(ConflictError):
        ctx.settle()
    house.last = None


@pytest.mark.proves("R052", "R055", "R241")
@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        (["change"], "W03"),
        (["requirement"], "W04"),
        (["joint_check"], "W05"),
        (["task", "requirement"], "W04"),
        (["requirement", "change"], "W03"),
        (["task"], None),
    ],
)
def test_the_incident_waits_as_its_children_ask_and_its_waiting_ends_with_them(
    house: House, kinds: list[str], code: str | None
) -> None:
    incident_id = house.accepted()
    numbers = [opened(house, incident_id, kind) for kind in kinds]
    assert begun(house, incident_id) == f"{incident_id}.1"
    assert waiting_for(house, incident_id) == (("waiting", code) if code else ("in_progress", None))
    for number in numbers:
        assert sent(house) == []
        ended(house, number)
    assert waiting_for(house, incident_id) == ("in_progress", None)
    assert sent(house) == [(f"{incident_id}.1", "done")]


def test_the_waiting_follows_the_children_that_are_left(house: House) -> None:
    incident_id = house.accepted()
    change, requirement = opened(house, incident_id), opened(house, incident_id, "requirement")
    task = opened(house, incident_id, "task")
    begun(house, incident_id)
    ended(house, change)
    assert waiting_for(house, incident_id) == ("waiting", "W04")
    ended(house, requirement)
    assert waiting_for(house, incident_id) == ("in_progress", None)
    ended(house, task)
    assert sent(house) == [(f"{incident_id}.1", "done")]


@pytest.mark.proves("R052", "R055", "R163")
@pytest.mark.parametrize(
    ("ends", "together"),
    [
        (["done", "done"], "done"),
        (["done", "cancelled"], "done"),
        (["cancelled", "cancelled"], "cancelled"),
        (["done", "failed"], "failed"),
        (["failed", "cancelled"], "failed"),
        (["failed", "rejected"], "rejected"),
        (["rejected", "done"], "rejected"),
    ],
)
def test_the_results_of_several_come_back_as_one(sqlite_house: House, ends: list[str], together: str) -> None:
    incident_id = sqlite_house.accepted()
    numbers = [opened(sqlite_house, incident_id, "task") for _ in ends]
    begun(sqlite_house, incident_id)
    for number, end in zip(numbers, ends, strict=True):
        ended(sqlite_house, number, end)
    assert sent(sqlite_house) == [(f"{incident_id}.1", together)]


def test_children_that_end_before_the_wait_begins_are_not_waited_for(house: House) -> None:
    incident_id = house.accepted()
    ended(house, opened(house, incident_id, "task"), "failed")
    assert sent(house) == []
    begun(house, incident_id)
    assert sent(house) == [(f"{incident_id}.1", "failed")]


def test_what_an_interrupted_wait_left_open_is_waited_for_again(house: House) -> None:
    incident_id = house.accepted()
    first, second = opened(house, incident_id, "task"), opened(house, incident_id, "task")
    begun(house, incident_id)
    ended(house, first, "failed")
    assert begun(house, incident_id) == f"{incident_id}.2"
    ended(house, second)
    assert sent(house) == [(f"{incident_id}.2", "done")]


def test_nothing_to_wait_for_is_refused(house: House) -> None:
    incident_id = house.accepted()
    opened(house, incident_id, "problem", waits=False)
    with pytest.raises(ConflictError, match="没有可以等待"):
        begun(house, incident_id)
    house.last = None


def test_a_child_ends_once_and_whatever_has_become_of_its_incident(house: House) -> None:
    incident_id = house.accepted()
    number = opened(house, incident_id, "problem", waits=False)
    house.work(incident_id)
    house.step("closing.resolve", incident_id, "system")
    house.step("closing.close", incident_id, close_code="C01", solution="恢复配置")
    ended(house, number, "failed")
    ended(house, number, "done")
    assert (child(house, number)["state"], child(house, number)["result"]) == ("failed", "做完了")
    assert house.incident(incident_id)["state"] == "closed"
    with pytest.raises(ValueError, match="does not end"):
        ended(house, number, "open")


def test_who_works_on_the_incident_again_is_not_put_on_waiting_by_what_was_left(house: House) -> None:
    incident_id = house.accepted()
    change = opened(house, incident_id)
    opened(house, incident_id, "requirement")
    begun(house, incident_id)
    house.step("investigation.analyse", incident_id, SUPPORTER, analysis="先看看别的原因")
    ended(house, change)
    assert waiting_for(house, incident_id) == ("in_progress", None)


@pytest.mark.proves("R162")
def test_an_incident_is_not_resolved_while_others_work_for_it(house: House) -> None:
    incident_id = house.accepted()
    opened(house, incident_id, "problem", waits=False)
    ctx = house.context()
    children.require_none_open(ctx, incidents.get(ctx, incident_id), "restored")
    task, change = opened(house, incident_id, "task"), opened(house, incident_id)
    ctx = house.context()
    with pytest.raises(InvalidValuesError) as refused:
        children.require_none_open(ctx, incidents.get(ctx, incident_id), "restored")
    assert all(number in refused.value.problems["restored"] for number in (task, change))


def test_a_persons_own_waiting_is_not_ended_by_a_child(house: House) -> None:
    incident_id = house.accepted()
    number = opened(house, incident_id, "task")
    begun(house, incident_id)
    ctx = house.context(SUPPORTER)
    until = house.now + timedelta(days=1)
    waiting.hold(ctx, incidents.get(ctx, incident_id), "W01", until, "等用户", roles={"support"})
    ended(house, number)
    assert waiting_for(house, incident_id) == ("waiting", "W01")
    assert sent(house) == [(f"{incident_id}.1", "done")]


def test_a_withdrawal_cancels_what_others_do_but_not_a_problem(house: House) -> None:
    incident_id = house.accepted()
    numbers = [opened(house, incident_id, kind) for kind in ("change", "task")]
    escalation = opened(house, incident_id, "escalation", waits=False)
    problem = opened(house, incident_id, "problem", waits=False)
    ctx = house.context()
    children.cancel_all(ctx, incidents.get(ctx, incident_id), "用户撤销")
    stopped = [*numbers, escalation]
    assert [child(house, number)["state"] for number in [*stopped, problem]] == ["cancelled"] * 3 + ["open"]
    assert sent(house, "child_cancelled") == [(number, "cancelled") for number in stopped]
    ended(house, numbers[0])
    assert child(house, numbers[0])["state"] == "cancelled"


def test_closing_ends_the_escalation_and_takes_announcements_down(house: House) -> None:
    incident_id = house.accepted()
    escalation, shown, draft = (
        opened(house, incident_id, kind, waits=False) for kind in ("escalation", "announcement", "announcement")
    )
    ctx = house.context()
    children.change(ctx, children.get(ctx, shown), {}, facts={"published": True})
    children.end_companions(ctx, incidents.get(ctx, incident_id))
    states = [child(house, number)["state"] for number in (escalation, shown, draft)]
    assert states == ["cancelled", "open", "cancelled"]
    assert sent(house, "announcement_close") == [(shown, None)]


def test_an_alarm_that_recovers_cancels_what_others_do(house: House) -> None:
    incident_id = house.dispatched()
    number = opened(house, incident_id)
    ctx = house.context("system")
    call = Call("s5_resolved", 1, str(incident_id), {"incident_id": incident_id, "outcome": "recovered"})
    HANDLERS["closing.resolve"](ctx, call)
    assert (child(house, number)["state"], house.incident(incident_id)["state"]) == ("cancelled", "resolved")


def test_a_number_that_nobody_has_is_not_found(sqlite_house: House) -> None:
    with pytest.raises(NotFoundError):
        child(sqlite_house, "BG000000-001")
    incident_id = sqlite_house.accepted()
    with pytest.raises(NotFoundError):
        children.of(sqlite_house.context(), incident_id, "BG000000-001")


# The operations that the incident's diagrams call.


@pytest.mark.proves("R157")
def test_4_2_opens_a_change_and_waits_for_it(house: House) -> None:
    incident_id = house.accepted()
    key = house.step("change.create", incident_id, SUPPORTER, title="改配置", details="换参数", risk="低")
    assert key == f"{incident_id}.1"
    found = child(house, "BG261122-001")
    assert (found["title"], found["details"], found["facts"]) == ("改配置", "换参数", {"risk": "低"})
    assert waiting_for(house, incident_id) == ("waiting", "W03")


@pytest.mark.proves("R051", "R053", "R054", "R158")
def test_4_3_asks_for_a_joint_check_before_a_maintenance_requirement(house: House) -> None:
    incident_id = house.accepted()
    asked = {"kind": "maintenance", "title": "补功能", "details": "未交付"}
    assert house.step("requirement.draft", incident_id, SUPPORTER, **asked) == "maintenance"
    assert house.step("joint_check.request", incident_id, SUPPORTER) == f"{incident_id}.1"
    assert waiting_for(house, incident_id) == ("waiting", "W05")
    with pytest.raises(ConflictError, match="还没有确认"):
        house.step("requirement.create", incident_id, SUPPORTER)
    house.last = None
    ended(house, "XC261122-001")
    assert house.step("requirement.create", incident_id, "system") == f"{incident_id}.2"
    found = child(house, "XQ261122-001")
    assert (found["title"], found["facts"]) == ("补功能", {"kind": "maintenance", "joint_check": "XC261122-001"})
    assert waiting_for(house, incident_id) == ("waiting", "W04")


@pytest.mark.proves("R159")
def test_4_3_turns_the_incident_into_any_other_requirement(house: House) -> None:
    incident_id = house.accepted()
    asked = {"kind": "other", "title": "新报表", "details": "每日汇总"}
    assert house.step("requirement.draft", incident_id, SUPPORTER, **asked) == "other"
    house.step("requirement.create_other", incident_id, SUPPORTER)
    assert house.incident(incident_id)["proposed_close_code"] == "C10"
    assert child(house, "XQ261122-001")["wait"] is None


@pytest.mark.proves("R160")
def test_4_4_splits_the_work_among_groups(house: House) -> None:
    incident_id = house.accepted()
    for group, more in (("operations", True), ("support", False)):
        task = {"group": group, "title": "查日志", "details": "前晚", "more": more}
        assert house.step("task.create", incident_id, SUPPORTER, **task) is more
    assert house.step("children.wait", incident_id, SUPPORTER) == f"{incident_id}.1"
    assert [child(house, f"RW261122-00{n}")["group"] for n in (1, 2)] == ["operations", "support"]
    with pytest.raises(InvalidValuesError):
        house.step("task.create", incident_id, SUPPORTER, group="customer", title="不行", details="不行")
    house.last = None


@pytest.mark.proves("R129", "R228")
def test_2_10_puts_the_incident_into_the_managers_queue_once(house: House) -> None:
    incident_id = house.accepted()
    before = house.incident(incident_id)
    house.step("escalation.escalate", incident_id, SUPPORTER, reason="复杂耗时", note="已两天")
    after = house.incident(incident_id)
    assert (after["escalated"], after["urgency"]) == (True, "高")
    assert after["responsible_person"] == before["responsible_person"]
    found = child(house, "ES261122-001")
    assert (found["group"], found["facts"], found["details"]) == ("manager", {"reason": "复杂耗时"}, "已两天")
    house.step("escalation.escalate", incident_id, SUPPORTER, reason="客户不满意")
    assert len(children.open_of(house.context(), incident_id)) == 1
    other = house.accepted()
    with pytest.raises(InvalidValuesError):
        house.step("escalation.escalate", other, SUPPORTER, reason="不想做")
    house.last = None


def test_1_6_asks_for_one_announcement_only(house: House) -> None:
    incident_id = house.accepted()
    for _ in range(2):
        house.step("announcement.open", incident_id, "system")
    ctx = house.context()
    assert [each["number"] for each in children.open_of(ctx, incident_id)] == ["GG261122-001"]
    house.step("announcement.close", incident_id, "system")
    assert child(house, "GG261122-001")["state"] == "cancelled"


def test_a_childs_task_is_offered_to_whoever_has_it_and_else_to_its_group(house: House) -> None:
    incident_id = house.accepted()
    number = opened(house, incident_id)
    ctx = house.context(PERSON)
    call = Call("any", 1, number, {"child": number, "incident_id": incident_id})
    offer = HANDLERS["child.offer"]
    assert offer(ctx, call).candidate_group == "change"
    children.change(ctx, children.get(ctx, number), {"person": PERSON})
    assert (offer(ctx, call).assignee, offer(ctx, call).priority, offer(ctx, call).due_at) == (PERSON, 3, None)
    assert offer(house.context("别人"), call).assignee is None  # who has left the group is not waited for
