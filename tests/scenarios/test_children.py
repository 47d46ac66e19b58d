"""Child records and their processes, through the real desk: every way they go, and every way they come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from engine import tasks
from engine.persistence import instance, user_task
from handlers.records import children, incidents
from handlers.records.children import Child
from handlers.records.tables import child
from tests.office import Office
from webapp import desk as verbs

# Who does what at each step of a child's process, and what he types when all goes well.
STEPS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "change_approve": ("change-lead", {"decision": "approved", "opinion": "今晚实施"}),
    "change_implement": ("change01", {"implementation": "已按方案改配置"}),
    "change_verify": ("change-lead", {"success": True, "result": "开户正常"}),
    "requirement_review": ("requirement-lead", {"decision": "accepted", "opinion": "纳入下月版本"}),
    "requirement_process": ("requirement01", {"fulfilled": True, "result": "已上线"}),
    "joint_check_answer": ("planning01", {"confirmed": True, "answer": "与营业厅核实，确未交付"}),
    "problem_analyse": ("problem01", {"analysis": "比对三次中断", "cause": "导入程序不释放锁"}),
    "problem_solve": ("problem01", {"solved": True, "solution": "改导入程序"}),
    "task_accept": ("operations-bss01", {}),
    "task_complete": ("operations-bss01", {"done": True, "feedback": "日志已取"}),
    "s1_6_publish": ("reception01", {"publish": True, "title": "开户变慢", "text": "预计十一点恢复"}),
    "s2_10_decide": ("manager01", {"decision": "continue", "note": "每两小时报进展"}),
}


def opened(
    office: Office,
    incident_id: int,
    kind: str,
    facts: Mapping[str, Any] | None = None,
    *,
    group: str | None = None,
    waits: bool = True,
) -> str:
    group = group or ("operations" if kind == "task" else None)
    with office.desk.unit_of_work("crm01") as ctx:
        incident = incidents.get(ctx, incident_id, lock=True)
        return children.open_child(
            ctx, incident, kind, "事项", "说明", group, dict(facts or {}), waits=waits, element=None
        )


def task_of(office: Office, number: str) -> tasks.UserTask:
    with office.desk.unit_of_work("test") as ctx:
        found = ctx.connection.scalars(select(user_task.c.id).where(user_task.c.business_key == number))
        return tasks.get(ctx, found.one())


def do(office: Office, number: str, *steps: str, **changed: Mapping[str, Any]) -> None:
    """Complete the child's steps one after the other; ``changed`` are the values where they differ."""
    for step in [*steps, *changed]:
        task = task_of(office, number)
        assert task.element.id == step
        by, values = STEPS[step]
        verbs.complete(office.desk, office[by], task.id, {**values, **changed.get(step, {})}, task.token)


def record(office: Office, number: str) -> Child:
    with office.desk.reading() as connection:
        return dict(connection.execute(select(child).where(child.c.number == number)).mappings().one())


def runs(office: Office, number: str) -> str:
    with office.desk.reading() as connection:
        return str(connection.scalars(select(instance.c.status).where(instance.c.business_key == number)).one())


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
    assert runs(office, number) == "completed"
    assert office.incident(incident_id)["state"] == "in_progress"
