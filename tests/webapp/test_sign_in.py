from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from engine.errors import EngineError
from handlers.records import people as records
from tests.webapp.conftest import PASSWORD, Clock
from webapp import auth, demo
from webapp.app import desk_of
from webapp.clock import tidy
from webapp.current import TOKEN
from webapp.tables import sign_in_failure, web_session

A_SHIFT = timedelta(hours=12)


def post(client: FlaskClient, account: str = "reception01", password: str = PASSWORD):
    page = client.get("/sign-in")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    form = {"account": account, "password": password, "csrf_token": token[1] if token else ""}
    return client.post("/sign-in", data=form)


def fail(app: Flask, times: int, account: str = "reception01") -> None:
    for _ in range(times):
        with pytest.raises(auth.SignInRefusedError, match="不正确"):
            auth.sign_in(desk_of(app), account, "wrong password", A_SHIFT)


def rows(app: Flask, table) -> int:
    with desk_of(app).reading() as connection:
        return connection.scalar(select(func.count()).select_from(table))


@pytest.mark.proves("R001")
def test_who_signs_in_is_known_until_he_signs_out(app: Flask, client: FlaskClient):
    assert client.get("/").status_code == 303
    assert post(client).status_code == 303
    assert client.get("/work").status_code == 200
    with client.session_transaction() as session:
        token = session[TOKEN]
    page = client.get("/work")
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert client.post("/sign-out", data={"csrf_token": csrf[1]}).status_code == 303
    assert client.get("/work").status_code == 303
    # A copy of the cookie that somebody kept is worth nothing either.
    assert auth.person_of(desk_of(app), token) is None


def test_signing_in_makes_a_new_session_and_forgets_the_old_one(app: Flask, client: FlaskClient):
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
        session[TOKEN] = "chosen by somebody else"
    post(client)
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session[TOKEN] != "chosen by somebody else"
        assert len(session[TOKEN]) >= 43


def test_the_database_keeps_no_token_and_no_password(app: Flask, client: FlaskClient):
    signed_in = auth.sign_in(desk_of(app), "reception01", PASSWORD, A_SHIFT)
    with desk_of(app).reading() as connection:
        stored = connection.execute(select(web_session)).one()
    assert signed_in.token not in str(stored)
    assert auth.hash_password(PASSWORD).startswith("$argon2id$")


@pytest.mark.parametrize(("hours", "known"), [(11.99, True), (12, False), (12.01, False)])
def test_a_session_ends_after_twelve_hours(app: Flask, clock: Clock, hours: float, known: bool):
    signed_in = auth.sign_in(desk_of(app), "reception01", PASSWORD, A_SHIFT)
    clock.pass_(hours=hours)
    assert (auth.person_of(desk_of(app), signed_in.token) is not None) is known


@pytest.mark.parametrize("token", [None, "", 7, "x", "é", ["a"]])
def test_a_wrong_token_is_nobody(app: Flask, token: object):
    assert auth.person_of(desk_of(app), token) is None


def test_a_person_comes_with_groups_and_roles(app: Flask):
    person = auth.person_of(desk_of(app), auth.sign_in(desk_of(app), "reception01", PASSWORD, A_SHIFT).token)
    assert person is not None
    assert (person.account, person.groups, person.roles) == ("reception01", {"desk"}, {"desk"})


def test_a_disabled_account_is_out_at_once(app: Flask):
    desk = desk_of(app)
    token = auth.sign_in(desk, "reception01", PASSWORD, A_SHIFT).token
    with desk.unit_of_work("test") as ctx:
        records.set_active(ctx, "reception01", active=False)
    assert auth.person_of(desk, token) is None
    with pytest.raises(auth.SignInRefusedError):
        auth.sign_in(desk, "reception01", PASSWORD, A_SHIFT)


@pytest.mark.parametrize("account", ["nobody", "", "x" * 5000, "reception01'; --"])
def test_an_invented_account_is_refused_in_the_same_words(app: Flask, account: str):
    with pytest.raises(auth.SignInRefusedError) as invented:
        auth.sign_in(desk_of(app), account, PASSWORD, A_SHIFT)
    with pytest.raises(auth.SignInRefusedError) as wrong:
        auth.sign_in(desk_of(app), "reception01", "wrong password", A_SHIFT)
    assert str(invented.value) == str(wrong.value)


