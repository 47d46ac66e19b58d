from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask, abort, request
from flask.testing import FlaskClient

from engine.errors import ConflictError, InvalidValuesError, NotAllowedError, NotFoundError, StepFailedError
from tests.webapp.conftest import MONDAY, PASSWORD
from webapp import security


def test_every_answer_carries_the_headers(client: FlaskClient):
    for path in ("/sign-in", "/no-such-page"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"


def test_inline_styles_are_allowed_on_the_page_that_asks_and_no_other(app: Flask, client: FlaskClient):
    @app.get("/probe/diagram")
    def diagram() -> str:
        security.allow_inline_styles()
        return "ok"

    assert "style-src 'self' 'unsafe-inline'" in client.get("/probe/diagram").headers["Content-Security-Policy"]
    assert "unsafe" not in client.get("/sign-in").headers["Content-Security-Policy"]


def test_cookies_are_for_this_site_over_https_alone(make_app: Callable[..., Flask], sqlite_url: str):
    cookie = make_app(sqlite_url, demo=False).test_client().get("/sign-in").headers["Set-Cookie"]
    assert cookie.startswith("__Host-lovem=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie


def test_https_is_remembered_by_browsers_outside_demo_mode(make_app: Callable[..., Flask], sqlite_url: str):
    answer = make_app(sqlite_url, demo=False).test_client().get("/sign-in")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_demo_works_over_plain_http(client: FlaskClient):
    answer = client.get("/sign-in")
    assert "Secure" not in answer.headers["Set-Cookie"]
    assert "Strict-Transport-Security" not in answer.headers


def test_a_form_without_its_token_is_refused(client: FlaskClient):
    answer = client.post("/sign-in", data={"account": "reception01", "password": PASSWORD})
    assert answer.status_code == 400
    assert "页面已过期" in answer.text


@pytest.mark.parametrize(("more", "status"), [(-1, 200), (0, 200), (1, 413)])
def test_requests_are_at_most_two_megabytes(app: Flask, more: int, status: int):
    @app.post("/probe/size")
    def size() -> str:
        return str(len(request.get_data()))

    app.extensions["csrf"].exempt(size)
    answer = app.test_client().post("/probe/size", data=b"x" * (security.REQUEST_BYTES + more))
    assert answer.status_code == status
    if status == 413:
        assert "超过上限" in answer.text


def test_a_nul_is_refused_wherever_it_stands(app: Flask):
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    assert client.get("/sign-in?next=%00").status_code == 400
    assert client.post("/sign-in", data={"account": "a\0b", "password": "x"}).status_code == 400
    assert client.post("/sign-in", json={"account": "a\0b"}).status_code == 400


PROBES = {
    "missing": (NotFoundError("没有这个任务"), 404),
    "conflict": (ConflictError("任务已经完成", by="crm01", at=MONDAY), 409),
    "forbidden": (NotAllowedError("您不能办理"), 403),
    "invalid": (InvalidValuesError({"summary": "请填写概要"}), 422),
    "stuck": (StepFailedError(7, "s2_8_propose", "ZeroDivisionError", {"do": "complete"}), 500),
    "broken": (RuntimeError("password=hunter2"), 500),
    "gone": (None, 410),
}


@pytest.fixture
def probing(app: Flask) -> FlaskClient:
    @app.get("/probe/<name>")
    def probe(name: str) -> str:
        error, status = PROBES[name]
        if error is None:
            abort(status)
        raise error

    @app.get("/api/probe/<name>")
    def api_probe(name: str) -> str:
        return probe(name)

    return app.test_client()


@pytest.mark.parametrize("name", PROBES)
def test_every_refusal_is_a_page_with_its_status(probing: FlaskClient, name: str):
    error, status = PROBES[name]
    answer = probing.get(f"/probe/{name}", headers={"Accept": "text/html"})
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert "hunter2" not in answer.text and "Traceback" not in answer.text
    if isinstance(error, NotFoundError | ConflictError | NotAllowedError):
        assert str(error) in answer.text


@pytest.mark.parametrize("name", PROBES)
def test_every_refusal_is_json_for_a_program(probing: FlaskClient, name: str):
    _, status = PROBES[name]
    answer = probing.get(f"/api/probe/{name}")
    assert answer.status_code == status
    assert answer.json is not None and answer.json["status"] == status
    assert "hunter2" not in answer.text


def test_a_conflict_says_who_was_faster_and_when(probing: FlaskClient):
    told = probing.get("/api/probe/conflict").json
    assert (told["by"], told["at"]) == ("crm01", "2026-11-23T01:00:00+00:00")


def test_refused_values_name_their_fields(probing: FlaskClient):
    assert probing.get("/api/probe/invalid").json["problems"] == {"summary": "请填写概要"}


def test_an_address_of_another_method_says_which_it_takes(client: FlaskClient):
    answer = client.delete("/sign-in")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
