"""Alarms from monitoring: one in a plain body, or several as Alertmanager's webhook sends them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import request

from engine.errors import EngineError, InvalidValuesError, StepFailedError
from engine.forms import Form
from webapp import logs
from webapp.api import schemas, signature
from webapp.api.operations import Answer, Given, check, fields, operation
from webapp.current import current_desk, current_person
from webapp.desk import BusyError
from webapp.desk.alarms import Alarm, Taken, take_alarm
from webapp.rights import Person

log = logs.logger("lovem.api")

ALERTS_AT_MOST = 1000
TEXT_LENGTH = 4000
SEVERITIES = ("critical", "major", "minor", "warning")
SEVERITY_OF_LABEL: Mapping[str, str] = {
    **{name: name for name in SEVERITIES},
    **dict.fromkeys(("page", "emergency", "disaster", "fatal"), "critical"),
    **dict.fromkeys(("error", "high"), "major"),
    **dict.fromkeys(("average", "medium"), "minor"),
}

ALARM = fields(
    "alarm",
    "告警",
    ["number", "severity", "text", "occurred_at"],
    number={
        "type": "string",
        "title": "告警编号",
        "minLength": 1,
        "maxLength": 60,
        "description": "The same for every report of one alarm, its recovery included.",
    },
    severity={"type": "string", "title": "告警严重等级", "enum": list(SEVERITIES)},
    text={"type": "string", "title": "告警信息", "minLength": 2, "maxLength": TEXT_LENGTH},
    occurred_at={"type": "string", "title": "发生时间", "format": "date-time", "maxLength": 40},
    trigger={"type": "string", "title": "触发方式", "enum": ["automatic", "manual"], "default": "automatic"},
    account={
        "type": "string",
        "title": "触发人员帐号",
        "minLength": 1,
        "maxLength": 80,
        "description": "Who raised it by hand; required where trigger is manual.",
    },
    configuration_item={"type": "string", "title": "相关配置项", "minLength": 2, "maxLength": 500},
    status={
        "type": "string",
        "title": "状态",
        "enum": ["firing", "resolved"],
        "default": "firing",
        "description": "resolved: recovered; occurred_at is when.",
    },
)
ALERT = fields(
    "alert",
    "告警",
    ["status", "fingerprint", "startsAt"],
    status={"type": "string", "title": "状态", "enum": ["firing", "resolved"]},
    fingerprint={"type": "string", "title": "告警编号", "minLength": 1, "maxLength": 60},
    startsAt={"type": "string", "title": "发生时间", "maxLength": 40},
    endsAt={"type": "string", "title": "恢复时间", "maxLength": 40},
)
RESULTS = schemas.record(results=schemas.many(schemas.ref("AlarmResult")))


@operation(
    "POST",
    "/alarms",
    summary="Report an alarm",
    body=ALARM,
    keyed=False,
    signed=True,
    answers={200: schemas.ref("AlarmResult"), 201: schemas.ref("AlarmResult")},
)
def alarm(given: Given) -> Answer:
    """A new alarm creates an incident (201); the same one again adds to it while it is open; recovery marks it.

    Whoever has not accepted it yet need not: recovery resolves it by itself. After closing, a new incident begins.
    """
    actor, body = current_person(), given.body
    if body["trigger"] == "manual" and "account" not in body:
        raise InvalidValuesError({"account": "手工触发的告警请填写触发人员帐号"})
    reported = Alarm(
        number=body["number"].strip(),
        severity=body["severity"],
        text=body["text"].strip(),
        occurred_at=_instant(body["occurred_at"]),
        firing=body["status"] == "firing",
        account=body["account"] if body["trigger"] == "manual" else None,
        configuration_item=body.get("configuration_item"),
    )
    taken = take_alarm(current_desk(), actor, reported, key=given.key or _signed_key())
    return Answer(_result(reported.number, taken), 201 if taken.result == "created" else 200)


@operation(
    "POST",
    "/alarms/alertmanager",
    summary="Take alerts from Alertmanager",
    body="AlertmanagerWebhook",
    signed=True,
    answers={200: RESULTS, 503: {"anyOf": [RESULTS, schemas.ref("Problem")]}},
)
def alertmanager(given: Given) -> Answer:
    """The body of Alertmanager's webhook, version 4; each alert has its own line in the answer, in their order.

    503 where one could not be taken now: Alertmanager then sends them all again.
    """
    actor = current_person()
    results = [_take(actor, place, alert) for place, alert in enumerate(_alerts(given.body))]
    status = 503 if any(line["result"] == "failed" for line in results) else 200
    return Answer({"results": results}, status)


def _signed_key() -> str | None:
    """A signed request that is played back is the same command: its signature is its key."""
    return request.headers[signature.SIGNATURE] if signature.is_signed() else None


def _alerts(body: Any) -> list[Any]:
    if not isinstance(body, Mapping):
        raise InvalidValuesError({"": "请求体应为一个 JSON 对象"})
    problems: dict[str, str] = {}
    if body.get("version") != "4":
        problems["version"] = "只支持 Alertmanager webhook 第 4 版"
    alerts = body.get("alerts")
    if not isinstance(alerts, list) or len(alerts) > ALERTS_AT_MOST:
        problems["alerts"] = f"应为最多 {ALERTS_AT_MOST} 条告警的列表"
    elif strange := [place for place, alert in enumerate(alerts) if not isinstance(alert, Mapping)]:
        problems[f"alerts.{strange[0]}"] = "应为一个 JSON 对象"
    if problems or not isinstance(alerts, list):
        raise InvalidValuesError(problems)
    return alerts


def _take(actor: Person, place: int, alert: Mapping[str, Any]) -> dict[str, Any]:
    """One alert of several; what goes wrong with it is its own line and touches no other."""
    number = alert.get("fingerprint")
    number = number if isinstance(number, str) else None
    try:
        reported = _read_alert(alert)
        key = _signed_key()
        # The signature is of all alerts together: the place tells them apart.
        taken = take_alarm(current_desk(), actor, reported, key=key and f"{key} {place}")
    except (BusyError, StepFailedError):
        log.exception("alert %s could not be taken", place)
        return _result(number, Taken("failed", None))
    except InvalidValuesError as refused:
        return _result(number, Taken("refused", None), refused.problems)
    except EngineError as refused:
        return _result(number, Taken("refused", None), {"": str(refused)})
    return _result(number, taken)


def _read_alert(alert: Mapping[str, Any]) -> Alarm:
    """Raises InvalidValuesError naming what is missing or wrong."""
    known = {name: alert[name] for name in ALERT.fields if name in alert}
    clean, problems = check(ALERT, known)
    labels, notes = _texts(alert.get("labels")), _texts(alert.get("annotations"))
    firing = clean.get("status") == "firing"
    name = "startsAt" if firing or "endsAt" not in clean else "endsAt"
    occurred_at = _any_instant(clean.get(name, ""))
    if occurred_at is None:
        problems.setdefault(name, "时间应为带时区的 ISO 8601 写法")
    if problems or occurred_at is None:
        raise InvalidValuesError(problems)
    said = [notes.get("summary"), notes.get("description"), notes.get("message")]
    lines = [labels.get("alertname", clean["fingerprint"]), *filter(None, said)]
    lines += [f"{label}={value}" for label, value in sorted(labels.items())]
    return Alarm(
        number=clean["fingerprint"].strip(),
        severity=SEVERITY_OF_LABEL.get(labels.get("severity", "").lower(), "warning"),
        text="\n".join(lines)[:TEXT_LENGTH],
        occurred_at=occurred_at,
        firing=firing,
        configuration_item=_item(labels.get("instance")),
    )


def _texts(value: Any) -> dict[str, str]:
    """Labels or annotations: the texts by name."""
    given = value if isinstance(value, Mapping) else {}
    return {name: text for name, text in given.items() if isinstance(text, str) and text.strip()}


def _item(name: str | None) -> str | None:
    return name.strip()[:500] if name and len(name.strip()) > 1 else None


def _any_instant(text: str) -> datetime | None:
    """An instant as Go writes it, with up to nine digits of a second."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


def _result(number: str | None, taken: Taken, problems: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {"number": number, "result": taken.result, "incident": taken.incident, "problems": dict(problems or {})}


def webhook_schema() -> dict[str, Any]:
    """What of Alertmanager's body is read; whatever else is in it is passed over."""
    texts = {name: {"description": "Texts by name."} for name in ("labels", "annotations")}
    alert = {"type": "object", "properties": {**_open(ALERT), **texts}}
    return {
        "type": "object",
        "properties": {
            "version": {"const": "4"},
            "alerts": {"type": "array", "maxItems": ALERTS_AT_MOST, "items": alert},
        },
        "required": ["version", "alerts"],
    }


def _open(form: Form) -> dict[str, Any]:
    """A form's fields without their rules: an alert that breaks one is refused alone, in its own line."""
    return {name: {"description": part["title"]} for name, part in form.fields.items()}
