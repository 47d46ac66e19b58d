"""Personal tokens: made, shown once, used with the rights of now, ended."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from engine.context import SYSTEM
from engine.errors import ConflictError, InvalidValuesError, NotFoundError
from handlers.records import people as records
from tests.webapp.api.conftest import Api, Caller
from tests.webapp.conftest import HASH, PASSWORD
from webapp import people, tokens
from webapp.attempts import Failures
from webapp.tables import api_token


def rows(api: Api) -> list[dict[str, object]]:
    with api.desk.reading() as connection:
        return [dict(row) for row in connection.execute(select(api_token)).mappings()]


def status(api: Api, header: str | None) -> int:
    headers = {} if header is None else {"Authorization": header}
    return api.app.test_client().get("/api/tasks", headers=headers).status_code


def test_a_token_is_kept_as_a_hash_only(both: Api):
    made = tokens.issue(both.desk, "test", "reception01", "监控脚本")
    assert made.token is not None
    assert made.token.startswith("lovem_")
    assert made.token not in repr(rows(both))
    assert status(both, f"Bearer {made.token}") == 200
    assert status(both, f"bearer {made.token}") == 200


def test_a_second_arrival_of_the_command_makes_no_second_token_and_shows_none(both: Api):
    first = tokens.issue(both.desk, both.office["reception01"], "reception01", "脚本", key="k")
    again = tokens.issue(both.desk, both.office["reception01"], "reception01", "脚本", key="k")
    assert (again.id, again.token) == (first.id, None)
    assert len(rows(both)) == 1


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer x", "Basic cmVjZXB0aW9uMDE6eA==", "Bearer lovem_" + "a" * 43]
)
def test_whoever_has_no_good_token_is_a_stranger(api: Api, header: str | None):
    answer = api.app.test_client().get("/api/tasks", headers={} if header is None else {"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert set(answer.get_json()) == {"status", "title", "message", "problems"}


def test_a_token_holds_before_its_end_and_not_at_it(both: Api):
    made = tokens.issue(both.desk, "test", "reception01", "短", days=1)
    both.clock.pass_(days=1, microseconds=-1)
    assert status(both, f"Bearer {made.token}") == 200
    both.clock.pass_(microseconds=1)
    assert status(both, f"Bearer {made.token}") == 401


def test_a_token_holds_for_ninety_days_unless_said_otherwise_and_a_year_at_most(api: Api):
    made = tokens.issue(api.desk, "test", "reception01", "默认")
    assert (made.expires_at - api.clock()).days == 90
    assert (tokens.issue(api.desk, "test", "reception01", "一年", days=365).expires_at - api.clock()).days == 365
    for days in (0, 366):
        with pytest.raises(InvalidValuesError) as refused:
            tokens.issue(api.desk, "test", "reception01", "x", days=days)
        assert set(refused.value.problems) == {"days"}


def test_a_revoked_token_is_worth_nothing_and_revoking_again_changes_nothing(api: Api):
    made = tokens.issue(api.desk, "test", "reception01", "脚本")
    with pytest.raises(NotFoundError):
        tokens.revoke(api.desk, api.office["crm01"], made.id, account="crm01")
    assert status(api, f"Bearer {made.token}") == 200
    tokens.revoke(api.desk, api.office["reception01"], made.id, account="reception01")
    ended = rows(api)[0]["revoked_at"]
    api.clock.pass_(hours=1)
    tokens.revoke(api.desk, "test", made.id)
    assert rows(api)[0]["revoked_at"] == ended
    assert status(api, f"Bearer {made.token}") == 401


def test_a_token_acts_with_the_rights_of_its_account_at_that_moment(api: Api):
    desk = api.caller("reception01")
    with api.desk.unit_of_work(SYSTEM) as ctx:
        records.revoke_role(ctx, "reception01", "desk")
    assert desk.get("/tasks").status_code == 403
    with api.desk.unit_of_work(SYSTEM) as ctx:
        records.set_active(ctx, "reception01", active=False)
    assert desk.get("/tasks").status_code == 401
    with pytest.raises(NotFoundError):
        tokens.issue(api.desk, "test", "reception01", "x")


def test_the_last_use_is_noted_to_the_hour(both: Api):
    desk = both.caller("reception01")
    assert rows(both)[0]["used_at"] is None
    both.clock.pass_(minutes=20)
    desk.get("/tasks")
    first = rows(both)[0]["used_at"]
    assert first == both.clock().replace(minute=0)
    both.clock.pass_(minutes=39)
    desk.get("/tasks")
    assert rows(both)[0]["used_at"] == first
    both.clock.pass_(minutes=1)
    desk.get("/tasks")
    assert rows(both)[0]["used_at"] == both.clock()


def test_an_account_has_twenty_live_tokens_at_most(api: Api):
    for place in range(tokens.LIVE_AT_MOST):
        made = tokens.issue(api.desk, "test", "crm01", f"第{place}个")
    with pytest.raises(ConflictError):
        tokens.issue(api.desk, "test", "crm01", "多")
    tokens.revoke(api.desk, "test", made.id)
    tokens.issue(api.desk, "test", "crm01", "又有空位")


def test_many_bad_tokens_are_told_to_wait_and_a_good_one_never_is(api: Api):
    bad, good = Caller(api.app, None), api.caller("reception01")
    bad.headers["Authorization"] = "Bearer lovem_nothing"
    answers = [bad.get("/tasks") for _ in range(Failures.FREE + 1)]
    assert [answer.status_code for answer in answers] == [401] * Failures.FREE + [429]
    assert int(answers[-1].headers["Retry-After"]) >= 60
    assert answers[-1].get_json()["status"] == 429
    assert good.get("/tasks").status_code == 200
    api.clock.pass_(seconds=60)
    assert bad.get("/tasks").status_code == 401


def test_failures_remember_a_bounded_number_of_addresses(api: Api):
    failures = Failures()
    failures.ADDRESSES = 3  # type: ignore[misc]
    for address in range(10):
        failures.count(str(address), api.clock())
    assert list(failures._since) == ["7", "8", "9"]


def test_a_browsers_session_counts_for_nothing(api: Api):
    client = api.app.test_client()
    with api.desk.unit_of_work(SYSTEM) as ctx:
        people.set_password(ctx, "reception01", HASH)
    api.app.config["WTF_CSRF_ENABLED"] = False
    assert client.post("/sign-in", data={"account": "reception01", "password": PASSWORD}).status_code == 303
    assert client.get("/work").status_code == 200
    assert client.get("/api/tasks").status_code == 401
    body = api.new_incident()
    assert client.post("/api/incidents", json=body, headers={"Idempotency-Key": "k"}).status_code == 401


def test_calls_with_a_token_need_no_form_token(api: Api):
    assert api.app.config.get("WTF_CSRF_ENABLED", True)
    desk = api.caller("reception01")
    assert desk.post("/incidents", api.new_incident(), Idempotency_Key="k").status_code == 201


def test_a_token_of_a_hash_that_is_known_opens_nothing(api: Api):
    api.caller("reception01")
    stored = rows(api)[0]["token_hash"]
    assert status(api, f"Bearer {stored}") == 401
