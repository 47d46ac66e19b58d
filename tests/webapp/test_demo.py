"""The demo: three dozen believable incidents in all stages, made by the verbs that pages call."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from engine import definitions
from engine.persistence import definition, deployment, history, instance, stuck, user_task
from handlers import HANDLERS
from handlers.records.tables import child, customer, incident, reference_row
from webapp import demo
from webapp.desk import Desk
from webapp.shipped import PROCESSES, definition_files, deploy_shipped

NOW = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)


@pytest.fixture
def desk(database: Engine) -> Desk:
    desk = Desk(database, lambda: NOW, HANDLERS, "demo")
    deploy_shipped(desk, update=True)
    return desk


def incidents(desk: Desk) -> list[Any]:
    with desk.reading() as connection:
        return list(connection.execute(select(incident).order_by(incident.c.id)))


def test_the_demo_has_incidents_in_every_stage_of_their_lives(desk: Desk):
    assert demo.load(desk) is True
    found = incidents(desk)
    assert len(found) == len(demo.STORIES) >= 35
    assert Counter(row.state for row in found).keys() == {
        "to_dispatch",
        "to_accept",
        "in_progress",
        "waiting",
        "slave",
        "resolved",
        "closed",
    }
    assert {row.close_code for row in found if row.state == "closed"} == {"C01", "C02", "C06", "C11"}
    assert {"W01", "W03", "W05"} < {row.waiting_code for row in found}
    assert {row.priority for row in found} == {1, 2, 3, 4}
    assert any(row.transfers for row in found) and any(row.rejections for row in found)
    assert any(row.withdrawn and row.state != "closed" for row in found)
    with desk.reading() as connection:
        assert connection.execute(select(stuck)).all() == []
        latest = max(connection.scalars(select(history.c.left_at)))
    assert NOW - timedelta(hours=1) < latest < NOW


def test_every_open_demo_incident_has_one_task_and_one_who_answers_for_it(desk: Desk):
    demo.load(desk)
    with desk.reading() as connection:
        tasks = Counter(connection.scalars(select(user_task.c.business_key)))
        running = set(connection.scalars(select(instance.c.business_key).where(instance.c.status == "running")))
        begun = connection.execute(select(child).where(child.c.state == "open")).all()
    untouched = {str(row.id) for row in incidents(desk) if row.state == "slave"}  # its master is worked on
    untouched |= {str(row.incident_id) for row in begun if row.wait is not None}  # its child is worked on
    untouched |= {row.number for row in begun if row.kind == "announcement"}  # shown until its incident is resolved
    open_ = {str(row.id) for row in incidents(desk) if row.state != "closed"} | {row.number for row in begun}
    assert open_ == running
    assert open_ - untouched == tasks.keys() and set(tasks.values()) == {1}
    assert all(row.responsible_group for row in incidents(desk) if row.state != "closed")


def test_the_demo_shows_what_others_do_and_what_the_customer_is_asked(sqlite_database: Engine):
    desk = Desk(sqlite_database, lambda: NOW, HANDLERS, "demo")
    deploy_shipped(desk, update=True)
    demo.load(desk)
    with desk.reading() as connection:
        kinds = Counter(map(tuple, connection.execute(select(child.c.kind, child.c.state))))
        mine = connection.scalar(select(customer.c.id).where(customer.c.account == demo.CUSTOMER))
    assert kinds == Counter(
        {
            ("change", "open"): 1,
            ("change", "rejected"): 1,
            ("joint_check", "open"): 1,
            ("task", "done"): 1,
            ("task", "open"): 1,
            ("escalation", "open"): 1,
            ("announcement", "open"): 1,
            ("problem", "open"): 1,
        }
    )
    found = incidents(desk)
    assert {row.state for row in found if row.customer_id == mine} == {"waiting", "resolved"}
    assert [(row.state, row.master_id) for row in found if row.master_id] == [("slave", found[27].id)] * 2


def test_the_second_start_makes_nothing(desk: Desk):
    demo.load(desk)
    before = len(incidents(desk))
    assert demo.load(desk) is False
    assert deploy_shipped(desk, update=True) is None
    assert len(incidents(desk)) == before


def test_the_demo_is_the_same_each_time(desk: Desk, sqlite_database: Engine):
    other = Desk(sqlite_database, lambda: NOW, HANDLERS, "other")
    deploy_shipped(other, update=True)
    demo.load(desk)
    demo.load(other)
    assert incidents(desk) == incidents(other)


def test_what_is_shipped_holds_since_ever(desk: Desk):
    with desk.reading() as connection:
        assert connection.execute(select(deployment.c.effective_from)).all() == [(None,)]
        assert set(connection.scalars(select(reference_row.c.valid_from))) == {None}
        assert len(connection.execute(select(definition.c.id)).all()) == len(definition_files(PROCESSES))


@pytest.mark.parametrize(("update", "deployments"), [(True, 2), (False, 1)])
def test_shipped_files_that_changed_take_force_only_where_that_is_wanted(
    desk: Desk, tmp_path: Any, update: bool, deployments: int
):
    for name, data in definition_files(PROCESSES).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data.replace("登记事件".encode(), "登记这张单".encode()))
    done = deploy_shipped(desk, tmp_path, update=update)
    assert (done is not None) is update
    with desk.reading() as connection:
        assert len(connection.execute(select(deployment.c.id)).all()) == deployments


def test_a_version_of_the_process_owner_is_not_overwritten_by_what_is_shipped(desk: Desk):
    name, data = "forms/accept.json", (PROCESSES / "forms" / "accept.json").read_bytes()
    own = data.replace("退回理由".encode(), "为什么退回".encode())
    with desk.unit_of_work("owner01") as ctx:
        definitions.deploy(ctx, {name: own}, reason="措辞", effective_from=NOW)
    assert deploy_shipped(desk, update=True) is None
    with desk.unit_of_work("test") as ctx:
        in_force = definitions.catalogue(ctx).in_force("form", "accept", NOW)
        assert in_force is not None and definitions.content(ctx, in_force.id) == own


def test_accounts_are_posts_and_programs_and_no_persons():
    assert all(
        any(word in each.name for word in ("岗", "组", "经理", "负责人", "报告人", "平台")) for each in demo.ACCOUNTS
    )
