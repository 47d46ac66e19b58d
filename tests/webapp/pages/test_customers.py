"""What the customer does himself: report, answer, confirm, add, withdraw; his own incidents and nobody else's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import func, select

from engine.context import SYSTEM
from engine.errors import ConflictError, InvalidValuesError, NotAllowedError
from engine.persistence import user_task
from handlers.records.tables import comment, customer, incident
from tests.office import ROAD, Office
from webapp import desk as verbs
from webapp import people
from webapp.app import desk_of
from webapp.desk import IDENTIFY, RECORD
from webapp.rights import Person

SignIn = Callable[[str], FlaskClient]


def reporter(office: Office, incident_id: int) -> Person:
    """The demo's customer account, tied to whoever reported this incident."""
    with office.desk.reading() as connection:
        customer_id = connection.scalar(select(incident.c.customer_id).where(incident.c.id == incident_id))
    with office.desk.unit_of_work(SYSTEM) as ctx:
        people.link_customer(ctx, "customer01", customer_id)
    with office.desk.reading() as connection:
        return people.find(connection, "customer01")


def test_a_request_waits_at_the_desk_with_what_was_typed(office: Office) -> None:
    me = reporter(office, office.report())
    incident_id = verbs.request(office.desk, me, "打印机不工作", "三楼打印机亮红灯", key="k1")
    assert verbs.request(office.desk, me, "打印机不工作", "三楼打印机亮红灯", key="k1") == incident_id
    with office.desk.reading() as connection:
        task = connection.execute(select(user_task).where(user_task.c.business_key == str(incident_id))).one()
        kept = connection.execute(select(incident).where(incident.c.id == incident_id)).one()
    assert (task.element_id, task.candidate_group) == (IDENTIFY, "desk")
    assert task.draft[RECORD]["summary"] == "打印机不工作"
    assert (kept.source, kept.customer_id, kept.responsible_group) == ("portal", me.customer, "desk")
    with pytest.raises(InvalidValuesError):
        verbs.request(office.desk, me, " ", "x")


def test_an_account_without_a_customer_cannot_report(office: Office) -> None:
    with pytest.raises(ConflictError, match="用户资料"):
        verbs.request(office.desk, office["customer01"], "打印机不工作", "亮红灯")
    with pytest.raises(NotAllowedError):
        verbs.request(office.desk, office["crm01"], "打印机不工作", "亮红灯")


def test_nobody_acts_on_an_incident_of_another(office: Office) -> None:
    incident_id = office.report()
    stranger = office["customer01"]
    for act in (
        lambda: verbs.comment(office.desk, stranger, incident_id, "再补充一句", kind="supplement"),
        lambda: verbs.answer(office.desk, stranger, incident_id, "再补充一句"),
        lambda: verbs.confirm(office.desk, stranger, incident_id, True, "好了"),
        lambda: verbs.withdraw(office.desk, stranger, incident_id, "不用了", himself=True),
    ):
        with pytest.raises(NotAllowedError):
            act()


@pytest.mark.parametrize("satisfied", [True, False])
def test_the_customer_answers_5_3_himself_where_it_is_open(office: Office, satisfied: bool) -> None:
    incident_id = office.report()
    me = reporter(office, incident_id)
    with pytest.raises(NotAllowedError):
        verbs.confirm(office.desk, me, incident_id, satisfied, "还没解决")
    for step in ROAD:
        task = office.task(incident_id)
        if step == "s5_3_ask":
            break
        actor = office["crm01" if task.candidate_group == "crm" else "reception01"]
        verbs.complete(office.desk, actor, task.id, ROAD[step], task.token)
        if step == "s4_6_verify":
            assert not verbs.confirm(office.desk, me, incident_id, satisfied, "先说一句")  # 5.1 is open: a remark
    assert verbs.confirm(office.desk, me, incident_id, satisfied, "看过了")
    with office.desk.reading() as connection:
        kept = connection.execute(select(incident).where(incident.c.id == incident_id)).one()
        said = connection.scalars(select(comment.c.text).where(comment.c.incident_id == incident_id)).all()
    assert kept.opinion == "看过了" and any("先说一句" in text for text in said)
    assert (kept.rejections, kept.state) == ((0, "resolved") if satisfied else (1, "to_dispatch"))


