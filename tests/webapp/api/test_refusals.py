"""Every way in which the API says no has one shape, and says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import StepFailedError
from tests.webapp.api.conftest import Api
from webapp import desk as verbs
from webapp import failures
from webapp.api import alarms
from webapp.desk import BusyError

SHAPE = {"status", "title", "message", "problems"}
WRITING = ["/incidents", "/tasks/x/claim", "/tasks/x/release", "/tasks/x/complete", "/incidents/x/supplement"]


def raising(error: Exception) -> Any:
    def fail(*_arguments: Any, **_named: Any) -> None:
        raise error

    return fail


@pytest.mark.parametrize("path", WRITING)
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": b"{", "content_type": "application/json"}, 400),
        ({"data": b'{"a": NaN}', "content_type": "application/json"}, 400),
        ({"data": b"\xff\xfe", "content_type": "application/json"}, 400),
        ({"data": b'{"a": "\\ud800"}', "content_type": "application/json"}, 400),
        ({"data": b'{"a": "\\u0000"}', "content_type": "application/json"}, 400),
        ({"data": b"[" * 100_000, "content_type": "application/json"}, 400),
        ({"data": b"a=1", "content_type": "application/x-www-form-urlencoded"}, 415),
        ({"data": b"{}"}, 415),
        ({"data": b" " * (2 * 1024 * 1024 + 1), "content_type": "application/json"}, 413),
    ],
)
def test_a_body_that_is_no_json_of_ours_is_refused(api: Api, path: str, sent: dict[str, Any], status: int):
    desk = api.caller("reception01")
    answer = desk.client.post(f"/api{path}", headers={**desk.headers, "Idempotency-Key": "k"}, **sent)
    assert answer.status_code == status
    assert answer.get_json().keys() == SHAPE


@pytest.mark.parametrize("query", ["q=%00", "q=a%00b"])
def test_a_nul_in_a_parameter_is_not_understood(api: Api, query: str):
    desk = api.caller("reception01")
    assert desk.client.get(f"/api/incidents?{query}", headers=desk.headers).status_code == 400


def test_what_is_no_endpoint_or_no_method_of_it_is_told_as_json(api: Api):
    desk = api.caller("reception01")
    assert desk.get("/nothing").get_json().keys() == SHAPE
    answer = desk.client.delete("/api/tasks", headers=desk.headers)
    assert (answer.status_code, answer.get_json().keys()) == (405, SHAPE)
    assert "GET" in answer.headers["Allow"]


def test_a_busy_database_is_worth_another_try(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verbs, "claim", raising(BusyError("系统正忙")))
    answer = api.caller("reception01").post("/tasks/x/claim", {"token": 1})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.get_json().keys() == SHAPE | {"by", "at"}


def test_a_step_that_is_stuck_and_a_fault_are_no_secrets(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verbs, "claim", raising(StepFailedError(1, "s", "geheim", {})))
    stuck = api.caller("reception01").post("/tasks/x/claim", {"token": 1})
    assert (stuck.status_code, stuck.get_json()["message"]) == (500, failures.STUCK)
    monkeypatch.setattr(verbs, "claim", raising(RuntimeError("geheim")))
    fault = api.caller("reception01").post("/tasks/x/claim", {"token": 1})
    assert fault.status_code == 500
    assert "geheim" not in fault.get_data(as_text=True)


def test_one_alert_that_fails_asks_for_all_again_and_reports_the_others(api: Api, monkeypatch: pytest.MonkeyPatch):
    api.add_monitoring()
    take, failing = alarms.take_alarm, {"bad"}

    def sometimes(desk: Any, actor: Any, alarm: Any, **named: Any) -> Any:
        if alarm.number in failing:
            raise BusyError("系统正忙")
        return take(desk, actor, alarm, **named)

    monkeypatch.setattr(alarms, "take_alarm", sometimes)
    alerts = [
        {"status": "firing", "fingerprint": name, "startsAt": "2026-11-23T00:00:00Z", "labels": {"alertname": "x"}}
        for name in ("good", "bad")
    ]
    answer = api.caller("platform").post("/alarms/alertmanager", {"version": "4", "alerts": alerts})
    assert answer.status_code == 503
    assert [line["result"] for line in answer.get_json()["results"]] == ["created", "failed"]
