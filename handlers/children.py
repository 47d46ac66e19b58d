"""What all child records share: waiting for them, offering their tasks, ending them (§4.1, C-46)."""

from __future__ import annotations

from engine.context import Call, Context
from engine.offers import UNKNOWN_PRIORITY, Offer
from handlers.records import children, people
from handlers.records.child_steps import child_of
from handlers.records.steps import incident_of

ENDED = "ended"  # process data: how the child's steps say that it ends; what says nothing is done


def wait(ctx: Context, call: Call) -> str:
    """Let the incident wait for its open children; returns the key under which it hears that all have ended."""
    return children.begin_wait(ctx, incident_of(ctx, call), element=call.element_id)


def offer(ctx: Context, call: Call) -> Offer:
    """Offer a child's task to its group, or to whoever of the group has it, with its incident's priority.

    A child has no target of its own: nothing is due. Who has left the group or the house is not waited for.
    """
    child = child_of(ctx, call)
    person = child["person"]
    if person not in (None, ctx.actor) and not people.stands_in(ctx.connection, person, child["group"]):
        children.change(ctx, child, {"person": None}, reason="经办人已停用或离开本组，由本组接手")
        person = None
    return Offer(child["group"], person, child["priority"] or UNKNOWN_PRIORITY)


def finish(ctx: Context, call: Call) -> None:
    """End the child as its steps have decided, and tell its incident; one that has ended already stays as it is."""
    children.finish(ctx, child_of(ctx, call), call.data.get(ENDED, children.DONE), element=call.element_id)
