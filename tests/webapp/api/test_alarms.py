"""Alarms: a new one is an incident, the same one adds to it, recovery marks it, whoever sends it at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from engine.context import SYSTEM
from handlers.records import people as records
from handlers.records.tables import comment, incident
from tests.office import ROAD
from tests.webapp.api.conftest import MONITORING, SECRET, Api, Caller
from webapp import people
from webapp.api.signature import SIGNATURE, TIMESTAMP, signature_of
from webapp.desk.alarms import Alarm, take_alarm

ALARM = {
    "number": "ZBX-4711",
    "severity": "major",
    "text": "计费主机 CPU 使用率 98%",
    "occurred_at": "2026-11-23T08:55:00+08:00",
    "configuration_item": "bss-db-01",
}
RECOVERY = ALARM | {"status": "resolved", "occurred_at": "2026-11-23T09:00:00+08:00"}


@pytest.fixture
def monitoring(api: Api) -> Caller:
    return sender(api)


def sender(api: Api) -> Caller:
    """A program with a token of a monitoring account."""
    api.add_monitoring()
    return api.caller(MONITORING)


def incidents(api: Api) -> list[dict[str, Any]]:
    with api.desk.reading() as connection:
        return [dict(row) for row in connection.execute(select(incident).order_by(incident.c.id)).mappings()]


def comments(api: Api) -> list[str]:
    with api.desk.reading() as connection:
        return list(connection.scalars(select(comment.c.text).order_by(comment.c.id)))


def alert(**changed: Any) -> dict[str, Any]:
    """One alert as Alertmanager sends it."""
    return {
        "status": "firing",
        "labels": {"alertname": "磁盘将满", "severity": "critical", "instance": "bss-db-01:9100"},
        "annotations": {"summary": "/data 还剩 3%"},
        "startsAt": "2026-11-23T00:55:01.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": "9c1f2a3b4c5d6e7f",
        **changed,
    }


def webhook(*alerts: Any) -> dict[str, Any]:
    return {"version": "4", "groupKey": "{}", "status": "firing", "receiver": "lovem", "alerts": list(alerts)}


@pytest.mark.proves("R046", "R063", "R086", "R087", "R088", "R110")
def test_an_alarm_creates_an_incident_filled_in_by_the_system(api: Api, monitoring: Caller):
    answer = monitoring.post("/alarms", ALARM)
    assert answer.status_code == 201
    (found,) = incidents(api)
    assert answer.get_json() == {
        "number": "ZBX-4711",
        "result": "created",
        "incident": found["number"],
        "problems": {},
    }
    assert (found["source"], found["state"], found["request_type"]) == ("alarm", "to_dispatch", "故障")
    assert (found["alarm_number"], found["alarm_severity"], found["alarm_trigger"]) == (
        "ZBX-4711",
        "major",
        "automatic",
    )
    assert (found["alarm_text"], found["configuration_items"]) == (ALARM["text"], "bss-db-01")
    assert (found["customer_name"], found["staff_number"], found["phone"]) == ("监控平台", MONITORING, "0731-85550199")
    assert (found["recorder"], found["responsible_group"]) == (MONITORING, "desk")
    assert found["occurred_at"] == datetime(2026, 11, 23, 0, 55, tzinfo=UTC)
    assert (found["impact"], found["urgency"], found["priority"]) == (3, "中", 3)


@pytest.mark.proves("R087")
def test_an_alarm_that_somebody_raised_names_him(api: Api, monitoring: Caller):
    refused = monitoring.post("/alarms", ALARM | {"trigger": "manual"})
    assert (refused.status_code, set(refused.get_json()["problems"])) == (422, {"account"})
    monitoring.post("/alarms", ALARM | {"trigger": "manual", "account": "operations-bss01"})
    (found,) = incidents(api)
    assert (found["alarm_trigger"], found["alarm_account"]) == ("manual", "operations-bss01")


def test_the_same_alarm_adds_to_its_open_incident_and_is_counted(both: Api):
    monitoring = sender(both)
    number = monitoring.post("/alarms", ALARM).get_json()["incident"]
    for times in (2, 3):
        answer = monitoring.post("/alarms", ALARM)
        assert (answer.status_code, answer.get_json()["result"]) == (200, "added")
        assert answer.get_json()["incident"] == number
        assert comments(both)[-1] == f"告警再次上报（第 {times} 次）：{ALARM['text']}"
    assert len(incidents(both)) == 1
    assert monitoring.post("/alarms", ALARM | {"number": "ZBX-4712"}).get_json()["result"] == "created"


def test_a_second_arrival_with_the_same_key_adds_nothing(api: Api, monitoring: Caller):
    first = monitoring.post("/alarms", ALARM, Idempotency_Key="a1")
    again = monitoring.post("/alarms", ALARM, Idempotency_Key="a1")
    assert again.get_json() == first.get_json()
    assert comments(api) == []
    other = monitoring.post("/alarms", ALARM | {"number": "ZBX-1"}, Idempotency_Key="a1")
    assert other.status_code == 409


def test_an_alarm_from_a_clock_that_is_ahead_happened_now(api: Api, monitoring: Caller):
    monitoring.post("/alarms", ALARM | {"occurred_at": "2026-11-23T23:00:00+08:00"})
    assert incidents(api)[0]["occurred_at"] == api.clock()


@pytest.mark.proves("R168")
def test_recovery_before_acceptance_resolves_the_incident_by_itself(api: Api, monitoring: Caller):
    monitoring.post("/alarms", ALARM)
    answer = monitoring.post("/alarms", RECOVERY)
    assert answer.get_json()["result"] == "resolved"
    (found,) = incidents(api)
    assert (found["state"], found["proposed_close_code"]) == ("resolved", "C05")
    assert found["alarm_cleared_at"] == datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    assert comments(api) == ["监控报告：告警已消除"]


def test_recovery_after_acceptance_is_only_a_note(both: Api):
    monitoring = sender(both)
    monitoring.post("/alarms", ALARM)
    incident_id = incidents(both)[0]["id"]
    both.office.do(incident_id, "reception01", "s2_1_type", "s2_2_classify", "s2_8_dispatch")
    both.office.do(incident_id, "crm01", "s2_9_accept")
    assert monitoring.post("/alarms", RECOVERY).get_json()["result"] == "cleared"
    assert monitoring.post("/alarms", RECOVERY).get_json()["result"] == "cleared"
    (found,) = incidents(both)
    assert (found["state"], found["proposed_close_code"]) == ("in_progress", None)
    assert comments(both) == ["监控报告：告警已消除"]
    monitoring.post("/alarms", ALARM)
    assert incidents(both)[0]["alarm_cleared_at"] is None


def test_recovery_of_what_nobody_reported_is_unknown(api: Api, monitoring: Caller):
    answer = monitoring.post("/alarms", RECOVERY)
    assert (answer.status_code, answer.get_json()["result"]) == (200, "unknown")
    assert incidents(api) == []


def test_after_closing_the_same_alarm_opens_a_new_incident(api: Api, monitoring: Caller):
    first = monitoring.post("/alarms", ALARM).get_json()["incident"]
    incident_id = incidents(api)[0]["id"]
    api.office.do(incident_id, "reception01", "s2_1_type", "s2_2_classify", "s2_8_dispatch")
    api.office.do(incident_id, "crm01", "s2_9_accept")
    api.office.do(incident_id, "crm01", *[step for step in ROAD if step.startswith(("s3", "s4"))])
    assert monitoring.post("/alarms", ALARM).get_json()["incident"] == first  # resolved is not closed
    monitoring.post("/alarms", RECOVERY)
    api.office.do(incident_id, "reception01", "s5_1_check")
    api.office.do(incident_id, "reception01", "s5_5_close")
    assert api.office.incident(incident_id)["state"] == "closed"
    again = monitoring.post("/alarms", ALARM)
    assert (again.status_code, again.get_json()["incident"] != first) == (201, True)


def test_two_nodes_that_get_the_same_alarm_make_one_incident(both: Api):
    sender(both)
    with both.desk.reading() as connection:
        actor = people.find(connection, MONITORING)
    occurred_at = both.clock() - timedelta(minutes=5)
    reported = Alarm(number="X", severity="minor", text="两个节点", occurred_at=occurred_at)
    desks = [both.desk, both.office.desk] * 2  # two nodes: they share nothing but the database
    with ThreadPoolExecutor(4) as pool:
        results = [each.result for each in pool.map(lambda desk: take_alarm(desk, actor, reported), desks)]
    assert sorted(results) == ["added"] * 3 + ["created"]
    assert len(incidents(both)) == 1
    assert sorted(comments(both)) == [f"告警再次上报（第 {times} 次）：两个节点" for times in (2, 3, 4)]


def test_each_alert_of_alertmanager_is_reported_by_itself(api: Api, monitoring: Caller):
    body = webhook(
        alert(),
        alert(fingerprint="second", labels={"alertname": "慢"}, annotations=None),
        alert(fingerprint="", startsAt="yesterday"),
        alert(status="resolved", fingerprint="third", endsAt="2026-11-23T00:59:00Z"),
        alert(),
    )
    answer = monitoring.post("/alarms/alertmanager", body)
    assert answer.status_code == 200
    lines = answer.get_json()["results"]
    assert [line["result"] for line in lines] == ["created", "created", "refused", "unknown", "added"]
    assert set(lines[2]["problems"]) == {"fingerprint", "startsAt"}
    first, second = incidents(api)
    assert (first["alarm_severity"], second["alarm_severity"]) == ("critical", "warning")
    assert first["configuration_items"] == "bss-db-01:9100"
    assert first["summary"].startswith("磁盘将满 /data 还剩 3%")
    recovered = alert(status="resolved", endsAt="2026-11-23T00:58:00Z")
    assert monitoring.post("/alarms/alertmanager", webhook(recovered)).get_json()["results"][0]["incident"]
    assert incidents(api)[0]["alarm_cleared_at"] == datetime(2026, 11, 23, 0, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([], {""}),
        ({}, {"version", "alerts"}),
        ({"version": "3", "alerts": []}, {"version"}),
        ({"version": "4", "alerts": [1]}, {"alerts.0"}),
        ({"version": "4", "alerts": [{}] * 1001}, {"alerts"}),
    ],
)
def test_a_body_that_is_not_alertmanagers_is_refused(api: Api, monitoring: Caller, body: Any, named: set[str]):
    answer = monitoring.post("/alarms/alertmanager", body)
    assert (answer.status_code, set(answer.get_json()["problems"])) == (422, named)


@pytest.mark.parametrize(("account", "status"), [("monitoring01", 422), ("crm01", 403), ("leaders01", 403)])
def test_who_may_report_alarms(api: Api, account: str, status: int):
    answer = api.caller(account).post("/alarms", ALARM)
    assert answer.status_code == status  # 422: the desk may, but this account has no telephone yet
    if status == 422:
        assert set(answer.get_json()["problems"]) == {"account"}


def signed(api: Api, body: Any, *, secret: str = SECRET, shift: int = 0, path: str = "/alarms") -> TestResponse:
    raw, timestamp = orjson.dumps(body), str(int(api.clock().timestamp()) + shift)
    headers = {TIMESTAMP: timestamp, SIGNATURE: signature_of(secret, timestamp, raw)}
    return api.app.test_client().post(f"/api{path}", data=raw, headers=headers, content_type="application/json")


def test_a_signed_alarm_is_recorded_as_the_monitoring_account(api: Api, monitoring: Caller):
    assert signed(api, ALARM).status_code == 201
    assert incidents(api)[0]["recorder"] == MONITORING
    assert signed(api, webhook(alert()), path="/alarms/alertmanager").get_json()["results"][0]["result"] == "created"


def test_a_signed_alarm_that_is_played_back_adds_nothing(api: Api, monitoring: Caller):
    first = signed(api, ALARM)
    assert signed(api, ALARM).get_json() == first.get_json()
    assert comments(api) == []


@pytest.mark.parametrize(("shift", "status"), [(-300, 201), (-301, 401), (300, 201), (301, 401)])
def test_a_signature_is_good_for_five_minutes(api: Api, monitoring: Caller, shift: int, status: int):
    assert signed(api, ALARM, shift=shift).status_code == status


@pytest.mark.parametrize("headers", [{}, {SIGNATURE: "x"}, {SIGNATURE: "sha256=" + "0" * 64, TIMESTAMP: "1"}])
def test_a_bad_signature_is_a_strangers(api: Api, monitoring: Caller, headers: dict[str, str]):
    answer = api.app.test_client().post("/api/alarms", json=ALARM, headers=headers)
    assert answer.status_code == 401
    assert signed(api, ALARM, secret="another").status_code == 401


def test_a_signature_covers_the_body_and_the_timestamp(api: Api, monitoring: Caller):
    raw, timestamp = orjson.dumps(ALARM), str(int(api.clock().timestamp()))
    headers = {TIMESTAMP: timestamp, SIGNATURE: signature_of(SECRET, timestamp, raw)}
    client = api.app.test_client()
    changed = {"data": raw.replace(b"98%", b"12%"), "content_type": "application/json"}
    assert client.post("/api/alarms", headers=headers, **changed).status_code == 401
    later = headers | {TIMESTAMP: str(int(timestamp) + 1)}
    assert client.post("/api/alarms", data=raw, headers=later, content_type="application/json").status_code == 401


def test_without_a_secret_no_signature_is_good(api: Api, monitoring: Caller, make_app: Any):
    bare = Api(make_app(api.url, alarm_account=MONITORING), api.office, api.clock)
    assert signed(bare, ALARM, secret="").status_code == 401


def test_a_disabled_monitoring_account_signs_nothing(api: Api, monitoring: Caller):
    with api.desk.unit_of_work(SYSTEM) as ctx:
        records.set_active(ctx, MONITORING, active=False)
    assert signed(api, ALARM).status_code == 401
    assert monitoring.post("/alarms", ALARM).status_code == 401
