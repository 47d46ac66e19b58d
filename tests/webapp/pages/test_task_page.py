"""The task page: child records, steps that an answer leaves out, what somebody else changed, what can be taken over."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from engine.persistence import user_task
from handlers.records import carried
from handlers.records.tables import child, incident
from tests.office import CAUSE, TREE
from tests.webapp.pages.conftest import statements
from webapp import desk as verbs
from webapp import people
from webapp.app import desk_of
from webapp.routes.task_conflicts import read_base

SignIn = Callable[[str], FlaskClient]
BUDGET = 20


def task_at(desk_app: Flask, element_id: str, group: str | None = None) -> str:
    query = select(user_task.c.id).where(user_task.c.element_id == element_id)
    with desk_of(desk_app).reading() as connection:
        found = connection.scalar(query.where(user_task.c.candidate_group == group) if group else query)
    assert found, f"the demo has no task at {element_id}"
    return f"/tasks/{found}"


def hidden(page: str, name: str) -> str:
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)
    assert found
    return unescape(found[1])


def token(page: str) -> str:
    found = re.search(r'name="token" value="(\d+)" id="token"', page)
    assert found
    return found[1]


def test_whoever_approves_a_change_sees_its_risk_and_its_fallback(desk_app: Flask, signed_in: SignIn) -> None:
    address = task_at(desk_app, "change_approve")
    page = signed_in("change-lead").get(address).text
    assert "影响和风险" in page and "逐台重启时在途订单由其他节点承接" in page
    assert "回退办法" in page and "恢复原参数并重启" in page


def test_a_child_record_stands_beside_its_form_with_its_incident(desk_app: Flask, signed_in: SignIn) -> None:
    desk = desk_of(desk_app)
    with desk.reading() as connection:
        row = connection.execute(
            select(incident.c.id, incident.c.number).where(incident.c.state == "to_accept")
        ).first()
        assert row is not None
        actor = people.find(connection, "reception01")
    number = verbs.escalate(desk, actor, row.id, "客户不满意", "对方催得急")
    with desk.reading() as connection:
        address = f"/tasks/{connection.scalar(select(user_task.c.id).where(user_task.c.business_key == number))}"
    client = signed_in("manager01")
    listed = client.get("/work?tab=pool").text
    assert re.search(rf"ES\d{{6}}-\d+ · {row.number}", listed)
    client.get(address)
    with statements(desk_app) as found:
        page = client.get(address).text
    assert len(found) <= BUDGET, "\n".join(found)
    assert re.search(r"升级 ES\d{6}-\d+", page)
    assert "对方催得急" in page
    assert f'href="/incidents/{row.number}"' in page
    assert 'data-sheet="hold"' not in page  # others wait for it: it does not wait itself
    assert client.post(f"{address}/claim", data={"token": token(page)}).status_code == 303
    with desk.reading() as connection:
        assert connection.scalar(select(child.c.person).where(child.c.number == number)) == "manager01"


def test_an_answer_that_leaves_the_page_hides_the_steps_after_it_and_asks_nothing_of_them(
    desk_app: Flask, signed_in: SignIn
) -> None:
    client = signed_in("reception01")
    address = task_at(desk_app, "s2_1_type")
    page = client.get(address).text
    assert re.search(r'id="s2_2_classify"[^>]* data-left="s2_1_type.answered=true"', page)
    typed = {"s2_1_type.request_type": "咨询", "s2_1_type.answered": "true", "token": token(page)}
    refused = client.post(address, data=typed)
    assert refused.status_code == 422
    assert "s2_1_type--answer" in refused.text
    assert 'href="#s2_2_classify' not in refused.text
    assert re.search(r'id="s2_2_classify"[^>]* hidden', refused.text)
    done = client.post(address, data=typed | {"s2_1_type.answer": "附件上限是 50 MB。"})
    assert done.status_code == 303


def test_the_normal_call_needs_no_click_at_the_steps_of_first_support(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("reception01")
    address = task_at(desk_app, "s2_1_type")
    page = client.get(address).text
    classified = {f"s2_2_classify.{name}": str(value) for name, value in TREE.items()}
    typed = {"s2_1_type.request_type": "故障", "s2_8_dispatch.group": "crm", "token": token(page)}
    assert client.post(address, data=typed | classified).status_code == 303


def test_what_somebody_else_changed_is_taken_over_or_marked_and_nothing_typed_is_lost(
    desk_app: Flask, signed_in: SignIn
) -> None:
    client, other = signed_in("crm01"), signed_in("crm02")
    address = task_at(desk_app, "s2_9_accept", "crm")
    with desk_of(desk_app).engine.begin() as connection:
        connection.execute(update(user_task).where(user_task.c.id == address[7:]).values(assignee=None))
    first = client.get(address).text
    drafted = {"s2_9_accept.answer": "return", "s2_9_accept.return_reason": "分类写错了", "token": token(first)}
    assert other.post(f"{address}/draft", data=drafted).status_code == 303
    with desk_of(desk_app).engine.begin() as connection:
        connection.execute(update(user_task).where(user_task.c.id == address[7:]).values(assignee=None))
    typed = {"s2_9_accept.answer": "accept", "token": token(first), "base": hidden(first, "base")}
    page = client.post(address, data=typed)
    assert page.status_code == 409
    assert re.search(r'value="accept" checked', page.text)  # typed here: kept, with the other's answer beside it
    assert "别人也改过这一项" in page.text
    assert "分类写错了</textarea>" in page.text  # typed only there: taken over
    assert "已换成最新内容" in page.text


@pytest.mark.parametrize("text", ["", "x", "[1]", "null", '{"a": {"b": 1}}'])
def test_a_page_whose_beginning_cannot_be_read_is_merged_all_the_same(text: str) -> None:
    assert all(isinstance(value, str) for value in read_base(text).values())


def test_a_former_solution_is_taken_over_without_javascript(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("reception01")
    address = task_at(desk_app, "s2_1_type")
    with desk_of(desk_app).engine.begin() as connection:
        closed = select(incident.c.type, incident.c.symptom, incident.c.category).where(
            incident.c.state == "closed", incident.c.solution.is_not(None), incident.c.type.is_not(None)
        )
        row = connection.execute(closed).first()
    assert row is not None
    tree = {f"s2_2_classify.{name}": getattr(row, name) for name in ("category", "type", "symptom")}
    page = client.post(address, data=tree | {"refresh": "1"}).text
    taken = [unescape(each) for each in re.findall(r'name="take" value="([^"]+)"', page)]
    assert taken
    values = json.loads(taken[0])
    assert values["s2_5_find.found"] == "true"
    filled = client.post(address, data=tree | {"take": taken[0]}).text
    assert values["s2_5_find.used"] in filled
    assert re.search(r'name="s2_5_find.found" value="true" checked', filled)


@pytest.mark.parametrize("take", ["x", "[]", "null", '{"s2_1_type.request_type": ["a"]}'])
def test_what_no_button_offers_fills_nothing_and_breaks_nothing(desk_app: Flask, signed_in: SignIn, take: str) -> None:
    assert signed_in("reception01").post(task_at(desk_app, "s2_1_type"), data={"take": take}).status_code == 200


@pytest.mark.parametrize("element_id", ["s2_1_type", "s2_8_dispatch", "s2_9_accept"])
def test_a_task_page_needs_no_more_than_twenty_statements(desk_app: Flask, signed_in: SignIn, element_id: str) -> None:
    client = signed_in("reception01")
    address = task_at(desk_app, element_id)
    client.get(address)
    with statements(desk_app) as found:
        assert client.get(address).status_code == 200
    assert len(found) <= BUDGET, "\n".join(found)


def facts(**changed: object) -> dict[str, object]:
    known = {"priority_provisional": False, "state": "in_progress", "held_state": None, "impact": 2, "cause": CAUSE}
    return known | {"proposed_group": "crm", "proposed_close_code": "C01", "agreed": True} | changed


def test_forms_begin_with_facts_and_never_with_judgements() -> None:
    fields = ["impact", "cause", "group", "close_code", "agreed", "restored"]
    assert carried.from_incident(facts(), fields) == {"impact": 2, "cause": CAUSE, "close_code": "C01"}
    assert "group" in carried.from_incident(facts(state="to_dispatch"), fields)
    assert "group" in carried.from_incident(facts(state="waiting", held_state="to_dispatch"), fields)
    assert "impact" not in carried.from_incident(facts(priority_provisional=True), fields)
    of_child = {"facts": {"plan": "夜里切换", "note": None, "cause": "crm.app.config"}}
    assert carried.from_child(of_child, ["plan", "note", "cause", "x"]) == {"plan": "夜里切换"}
