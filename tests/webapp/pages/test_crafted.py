"""What no page sends: every crafted input is refused or ignored, never an error of the server; on both databases."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.office import MONDAY, Office
from webapp import auth, people
from webapp import desk as verbs
from webapp.app import create_app
from webapp.settings import Settings

PASSWORD = "correct horse battery"
HUGE = "9" * 5000
STRANGE = (
    "",
    "x" * 5000,
    HUGE,
    "-1",
    "\0",
    "//[",
    "1~0001-01-01T00:00:00+08:00~x",
    "<script>",
    "٣",
    "0001-01-01 00:00",
)
INSTANTS = (
    "0001-01-01 00:00",
    "9999-12-31 23:59",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-11-25",
)


@pytest.fixture
def client(office: Office, office_url: str) -> FlaskClient:
    """reception01 and crm01 of an office, who signs in as the test wants, on both databases."""
    app = create_app(Settings(database_url=office_url, demo=True), clock=lambda: MONDAY)
    app.config.update(WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False)
    with office.desk.unit_of_work("test") as ctx:
        for account in ("reception01", "crm01"):
            people.set_password(ctx, account, auth.hash_password(PASSWORD))
    client = app.test_client()
    sign_in(client, "reception01")
    return client


def sign_in(client: FlaskClient, account: str) -> None:
    client.post("/sign-out")
    assert client.post("/sign-in", data={"account": account, "password": PASSWORD}).status_code == 303


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/work", "after"), ("/work", "tab"), ("/incidents", "after"),
        ("/incidents", "q"), ("/incidents", "state"), ("/report", "source"), ("/report/customers", "who"),
        ("/sign-in", "next"),
    ],
)  # fmt: skip
def test_a_strange_query_is_answered(client: FlaskClient, path: str, name: str) -> None:
    for strange in STRANGE:
        assert client.get(path, query_string={name: strange}).status_code < 500, strange


@pytest.mark.parametrize("typed", INSTANTS)
@pytest.mark.parametrize("field", ["occurred_at", "external_deadline"])
def test_an_unbelievable_instant_in_a_report_is_shown_again(client: FlaskClient, field: str, typed: str) -> None:
    form = {
        "s1_2_identify.customer_name": "市场部-经理岗",
        "s1_2_identify.customer_grade": "经理",
        "s1_2_identify.department": "marketing",
        "s1_2_identify.phone": "0731-85550401",
        "s1_2_identify.served": "true",
        "s1_4_record.source": "business",
        "s1_4_record.occurred_at": "08:20",
        "s1_4_record.summary": "CRM 提交订单报错",
        "s1_4_record.details": "多个营业厅提交订单时报错。",
        "s1_4_record.external_number": "A-1",
        f"s1_4_record.{field}": typed,
    }
    for source in ("business", "phone", "group_center"):
        answer = client.post("/report", data=form | {"s1_4_record.source": source})
        assert answer.status_code < 500
        assert answer.status_code == 422 or field == "external_deadline"


@pytest.mark.parametrize("kind", ["contact:" + "A" * 600, "contact:fax<script>", "contact:", "x" * 300, "", "\0"])
def test_a_strange_kind_of_remark_is_refused(client: FlaskClient, office: Office, kind: str) -> None:
    incident_id = office.dispatch()
    answer = client.post(f"/incidents/{incident_id}/comments", data={"kind": kind, "text": "说明"})
    assert 400 <= answer.status_code < 500


def test_strange_forms_of_an_incident_are_refused(client: FlaskClient, office: Office) -> None:
    incident_id = office.dispatch()
    for act in ("comments", "hold", "resume", "withdraw", "reassign"):
        for strange in STRANGE:
            names = ("text", "reason", "code", "until", "revision", "key", "back", "kind")
            for name in names:
                data = {"text": "说", "reason": "原因", "code": "W06", "until": "18:00", "revision": "1"} | {
                    name: strange
                }
                answer = client.post(f"/incidents/{incident_id}/{act}", data=data)
                assert answer.status_code < 500, (act, name, strange)


@pytest.mark.parametrize("until", INSTANTS)
def test_an_unbelievable_end_of_a_waiting_is_refused(client: FlaskClient, office: Office, until: str) -> None:
    data = {"code": "W06", "until": until, "reason": "等备件"}
    assert client.post(f"/incidents/{office.dispatch()}/hold", data=data).status_code == 422


def test_strange_forms_of_a_task_are_refused(client: FlaskClient, office: Office) -> None:
    sign_in(client, "crm01")
    task_id = office.task(office.dispatch()).id
    for act in ("", "/claim", "/release", "/draft", "/fields", "/assign"):
        for strange in STRANGE:
            for name in ("token", "key", "person", "s2_9_accept.answer", "s2_9_accept.return_reason"):
                answer = client.post(f"/tasks/{task_id}{act}", data={name: strange})
                assert answer.status_code < 500, (act, name, strange)


@pytest.mark.parametrize("draft", [{"s2_9_accept": "text"}, {"s2_9_accept": None}, {"s2_9_accept": [1]}, {"answer": 7}])
def test_a_draft_of_another_shape_is_shown_as_far_as_it_is_one(
    client: FlaskClient, office: Office, draft: dict[str, object]
) -> None:
    task = office.task(office.dispatch())
    verbs.save_draft(office.desk, office["crm01"], task.id, draft)
    assert client.get(f"/tasks/{task.id}").status_code == 200


def test_what_was_typed_stands_in_the_form_of_a_step_that_was_given_back(client: FlaskClient, office: Office) -> None:
    incident_id = office.accept("crm01")
    task = office.task(incident_id)
    verbs.save_draft(office.desk, office["crm01"], task.id, {"analysis": "号码资源表有未释放的锁"})
    sign_in(client, "crm01")
    assert "号码资源表有未释放的锁" in client.get(f"/tasks/{task.id}").text


def test_a_form_of_an_ended_session_that_comes_from_no_address_is_refused(client: FlaskClient, office: Office) -> None:
    task_id = office.task(office.dispatch()).id
    client.post("/sign-out")
    for referrer in ("//[", "http://[", HUGE):
        answer = client.post(f"/tasks/{task_id}", data={"a.b": "说明"}, headers={"Referer": referrer})
        assert answer.status_code < 500, referrer