def test_the_customer_adds_and_withdraws(office: Office) -> None:
    incident_id = office.report()
    me = reporter(office, incident_id)
    verbs.comment(office.desk, me, incident_id, "四楼也一样", kind="supplement")
    verbs.withdraw(office.desk, me, incident_id, "自己好了", himself=True)
    with office.desk.reading() as connection:
        assert connection.scalar(select(incident.c.withdrawn).where(incident.c.id == incident_id))


def test_a_customer_sees_his_own_incidents_in_plain_words(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("customer01")
    page = client.get("/", follow_redirects=True)
    assert page.status_code == 200 and "我报告的事件" in page.text
    with desk_of(desk_app).reading() as connection:
        mine = connection.scalar(select(customer.c.id).where(customer.c.account == "customer01"))
        own = connection.scalars(select(incident.c.id).where(incident.c.customer_id == mine)).all()
        other = connection.scalar(select(incident.c.id).where(incident.c.customer_id != mine))
    assert own and client.get(f"/my/{other}").status_code == 404
    assert client.post(f"/my/{other}", data={"act": "supplement", "text": "x"}).status_code == 403
    for each in own:
        text = client.get(f"/my/{each}").text
        assert "岗01" not in text.replace("业务部门报告人01", "").split('id="main"')[1]


def test_a_signed_link_leads_to_one_incident_and_is_limited(desk_app: Flask, signed_in: SignIn) -> None:
    with desk_of(desk_app).reading() as connection:
        number = connection.scalar(select(incident.c.number).where(incident.c.state == "in_progress"))
    page = signed_in("reception01").post(f"/incidents/{number}/customer-link")
    address = page.text.split("/follow/")[1].split("<")[0].strip()
    stranger = desk_app.test_client()
    assert number in stranger.get(f"/follow/{address}").text
    assert stranger.get(f"/follow/{address[:-2]}xx").status_code == 404
    assert stranger.get(f"/incidents/{number}").status_code == 303
    sent = [
        stranger.post(f"/follow/{address}", data={"act": "supplement", "text": f"第 {n} 次"}).status_code
        for n in range(11)
    ]
    assert sent == [303] * 10 + [429]
    assert signed_in("crm01").post(f"/incidents/{number}/customer-link").status_code == 403


def test_signing_out_everywhere_ends_every_session_of_the_account(signed_in: SignIn) -> None:
    here, there, other = signed_in("crm01"), signed_in("crm01"), signed_in("crm02")
    assert here.post("/sign-out-everywhere").status_code == 303
    assert there.get("/work").status_code == 303
    assert other.get("/work").status_code == 200


def test_the_desk_takes_a_customers_request_over_by_one_save_and_records_it(desk_app: Flask, signed_in: SignIn) -> None:
    with desk_of(desk_app).reading() as connection:
        own = connection.scalar(select(func.max(incident.c.id)))
    sent = {"summary": "打印机不工作", "details": "三楼打印机亮红灯"}
    assert signed_in("customer01").post("/my", data=sent).status_code == 303
    with desk_of(desk_app).reading() as connection:
        mine = connection.scalar(select(func.max(incident.c.id)))
        task_id = connection.scalar(select(user_task.c.id).where(user_task.c.business_key == str(mine)))
    assert mine != own
    desk = signed_in("reception01")
    page = desk.get(f"/tasks/{task_id}").text
    assert "打印机不工作" in page and "三楼打印机亮红灯" in page
    values = form_of(page)
    assert values["s1_4_record.summary"] == "打印机不工作"
    values["s1_4_record.occurred_at"] = "15:20"
    assert desk.post(f"/tasks/{task_id}/draft", data=values).status_code == 303
    page = desk.get(f"/tasks/{task_id}").text
    again = form_of(page)
    assert (again["s1_4_record.summary"], again["s1_4_record.occurred_at"]) == ("打印机不工作", "2026-11-23 15:20")
    done = desk.post(f"/tasks/{task_id}", data=again)
    assert done.status_code == 303, done.text
    with desk_of(desk_app).reading() as connection:
        kept = connection.execute(select(incident).where(incident.c.id == mine)).one()
    assert kept.number and (kept.summary, kept.recorder) == ("打印机不工作", "reception01")


def form_of(page: str) -> dict[str, str]:
    """What the page's task form would send as it stands."""
    form = next(form for form in html.fromstring(page).forms if "key" in form.fields and "token" in form.fields)
    return {name: value for name, value in form.form_values()}
