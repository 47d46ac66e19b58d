"""The one transaction, instant and actor under which a step runs; made at a door and passed down, never stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Call:
    """What an operation is told of the element that calls it.

    ``data`` is the process data at the element (ids and routing facts, read only). ``values`` are the validated
    form values when a user task calls its operation, else None. ``task`` is the user task's id, else None; ``lane``
    is the name of the lane in which the element is drawn.
    """

    element_id: str
    instance_id: int
    business_key: str
    data: Mapping[str, Any]
    values: Mapping[str, Any] | None = None
    task: str | None = None
    lane: str | None = None


Handler = Callable[["Context", Call], Any]


@dataclass(frozen=True, slots=True)
class Context:
    """One unit of work. ``now`` is aware UTC and the only clock; ``actor`` is an account name or ``system``.

    ``on_behalf_of`` names the absent person for whom a delegate acts (§5.1.4, R219). ``handlers`` maps operation
    names to functions. ``notes`` carries what the door must do after the commit (for example deliver messages);
    ``memo`` keeps what this unit of work has read already, ``deferred`` what it has yet to write. ``hops`` counts the
    messages that led to this unit of work, each sent by the step that the one before it caused.
    """

    connection: Connection
    now: datetime
    actor: str
    handlers: Mapping[str, Handler]
    on_behalf_of: str | None = None
    hops: int = 0
    notes: set[str] = field(default_factory=set)
    memo: dict[object, Any] = field(default_factory=dict)
    deferred: dict[object, Callable[[], None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a naive instant: every comparison in the engine is between aware UTC instants."""
        if self.now.tzinfo is None:
            raise ValueError("Context.now must be an aware datetime")

    def defer(self, key: object, write: Callable[[], None]) -> None:
        """Have ``write`` called once, when the step ends; several operations then cost one statement.

        Whoever has deferred under ``key`` before collects in the same place, so the first ``write`` serves all.
        """
        self.deferred.setdefault(key, write)

    def settle(self) -> None:
        """Write what was deferred. The engine does so at the end of a step, a door before the commit."""
        while self.deferred:
            self.deferred.pop(next(iter(self.deferred)))()
