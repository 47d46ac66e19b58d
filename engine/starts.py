"""Which message starts which process: read from the diagrams once a deployment, answered without a statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.bundles import identities
from engine.cache import Cache
from engine.catalogue import Catalogue, catalogue
from engine.context import Context
from engine.identity import StartMessage


@dataclass(frozen=True, slots=True)
class Starter:
    """A process in force with the message that starts it."""

    process_key: str
    message: StartMessage


_start_messages: Cache[str, Mapping[int, StartMessage]] = Cache(16)


def starters(ctx: Context, fingerprint: str | None = None) -> dict[str, Starter]:
    """The processes in force now that a message starts, by its name.

    ``fingerprint`` is the newest deployment's, where the caller has read it already.
    """
    known = catalogue(ctx, fingerprint)
    messages = _start_messages.get(known.fingerprint, lambda: _read(ctx, known))
    return {
        messages[ref.id].name: Starter(key, messages[ref.id])
        for (kind, key), ref in known.all_in_force(ctx.now).items()
        if kind == "process" and ref.id in messages
    }


def _read(ctx: Context, known: Catalogue) -> dict[int, StartMessage]:
    """The start message of every process ever deployed that has one, by definition."""
    processes = [ref for ref in known if ref.kind == "process"]
    return {key: identity.start for key, identity in identities(ctx, processes).items() if identity.start is not None}
