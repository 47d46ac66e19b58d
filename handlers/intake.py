"""Stage 1, detection and recording: who asks, what was reported, whether it is ours and complete (§4.3.1)."""

from __future__ import annotations

import re
from datetime import tzinfo

from engine.context import SYSTEM, Call, Context
from engine.errors import InvalidValuesError
from handlers import reference
from handlers.records import children, incidents, moves, numbers, people, priority, relations, rules, waiting
from handlers.records.incidents import Fields, Incident
from handlers.records.steps import incident_of, instant, record, text, values_of

# Customer facts under the names of the incident's columns → names in the customer master.
_CUSTOMER_COLUMNS = {
    "staff_number": "staff_number",
    "customer_name": "name",
    "customer_grade": "grade",
    "phone": "phone",
    "mobile": "mobile",
    "extension": "extension",
    "location": "location",
    "email": "email",
    "department": "department",
    "served": "served",
}
_FACTS = (
    "request_type",
    "summary",
    "details",
    "service_effect",
    "affected_departments",
    "configuration_items",
    "external_number",
    "external_contact",
    "alarm_severity",
    "alarm_number",
    "alarm_text",
    "alarm_trigger",
    "alarm_account",
    "prehandling",
    "failed_change",
)
NEW, EXISTING = "new", "existing"
IN_SCOPE, MORE, OUT_OF_SCOPE, NO_ANSWER, TAKEN_BACK = "in", "more", "out", "no_answer", "taken_back"
WAIT_FOR_CUSTOMER = "W01"  # 待用户补充信息 (T-6)
CLOSED_AS = {OUT_OF_SCOPE: "C08", NO_ANSWER: "C07", TAKEN_BACK: "C06"}  # 非服务范围, 用户未响应, 用户撤销 (T-7)


def identify(ctx: Context, call: Call) -> str:
    """1.2: keep who asks, in the incident and corrected in the customer master (R064–R074).

    Returns EXISTING where the call only adds to an open incident (R075), else NEW.
    """
    values = values_of(call)
    if not text(values, "phone") and not text(values, "mobile"):
        raise InvalidValuesError({"phone": "电话和手机至少填一个"})
    incident = incident_of(ctx, call)
    added = _addition(ctx, incident, text(values, "existing"), text(values, "addition"))
    given = {column: text(values, column) for column in _CUSTOMER_COLUMNS}
    customer_id = people.save_customer(ctx, {field: given[column] for column, field in _CUSTOMER_COLUMNS.items()})
    fields = {**given, **added, "customer_id": customer_id, "customer_location": given["location"]}
    known = reference.row(ctx, "locations", given["location"])
    fields["location"] = known["key"] if known else incident["location"]
    record(ctx, call, incident, fields)
    return EXISTING if added else NEW


def _addition(ctx: Context, incident: Incident, number: str | None, addition: str | None) -> Fields:
    """The columns of a call that only adds to the incident with ``number``; none where no number is given."""
    if number is None:
        if addition is not None:
            raise InvalidValuesError({"existing": "填写了补充的内容，请写明补充到哪张事件单"})
        return {}
    other = incidents.find(ctx, number)
    if other is None or other["id"] == incident["id"]:
        raise InvalidValuesError({"existing": f"没有单号为“{number}”的事件单"})
    if other["state"] == "closed":
        raise InvalidValuesError({"existing": f"事件单 {other['number']} 已关闭，请另行登记为复发事件"})
    if addition is None:
        raise InvalidValuesError({"addition": "请填写补充的内容"})
    return {"supplement_of": other["id"], "details": addition}


def supplement(ctx: Context, call: Call) -> None:
    """1.3: add what was said to the existing incident, which keeps its state (R075, R076); this call is over.

    The call stays as a closed record without a number.
    """
    incident = incident_of(ctx, call)
    relations.comment(ctx, incident["supplement_of"], incident["details"], kind="supplement")
    record(ctx, call, incident, moves.closed(incident, ctx.now), "补充到已有事件单")


