"""What every step of the process does with the incident: read it, end its waiting, write what the step found out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from engine.context import Call, Context
from engine.errors import InvalidValuesError
from handlers.records import incidents, waiting
from handlers.records.incidents import Fields, Incident

BACK_TO_WORK = "办理下一步骤，等待结束"


def incident_of(ctx: Context, call: Call) -> Incident:
    """The incident of the process that calls, for changing; whoever works on a waiting incident ends its waiting."""
    incident = incidents.get(ctx, int(call.data["incident_id"]), lock=True)
    if incident["state"] == "waiting":
        return waiting.resume(ctx, incident, BACK_TO_WORK, element=call.element_id)
    return incident


def record(ctx: Context, call: Call, incident: Incident, fields: Fields, reason: str | None = None) -> Incident:
    """Write ``fields`` as done by the calling step."""
    return incidents.change(ctx, incident, fields, reason=reason, element=call.element_id)


def values_of(call: Call) -> Mapping[str, Any]:
    """The form values of the user task that calls; empty for a service task."""
    return call.values or {}


def instant(values: Mapping[str, Any], name: str) -> datetime | None:
    """A date-time field as an aware instant; None when it is absent."""
    value = text(values, name)
    if value is None or isinstance(value, datetime):
        return value
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise InvalidValuesError({name: "时间必须带时区"})
    return found.astimezone(UTC)


def text(values: Mapping[str, Any], name: str) -> Any:
    """A text field without surrounding blanks; None when it is absent or blank; other types as they are."""
    value = values.get(name)
    return value.strip() or None if isinstance(value, str) else value
