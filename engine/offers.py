"""Offers: who may do a user task that opens, how urgent it is, and until when. The process names whom to ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.bundles import Bundle
from engine.context import Call, Context

PRIORITIES = range(1, 10)
UNKNOWN_PRIORITY = 9


@dataclass(frozen=True, slots=True)
class Offer:
    """``candidate_group`` may claim the task, or ``assignee`` has it already; ``priority`` is 1 to 9, 1 comes first."""

    candidate_group: str | None = None
    assignee: str | None = None
    priority: int = UNKNOWN_PRIORITY
    due_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a priority outside PRIORITIES: lists of work are read by them."""
        if self.priority not in PRIORITIES:
            raise ValueError(f"the priority of a task is 1 to 9, not {self.priority}")


def operation(ctx: Context, name: str, call: Call) -> Any:
    """What the operation ``name`` answers. Raises LookupError if there is none: the step is stuck."""
    handler = ctx.handlers.get(name)
    if handler is None:
        raise LookupError(f"没有名为 {name} 的操作")
    return handler(ctx, call)


def offer_for(ctx: Context, bundle: Bundle, call: Call) -> Offer:
    """The offer of the user task ``call.task``; without an ``offer`` property the lane's name is the group."""
    properties: Mapping[str, Mapping[str, str]] = bundle.program.process_properties
    element = bundle.program.elements[call.element_id]
    for process in (element.process_id, bundle.process_key):
        if name := properties.get(process, {}).get("offer"):
            offer = operation(ctx, name, call)
            if not isinstance(offer, Offer):
                raise TypeError(f"{name} returned {type(offer).__name__}, not an Offer")
            return offer
    return Offer(candidate_group=call.lane)
