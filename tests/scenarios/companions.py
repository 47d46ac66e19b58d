"""Helpers of the scenarios with child records: open one, do its steps as its people would, look at what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from engine import tasks
from engine.persistence import instance, user_task
from handlers.records import children, incidents
from handlers.records.children import Child
from handlers.records.tables import child
from tests.office import ROAD, Office
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
    """A child that a step would open, its process started; returns its number."""
    group = group or ("operations" if kind == "task" else None)
    with office.desk.unit_of_work("crm01") as ctx:
        incident = incidents.get(ctx, incident_id, lock=True)
        return children.open_child(
            ctx, incident, kind, "事项", "说明", group, dict(facts or {}), waits=waits, element=None
        )


def task_of(office: Office, number: str) -> tasks.UserTask:
    """The one open task of a child."""
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
    """A child's record as it is now."""
    with office.desk.reading() as connection:
        return dict(connection.execute(select(child).where(child.c.number == number)).mappings().one())


def status(office: Office, number: str) -> str:
    """The status of a child's process."""
    with office.desk.reading() as connection:
        return str(connection.scalars(select(instance.c.status).where(instance.c.business_key == number)).one())


def children_of(office: Office, incident_id: int) -> list[str]:
    """The numbers of an incident's children, in the order of opening."""
    with office.desk.reading() as connection:
        found = select(child.c.number).where(child.c.incident_id == incident_id).order_by(child.c.id)
        return list(connection.scalars(found))


def element(office: Office, incident_id: int) -> str:
    """The step at which an incident stands."""
    return office.task(incident_id).element.id


def waiting(office: Office, incident_id: int) -> tuple[str, str | None]:
    """State and waiting code of an incident."""
    found = office.incident(incident_id)
    return found["state"], found["waiting_code"]


def agree(office: Office, incident_id: int, way: str, by: str = "crm01", **steps: Mapping[str, Any]) -> None:
    """From 4.1 the way that the user agrees to, with the steps that follow."""
    agreed = {**ROAD["s4_1_agree"], "next": way}
    office.do(incident_id, by, s4_1_agree=agreed, **steps)


def at_agreement(office: Office) -> int:
    """An incident that stands at 4.1, with crm01; returns its id."""
    incident_id = office.accept()
    office.do(incident_id, "crm01", *[step for step in ROAD if step.startswith("s3")])
    assert element(office, incident_id) == "s4_1_agree"
    return incident_id


CHANGE = {"title": "改配置", "details": "换锁超时参数"}
MAINTENANCE = {"kind": "maintenance", "title": "补批量导入", "details": "未交付"}
OTHER = {"kind": "other", "title": "新报表", "details": "每日汇总"}


def change_wanted(office: Office) -> tuple[int, str]:
    """An incident that waits for its change; returns its id and the change's number."""
    incident_id = at_agreement(office)
    agree(office, incident_id, "change", s4_2_change=CHANGE)
    return incident_id, children_of(office, incident_id)[-1]


def split(office: Office, incident_id: int, *groups: str) -> list[str]:
    """The work of an incident at 4.1 split among groups; returns the tasks' numbers."""
    agree(office, incident_id, "tasks")
    for left, group in zip(range(len(groups), 0, -1), groups, strict=True):
        task = {"group": group, "title": "查日志", "details": "前晚十点", "more": left > 1}
        office.do(incident_id, "crm01", s4_4_split=task)
    return children_of(office, incident_id)[-len(groups) :]
