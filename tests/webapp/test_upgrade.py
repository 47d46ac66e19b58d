"""From the first release to this one: what was at work goes on in the version with which it began.

``fixtures/first_release.backup`` is a desk of that release (schema 0001), in the format of ``lovem backup``: its demo's
incidents, one more at every user task of its diagrams, a slave with its master, drafts. Generated; posts only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select

from engine import tasks
from engine.definitions import bundle_for, load_bundle
from engine.persistence import bundle, instance, stuck, user_task
from handlers import HANDLERS, reference
from handlers.records import catalogue
from handlers.records.tables import incident, person
from tests.office import CUSTOMER, MONDAY, Office
from tests.webapp.conftest import HASH, PASSWORD, Clock
from webapp import backup, people, ready
from webapp import desk as verbs
from webapp.app import desk_of
from webapp.desk import Desk
from webapp.rights import Person
from webapp.shipped import deploy_shipped

FIRST_RELEASE = Path(__file__).parent / "fixtures" / "first_release.backup"
PROCESS = "incident"
TREE = {"category": "crm", "type": "crm.app", "symptom": "crm.app.error", "impact": 3}
# What the forms of the first release ask, when all goes well.
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "s2_1_type": {"request_type": "故障", "ci_affected": False},
    "s2_2_classify": TREE,
    "s2_8_dispatch": {"group": "crm"},
    "s2_9_accept": {"answer": "accept"},
    "s2_11_transfer": {"group": "crm", "reason": "T1", "note": "属于 CRM"},
    "s3_1_analyse": {"analysis": "号码资源表有未释放的锁"},
    "s3_3_confirm": TREE,
    "s3_5_diagnose": {"diagnosis": "导入会话异常中断"},
    "s3_6_try": {"found": "solution", "workaround": False, "solution": "清理异常会话"},
    "s4_1_agree": {"agreed": True, "answer": "同意马上处理"},
    "s4_5_recover": {"action": "终止异常会话"},
    "s4_6_verify": {"restored": True, "verification": "当场开户成功", "close_code": "C01"},
    "s5_1_check": {"complete": True, "remark": "已核对"},
    "s5_3_ask": {"satisfied": True, "opinion": "已恢复，满意"},
    "s5_5_close": {"close_code": "C01", "solution": "清理异常会话"},
}


class Upgraded(Office):
    """The desk of the first release under this version, with its own people."""

    def __init__(self, engine: Engine) -> None:
        """``engine`` opens a database that :func:`upgrade` has made."""
        self.now = MONDAY + timedelta(minutes=30)
        self.desk = Desk(engine, lambda: self.now, HANDLERS, "office")
        with self.desk.reading() as connection:
            accounts = connection.scalars(select(person.c.account)).all()
            self.people = {account: people.find(connection, account) for account in accounts}

    def live(self) -> list[int]:
        """The incidents whose process began with the first release and still runs."""
        query = select(instance.c.business_key).where(instance.c.process_key == PROCESS, instance.c.ended_at.is_(None))
        with self.desk.reading() as connection:
            return sorted(int(key) for key in connection.scalars(query))

    def at(self, element: str) -> int:
        """An incident that waits at ``element``."""
        query = select(user_task.c.business_key).where(user_task.c.element_id == element).order_by(user_task.c.id)
        with self.desk.reading() as connection:
            return int(connection.scalars(query).first() or 0)

    def open(self, incident_id: int) -> tasks.UserTask | None:
        """The open task of an incident, if it has one."""
        with self.desk.unit_of_work("test") as ctx:
            found = ctx.connection.scalar(select(user_task.c.id).where(user_task.c.business_key == str(incident_id)))
            return None if found is None else tasks.get(ctx, found)

    def who(self, task: tasks.UserTask) -> Person:
        """Somebody who may do it."""
        if task.assignee:
            return self[task.assignee]
        return next(one for one in self.people.values() if task.candidate_group in one.groups)

    def step(self, incident_id: int, **changed: Any) -> str:
        """Do the open task with the usual answers, or other ones; the element that was done."""
        task = self.open(incident_id)
        assert task is not None
        values = {**ANSWERS[task.element.id], **self.fitting(incident_id, task.element.id), **changed}
        verbs.complete(self.desk, self.who(task), task.id, values, task.token)
        return task.element.id

    def fitting(self, incident_id: int, element: str) -> dict[str, Any]:
        """The answers that depend on the incident's own classification."""
        record = self.incident(incident_id)
        with self.desk.unit_of_work("test") as ctx:
            if element == "s2_8_dispatch":
                return {"group": catalogue.selectable_groups(ctx, record)[0]["key"]}
            if element in ("s2_11_transfer", "s3_6_try", "s4_6_verify"):
                causes = (row["key"] for row in reference.rows(ctx, "causes") if row["type"] == record["type"])
                return {"cause": next(causes)}
            if element == "s3_3_confirm" and any(record[name] != value for name, value in TREE.items()):
                return {"reason": "按现象更正"}
        return {}

    def bring_to(self, element: str) -> int:
        """An incident that waits at ``element``; one from farther before is worked on until it does."""
        order = list(ANSWERS)
        before = (one for one in reversed(order[: order.index(element) + 1]) if one != "s2_11_transfer")
        incident_id = next(found for one in before if (found := self.at(one)))
        while (task := self.open(incident_id)) is not None and task.element.id != element:
            self.step(incident_id)
        return incident_id

    def finish(self, incident_id: int) -> list[str]:
        """Do task after task until the incident is closed; the elements that were done."""
        done: list[str] = []
        while self.open(incident_id) is not None:
            assert len(done) < 40, done
            self.pass_(minutes=7)
            done.append(self.step(incident_id))
        return done


