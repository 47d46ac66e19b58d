"""Tasks (4.4): parts of the work on an incident, done by other groups, each with feedback (R160–R163, C-46)."""

from __future__ import annotations

from engine.context import Call, Context
from handlers.records import catalogue, children
from handlers.records.child_steps import child_of, facts_of, record
from handlers.records.steps import incident_of, text, values_of


def create(ctx: Context, call: Call) -> bool:
    """4.4: give one task to a group; returns whether more are to follow (R057, R160)."""
    values = values_of(call)
    incident = incident_of(ctx, call)
    group = catalogue.check_group(catalogue.task_groups(ctx), values["group"])["key"]
    title, details = values["title"], text(values, "details")
    facts = facts_of(values, "group", "title", "details", "more")
    children.open_child(ctx, incident, "task", title, details, group, facts, waits=True, element=call.element_id)
    return bool(values.get("more"))


def accept(ctx: Context, call: Call) -> None:
    """Take the task on: whoever does so gets the next step, too."""
    record(ctx, call, child_of(ctx, call), {"person": ctx.actor}, reason=text(values_of(call), "note"))


def complete(ctx: Context, call: Call) -> str:
    """Keep the feedback (R161); returns ``done``, or ``failed`` for what could not be done."""
    values = values_of(call)
    record(ctx, call, child_of(ctx, call), {"result": text(values, "feedback")})
    return children.DONE if values["done"] else children.FAILED
