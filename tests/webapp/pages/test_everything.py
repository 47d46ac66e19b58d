"""An incident with everything at once: what its pages and its refusals cost, and the sheets for its children."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from handlers.records.tables import child, incident
from tests.office import Office
from tests.scenarios import companions
from tests.webapp.pages.conftest import statements
from webapp import auth, people
from webapp.app import create_app
from webapp.settings import Settings

PASSWORD = "correct horse battery"
PAGE, REFUSED = 20, 30  # statements: of any page, and of any form that is refused
REPORT = {
    "s1_2_identify.customer_name": "市场部-经理岗",
    "s1_2_identify.customer_grade": "经理",
    "s1_2_identify.department": "marketing",
    "s1_2_identify.phone": "0731-85550401",
    "s1_2_identify.served": "true",
    "s1_4_record.source": "phone",
    "s1_4_record.occurred_at": "8:50",
    "s1_4_record.summary": "打印机亮红灯",
    "s1_4_record.details": "三楼打印机亮红灯。",
    "s1_4_record.scope": "in",
}


@dataclass
class Doors:
    """The application on the office's database, and how to come in."""

    app: Flask
    office: Office

    def as_(self, account: str) -> FlaskClient:
        """A client in which ``account`` is signed in."""
        with self.office.desk.unit_of_work("test") as ctx:
            people.set_password(ctx, account, auth.hash_password(PASSWORD))
        client = self.app.test_client()
        assert client.post("/sign-in", data={"account": account, "password": PASSWORD}).status_code == 303
        return client


@pytest.fixture
def doors(office: Office, office_url: str) -> Doors:
    app = create_app(Settings(database_url=office_url, demo=True), clock=lambda: office.now)
    app.config["WTF_CSRF_ENABLED"] = False
    return Doors(app, office)


def children_of(office: Office, number: str) -> list[str]:
    query = select(child.c.number).join(incident, incident.c.id == child.c.incident_id)
    with office.desk.reading() as connection:
        return list(connection.scalars(query.where(incident.c.number == number)))


def waiting(office: Office) -> str:
    """The number of an incident that waits for two tasks."""
    incident_id = companions.at_agreement(office)
    companions.split(office, incident_id, "operations", "operations")
    return str(office.incident(incident_id)["number"])


def furnish(office: Office, client: FlaskClient) -> str:
    """An incident with children, files, links, a slave, comments and a problem at once; returns its number."""
    closed, linked, slave = (str(office.incident(office.dispatch())["number"]) for _n in range(3))
    number = waiting(office)
    sent = [
        (number, "children", {"code": "task:operations", "title": "查后台日志", "reason": "前晚十点起"}),
        (number, "escalate", {"code": "客户不满意"}),
        (number, "problem", {"title": "查根本原因", "reason": "本月第三次"}),
        (number, "link", {"other": closed}),
        (linked, "link", {"other": number}),
        (slave, "bind", {"other": number, "reason": "同一根源"}),
        (number, "comments", {"text": "已告知用户", "kind": "contact:phone"}),
        (number, "attachments", {"files": (BytesIO("记录".encode()), "记录.txt")}),
    ]
    for key, act, values in sent:
        answer = client.post(f"/incidents/{key}/{act}", data=values)
        assert answer.status_code == 303, (act, answer.text)
    return number


def test_no_page_of_an_incident_with_everything_present_needs_more_than_twenty_statements(
    doors: Doors, office: Office
) -> None:
    client = doors.as_("manager01")
    number = furnish(office, client)
    stages = [f"/incidents/{number}?stage={stage}" for stage in (1, 2, 4)]
    lists = ["/board", "/incidents", "/incidents?state=all", "/work", "/work?tab=pool", "/work?tab=waiting"]
    for address in (
        f"/incidents/{number}",
        *stages,
        *(f"/children/{each}" for each in children_of(office, number)),
        *lists,
    ):
        client.get(address)
        with statements(doors.app) as found:
            page = client.get(address)
        assert page.status_code == 200, address
        assert len(found) <= PAGE, "\n".join([address, *found])


