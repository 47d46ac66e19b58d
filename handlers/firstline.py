"""First support by the desk: 2.5 a known solution, 2.6 its own attempt, 2.7 applying it (§4.3.2.3 2.5–2.7)."""

from __future__ import annotations

from engine.context import Call, Context
from engine.errors import InvalidValuesError
from handlers import clocks
from handlers.records import catalogue, incidents, relations
from handlers.records.incidents import Fields, Incident
from handlers.records.steps import incident_of, record, text, values_of


def find(ctx: Context, call: Call) -> bool:
    """2.5: whether former incidents or the knowledge base have a solution; its source is linked (R118–R120)."""
    values = values_of(call)
    incident = incident_of(ctx, call)
    if not values["found"]:
        return False
    if number := text(values, "used"):
        used = incidents.find(ctx, number)
        if used is None or used["id"] == incident["id"]:
            raise InvalidValuesError({"used": f"没有单号为“{number}”的事件单"})
        relations.link(ctx, incident, used, "采用了它的解决方案")
    record(ctx, call, incident, _to_apply(ctx, incident, text(values, "solution")))
    return True


def attempt(ctx: Context, call: Call) -> bool:
    """2.6: whether the desk can solve it by its own skill (R121)."""
    values = values_of(call)
    incident = incident_of(ctx, call)
    if not values["solved"]:
        return False
    record(ctx, call, incident, _to_apply(ctx, incident, text(values, "solution")))
    return True


def _to_apply(ctx: Context, incident: Incident, solution: str | None) -> Fields:
    """The desk restores the service itself: it has responded, and restoration runs from here (R376)."""
    return {
        "solution": solution,
        **clocks.stopped(incident, "response", ctx.now),
        **clocks.started("restoration", ctx.now),
    }


def apply(ctx: Context, call: Call) -> bool:
    """2.7: register what was done (R122, R123); returns whether the service is restored.

    If not, the incident is to be dispatched as if nothing had been tried: its response clock runs on, and restoration
    begins with the acceptance (C-21).
    """
    values = values_of(call)
    incident = incident_of(ctx, call)
    restored = bool(values["restored"])
    fields: Fields = {"restored": restored, "recovery": text(values, "action")}
    if restored:
        fields |= _conclusion(ctx, incident, call)
    else:
        fields |= clocks.unstopped("response") | clocks.unstarted("restoration")
    record(ctx, call, incident, fields)
    return restored


def _conclusion(ctx: Context, incident: Incident, call: Call) -> Fields:
    values = values_of(call)
    cause, code = text(values, "cause"), text(values, "close_code")
    catalogue.check_cause(ctx, incident, cause)
    if code is not None and code not in {row["key"] for row in catalogue.close_codes_for_people(ctx)}:
        raise InvalidValuesError({"close_code": "没有这个关闭代码，或只能由系统设置"})
    fields: Fields = {"cause": cause, "solution": text(values, "solution")}
    return fields | ({"proposed_close_code": code} if code else {})
