"""Who is offered a user task of an incident, how urgent it is and until when (T-8, R194, R203)."""

from __future__ import annotations

from engine.context import Call, Context
from engine.offers import UNKNOWN_PRIORITY, Offer
from handlers import clocks
from handlers.records import incidents


def offer(ctx: Context, call: Call) -> Offer:
    """Offer the task to whoever is responsible for the incident: a group's pool, or the person who has it.

    Stage 5 goes to the recorder (C-17). While the incident waits nothing is due (R244).
    """
    incident = incidents.get(ctx, int(call.data["incident_id"]))
    return Offer(
        candidate_group=incident["responsible_group"],
        assignee=incident["responsible_person"],
        priority=incident["priority"] or UNKNOWN_PRIORITY,
        due_at=clocks.current_due_at(incident),
    )