def test_no_refusal_on_an_incident_with_everything_present_needs_more_than_thirty_statements(
    doors: Doors, office: Office
) -> None:
    client = doors.as_("manager01")
    number = furnish(office, client)
    (added, *_rest) = children_of(office, number)
    refused = [
        (f"/incidents/{number}/children", {"code": "task:operations", "title": "", "reason": "x"}),
        (f"/incidents/{number}/link", {"other": "SJ990101-001"}),
        (f"/incidents/{number}/bind", {"other": number, "reason": "同一根源"}),
        (f"/incidents/{number}/hold", {"code": "W02", "until": "昨天", "reason": "x"}),
        (f"/incidents/{number}/withdraw", {"reason": " "}),
        (f"/incidents/{number}/problem", {"title": "", "reason": ""}),
        (f"/children/{added}/cancel", {"reason": " "}),
    ]
    for address, values in refused:
        with statements(doors.app) as found:
            answer = client.post(address, data=values | {"key": f"key of {address}"})
        assert answer.status_code in {409, 422}, (address, answer.status_code)
        assert len(found) <= REFUSED, "\n".join([address, *found])


@pytest.mark.parametrize(
    ("changed", "most"),
    [
        ({"s1_4_record.summary": ""}, PAGE),
        ({"s1_4_record.occurred_at": "昨天"}, PAGE),
        ({"s1_2_identify.phone": ""}, REFUSED),
        ({"s1_2_identify.existing": "SJ990101-001", "s1_2_identify.addition": "还是不行"}, REFUSED),
        ({"s1_4_record.scope": "more"}, REFUSED),
    ],
)
def test_a_refused_report_needs_no_more_than_thirty_statements(
    doors: Doors, changed: dict[str, str], most: int
) -> None:
    client = doors.as_("reception01")
    client.get("/report")
    with statements(doors.app) as found:
        answer = client.post("/report", data=REPORT | changed | {"key": "one-click"})
    assert answer.status_code == 422
    assert len(found) <= most, "\n".join(found)


def test_a_child_is_added_and_cancelled_through_the_sheets(doors: Doors, office: Office) -> None:
    client, number = doors.as_("manager01"), waiting(office)
    before = set(children_of(office, number))
    sheets = f"/incidents/{number}/children"
    assert f'action="{sheets}"' in client.get(f"/incidents/{number}").text
    typed = {"code": "task:operations", "title": "查后台日志", "reason": "前晚十点起"}
    empty = client.post(sheets, data=typed | {"title": ""})
    assert empty.status_code == 422 and "请填写标题" in empty.text and "前晚十点起" in empty.text
    assert client.post(sheets, data=typed).status_code == 303
    (added,) = set(children_of(office, number)) - before
    page, cancel = client.get(f"/children/{added}").text, f"/children/{added}/cancel"
    assert "查后台日志" in page and f'action="{cancel}"' in page
    without = client.post(cancel, data={"reason": " "})
    assert without.status_code == 422 and "请填写原因" in without.text
    assert client.post(cancel, data={"reason": "不再需要"}).status_code == 303
    ended = client.get(f"/children/{added}").text
    assert f'action="{cancel}"' not in ended and "不再需要" in ended
    assert client.post(cancel, data={"reason": "再来一次"}).status_code in {403, 409}


def test_who_does_not_work_on_an_incident_is_offered_no_sheet_for_a_child(doors: Doors, office: Office) -> None:
    number = waiting(office)
    client = doors.as_("change01")
    assert f'action="/incidents/{number}/children"' not in client.get(f"/incidents/{number}").text
    typed = {"code": "task:operations", "title": "查后台日志", "reason": "前晚十点起"}
    assert client.post(f"/incidents/{number}/children", data=typed).status_code in {403, 409}
