"""The page 修改密码: one's own password, and the one that another person chose."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from engine.context import SYSTEM
from engine.errors import ConflictError
from handlers.records.tables import person
from tests.webapp.conftest import HASH, PASSWORD, Clock, add_account
from webapp import auth, demo, people, tokens
from webapp.app import desk_of
from webapp.current import TOKEN
from webapp.desk import people as verbs

NEW = "another horse battery"
GOOD = {"current": PASSWORD, "new": NEW, "again": NEW}
LIFE = timedelta(hours=12)


def sign_in(app: Flask, password: str = PASSWORD, account: str = "reception01") -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    answer = client.post("/sign-in", data={"account": account, "password": password})
    assert answer.status_code == 303, answer.text
    return client


def chosen_by_another(app: Flask) -> None:
    with desk_of(app).unit_of_work(SYSTEM) as ctx:
        people.set_password(ctx, "reception01", HASH, must_change=True)


def test_the_person_menu_leads_to_the_page(app: Flask) -> None:
    assert 'href="/password"' in sign_in(app).get("/work").text


def test_a_changed_password_is_the_only_one_and_ends_all_other_sessions(app: Flask) -> None:
    mine, other = sign_in(app), sign_in(app)
    with mine.session_transaction() as session:
        copied = session[TOKEN]
    answer = mine.post("/password", data=GOOD)
    assert (answer.status_code, answer.location) == (303, "/")
    assert mine.get("/work").status_code == 200
    assert other.get("/work").status_code == 303
    assert auth.person_of(desk_of(app), copied) is None  # a copy of the cookie is worth nothing either
    sign_in(app, NEW)
    with pytest.raises(auth.SignInRefusedError):
        auth.sign_in(desk_of(app), "reception01", PASSWORD, LIFE)


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"current": ""}, "current", "请填写当前密码"),
        ({"current": "not my password"}, "current", "当前密码不正确"),
        ({"new": "", "again": ""}, "new", "请填写新密码"),
        ({"new": "x" * 9, "again": "x" * 9}, "new", "10 到 200"),
        ({"new": "x" * 201, "again": "x" * 201}, "new", "10 到 200"),
        ({"new": PASSWORD, "again": PASSWORD}, "new", "不同"),
        ({"again": ""}, "again", "请再填写一次"),
        ({"again": NEW + "!"}, "again", "不一样"),
    ],
)
def test_a_refused_form_names_its_field_and_sends_nothing_back(
    app: Flask, changed: dict[str, str], field: str, said: str
) -> None:
    answer = sign_in(app).post("/password", data=GOOD | changed)
    assert answer.status_code == 422
    assert f'<a href="#{field}">' in answer.text
    assert f'id="{field}-error"' in answer.text
    assert said in answer.text
    assert NEW not in answer.text
    assert PASSWORD not in answer.text
    sign_in(app)


@pytest.mark.parametrize("length", [10, 200])
def test_the_shortest_and_the_longest_password_are_taken(app: Flask, length: int) -> None:
    new = "x" * length
    assert sign_in(app).post("/password", data={"current": PASSWORD, "new": new, "again": new}).status_code == 303
    sign_in(app, new)


@pytest.mark.parametrize(("wrong", "status"), [(4, 303), (5, 403)])
def test_wrong_current_passwords_count_against_the_lock_out(app: Flask, clock: Clock, wrong: int, status: int) -> None:
    client = sign_in(app)
    for _each in range(wrong):
        assert client.post("/password", data=GOOD | {"current": "not my password"}).status_code == 422
    answer = client.post("/password", data=GOOD)
    assert answer.status_code == status
    if status == 403:
        assert "锁定" in answer.text
        with pytest.raises(auth.SignInRefusedError, match="锁定"):
            auth.sign_in(desk_of(app), "reception01", PASSWORD, LIFE)
        clock.pass_(minutes=1)
        assert client.post("/password", data=GOOD).status_code == 303


def test_a_slip_in_the_new_password_counts_as_no_failure(app: Flask) -> None:
    client = sign_in(app)
    for _each in range(6):
        assert client.post("/password", data=GOOD | {"again": "slip"}).status_code == 422
    assert client.post("/password", data=GOOD).status_code == 303


def test_a_password_that_was_reset_meanwhile_is_not_changed_back(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, hashing = desk_of(app), auth.hash_password
    actor = auth.person_of(desk, auth.sign_in(desk, "reception01", PASSWORD, LIFE).token)
    assert actor is not None

    def slow(password: str) -> str:
        with desk.unit_of_work(SYSTEM) as ctx:
            people.set_password(ctx, "reception01", hashing("reset by the owner"), must_change=True)
        return hashing(password)

    monkeypatch.setattr(auth, "hash_password", slow)
    with pytest.raises(ConflictError, match="别处改过"):
        auth.change_password(desk, actor, PASSWORD, NEW, NEW, LIFE)
    assert auth.sign_in(desk, "reception01", "reset by the owner", LIFE)


@pytest.mark.parametrize("address", ["/", "/work", "/incidents?state=closed", "/tokens", "/report", "/nowhere/else"])
def test_a_password_that_another_person_chose_opens_no_other_page(app: Flask, address: str) -> None:
    chosen_by_another(app)
    client = sign_in(app)
    answer = client.get(address)
    if address == "/nowhere/else":
        assert answer.status_code == 404
    else:
        assert answer.status_code == 303
        assert answer.location.startswith("/password")
    page = client.get("/password").text
    assert "请先修改密码" in page
    assert 'href="/work"' not in page


def test_commands_and_parts_of_pages_are_led_to_the_change_as_well(app: Flask) -> None:
    chosen_by_another(app)
    client = sign_in(app)
    assert client.post("/report", data={}).location == "/password"
    part = client.get("/time?field=until&until=20:00", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Redirect"]) == (403, "/password")


def test_after_the_change_one_comes_to_the_page_that_was_wanted(app: Flask) -> None:
    chosen_by_another(app)
    client = sign_in(app)
    there = client.get("/incidents?state=closed").location
    answer = client.post(there, data=GOOD)
    assert answer.location == "/incidents?state=closed"
    assert client.get(answer.location).status_code == 200


def test_the_change_leads_nowhere_outside(app: Flask) -> None:
    assert sign_in(app).post("/password?next=//evil.example/", data=GOOD).location == "/"


def test_whoever_must_change_may_sign_out_instead(app: Flask) -> None:
    chosen_by_another(app)
    assert sign_in(app).post("/sign-out").location == "/sign-in"


@pytest.fixture
def owner(app: Flask) -> people.Person:
    add_account(desk_of(app), "owner01", "流程负责人", roles=("owner",))
    with desk_of(app).reading() as connection:
        return people.find(connection, "owner01")


Reset = Callable[[Flask, people.Person], None]


def reset(app: Flask, owner: people.Person) -> None:
    verbs.reset_password(desk_of(app), owner, "reception01")


def disable(app: Flask, owner: people.Person) -> None:
    verbs.set_active(desk_of(app), owner, "reception01", active=False)


@pytest.mark.parametrize("act", [reset, disable])
def test_a_reset_or_disabled_account_loses_its_sessions_and_tokens(
    app: Flask, owner: people.Person, act: Reset
) -> None:
    desk = desk_of(app)
    client = sign_in(app)
    token = tokens.issue(desk, "test", "reception01", "脚本").token or ""
    others = tokens.issue(desk, "test", "owner01", "脚本").token or ""
    act(app, owner)
    verbs.set_active(desk, owner, "reception01", active=True)
    assert client.get("/work").status_code == 303
    assert tokens.holder(desk, token) is None
    assert tokens.holder(desk, others) is not None


def test_a_first_and_a_reset_password_must_be_changed_and_then_no_more(app: Flask, owner: people.Person) -> None:
    desk = desk_of(app)
    first = verbs.add(desk, owner, "reception02", "服务受理岗02", [], [])
    again = verbs.reset_password(desk, owner, "reception01")
    for account, password in (("reception02", first), ("reception01", again)):
        client = sign_in(app, password, account)
        assert client.get("/").location == "/password"
        assert client.post("/password", data=GOOD | {"current": password}).status_code == 303
        assert client.get("/").location != "/password"
        assert sign_in(app, NEW, account).get("/").location != "/password"


def test_the_demos_passwords_need_no_change(desk_app: Flask) -> None:
    with desk_of(desk_app).reading() as connection:
        assert connection.scalars(select(person.c.account).where(person.c.must_change_password)).all() == []
    assert sign_in(desk_app, demo.PASSWORD).get("/work").status_code == 200
