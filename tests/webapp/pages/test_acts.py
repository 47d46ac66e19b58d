"""The acts on an incident's page: bind, link, escalate, open a problem; and the page of a child record."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from handlers.records.tables import child, incident
from tests.webapp.pages.conftest import links, statements
from webapp.app import desk_of

SignIn = Callable[[str], FlaskClient]


def numbers(app: Flask, *states: str) -> list[str]:
    with desk_of(app).reading() as connection:
        query = select(incident.c.number).where(incident.c.state.in_(states)).order_by(incident.c.id)
        return list(connection.scalars(query))


def test_a_refusal_to_bind_is_a_sentence_and_keeps_what_was_typed(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("manager01")
    number, closed = numbers(desk_app, "in_progress")[0], numbers(desk_app, "closed")[0]
    for other, why in ((number, "不能绑定到自己"), (closed, "已解决或已关闭"), ("SJ990101-001", "没有找到这个单号")):
        answer = client.post(f"/incidents/{number}/bind", data={"other": other, "reason": "同一根源"})
        assert answer.status_code == 422 and why in answer.text
        assert f'value="{other}"' in answer.text and "同一根源" in answer.text


def test_an_incident_is_bound_and_both_pages_show_it(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("manager01")
    slave, master = numbers(desk_app, "in_progress")[:2]
    assert client.post(f"/incidents/{slave}/bind", data={"other": master, "reason": "同一根源"}).status_code == 303
    assert slave in client.get(f"/incidents/{master}").text
    page = client.get(f"/incidents/{slave}").text
    assert master in page and "从事件" in page


def test_a_link_is_seen_from_both_ends_also_to_a_closed_one(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("manager01")
    number, closed = numbers(desk_app, "in_progress")[0], numbers(desk_app, "closed")[0]
    assert client.post(f"/incidents/{number}/link", data={"other": closed}).status_code == 303
    assert f"与 {closed} 建立关联" in client.get(f"/incidents/{number}").text
    assert f"与 {number} 建立关联" in client.get(f"/incidents/{closed}").text


def test_an_escalation_and_a_problem_are_children_with_pages(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("manager01")
    number = numbers(desk_app, "in_progress")[0]
    assert client.post(f"/incidents/{number}/escalate", data={"code": "客户不满意"}).status_code == 303
    typed = {"title": "查根本原因", "reason": "本月第三次"}
    assert client.post(f"/incidents/{number}/problem", data=typed).status_code == 303
    page = client.get(f"/incidents/{number}").text
    for each in links(page, r"/children/[A-Z0-9-]+"):
        with statements(desk_app) as ran:
            answer = client.get(each)
        assert answer.status_code == 200 and number in answer.text and "data-diagram" in answer.text
        assert len(ran) <= 20, len(ran)
    with desk_of(desk_app).reading() as connection:
        kinds = select(child.c.kind).join(incident, incident.c.id == child.c.incident_id)
        assert {"escalation", "problem"} <= set(connection.scalars(kinds.where(incident.c.number == number)))
    assert "客户不满意" in client.get("/board").text
    assert number in client.get("/incidents?due=escalated").text
    with statements(desk_app) as ran:
        client.get(f"/incidents/{number}")
    assert len(ran) <= 20, len(ran)


def test_contact_data_are_masked_for_who_does_not_need_them(desk_app: Flask, signed_in: SignIn) -> None:
    with desk_of(desk_app).reading() as connection:
        columns = (incident.c.number, incident.c.phone, incident.c.responsible_group)
        query = select(*columns).where(incident.c.state == "in_progress", incident.c.phone.is_not(None))
        row = connection.execute(query.order_by(incident.c.id)).first()
    assert row is not None
    assert row.phone in signed_in("manager01").get(f"/incidents/{row.number}").text
    assert row.phone not in signed_in("leaders01").get(f"/incidents/{row.number}").text
