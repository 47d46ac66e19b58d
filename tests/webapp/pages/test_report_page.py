"""Reporting as a page: similar incidents and what may be done with them, files, look-ups, statements; and raising."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from handlers.records.tables import attachment, child, comment, incident, incident_link
from tests.webapp.pages.conftest import NOW, statements
from tests.webapp.pages.test_pages import REPORT
from webapp.app import desk_of

SignIn = Callable[[str], FlaskClient]
BUDGET = 20
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
RAISED = {
    "raise.source": "support",
    "raise.occurred_at": "15:20",
    "raise.summary": "巡检发现号码库表空间将满",
    "raise.details": "使用率 96%，按目前的增长今晚写满。",
    "raise.category": "crm",
    "raise.type": "crm.app",
    "raise.symptom": "crm.app.error",
    "raise.impact": "2",
}


def an_open_incident(desk_app: Flask) -> tuple[int, str, str]:
    """Id, number and summary of one that could be a master."""
    with desk_of(desk_app).reading() as connection:
        query = select(incident.c.id, incident.c.number, incident.c.summary)
        found = connection.execute(query.where(incident.c.state == "in_progress").order_by(incident.c.id)).first()
        assert found is not None
        return found.id, found.number, found.summary


def alike(summary: str, **more: str) -> dict[str, str]:
    return REPORT | {"s1_4_record.summary": summary} | more


@pytest.mark.proves("R267")
def test_what_is_being_typed_brings_up_incidents_like_it_with_why_and_what_may_be_done(
    desk_app: Flask, signed_in: SignIn
) -> None:
    _, number, summary = an_open_incident(desk_app)
    panel = signed_in("reception01").post("/report/similar", data=alike(summary)).text
    assert number in panel
    assert "描述相近" in panel
    assert f'name="supplement" value="{number}"' in panel
    assert f'value="bind:{number}"' in panel
    assert f'value="link:{number}"' in panel


def test_a_closed_incident_may_recur_and_be_linked_and_never_be_added_to_or_lead(
    desk_app: Flask, signed_in: SignIn
) -> None:
    with desk_of(desk_app).reading() as connection:
        closed = select(incident.c.number, incident.c.summary).where(incident.c.state == "closed")
        row = connection.execute(closed).first()
    assert row is not None
    panel = signed_in("reception01").post("/report/similar", data=alike(row.summary)).text
    assert f'name="recurrence" value="{row.number}"' in panel
    assert f'value="link:{row.number}"' in panel
    assert f'name="supplement" value="{row.number}"' not in panel
    assert f'value="bind:{row.number}"' not in panel


@pytest.mark.proves("R076")
def test_a_call_about_an_open_incident_only_adds_to_it(desk_app: Flask, signed_in: SignIn) -> None:
    incident_id, number, summary = an_open_incident(desk_app)
    answer = signed_in("reception01").post("/report", data=alike(summary, supplement=number))
    assert (answer.status_code, answer.location) == (303, f"/incidents/{number}")
    with desk_of(desk_app).reading() as connection:
        texts = connection.scalars(select(comment.c.text).where(comment.c.incident_id == incident_id)).all()
        state = connection.scalar(select(incident.c.state).where(incident.c.id == incident_id))
    assert any(summary in text for text in texts)
    assert state == "in_progress"


def newest(desk_app: Flask) -> dict[str, object]:
    with desk_of(desk_app).reading() as connection:
        query = select(incident).order_by(incident.c.id.desc()).limit(1)
        return dict(connection.execute(query).mappings().one())


def test_the_new_incident_is_bound_or_linked_as_was_chosen(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("reception01")
    master, number, summary = an_open_incident(desk_app)
    assert client.post("/report", data=alike(summary, relate=f"bind:{number}")).status_code == 303
    bound = newest(desk_app)
    assert (bound["state"], bound["master_id"]) == ("slave", master)
    assert client.post("/report", data=alike(summary, relate=f"link:{number}")).status_code == 303
    linked = newest(desk_app)
    with desk_of(desk_app).reading() as connection:
        rows = connection.execute(select(incident_link.c.incident_id, incident_link.c.other_id)).all()
    assert (linked["id"], master) in [tuple(row) for row in rows] + [tuple(row)[::-1] for row in rows]
    assert linked["state"] != "slave"


@pytest.mark.parametrize("relate", ["bind:SJ000101-001", "fly:SJ000101-001", "bind:", "x"])
def test_a_choice_that_nobody_could_have_made_still_records_the_incident(signed_in: SignIn, relate: str) -> None:
    assert signed_in("reception01").post("/report", data=REPORT | {"relate": relate}).status_code == 303


@pytest.mark.proves("R269")
def test_a_closed_incident_is_recorded_as_a_recurrence(desk_app: Flask, signed_in: SignIn) -> None:
    with desk_of(desk_app).reading() as connection:
        query = select(incident.c.id, incident.c.number).where(
            incident.c.state == "closed", incident.c.number.is_not(None)
        )
        closed = connection.execute(query).first()
    assert closed is not None
    answer = signed_in("reception01").post("/report", data=REPORT | {"recurrence": closed.number})
    assert answer.status_code == 303
    assert newest(desk_app)["original_id"] == closed.id


@pytest.mark.proves("R080")
def test_files_come_with_the_report_and_a_refused_one_keeps_what_was_typed(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("reception01")
    refused = client.post("/report", data=REPORT | {"files": (io.BytesIO(b"<p>"), "页面.html")})
    assert refused.status_code == 422
    assert "“页面.html”的类型不能添加" in refused.text
    assert "多个营业厅提交订单时报错。" in refused.text
    assert client.post("/report", data=REPORT | {"files": (io.BytesIO(PNG), "报错.png")}).status_code == 303
    with desk_of(desk_app).reading() as connection:
        kept = connection.execute(select(attachment.c.incident_id, attachment.c.name)).one()
    assert tuple(kept) == (newest(desk_app)["id"], "报错.png")


@pytest.mark.parametrize("typed", ["１０", "0731"])
def test_a_customer_is_looked_up_in_any_width(signed_in: SignIn, typed: str) -> None:
    assert signed_in("reception01").get("/report/customers", query_string={"who": typed}).status_code == 200


def test_what_is_announced_is_in_sight_while_a_call_is_recorded(desk_app: Flask, signed_in: SignIn) -> None:
    incident_id, number, _ = an_open_incident(desk_app)
    common = {"revision": 1, "updated_at": NOW, "updated_by": "system", "created_at": NOW, "created_by": "system"}
    row = {"kind": "announcement", "incident_id": incident_id, "state": "open", "group": "desk"}
    with desk_of(desk_app).engine.begin() as connection:
        for at, published in enumerate((True, False), 1):
            facts = {"published": published, "title": f"公告第 {at} 号", "text": "预计 17:00 恢复"}
            values = {"number": f"GG261123-09{at}", "title": "公告", "facts": facts}
            connection.execute(insert(child).values(**common, **row, **values))
    page = signed_in("reception01").get("/report").text
    assert "正在公告：公告第 1 号" in page
    assert "公告第 2 号" not in page
    assert number in page


def test_reporting_and_looking_for_similar_incidents_keep_to_twenty_statements(
    desk_app: Flask, signed_in: SignIn
) -> None:
    client = signed_in("reception01")
    for method, address in (("get", "/report"), ("post", "/report/similar")):
        data = None if method == "get" else REPORT
        getattr(client, method)(address, data=data)
        with statements(desk_app) as found:
            getattr(client, method)(address, data=data)
        assert len(found) <= BUDGET, "\n".join(found)


def test_support_people_raise_what_they_find_and_go_on_with_the_analysis(signed_in: SignIn) -> None:
    client = signed_in("crm01")
    assert 'href="/raise" data-key="report"' in client.get("/work").text
    assert client.get("/raise").status_code == 200
    answer = client.post("/raise", data=RAISED)
    assert answer.status_code == 303
    assert re.search(r"<h1>3\.1 ", client.get(answer.location).text)


def test_a_raised_incident_with_holes_names_every_field_and_keeps_the_rest(signed_in: SignIn) -> None:
    answer = signed_in("crm01").post("/raise", data=RAISED | {"raise.summary": "", "raise.source": "failed_change"})
    assert answer.status_code == 422
    assert 'href="#raise--summary"' in answer.text
    assert 'href="#raise--failed_change"' in answer.text
    assert "使用率 96%" in answer.text


def test_only_support_people_see_the_page_for_what_they_find(signed_in: SignIn) -> None:
    client = signed_in("reception01")
    assert client.get("/raise").status_code == 403
    assert "/raise" not in client.get("/work").text


def test_choosing_narrows_the_lists_of_the_raised_incident_and_shows_its_priority(signed_in: SignIn) -> None:
    page = signed_in("crm01").post("/raise", data=RAISED | {"refresh": "1"}).text
    assert 'value="crm.app.error" selected' in page
    assert "恢复目标" in page
