"""Stage 1, detection and recording: 1.2 who asks, 1.4 what was reported (§4.3.1)."""

from __future__ import annotations

from datetime import tzinfo

from engine.context import Call, Context
from engine.errors import InvalidValuesError
from handlers import reference
from handlers.records import numbers, people, priority
from handlers.records.incidents import Fields
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
IN_SCOPE = "in"


def identify(ctx: Context, call: Call) -> None:
    """1.2: keep who asks, in the incident and corrected in the customer master (R064–R074)."""
    values = values_of(call)
    if not text(values, "phone") and not text(values, "mobile"):
        raise InvalidValuesError({"phone": "电话和手机至少填一个"})
    incident = incident_of(ctx, call)
    given = {column: text(values, column) for column in _CUSTOMER_COLUMNS}
    customer_id = people.save_customer(ctx, {field: given[column] for column, field in _CUSTOMER_COLUMNS.items()})
    fields = {**given, "customer_id": customer_id, "customer_location": given["location"]}
    known = reference.row(ctx, "locations", given["location"])
    fields["location"] = known["key"] if known else incident["location"]
    record(ctx, call, incident, fields)


def record_request(ctx: Context, call: Call, zone: tzinfo = numbers.HOUSE_ZONE) -> str:
    """1.4: keep what was reported, give the number and a provisional priority; returns whether it is in scope.

    Which fields a source asks for is the form's rule (R084); the reporter is known from 1.2 (R083). ``zone`` says which
    day it is for the number.
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    fields: Fields = {"source": values["source"], **{name: text(values, name) for name in _FACTS}}
    fields |= {name: instant(values, name) for name in ("occurred_at", "external_deadline")}
    _check(ctx, fields)
    if incident["number"] is None:
        fields |= {"number": numbers.next_number(ctx, zone), "recorded_at": ctx.now}
    assessed = priority.assess(ctx, call, {**incident, **fields})
    fields |= assessed.fields | {"priority_provisional": True, "state": "to_dispatch", "stage": 2}
    record(ctx, call, incident, fields, f"登记时的暂定优先级：{assessed.reason}")
    return IN_SCOPE


def _check(ctx: Context, fields: Fields) -> None:
    problems: dict[str, str] = {}
    if reference.row(ctx, "sources", fields["source"]) is None:
        problems["source"] = "没有这个事件来源"
    if fields["occurred_at"] > ctx.now:
        problems["occurred_at"] = "发生时间不能晚于现在"
    if problems:
        raise InvalidValuesError(problems)
