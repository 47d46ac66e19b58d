"""Incidents that support people raise for faults found in their daily work: they go straight to 3.1 (R048, R138)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from sqlalchemy import select

from engine.context import Call, Context
from engine.errors import InvalidValuesError
from handlers.records import catalogue, incidents, moves, numbers, priority
from handlers.records.incidents import Fields, Incident
from handlers.records.steps import instant, text
from handlers.records.tables import person

REQUEST_TYPE = "故障"
_FACTS = ("source", "failed_change", "summary", "details", "service", "location", "configuration_items")
_CLASSIFICATION = ("category", "type", "symptom", "impact")


def open_raised(ctx: Context, values: Mapping[str, Any], group: str, zone: tzinfo = numbers.HOUSE_ZONE) -> Incident:
    """The record of what the actor found: numbered, classified, accepted by himself, his name and phone filled in.

    ``values`` are those of form ``raise_incident``, validated. He is its recorder in ``group`` and closes it (R088,
    C-17). No clock ran before the restoration's: response and acceptance take no time (R376). The priority follows
    with ``assess``, once its instance can be named in the log of decisions.
    """
    catalogue.check_classification(ctx, values)
    occurred_at = instant(values, "occurred_at")
    if occurred_at is not None and occurred_at > ctx.now:
        raise InvalidValuesError({"occurred_at": "发生时间不能晚于现在"})
    facts: Fields = {name: text(values, name) for name in _FACTS}
    facts |= {name: values[name] for name in _CLASSIFICATION}
    facts |= {"occurred_at": occurred_at, "request_type": REQUEST_TYPE, "holder_group": group, "served": True}
    facts |= {"number": numbers.next_number(ctx, zone), "recorded_at": ctx.now, **_reporter(ctx)}
    incident = incidents.get(ctx, incidents.create(ctx, facts, group=group))
    incident = incidents.change(ctx, incident, moves.to_group(incident, group, ctx.now))
    return incidents.change(ctx, incident, moves.accepted_by(incident, ctx.actor, ctx.now), reason="支持人员自行发现")


def assess(ctx: Context, incident: Incident, instance_id: int, element_id: str) -> Incident:
    """Urgency, priority and targets by the tables in force, as if the step ``element_id`` had asked (R111)."""
    assessed = priority.assess(ctx, Call(element_id, instance_id, str(incident["id"]), {}), incident)
    return incidents.change(ctx, incident, assessed.fields, reason=assessed.reason, element=element_id)


def _reporter(ctx: Context) -> Fields:
    query = select(person.c.name, person.c.phone, person.c.email).where(person.c.account == ctx.actor)
    found = ctx.connection.execute(query).one()
    return {"customer_name": found.name, "phone": found.phone, "email": found.email}
