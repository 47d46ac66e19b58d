"""My work as a page: filters in the address, several tasks at once with a result for each, rows of child records."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from engine.context import Context
from engine.persistence import user_task
from handlers.records.tables import child, incident
from tests.webapp.pages.conftest import NOW, statements
from webapp.app import desk_of
from webapp.queries import work
from webapp.queries.work_filter import Filter
from webapp.rights import Person

SignIn = Callable[[str], FlaskClient]
BUDGET = 20


def marks(client: FlaskClient, tab: str = "pool") -> list[str]:
    return re.findall(r'name="task" value="([^"]+)"', client.get(f"/work?tab={tab}").text)


def titles(client: FlaskClient, address: str) -> list[str]:
    return re.findall(r'<a class="title" href="[^"]*">([^<]*)</a>', client.get(address).text)


def reception(desk_app: Flask) -> Person:
    return Person("reception01", "服务受理岗01", frozenset({"desk"}), frozenset({"desk"}))


def a_child_of_the_first_free_task(desk_app: Flask) -> None:
    """Make the first free task of the desk that of an announcement."""
    engine = desk_of(desk_app).engine
    with engine.begin() as connection:
        query = select(user_task.c.id, user_task.c.business_key).where(
            user_task.c.candidate_group == "desk", user_task.c.assignee.is_(None)
        )
        task = connection.execute(query.order_by(user_task.c.priority, user_task.c.due_at)).first()
        assert task is not None
        common = {"revision": 1, "updated_at": NOW, "updated_by": "system", "created_at": NOW, "created_by": "system"}
        row = {"number": "GG990101-001", "kind": "announcement", "incident_id": int(task.business_key), "state": "open"}
        connection.execute(insert(child).values(**common, **row, title="公告：网厅变慢", group="desk", facts={}))
        changed = update(user_task).where(user_task.c.id == task.id)
        connection.execute(changed.values(business_key="GG990101-001", name="1.6 创建公告", element_id="s1_6_publish"))


@pytest.mark.parametrize(
    "query", ["", "&step=s2_8_dispatch", "&priority=2", "&overdue=1", "&source=phone", "&group=desk"]
)
@pytest.mark.parametrize("tab", ["mine", "pool", "recorded", "waiting"])
def test_every_filter_narrows_to_rows_of_the_whole_list(signed_in: SignIn, tab: str, query: str) -> None:
    client = signed_in("reception01")
    assert set(titles(client, f"/work?tab={tab}&{query}")) <= set(titles(client, f"/work?tab={tab}"))


def test_filters_find_what_they_say(desk_app: Flask) -> None:
    person = reception(desk_app)
    with desk_of(desk_app).reading() as connection:
        everything = work.pool(connection, person).rows
        assert everything
        step = everything[0].element_id
        found = {
            "step": work.pool(connection, person, wanted=Filter(step=step)).rows,
            "priority": work.pool(connection, person, wanted=Filter(priority=3)).rows,
            "overdue": work.pool(connection, person, wanted=Filter(overdue_at=NOW)).rows,
            "source": work.pool(connection, person, wanted=Filter(source="phone")).rows,
        }
    ids = {name: {task.id for task in rows} for name, rows in found.items()}
    assert ids["step"] == {task.id for task in everything if task.element_id == step}
    assert ids["priority"] == {task.id for task in everything if task.priority == 3}
    assert ids["overdue"] == {task.id for task in everything if task.due_at and task.due_at < NOW}
    assert ids["source"] == {task.id for task in everything if task.incident and task.incident.source == "phone"}


@pytest.mark.parametrize(("seconds", "listed"), [(-1, True), (0, False), (1, False)])
def test_a_task_is_overdue_once_its_instant_has_passed(desk_app: Flask, seconds: int, listed: bool) -> None:
    with desk_of(desk_app).engine.begin() as connection:
        connection.execute(update(user_task).values(due_at=NOW + timedelta(seconds=seconds)))
        rows = work.pool(connection, reception(desk_app), wanted=Filter(overdue_at=NOW)).rows
        assert bool(rows) is listed


@pytest.mark.parametrize(
    "query", ["step=%27x", "priority=9", "priority=x", "source=none", "group=crm", "overdue=x", "after=x", "tab=none"]
)
def test_a_filter_that_nobody_could_have_chosen_breaks_nothing(signed_in: SignIn, query: str) -> None:
    assert signed_in("reception01").get(f"/work?{query}").status_code == 200


def test_a_filter_that_finds_nothing_says_so_and_offers_the_way_back(signed_in: SignIn) -> None:
    page = signed_in("reception01").get("/work?tab=pool&step=s9_none").text
    assert "没有符合筛选条件的工作" in page
    assert "清除筛选" in page


def test_several_tasks_are_taken_at_once_and_each_says_what_became_of_it(desk_app: Flask, signed_in: SignIn) -> None:
    client, colleague = signed_in("reception01"), signed_in("reception02")
    chosen = marks(client)
    first, token = chosen[0].split("~")
    colleague.post(f"/tasks/{first}/claim", data={"token": token})
    answer = client.post("/work/bulk?tab=pool", data={"task": chosen, "act": "claim"})
    assert answer.status_code == 200
    assert f"{len(chosen) - 1} 项办妥，1 项没有办成" in answer.text
    assert answer.text.count("已办妥") == len(chosen) - 1
    assert "服务受理岗02" in answer.text
    with desk_of(desk_app).reading() as connection:
        held = set(connection.scalars(select(user_task.c.id).where(user_task.c.assignee == "reception01")))
    assert {mark.split("~")[0] for mark in chosen[1:]} <= held


@pytest.mark.proves("R203")
def test_several_tasks_are_given_to_a_colleague_of_their_group_and_to_nobody_else(signed_in: SignIn) -> None:
    client = signed_in("reception01")
    chosen = marks(client)[:2]
    done = client.post("/work/bulk?tab=pool", data={"task": chosen, "act": "assign", "person": "reception02"})
    assert "2 项都已办妥" in done.text
    others = marks(client)[:1]
    refused = client.post("/work/bulk?tab=pool", data={"task": others, "act": "assign", "person": "crm01"})
    assert "0 项办妥，1 项没有办成" in refused.text


def test_several_incidents_are_passed_on_to_another_group_only_from_2_9(signed_in: SignIn) -> None:
    client = signed_in("crm01")
    page = client.get("/work?tab=pool").text
    chosen = marks(client)
    assert chosen
    values = {"group": "non_crm", "reason": "T1", "cause": cause(page), "note": "一起转派"}
    answer = client.post("/work/bulk?tab=pool", data={"task": chosen, "act": "transfer", **values})
    waiting = len(re.findall(r'class="step">2\.9 ', page))
    assert waiting
    assert len(re.findall(r"</span>\s*已办妥</li>", answer.text)) == waiting
    assert not re.findall(r'class="step">2\.9 ', client.get("/work?tab=pool").text)


def cause(page: str) -> str:
    found = re.search(r'<select class="input" id="bulk-cause".*?</select>', page, re.DOTALL)
    assert found
    return re.findall(r'<option value="([^"]+)"', found[0])[0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"act": "claim"}, "请先勾选要办理的工作"),
        ({"task": "x~1", "act": "fly"}, "没有这种操作"),
        ({"task": "x~1", "act": "assign"}, "请选择改派给谁"),
        ({"task": "x~1", "act": "transfer"}, "请选择转到的组"),
        ({"task": "x~1", "act": "claim"}, "已经办完或已不存在"),
        ({"task": ["~1", "x~", "x~①"], "act": "claim"}, "请先勾选要办理的工作"),
    ],
)
def test_an_act_that_cannot_be_carried_out_is_said(signed_in: SignIn, data: dict[str, object], said: str) -> None:
    assert said in signed_in("reception01").post("/work/bulk?tab=pool", data=data).text


def test_the_task_of_a_child_record_shows_its_number_and_its_incident(desk_app: Flask, signed_in: SignIn) -> None:
    a_child_of_the_first_free_task(desk_app)
    with desk_of(desk_app).reading() as connection:
        number = connection.scalar(
            select(incident.c.number)
            .join(child, child.c.incident_id == incident.c.id)
            .where(child.c.number == "GG990101-001")
        )
    page = signed_in("reception01").get("/work?tab=pool").text
    assert "公告：网厅变慢" in page
    assert f"GG990101-001 · {number}" in page
    assert "1.6 创建公告" in page


@pytest.mark.parametrize("children", [False, True])
@pytest.mark.parametrize("tab", ["mine", "pool", "recorded", "waiting"])
def test_my_work_needs_no_more_than_twenty_statements(
    desk_app: Flask, signed_in: SignIn, tab: str, children: bool
) -> None:
    if children:
        a_child_of_the_first_free_task(desk_app)
    client = signed_in("reception01")
    client.get(f"/work?tab={tab}")
    with statements(desk_app) as found:
        assert client.get(f"/work?tab={tab}&priority=&source=phone").status_code == 200
    assert len(found) <= BUDGET, "\n".join(found)


def test_a_list_without_children_asks_for_none(desk_app: Flask) -> None:
    desk = desk_of(desk_app)
    with statements(desk_app) as found, desk.reading() as connection:
        Context(connection=connection, now=NOW, actor="reception01", handlers={})
        work.pool(connection, reception(desk_app))
    assert not [each for each in found if "child" in each]
