"""Who is offered a user task of an incident, how urgent it is and until when (T-8, R194, R203)."""

from __future__ import annotations

from engine.context import Call, Context
from engine.offers import UNKNOWN_PRIORITY, Offer
from handlers import clocks
from handlers.records import incidents, people
from handlers.records.incidents import Incident

SUPPORT_LANE = "支持人员"


def offer(ctx: Context, call: Call) -> Offer:
    """Offer the task to whoever is responsible for the incident: a group's pool, or the person who has it.

    Stage 5 goes to the recorder (C-17). Somebody who has left the group or the house is not waited for: the record
    goes back to the group, and the task to its pool. While the incident waits nothing is due (R244). What support
    people do in stage 5 (5.2) is offered to whoever resolved it, while the recorder stays responsible (T-8).
    """
    incident = incidents.get(ctx, int(call.data["incident_id"]))
    if call.lane == SUPPORT_LANE and _is_resolved(incident) and incident["resolving_group"]:
        return _of_resolver(ctx, incident)
    if not _is_there(ctx, incident):
        incident = incidents.given_back(ctx, incident, "经办人已停用或离开本组，由本组接手")
    return Offer(
        candidate_group=incident["responsible_group"],
        assignee=incident["responsible_person"],
        priority=incident["priority"] or UNKNOWN_PRIORITY,
        due_at=clocks.current_due_at(incident),
    )


def _of_resolver(ctx: Context, incident: Incident) -> Offer:
    person, group = incident["resolver"], incident["resolving_group"]
    is_there = person is not None and people.stands_in(ctx.connection, person, group)
    return Offer(
        candidate_group=group,
        assignee=person if is_there else None,
        priority=incident["priority"] or UNKNOWN_PRIORITY,
        due_at=clocks.current_due_at(incident),
    )


def _is_resolved(incident: Incident) -> bool:
    return bool((incident["held_state"] if incident["state"] == "waiting" else incident["state"]) == "resolved")


def _is_there(ctx: Context, incident: Incident) -> bool:
    """Whether the responsible person can work for the group; the usual ones are known without a SELECT."""
    person, group = incident["responsible_person"], incident["responsible_group"]
    if person is None or person == ctx.actor:
        return True
    if (person, group) == (incident["recorder"], incident["recorder_group"]):
        return bool(incident[incidents.RECORDER_IS_THERE])
    return people.stands_in(ctx.connection, person, group)