def record_request(ctx: Context, call: Call, zone: tzinfo = numbers.HOUSE_ZONE) -> str:
    """1.4: keep what was reported, give the number and a provisional priority; returns the scope (R077–R093).

    Which fields a source asks for is the form's rule (R084); the reporter is known from 1.2 (R083). Whoever does this
    step is the recorder from now on (C-17). A customer who is not served is out of scope (R073). ``zone`` says which
    day it is for the number.
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    fields: Fields = {"source": values["source"], **{name: text(values, name) for name in _FACTS}}
    fields |= {name: instant(values, name) for name in ("occurred_at", "external_deadline")}
    fields["announce"] = bool(values.get("announce"))
    _check(ctx, fields)
    if incident["number"] is None:
        fields |= {"number": numbers.next_number(ctx, zone), "recorded_at": ctx.now}
    if ctx.actor != SYSTEM:
        fields["recorder"] = ctx.actor
    assessed = priority.assess(ctx, call, {**incident, **fields})
    fields |= assessed.fields | {"priority_provisional": True}
    incident = record(ctx, call, incident, fields, f"登记时的暂定优先级：{assessed.reason}")
    scope = OUT_OF_SCOPE if incident["served"] is False else str(values.get("scope") or IN_SCOPE)
    return _judged(ctx, call, incident, scope)


def answered(ctx: Context, call: Call) -> None:
    """1.5: keep what the customer has added, or how he was asked in vain; his incident waits no longer (R094)."""
    incident = incident_of(ctx, call)
    answer = text(values_of(call), "answer")
    record(ctx, call, incident, {"details": f"{incident['details']}\n1.5 补充：{answer}"})


def decide_scope(ctx: Context, call: Call) -> str:
    """1.4 again, after 1.5: whether the report is ours and complete now; returns the scope (R091–R093, C-20)."""
    values = values_of(call)
    incident = incident_of(ctx, call)
    if values["scope"] == IN_SCOPE and values.get("announce"):
        incident = record(ctx, call, incident, {"announce": True})
    return _judged(ctx, call, incident, str(values["scope"]))


def _judged(ctx: Context, call: Call, incident: Incident, scope: str) -> str:
    """Write what follows from the scope: on to stage 2, waiting for the customer, or closing at 1.7."""
    if scope == MORE:
        needed = text(values_of(call), "needed")
        if needed is None:
            raise InvalidValuesError({"needed": "请填写还缺什么"})
        waiting.hold_by_system(ctx, incident, WAIT_FOR_CUSTOMER, needed, call.element_id)
    elif scope == IN_SCOPE:
        record(ctx, call, incident, {"state": "to_dispatch", "stage": 2})
    else:
        record(ctx, call, incident, {"proposed_close_code": CLOSED_AS[scope]})
    return scope


def propose_announcement(ctx: Context, call: Call) -> bool:
    """1.6: whether the table asks for one: for several departments, or because the desk wants it (R095–R098)."""
    incident = incident_of(ctx, call)
    inputs = {
        "departments": len(departments_named(incident["affected_departments"])),
        "asked": bool(incident["announce"]),
    }
    return bool(rules.decide(ctx, call, "announcement", inputs).result)


def departments_named(listed: str | None) -> list[str]:
    """The departments of a field in which staff separate them by commas, semicolons or line breaks."""
    names = re.split(r"[,，、;；\n]", listed or "")
    return [name.strip() for name in names if name.strip()]


def notify_and_close(ctx: Context, call: Call) -> None:
    """1.7: keep how the customer was told, and close the record; its response clock stops here (R093, R099, R376)."""
    values = values_of(call)
    incident = incident_of(ctx, call)
    told = str(text(values, "text"))
    relations.comment(ctx, incident["id"], told, kind="contact", channel=str(values["means"]))
    fields = {"close_code": incident["proposed_close_code"], **moves.closed(incident, ctx.now)}
    record(ctx, call, incident, fields, "已通知用户并关闭")
    children.end_companions(ctx, incident)


def _check(ctx: Context, fields: Fields) -> None:
    problems: dict[str, str] = {}
    if reference.row(ctx, "sources", fields["source"]) is None:
        problems["source"] = "没有这个事件来源"
    if fields["occurred_at"] > ctx.now:
        problems["occurred_at"] = "发生时间不能晚于现在"
    if problems:
        raise InvalidValuesError(problems)
