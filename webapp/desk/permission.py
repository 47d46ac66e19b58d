"""Rights as they are inside the unit of work: a role that was taken away after the page was made counts no more."""

from __future__ import annotations

from engine.context import Context
from engine.errors import NotAllowedError, NotFoundError
from webapp import people
from webapp.rights import Person, allowed


def as_now(ctx: Context, actor: Person, refusal: str) -> Person:
    """The actor with the groups and roles of this moment; raises NotAllowedError with ``refusal`` where he is out."""
    try:
        return people.find(ctx.connection, actor.account)
    except NotFoundError as gone:
        raise NotAllowedError(refusal) from gone


def require(ctx: Context, actor: Person, action: str, refusal: str) -> None:
    """Raise NotAllowedError with ``refusal`` unless the actor may do ``action`` now; two SELECTs."""
    if not allowed(as_now(ctx, actor, refusal), action):
        raise NotAllowedError(refusal)
