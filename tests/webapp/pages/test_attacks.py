"""Attacks that somebody with an account, a link or a stolen page could try, each named after what it tries."""

from __future__ import annotations

import io
import re
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from engine.catalogue import catalogue, content
from engine.errors import ConflictError, NotAllowedError
from handlers.records import people as records
from tests.office import CUSTOMER, Office
from tests.webapp.conftest import PASSWORD
from webapp import auth, people, security
from webapp import desk as verbs
from webapp.app import create_app
from webapp.attempts import Failures
from webapp.database import prepare_folder
from webapp.desk import rules
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


def test_no_form_works_without_its_token(office_url: str) -> None:
    app = create_app(Settings(database_url=office_url, demo=True))
    client = app.test_client()
    rules = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    pages = [rule for rule in rules if rule.endpoint.startswith("pages.")]
    assert len(pages) > 50
    for rule in pages:
        address = re.sub(r"<[^>]+>", "1", rule.rule)
        answer = client.post(address, data={"account": "reception01", "text": "x"})
        assert answer.status_code in (400, 401), (address, answer.status_code)
        assert "token" not in str(answer.headers.getlist("Set-Cookie"))
    for rule in rules:  # everything else is the API, where no cookie counts
        assert rule in pages or rule.endpoint.startswith("api."), rule


LABEL = "</script><img src=x onerror=alert(1)>"


def dmn(office: Office, decision: str = "urgency") -> bytes:
    with office.desk.unit_of_work("test") as ctx:
        ref = catalogue(ctx).in_force("decision", decision, ctx.now)
        assert ref is not None
        return content(ctx, ref.id)


def drafted(office: Office, author: str, file: bytes) -> tuple[int, int]:
    """A draft of the urgency table with ``file``, and its revision."""
    draft = rules.begin(office.desk, office[author], "urgency", key=None)
    rules.save_file(office.desk, office[author], draft, file, revision=1, key=None)
    return draft, 2


def changed(file: bytes) -> bytes:
    """Another table of the same decision: one row's note reads otherwise."""
    found = re.sub(rb"<description>[^<]*</description>", b"<description>changed</description>", file, count=1)
    assert found != file
    return found


def test_nobody_puts_his_own_change_in_force_before_its_instant_by_restoring_it(office: Office) -> None:
    draft, revision = drafted(office, "manager01", changed(dmn(office)))
    later = office.now + timedelta(days=3)
    rules.submit(office.desk, office["manager01"], draft, "改", later, revision=revision, key=None)
    with pytest.raises(NotAllowedError):
        rules.approve(office.desk, office["manager01"], draft, revision=revision + 1, key=None)
    owner = next(person for person in office.people.values() if "owner" in person.roles)
    rules.approve(office.desk, owner, draft, revision=revision + 1, key=None)
    with pytest.raises(ConflictError, match="还没有生效过"):
        rules.restore(office.desk, office["manager01"], "urgency", 2, "早一点", key=None)
    office.pass_(days=3)
    rules.restore(office.desk, office["manager01"], "urgency", 1, "退回", key=None)
    rules.restore(office.desk, office["manager01"], "urgency", 2, "还是要", key=None)


def test_who_lost_the_right_to_draft_changes_his_drafts_no_more(office: Office) -> None:
    draft, revision = drafted(office, "manager01", changed(dmn(office)))
    with office.desk.unit_of_work("test") as ctx:
        records.revoke_role(ctx, "manager01", "manager")
    for act in (rules.recall, rules.rebase):
        with pytest.raises(NotAllowedError, match="起草"):
            act(office.desk, office["manager01"], draft, revision=revision, key=None)


def test_words_of_a_decision_table_run_nowhere(office: Office, browse: SignIn) -> None:
    words = f"<description>{escape(LABEL)}</description>".encode()
    evil = re.sub(rb"<description>[^<]*</description>", words, dmn(office))
    draft, _ = drafted(office, "manager01", evil)
    client = browse("manager01")
    for address in (f"/rules/drafts/{draft}", "/rules", "/rules/urgency"):
        answer = client.get(address)
        assert answer.status_code == 200
        assert LABEL not in answer.text and "<img src=x" not in answer.text
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert client.get(f"/rules/drafts/{draft}/file.dmn").headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "head",
    [
        b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE d [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]>',
        b'<!DOCTYPE d SYSTEM "http://192.0.2.1/x.dtd">',
    ],
)
def test_a_decision_table_reads_no_file_and_no_address(office: Office, browse: SignIn, head: bytes) -> None:
    draft = rules.begin(office.desk, office["manager01"], "urgency", key=None)
    file = re.sub(rb"(<\?xml[^>]*\?>)", rb"\1" + head, dmn(office), count=1)
    file = file.replace(b"<description>", b"<description>&x;", 1)
    data = {"file": (io.BytesIO(file), "urgency.dmn"), "revision": "1"}
    answer = browse("manager01").post(f"/rules/drafts/{draft}/file", data=data)
    assert answer.status_code == 422
    assert "DOCTYPE" in answer.text and "root:" not in answer.text


@pytest.mark.parametrize(
    ("name", "content", "kept"),
    [
        ("页.html", b"<html><script>alert(1)</script>", False),
        ("图.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", False),
        ("图.png", b"<html><script>alert(1)</script>", False),
        ("程序.exe", b"MZ\x90\x00", False),
        ("a.txt\r\nSet-Cookie: x=1", b"a", False),
        ('"; filename="x.html\u202etxt.txt', b"<html>", True),
        ("../../etc/passwd.txt", b"a", True),
    ],
)
def test_a_file_is_never_served_as_a_page_or_under_a_name_that_harms(
    office: Office, browse: SignIn, name: str, content: bytes, kept: bool
) -> None:
    incident_id = office.report()
    client = browse("reception01")
    answer = client.post(f"/incidents/{incident_id}/attachments", data={"files": [(io.BytesIO(content), name)]})
    assert answer.status_code == (303 if kept else 422)
    if kept:
        got = client.get("/attachments/1")
        assert re.fullmatch(r"attachment; filename\*=UTF-8''[\w.%-]+", got.headers["Content-Disposition"])
        assert "%2F" not in got.headers["Content-Disposition"] and "%E2%80%AE" not in got.headers["Content-Disposition"]
        assert (got.mimetype, got.headers["X-Content-Type-Options"]) == ("text/plain", "nosniff")
        assert got.headers["Content-Security-Policy"].startswith("sandbox")


def test_one_password_tried_on_many_accounts_from_one_place_is_slowed_down(office: Office, browse: SignIn) -> None:
    other = browse("reception01")
    client = browse("")
    tried = [
        client.post("/sign-in", data={"account": f"account{n}", "password": "Spring-2026"}).status_code
        for n in range(Failures.FREE + 1)
    ]
    assert tried == [403] * Failures.FREE + [429]
    good = {"account": "reception01", "password": PASSWORD}
    refused = client.post("/sign-in", data=good)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "61")
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert other.get("/work").status_code == 200  # who is signed in works on
    assert browse("").post("/sign-in", data=good, environ_overrides=elsewhere).status_code == 303
    office.pass_(seconds=59)
    assert client.post("/sign-in", data=good).status_code == 429
    office.pass_(seconds=1)
    assert client.post("/sign-in", data=good).status_code == 303
