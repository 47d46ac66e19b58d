"""Who has the incident: the columns that change when it goes to the desk, to a group, to a person, and the counters.

``dispatches`` counts every dispatch, transfer and return, the first dispatch included (R216); ``transfers`` counts the
moves after the first dispatch (R247, C-12). A dispatch back to the group that had it (after a rejection) is no move.
"""

from __future__ import annotations

from datetime import datetime

from handlers import clocks
from handlers.records.incidents import DESK, RECORDER, SUPPORT, Fields, Incident, nobody_responsible, responsible

# What a resolution claims, and what the customer was asked about it: neither outlives the resolution.
_CLAIMED = ("resolved_at", "resolver", "resolving_group", "restored")
# What a way of solving it claims: proposed anew with the next one. The solution itself stays for whoever goes on.
_PROPOSED = ("proposed_close_code", "workaround")
_ANSWERED = ("check_remark", "satisfied", "opinion")


def to_desk(incident: Incident, now: datetime) -> Fields:
    """Back to the desk for dispatch: stage 2, the response clock anew, no way of solving it chosen.

    A resolved one is resolved no longer, and goes on with its restoration.
    """
    fields = {
        "state": "to_dispatch",
        "stage": 2,
        **responsible(DESK, DESK),
        **unproposed(),
        **clocks.stopped(incident, "acceptance", now),
        **clocks.started("response", now),
    }
    if incident["state"] == "resolved":
        fields |= {
            **dict.fromkeys(_CLAIMED),
            **clocks.stopped(incident, "closure", now),
            **clocks.continued(incident, "restoration", now),
        }
    return fields


def to_group(incident: Incident, group: str, now: datetime) -> Fields:
    """To a group that must accept it: the group is responsible (R199) and the acceptance clock starts anew (C-21)."""
    return {
        "state": "to_accept",
        "stage": 2,
        **responsible(SUPPORT, group),
        **clocks.stopped(incident, "response", now),
        **clocks.started("acceptance", now),
    }


def accepted_by(incident: Incident, person: str, now: datetime) -> Fields:
    """A person of the group takes it: stage 3; restoration starts with the first acceptance only (C-21)."""
    fields = {
        "state": "in_progress",
        "stage": 3,
        **responsible(SUPPORT, incident["responsible_group"], person),
        **clocks.stopped(incident, "acceptance", now),
    }
    if incident["restoration_started_at"] is None:
        fields |= clocks.started("restoration", now)
    return fields


def to_recorder(incident: Incident) -> Fields:
    """To whoever recorded it, for stage 5 (C-17)."""
    return {"stage": 5, **responsible(RECORDER, incident["recorder_group"], incident["recorder"])}


def closed(incident: Incident, now: datetime) -> Fields:
    """Over: nobody is responsible any more, and no clock runs (T-8)."""
    fields: Fields = {"state": "closed", "closed_at": now, **nobody_responsible()}
    for name in clocks.CLOCKS:
        fields |= clocks.stopped(incident, name, now)
    return fields


def unproposed() -> Fields:
    """No way of solving it is chosen any more, so that none proposes how it is to be closed."""
    return dict.fromkeys(_PROPOSED)


def unanswered() -> Fields:
    """Nobody has been asked about the resolution that begins now; answers about an earlier one stay in its changes."""
    return dict.fromkeys(_ANSWERED)


def count_dispatch(incident: Incident, group: str) -> Fields:
    """2.8: always a dispatch; a move too, unless it is the first or goes back to the group that had it."""
    moved = incident["holder_group"] not in (None, group)
    return {
        "dispatches": incident["dispatches"] + 1,
        "transfers": incident["transfers"] + moved,
        "holder_group": group,
    }


def count_move(incident: Incident, group: str) -> Fields:
    """A transfer to ``group``, or a return to the desk by the group that had it."""
    return {
        "dispatches": incident["dispatches"] + 1,
        "transfers": incident["transfers"] + 1,
        "holder_group": group,
    }
