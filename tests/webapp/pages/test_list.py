"""The list of incidents: filters in the address, kept filters, the export, and how the database finds the rows."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select, update

from handlers.records.tables import incident
from tests.webapp.pages.conftest import NOW, links, statements
from webapp.app import desk_of
from webapp.queries import incidents
from webapp.queries.filters import PRESSING, Filter
from webapp.routes.spreadsheet import defused

SignIn = Callable[[str], FlaskClient]
NUMBER = r"/incidents/SJ[0-9-]+"


@pytest.mark.parametrize(
    ("query", "column", "wanted"),
    [
        ("priority=1", "priority", {1}),
        ("state=all&source=email", "source", {"email"}),
        ("group=crm", "responsible_group", {"crm"}),
        ("state=closed", "state", {"closed"}),
        ("state=unaccepted", "state", {"new", "to_dispatch", "to_accept"}),
    ],
)
def test_a_filter_in_the_address_narrows_the_list(
    desk_app: Flask, signed_in: SignIn, query: str, column: str, wanted: set[object]
) -> None:
    found = links(signed_in("manager01").get(f"/incidents?{query}").text, NUMBER)
    with desk_of(desk_app).reading() as connection:
        rows = connection.execute(select(incident.c.number, incident.c.state, incident.c[column].label("value"))).all()
    listed = {row.number for row in rows if "state=" in query or row.state != "closed"}
    assert {f"/incidents/{row.number}" for row in rows if row.value in wanted and row.number in listed} == set(found)


def test_a_call_that_only_added_to_another_incident_is_not_listed(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("manager01")
    number = links(client.get("/incidents?state=closed").text, NUMBER)[0].rpartition("/")[2]
    with desk_of(desk_app).engine.begin() as connection:
        connection.execute(update(incident).where(incident.c.number == number).values(supplement_of=1))
    assert number not in client.get("/incidents?state=closed").text


def test_the_board_counts_what_its_links_list(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("manager01")
    with statements(desk_app) as ran:
        page = client.get("/board")
    assert page.status_code == 200 and len(ran) <= 20, len(ran)
    for kind in PRESSING:
        shown = int(page.text.split(f'href="/incidents?due={kind}"')[1].split("<b>")[1].split("</b>")[0])
        assert shown == len(links(client.get(f"/incidents?due={kind}").text, NUMBER)), kind


def test_filters_are_kept_under_a_name_by_their_owner(signed_in: SignIn) -> None:
    client, other = signed_in("manager01"), signed_in("leaders01")
    assert client.post("/incidents/filters?priority=1", data={"name": " "}).status_code == 422
    assert client.post("/incidents/filters?priority=1&due=over", data={"name": "极高超时"}).status_code == 303
    page = client.get("/incidents?priority=1&due=over").text
    assert "极高超时" in page and "极高超时" not in other.get("/incidents").text
    delete = page.split('action="/incidents/filters/')[1].split('"')[0]
    assert other.post(f"/incidents/filters/{delete}").status_code == 404
    assert client.post(f"/incidents/filters/{delete}").status_code == 303
    assert "极高超时" not in client.get("/incidents").text


def test_the_export_defuses_formulas_and_masks_contacts(desk_app: Flask, signed_in: SignIn) -> None:
    with desk_of(desk_app).engine.begin() as connection:
        first = select(incident.c.id).where(incident.c.state == "in_progress").limit(1).scalar_subquery()
        connection.execute(update(incident).where(incident.c.id == first).values(summary="=1+1", phone="0731-85559999"))
    for account, seen in (("manager01", "0731-85559999"), ("leaders01", "****99")):
        answer = signed_in(account).get("/incidents/export.xlsx?state=in_progress")
        assert answer.status_code == 200
        sheet = zipfile.ZipFile(io.BytesIO(answer.data)).read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet and "'=1+1" in sheet and seen in sheet
    assert signed_in("crm01").get("/incidents/export.xlsx").status_code == 403


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_text_that_begins_like_a_formula_is_defused(text: str) -> None:
    assert defused(text) == f"'{text}"
    assert defused("网络中断") == "网络中断"


USUAL = [
    Filter(),
    Filter(state="waiting"),
    Filter(priority=1),
    Filter(due="over"),
    Filter(due="unclaimed"),
    Filter(state="closed"),
    Filter(state="all", since=date(2026, 11, 1), until=date(2026, 11, 2)),
]


@pytest.mark.parametrize("wanted", USUAL, ids=lambda each: f"{each.state}-{each.due}-{each.priority}-{each.since}")
def test_the_usual_filters_read_incidents_through_an_index(desk_app: Flask, wanted: Filter) -> None:
    engine = desk_of(desk_app).engine
    ran: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        ran.append((statement, parameters))

    with desk_of(desk_app).reading() as connection:
        event.listen(engine, "before_cursor_execute", note)
        try:
            if wanted.states() and "closed" not in wanted.states():
                incidents.urgent(connection, wanted, NOW)
            else:
                incidents.find(connection, wanted, NOW)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        plans = [
            row[3]
            for statement, parameters in ran
            if statement.lstrip().startswith("SELECT")
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    reads = [plan for plan in plans if " incident" in plan and "anon" not in plan]
    assert reads
    assert not [plan for plan in reads if plan.startswith("SCAN incident") and "INDEX" not in plan], plans
