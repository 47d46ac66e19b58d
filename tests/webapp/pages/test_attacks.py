"""Attacks that somebody with an account, a link or a stolen page could try, each named after what it tries."""

from __future__ import annotations

import io
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.office import CUSTOMER, Office
from tests.webapp.conftest import PASSWORD
from webapp import auth, people, security
from webapp import desk as verbs
from webapp.app import create_app
from webapp.database import prepare_folder
from webapp.settings import Settings

SignIn = Callable[[str], FlaskClient]
ELSEWHERE = ("//evil.example", "/\\evil.example", "/\t/evil.example", "/\n/evil.example", "https://evil.example", "//[")


@pytest.fixture
def browse(office: Office, office_url: str) -> SignIn:
    """Browsers on the office, on both databases, in which an account is signed in; "" is a stranger's."""
    app: Flask = create_app(Settings(database_url=office_url, demo=True), clock=lambda: office.now)
    app.config.update(WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False)

    def browser(account: str) -> FlaskClient:
        client = app.test_client()
        if account:
            with office.desk.unit_of_work("test") as ctx:
                people.set_password(ctx, account, auth.hash_password(PASSWORD))
            assert client.post("/sign-in", data={"account": account, "password": PASSWORD}).status_code == 303
        return client

    return browser


def test_no_form_and_no_sign_in_leads_to_another_site(office: Office, browse: SignIn) -> None:
    client, incident = browse("reception01"), f"/incidents/{office.report()}"
    for address in ELSEWHERE:
        data = {"files": (io.BytesIO(b"a"), "a.txt"), "back": address}
        assert client.post(f"{incident}/attachments", data=data).location == incident
        assert client.get("/sign-in", query_string={"next": address}).location == "/"
    assert client.get("/sign-in", query_string={"next": "/work?tab=pool"}).location == "/work?tab=pool"


def test_a_stranger_cannot_make_the_desk_read_a_large_upload(browse: SignIn) -> None:
    def send(client: FlaskClient) -> int:
        large = io.BytesIO(b"x" * (security.REQUEST_BYTES + 1))
        return client.post("/report", data={"files": (large, "a.txt")}).status_code

    assert send(browse("")) == 413
    assert send(browse("reception01")) == 422


def test_a_customer_does_not_read_what_another_one_said_about_the_same_incident(office: Office, browse: SignIn) -> None:
    incident_id = office.report()
    found = office.incident(incident_id)
    other = {**CUSTOMER, "customer_name": "河西营业厅-值班长岗", "phone": "0731-85550177"}
    addition = {"existing": found["number"], "addition": "我是河西的，电话 0731-85550177"}
    verbs.report(office.desk, office["reception01"], {verbs.IDENTIFY: other | addition, verbs.RECORD: office.record()})
    link = re.search(r"/follow/[\w.-]+", browse("reception01").post(f"/incidents/{incident_id}/customer-link").text)
    assert link
    stranger = browse("")
    stranger.post(link[0], data={"act": "supplement", "text": "四楼也一样"})
    text = stranger.get(link[0]).text
    assert "四楼也一样" in text
    assert "河西" not in text and "85550177" not in text


def test_a_link_tells_no_other_site_of_itself_opens_one_incident_and_ends(office: Office, browse: SignIn) -> None:
    first, other = office.report(), office.report(summary="另一张")
    link = re.search(r"/follow/[\w.-]+", browse("reception01").post(f"/incidents/{first}/customer-link").text)
    assert link
    stranger = browse("")
    answer = stranger.get(link[0])
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "另一张" not in answer.text and str(office.incident(other)["number"]) not in answer.text
    for address in (f"/my/{first}", f"/incidents/{first}", "/work", f"/incidents/{other}"):
        assert stranger.get(address).status_code in (303, 401)
    for broken in (link[0][:-2], link[0] + "x", link[0].replace("/follow/W", "/follow/X")):
        assert stranger.get(broken).status_code == 404
    office.pass_(days=14, seconds=-1)
    assert stranger.get(link[0]).status_code == 200
    office.pass_(seconds=2)
    assert stranger.get(link[0]).status_code == 404


def test_whoever_only_looks_at_a_task_sees_no_contact_data_in_its_draft(office: Office, browse: SignIn) -> None:
    me = verbs.by_link(office.incident(office.report())["customer_id"])
    task = office.task(verbs.request(office.desk, me, "打印机不动", "三楼的打印机卡住了"))
    seen = {account: browse(account).get(f"/tasks/{task.id}") for account in ("reception01", "crm01", "leaders01")}
    assert {answer.status_code for answer in seen.values()} == {200}
    assert [account for account, answer in seen.items() if CUSTOMER["phone"] in answer.text] == ["reception01"]
    assert "三楼的打印机卡住了" in seen["leaders01"].text


def test_the_contact_on_the_other_side_is_masked_like_the_customers(office: Office, browse: SignIn) -> None:
    office_call = {"external_number": "KF-1", "external_contact": "班长岗02 0731-85550202"}
    incident_id = office.report(source="hotline", external_deadline=office.now.isoformat(), **office_call)
    seen = {account: browse(account).get(f"/incidents/{incident_id}").text for account in ("reception01", "leaders01")}
    assert "0731-85550202" in seen["reception01"]
    assert "85550202" not in seen["leaders01"] and "****02" in seen["leaders01"]


def test_the_database_lies_in_a_folder_that_only_its_owner_opens(tmp_path: Path) -> None:
    prepare_folder(f"sqlite:///{tmp_path / 'var' / 'desk.db'}")
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
