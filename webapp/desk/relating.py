"""Verbs that relate incidents: bind one to a master, take it from there again, link two (§5.1.10, C-28, R264, R265)."""

from __future__ import annotations

from engine import messages
from engine.context import Context
from engine.errors import InvalidValuesError
from handlers.records import incidents, relations
from handlers.records.incidents import Incident
from webapp.desk.core import Desk, given
from webapp.desk.incidents import change, reassign
from webapp.rights import Person

OTHER = "other"  # the field that names the other incident


def bind(
    desk: Desk,
    actor: Person,
    incident_id: int,
    master_id: int,
    reason: str,
    *,
    revision: int | None = None,
    key: str | None = None,
) -> None:
    """Make an incident a slave of ``master_id``: what is under way stops, and it goes with its master from now on.

    Raises InvalidValuesError for the field OTHER with the sentence why these two cannot be bound.
    """

    def act(ctx: Context, incident: Incident) -> None:
        master = incidents.get(ctx, master_id)
        if refusal := relations.bind_refusal(ctx, incident, master):
            raise InvalidValuesError({OTHER: refusal})
        relations.bind(ctx, incident, master, given(reason))
        messages.command(ctx, "become_slave", incident_id, master_id)

    change(desk, actor, "bind", incident_id, revision, key, act)


def unbind(
    desk: Desk, actor: Person, incident_id: int, reason: str, *, revision: int | None = None, key: str | None = None
) -> None:
    """Take a slave from its master: it is dispatched anew, like everything that the manager takes (R023)."""
    reassign(desk, actor, incident_id, reason, revision=revision, key=key)


def link(
    desk: Desk, actor: Person, incident_id: int, other_id: int, reason: str = "", *, key: str | None = None
) -> None:
    """Note that two incidents have to do with each other; neither changes, and either may be closed.

    Raises InvalidValuesError for an incident with itself.
    """

    def act(ctx: Context, incident: Incident) -> None:
        said = given(reason) if reason.strip() else None
        relations.link(ctx, incident, incidents.get(ctx, other_id), said)

    change(desk, actor, "link", incident_id, None, key, act)