def upgrade(app: Flask, clock: Clock, *, deploy: bool = True) -> None:
    """Restore the first release's desk, migrate, load and deploy what is shipped today: what an operator does."""
    clock.pass_(minutes=30)
    with app.app_context():
        manifest = backup.restore(desk_of(app), FIRST_RELEASE)
        assert manifest.revision == "0001"
        ready.migrate()
    deploy_shipped(desk_of(app), update=deploy)


@pytest.fixture
def upgraded(empty_url: str, make_app: Callable[[str], Flask], clock: Clock) -> Iterator[Upgraded]:
    app = make_app(empty_url)
    upgrade(app, clock)
    office = Upgraded(desk_of(app).engine)
    yield office
    with office.desk.reading() as connection:
        assert connection.execute(select(stuck)).all() == []


def close_all(office: Upgraded) -> None:
    live = office.live()
    assert len(live) > 30
    for incident_id in live:
        if office.incident(incident_id)["state"] != "slave":
            office.finish(incident_id)
    for incident_id in live:  # masters have told their slaves
        office.finish(incident_id)
    assert office.live() == []
    with office.desk.reading() as connection:
        states = set(connection.scalars(select(incident.c.state)))
    assert states == {"closed"}


def test_every_incident_of_the_first_release_is_worked_to_its_close(upgraded: Upgraded) -> None:
    close_all(upgraded)


def test_nothing_waits_for_todays_processes_to_be_deployed(
    make_app: Callable[[str], Flask], clock: Clock, tmp_path: Path
) -> None:
    app = make_app(f"sqlite:///{tmp_path / 'old.db'}")
    upgrade(app, clock, deploy=False)
    office = Upgraded(desk_of(app).engine)
    office.report()  # still begins with the old diagrams
    unserved = {verbs.IDENTIFY: {**CUSTOMER, "served": False}, verbs.RECORD: office.record()}
    verbs.report(office.desk, office["reception01"], unserved)
    close_all(office)
    with office.desk.reading() as connection:
        assert connection.execute(select(stuck)).all() == []


