"""Tasks over the API: the same verbs, rights and costs as on the pages."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from engine.context import SYSTEM
from tests.office import ROAD
from tests.webapp.api.conftest import Api
from tests.webapp.conftest import HASH, PASSWORD
from tests.webapp.test_budget import counting
from webapp import people


def test_my_tasks_and_the_pool_of_my_groups(api: Api):
    incident_id = api.office.dispatch()
    support = api.caller("crm01")
    assert support.get("/tasks").get_json()["tasks"] == []
    listed = support.get("/tasks", list="pool").get_json()["tasks"]
    assert [(row["element"], row["incident"], row["group"]) for row in listed] == [
        ("s2_9_accept", api.number(incident_id), "crm")
    ]
    claimed = support.post(f"/tasks/{listed[0]['id']}/claim", {"token": listed[0]["token"]})
    assert claimed.get_json() == {"id": listed[0]["id"], "token": listed[0]["token"] + 1}
    assert [row["id"] for row in support.get("/tasks").get_json()["tasks"]] == [listed[0]["id"]]
    released = support.post(f"/tasks/{listed[0]['id']}/release", {"token": claimed.get_json()["token"]})
    assert released.status_code == 200
    assert api.caller("billing01").get("/tasks", list="pool").get_json()["tasks"] == []


def test_a_task_comes_with_the_schema_of_its_form(api: Api):
    task = api.office.task(api.office.dispatch())
    found = api.caller("crm01").get(f"/tasks/{task.id}").get_json()
    assert found["element"] == "s2_9_accept"
    assert found["form"]["schema"]["properties"]["answer"]
    assert "$schema" not in found["form"]["schema"]
    assert found["token"] == task.token


def test_a_task_is_completed_with_form_data_and_the_next_one_opens(both: Api):
    task = both.office.task(both.office.dispatch())
    support = both.caller("crm01")
    body = {"token": task.token, "values": ROAD["s2_9_accept"]}
    done = support.post(f"/tasks/{task.id}/complete", body, Idempotency_Key="c1")
    assert done.status_code == 200
    assert len(done.get_json()["opened"]) == 1
    assert not done.get_json()["ended"]
    assert support.post(f"/tasks/{task.id}/complete", body, Idempotency_Key="c1").get_json() == done.get_json()
    late = support.post(f"/tasks/{task.id}/complete", body, Idempotency_Key="c2")
    assert late.status_code == 409
    assert (late.get_json()["by"], late.get_json()["at"]) == ("crm01", both.clock().isoformat())
    read = support.get(f"/tasks/{task.id}")
    assert (read.status_code, read.get_json()["by"]) == (409, "crm01")


def test_an_older_version_of_a_task_is_refused_with_who_changed_it(api: Api):
    task = api.office.task(api.office.dispatch())
    body = {"token": task.token, "values": ROAD["s2_9_accept"]}
    api.caller("crm02").post(f"/tasks/{task.id}/claim", {"token": task.token})
    taken = api.caller("crm01").post(f"/tasks/{task.id}/complete", body)
    assert taken.status_code == 403
    own = api.caller("crm02").post(f"/tasks/{task.id}/complete", body)
    assert (own.status_code, own.get_json()["by"]) == (409, "crm02")
    claim = api.caller("crm01").post(f"/tasks/{task.id}/claim", {"token": task.token})
    assert claim.status_code in {403, 409}


def test_refused_form_values_are_named_by_field(api: Api):
    task = api.office.task(api.office.dispatch())
    body = {"token": task.token, "values": {"answer": "perhaps", "more": 1}}
    answer = api.caller("crm01").post(f"/tasks/{task.id}/complete", body)
    assert (answer.status_code, set(answer.get_json()["problems"])) == (422, {"answer", "more"})
    assert api.caller("crm01").get(f"/tasks/{task.id}").status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"token": "1", "values": {}}, {"token": 1}, {"token": -1, "values": {}}, {"token": 1, "values": []}]
)
def test_a_completion_of_another_shape_is_refused(api: Api, body: dict[str, object]):
    task = api.office.task(api.office.dispatch())
    answer = api.caller("crm01").post(f"/tasks/{task.id}/complete", body)
    assert answer.status_code == 422
    assert set(answer.get_json()["problems"]) <= {"token", "values"}


@pytest.mark.parametrize(("account", "status"), [("crm01", 200), ("billing01", 403), ("leaders01", 403)])
def test_who_may_complete_is_who_may_on_the_pages(api: Api, account: str, status: int):
    task = api.office.task(api.office.dispatch())
    body = {"token": task.token, "values": ROAD["s2_9_accept"]}
    assert api.caller(account).post(f"/tasks/{task.id}/complete", body).status_code == status


@pytest.mark.parametrize("path", ["", "/claim", "/release", "/complete"])
def test_a_task_that_never_was_is_not_found(api: Api, path: str):
    desk = api.caller("reception01")
    body = {"token": 1} | ({"values": {}} if path == "/complete" else {})
    answer = desk.post(f"/tasks/nothing{path}", body) if path else desk.get("/tasks/nothing")
    assert answer.status_code == 404


def test_completing_by_the_api_costs_no_more_than_by_the_page(both: Api):
    """Statements of the whole request, the caller's recognition included; tables and bundles are in memory."""
    by_page, by_api = both.app.test_client(), both.caller("crm01")
    _sign_in(both, by_page, "crm01")
    counts = []
    for turn in ("warm", "page", "api"):
        incident_id = both.office.dispatch()
        task = both.office.task(incident_id)
        with counting(both.desk.engine) as counted:
            if turn == "api":
                body = {"token": task.token, "values": ROAD["s2_9_accept"]}
                assert by_api.post(f"/tasks/{task.id}/complete", body, Idempotency_Key="k").status_code == 200
            else:
                form = {"token": str(task.token), "s2_9_accept.answer": "accept", "key": turn}
                assert by_page.post(f"/tasks/{task.id}", data=form).status_code == 303
        counts.append((len(counted.statements), counted.commits))
        if turn == "warm":
            by_api.get("/tasks")  # notes the token's use of this hour
    page, called = counts[1], counts[2]
    assert called[0] <= page[0]
    assert called[1] <= page[1]


def _sign_in(api: Api, client: FlaskClient, account: str) -> None:
    with api.desk.unit_of_work(SYSTEM) as ctx:
        people.set_password(ctx, account, HASH)
    api.app.config["WTF_CSRF_ENABLED"] = False
    assert client.post("/sign-in", data={"account": account, "password": PASSWORD}).status_code == 303
