"""The page 我的令牌: own tokens, shown once."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient

from tests.webapp.conftest import PASSWORD, add_account
from webapp import tokens
from webapp.app import desk_of


def signed_in(app: Flask, account: str = "reception01") -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.post("/sign-in", data={"account": account, "password": PASSWORD})
    return client


def shown(page: str) -> list[str]:
    return re.findall(r'value="(lovem_[^"]+)"', page)


def test_a_new_token_is_shown_once_and_opens_the_api(app: Flask):
    client = signed_in(app)
    page = client.post("/tokens", data={"name": "监控脚本", "days": "30", "key": "k"}).get_data(as_text=True)
    (token,) = shown(page)
    assert app.test_client().get("/api/tasks", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    again = client.get("/tokens").get_data(as_text=True)
    assert "监控脚本" in again
    assert token not in again
    resent = client.post("/tokens", data={"name": "监控脚本", "days": "30", "key": "k"}).get_data(as_text=True)
    assert shown(resent) == []
    assert "只显示一次" in resent


def test_a_refused_form_names_its_fields_and_keeps_what_was_typed(app: Flask):
    client = signed_in(app)
    answer = client.post("/tokens", data={"name": "x" * 61, "days": "30"})
    assert answer.status_code == 422
    assert "x" * 61 in answer.get_data(as_text=True)
    assert client.post("/tokens", data={"name": "", "days": "366"}).status_code == 422


def test_one_revokes_ones_own_tokens_only(app: Flask):
    add_account(desk_of(app), "reception02", "服务受理岗02", ("desk",), ("desk",))
    made = tokens.issue(desk_of(app), "test", "reception02", "别人的")
    assert signed_in(app).post(f"/tokens/{made.id}/revoke").status_code == 404
    assert "别人的" not in signed_in(app).get("/tokens").get_data(as_text=True)
    own = signed_in(app, "reception02")
    assert own.post(f"/tokens/{made.id}/revoke").status_code == 303
    assert "已停用" in own.get("/tokens").get_data(as_text=True)


def test_too_many_tokens_are_told_as_a_conflict(app: Flask):
    for _ in range(tokens.LIVE_AT_MOST):
        tokens.issue(desk_of(app), "test", "reception01", "x")
    answer = signed_in(app).post("/tokens", data={"name": "又一个", "days": "30"})
    assert answer.status_code == 409
    assert "又一个" in answer.get_data(as_text=True)