def test_what_was_at_work_keeps_its_version_and_what_begins_gets_the_new_one(upgraded: Upgraded) -> None:
    with upgraded.desk.unit_of_work("test") as ctx:
        (old,) = ctx.connection.scalars(select(bundle.c.id)).all()
        pinned = load_bundle(ctx, old)
        assert bundle_for(ctx, PROCESS).program.fingerprint != pinned.program.fingerprint
        drafts = {row.element_id: row.draft for row in ctx.connection.execute(select(user_task)) if row.draft}
    called = {one.properties["operation"] for one in pinned.program.elements.values() if "operation" in one.properties}
    assert called - HANDLERS.keys() == set()
    task = upgraded.open(upgraded.at("s4_1_agree"))
    assert task is not None
    assert task.form is not None
    assert "next" not in task.form.fields
    assert drafts["s2_8_dispatch"] == {"group": "settlement", "note": "先查锁"}


OTHER_ANSWERS: Sequence[tuple[str, Mapping[str, Any], str]] = (
    ("s2_9_accept", {"answer": "transfer"}, "s2_11_transfer"),
    ("s2_9_accept", {"answer": "return", "return_reason": "分类不对"}, "s2_8_dispatch"),
    ("s3_6_try", {"found": "transfer"}, "s2_11_transfer"),
    ("s3_6_try", {"found": "none"}, "s2_8_dispatch"),
    ("s4_1_agree", {"agreed": False, "answer": "不同意"}, "s2_8_dispatch"),
    ("s4_6_verify", {"restored": False, "verification": "仍报错"}, "s3_1_analyse"),
    ("s5_3_ask", {"satisfied": False, "opinion": "仍报错"}, "s2_8_dispatch"),
)


def test_every_other_answer_leads_where_the_old_diagram_says(upgraded: Upgraded) -> None:
    for element, answer, then in OTHER_ANSWERS:
        incident_id = upgraded.bring_to(element)
        assert upgraded.step(incident_id, **answer) == element
        task = upgraded.open(incident_id)
        assert task is not None
        assert (element, task.element.id) == (element, then)
        upgraded.finish(incident_id)
        assert upgraded.incident(incident_id)["state"] == "closed"


def test_what_comes_from_outside_reaches_into_old_instances(upgraded: Upgraded) -> None:
    resolved, withdrawn, reassigned = (upgraded.at(one) for one in ("s5_3_ask", "s3_1_analyse", "s3_5_diagnose"))
    verbs.withdraw(upgraded.desk, upgraded["reception01"], withdrawn, "用户自行恢复")
    verbs.reassign(upgraded.desk, upgraded["manager01"], reassigned, "换组处理")
    assert upgraded.finish(withdrawn) == ["s5_5_close"]
    assert upgraded.finish(reassigned)[0] == "s2_8_dispatch"
    upgraded.pass_(days=30)
    verbs.tick(upgraded.desk)
    assert upgraded.incident(resolved)["state"] == "closed"


def test_every_page_of_an_old_incident_is_shown(make_app: Callable[[str], Flask], clock: Clock, tmp_path: Path) -> None:
    app = make_app(f"sqlite:///{tmp_path / 'old.db'}")
    upgrade(app, clock)
    office = Upgraded(desk_of(app).engine)
    with office.desk.unit_of_work("test") as ctx:
        for account in office.people:
            people.set_password(ctx, account, HASH)
    one_of_each = {task.element.id: task for incident_id in office.live() if (task := office.open(incident_id))}
    assert one_of_each.keys() == ANSWERS.keys()
    for task in one_of_each.values():
        client = app.test_client()
        assert client.post("/sign-in", data=sign_in(client, office.who(task).account)).status_code == 303
        for address in (f"/tasks/{task.id}", f"/incidents/{task.business_key}", "/work"):
            assert client.get(address).status_code == 200, (task.element.id, address)


def sign_in(client: FlaskClient, account: str) -> dict[str, str]:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/sign-in").text)
    assert found
    return {"account": account, "password": PASSWORD, "csrf_token": found[1]}
