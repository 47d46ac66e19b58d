"""A working office for tests: the shipped processes, the demo's accounts, a desk, and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select

from engine import tasks
from engine.context import SYSTEM, Handler
from engine.persistence import history, instance, timer, user_task
from handlers import HANDLERS
from handlers.records.tables import incident
from webapp import desk as verbs
from webapp import people
from webapp.demo.accounts import ACCOUNTS
from webapp.desk import Completed, Desk
from webapp.rights import Person
from webapp.shipped import deploy_shipped

MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai

CUSTOMER = {
    "customer_name": "城中营业厅-值班长岗",
    "customer_grade": "主管",
    "department": "public_customers",
    "phone": "0731-85550101",
    "served": True,
}
CALL = {"source": "phone", "summary": "开户界面报错", "details": "提交时提示号码资源锁定失败，三个台席都一样。"}
TREE = {"category": "crm", "type": "crm.app", "symptom": "crm.app.error", "impact": 3}
CAUSE = "crm.app.config"

# What is typed at each step of the main road when all goes well.
ROAD: Mapping[str, Mapping[str, Any]] = {
    "s2_1_type": {"request_type": "故障", "ci_affected": False},
    "s2_2_classify": TREE,
    "s2_5_find": {"found": False},
    "s2_6_attempt": {"solved": False},
    "s2_8_dispatch": {"group": "crm"},
    "s2_9_accept": {"answer": "accept"},
    "s3_1_analyse": {"analysis": "号码资源表有未释放的锁"},
    "s3_3_confirm": TREE,
    "s3_5_diagnose": {"diagnosis": "导入会话异常中断"},
    "s3_6_try": {"found": "solution", "workaround": False, "solution": "清理异常会话", "cause": CAUSE},
    "s4_1_agree": {"agreed": True, "answer": "同意马上处理"},
    "s4_5_recover": {"action": "终止异常会话"},
    "s4_6_verify": {"restored": True, "verification": "当场开户成功", "cause": CAUSE, "close_code": "C01"},
    "s5_1_check": {"complete": True},
    "s5_3_ask": {"satisfied": True, "opinion": "已恢复，满意"},
    "s5_5_close": {"close_code": "C01", "solution": "清理异常会话"},
}


# The steps of the desk's second page.
DESK_PAGE = ("s2_1_type", "s2_2_classify", "s2_5_find", "s2_6_attempt", "s2_8_dispatch")

# What the desk answers between 2.2 and 2.8 when it cannot help by itself.
NO_SUPPORT: Mapping[str, Mapping[str, Any]] = {
    "s2_3_link": {"relation": "none"},
    "s2_5_find": ROAD["s2_5_find"],
    "s2_6_attempt": ROAD["s2_6_attempt"],
}


def furnish(engine: Engine) -> None:
    """Deploy what is shipped into an empty database, and give everybody an account without a password."""
    desk = Desk(engine, lambda: MONDAY, HANDLERS, "furnishing")
    deploy_shipped(desk, update=False)
    with desk.unit_of_work(SYSTEM) as ctx:
        for account in ACCOUNTS:
            people.add(ctx, account.account, account.name, None, posts=account.posts, roles=account.roles)


class Office:
    """The desk as its people use it; time stands still until it is moved."""

    def __init__(self, engine: Engine, handlers: Mapping[str, Handler] = HANDLERS) -> None:
        """``engine`` opens a database that :func:`furnish` has filled."""
        self.now = MONDAY
        self.desk = Desk(engine, lambda: self.now, handlers, "office")
        with self.desk.reading() as connection:
            self.people = {account.account: people.find(connection, account.account) for account in ACCOUNTS}

    def __getitem__(self, account: str) -> Person:
        """The person with an account."""
        return self.people[account]

    def pass_(self, **time: float) -> None:
        """Let time pass (arguments of timedelta)."""
        self.now += timedelta(**time)

    def with_handlers(self, **handlers: Handler) -> Desk:
        """The same desk with other operations: dots of their names are written as double underscores."""
        named = {name.replace("__", "."): handler for name, handler in handlers.items()}
        return replace(self.desk, handlers={**self.desk.handlers, **named})

    def report(self, by: str = "reception01", **record: Any) -> int:
        """A call is recorded; returns the incident's id."""
        values = {verbs.IDENTIFY: CUSTOMER, verbs.RECORD: self.record(**record)}
        return verbs.report(self.desk, self[by], values).incident_id

    def record(self, **changed: Any) -> dict[str, Any]:
        """The values of 1.4."""
        return {**CALL, "occurred_at": (self.now - timedelta(minutes=10)).isoformat(), **changed}

    def task(self, incident_id: int) -> tasks.UserTask:
        """The one open user task of an incident."""
        with self.desk.unit_of_work("test") as ctx:
            found = ctx.connection.scalars(select(user_task.c.id).where(user_task.c.business_key == str(incident_id)))
            return tasks.get(ctx, found.one())

    def do(self, incident_id: int, by: str, *steps: str, **values: Mapping[str, Any]) -> Completed:
        """Send the page of the open task: ``steps`` as on the road, ``values`` where they differ.

        Whoever sends 2.2 is of the desk and goes on to 2.6: what looks alike is not the same, and nothing is known.
        """
        task = self.task(incident_id)
        together = {step: ROAD[step] for step in steps} | values
        if "s2_2_classify" in together:
            together = NO_SUPPORT | together
        return verbs.complete_joined(self.desk, self[by], task.id, together, task.token)

    def dispatch(self, by: str = "reception01", group: str = "crm", **record: Any) -> int:
        """An incident that waits for its acceptance; returns its id."""
        incident_id = self.report(by, **record)
        self.do(incident_id, by, "s2_1_type", "s2_2_classify", s2_8_dispatch={"group": group})
        return incident_id

    def accept(self, by: str = "crm01") -> int:
        """An incident that somebody has accepted; returns its id."""
        incident_id = self.dispatch()
        self.do(incident_id, by, "s2_9_accept")
        return incident_id

    def resolve(self, by: str = "crm01") -> int:
        """An incident that is resolved; returns its id."""
        incident_id = self.accept(by)
        self.do(incident_id, by, *[step for step in ROAD if step.startswith(("s3", "s4"))])
        return incident_id

    def incident(self, incident_id: int) -> Mapping[str, Any]:
        """The record as it is now."""
        with self.desk.reading() as connection:
            return dict(connection.execute(select(incident).where(incident.c.id == incident_id)).mappings().one())

    def status(self, incident_id: int) -> str:
        """The status of the incident's instance."""
        with self.desk.reading() as connection:
            query = select(instance.c.status).where(instance.c.business_key == str(incident_id))
            return str(connection.scalars(query).one())

    def steps(self, incident_id: int) -> list[str]:
        """The element ids of the handbook's steps that were left, in order."""
        query = (
            select(history.c.element_id)
            .join(instance, instance.c.id == history.c.instance_id)
            .where(instance.c.business_key == str(incident_id), history.c.element_id.regexp_match("^s[1-5]_"))
            .order_by(history.c.id)
        )
        with self.desk.reading() as connection:
            return list(connection.scalars(query))

    def timers(self) -> int:
        """How many timers wait."""
        with self.desk.reading() as connection:
            return len(connection.execute(select(timer.c.task_id)).all())
