"""Incidents that may be one and the same: the search after 2.2, 2.3 the desk's decision, 2.4 the master (§4.3.2)."""

from __future__ import annotations

from engine.context import Call, Context
from engine.errors import InvalidValuesError
from handlers.records import incidents, relations, similar
from handlers.records.incidents import Incident
from handlers.records.steps import incident_of, record, text, values_of

BIND, LINK = "bind", "link"
_ALL = 1000  # of those that were read: solved ones may be the likeliest


def search(ctx: Context, call: Call) -> bool:
    """After 2.2: whether an open incident looks like this one, so that the desk must decide in 2.3 (R112, R113)."""
    incident = incident_of(ctx, call)
    found = similar.candidates(ctx, incident, _ALL)
    return any(similar.is_unsolved(each) for each in found)


def decide(ctx: Context, call: Call) -> str:
    """2.3: one and the same, related, or neither; returns which (R114, R264).

    What is bound gets its master in the same step, at 2.4; what is only related is linked here.
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    relation = str(values["relation"])
    if relation in (BIND, LINK):
        other = _other(ctx, incident, str(text(values, "other")))
        reason = str(text(values, "reason"))
        if relation == LINK:
            relations.link(ctx, incident, other, reason)
        elif refusal := relations.bind_refusal(ctx, incident, other):
            raise InvalidValuesError({"other": refusal})
        else:
            record(ctx, call, incident, {"master_id": other["id"]}, reason)
    return relation


def bind(ctx: Context, call: Call) -> int:
    """2.4: the incident is a slave from now on, in the list of its master (R115–R117); returns the master's id."""
    incident = incident_of(ctx, call)
    leader = incidents.get(ctx, incident["master_id"])
    relations.bind(ctx, incident, leader, "2.3 判断为同一件事")
    return int(leader["id"])


def _other(ctx: Context, incident: Incident, number: str) -> Incident:
    other = incidents.find(ctx, number)
    if other is None:
        raise InvalidValuesError({"other": f"没有单号为“{number}”的事件单"})
    if other["id"] == incident["id"]:
        raise InvalidValuesError({"other": "请填写另一张事件单的单号"})
    return other