@pytest.mark.parametrize(("failures", "locked"), [(4, False), (5, True), (6, True)])
def test_the_fifth_failure_in_a_row_locks(app: Flask, failures: int, locked: bool):
    fail(app, min(failures, 5))
    if locked:
        with pytest.raises(auth.SignInRefusedError, match="锁定"):
            auth.sign_in(desk_of(app), "reception01", PASSWORD, A_SHIFT)
    else:
        assert auth.sign_in(desk_of(app), "reception01", PASSWORD, A_SHIFT)


@pytest.mark.parametrize(("seconds", "locked"), [(59, True), (60, False), (61, False)])
def test_the_first_lock_lasts_a_minute(app: Flask, clock: Clock, seconds: int, locked: bool):
    fail(app, 5)
    clock.pass_(seconds=seconds)
    if locked:
        with pytest.raises(auth.SignInRefusedError, match="锁定"):
            auth.sign_in(desk_of(app), "reception01", PASSWORD, A_SHIFT)
    else:
        assert auth.sign_in(desk_of(app), "reception01", PASSWORD, A_SHIFT)


def test_locks_double_up_to_a_quarter_of_an_hour(app: Flask, clock: Clock):
    fail(app, 5)
    lasted = []
    for _ in range(6):
        with pytest.raises(auth.SignInRefusedError) as refused:
            auth.sign_in(desk_of(app), "reception01", PASSWORD, A_SHIFT)
        until = refused.value.locked_until
        assert until is not None
        lasted.append((until - clock.now).total_seconds() / 60)
        clock.now = until
        fail(app, 1)
    assert lasted == [1, 2, 4, 8, 15, 15]


def test_a_lock_is_one_accounts_alone(app: Flask):
    fail(app, 5, "nobody")
    assert auth.sign_in(desk_of(app), "reception01", PASSWORD, A_SHIFT)


def test_a_success_forgets_the_failures(app: Flask):
    fail(app, 4)
    auth.sign_in(desk_of(app), "reception01", PASSWORD, A_SHIFT)
    fail(app, 4)
    assert auth.sign_in(desk_of(app), "reception01", PASSWORD, A_SHIFT)


@pytest.mark.parametrize(("hours", "forgotten"), [(23.9, False), (24, True)])
def test_failures_are_forgotten_after_a_day(app: Flask, clock: Clock, hours: float, forgotten: bool):
    fail(app, 4)
    clock.pass_(hours=hours)
    fail(app, 1)
    if forgotten:
        assert auth.sign_in(desk_of(app), "reception01", PASSWORD, A_SHIFT)
    else:
        with pytest.raises(auth.SignInRefusedError, match="锁定"):
            auth.sign_in(desk_of(app), "reception01", PASSWORD, A_SHIFT)


def test_what_is_over_is_removed(app: Flask, clock: Clock):
    fail(app, 1, "nobody")
    auth.sign_in(desk_of(app), "reception01", PASSWORD, A_SHIFT)
    tidy(desk_of(app))
    assert (rows(app, web_session), rows(app, sign_in_failure)) == (1, 1)
    clock.pass_(days=1)
    tidy(desk_of(app))
    assert (rows(app, web_session), rows(app, sign_in_failure)) == (0, 0)


@pytest.mark.parametrize(("length", "good"), [(9, False), (10, True), (200, True), (201, False)])
def test_passwords_have_ten_to_two_hundred_characters(length: int, good: bool):
    if good:
        assert auth.hash_password("x" * length)
    else:
        with pytest.raises(EngineError, match="10 到 200"):
            auth.hash_password("x" * length)


def test_the_demos_password_stands_on_the_sign_in_page_in_demo_mode_only(make_app, sqlite_url: str):
    assert demo.PASSWORD in make_app(sqlite_url, demo=True).test_client().get("/sign-in").text
    page = make_app(sqlite_url, demo=False).test_client().get("/sign-in").text
    assert demo.PASSWORD not in page and "演示" not in page
