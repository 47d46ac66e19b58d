"""Announcements beside the work: proposed at 1.6, published by the desk, taken down at 5.4 (§4.3.1, §4.3.5, C-56)."""

from __future__ import annotations

from typing import Any

from engine.context import Call, Context
from handlers.records import children
from handlers.records.child_steps import child_of, record
from handlers.records.steps import incident_of, text, values_of


def open_(ctx: Context, call: Call) -> None:
    """1.6: ask the desk for an announcement; one that is open already is enough."""
    incident = incident_of(ctx, call)
    if children.open_of(ctx, incident["id"], ["announcement"]):
        return
    facts: dict[str, Any] = {"departments": incident["affected_departments"]}
    title, effect = incident["summary"], incident["service_effect"]
    children.open_child(ctx, incident, "announcement", title, effect, None, facts, waits=False, element=call.element_id)


def close(ctx: Context, call: Call) -> None:
    """5.4: have the incident's announcement taken down; a slave has none of its own (C-56)."""
    children.close_announcements(ctx, incident_of(ctx, call))


def publish(ctx: Context, call: Call) -> str:
    """Publish what the customers read, or not; returns ``published`` or ``rejected``."""
    values = values_of(call)
    child = child_of(ctx, call)
    if not values["publish"]:
        record(ctx, call, child, {"result": text(values, "reason")})
        return children.REJECTED
    fields = {"title": text(values, "title"), "details": text(values, "text")}
    record(ctx, call, child, fields, facts={"published": True, "published_at": ctx.now.isoformat()})
    return "published"


def take_down(ctx: Context, call: Call) -> str:
    """The incident is resolved: the announcement is no longer shown; returns ``done``."""
    record(ctx, call, child_of(ctx, call), {"result": "事件已解决，公告已撤下"})
    return children.DONE
