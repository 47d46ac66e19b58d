"""What the rules would answer to facts that are still being chosen: nothing is written and nothing logged (C-03)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from engine.catalogue import catalogue
from engine.context import Context
from engine.decide import answer_of
from engine.errors import EngineError
from handlers import clocks, reference
from handlers.records.priority import urgency_inputs

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows of which version of a table answered."""

    definition_id: int
    ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Urgency and priority, what urgency was asked with, and the length of the restoration's target."""

    inputs: Facts
    urgency: str
    urgency_rows: Rows
    impact: int
    priority: int
    restoration_for: timedelta


@dataclass(frozen=True, slots=True)
class Proposal:
    """The group that the dispatch table answers."""

    group: str
    rows: Rows


def assessment(ctx: Context, facts: Facts) -> Assessment | None:
    """What 2.2 would compute; None while impact or category is open, or where no rule answers."""
    if not isinstance(facts.get("impact"), int) or not facts.get("category"):
        return None
    inputs = urgency_inputs(ctx, facts)
    try:
        urgency, row = answer_of(ctx, catalogue(ctx), "urgency", inputs)
        ranked = {"impact": facts["impact"], "urgency": urgency.result}
        priority = answer_of(ctx, catalogue(ctx), "priority", ranked)[0]
        target: Any = answer_of(ctx, catalogue(ctx), "targets", {"priority": priority.result})[0].result
    except (LookupError, EngineError):
        return None
    return Assessment(
        inputs=inputs,
        urgency=str(urgency.result),
        urgency_rows=_rows(row),
        impact=facts["impact"],
        priority=int(str(priority.result)),
        restoration_for=clocks.duration(target["restoration"]),
    )


def proposal(ctx: Context, facts: Facts) -> Proposal | None:
    """The group that 2.8 would propose; None while category or type is open, or where no rule answers."""
    if not facts.get("category") or not facts.get("type"):
        return None
    inputs = {name: facts.get(name) for name in ("category", "type", "location")}
    try:
        answer, row = answer_of(ctx, catalogue(ctx), "dispatch", inputs)
    except (LookupError, EngineError):
        return None
    result = answer.result
    group = result.get("group") if isinstance(result, dict) else result
    if reference.row(ctx, "groups", str(group)) is None:
        return None
    return Proposal(str(group), _rows(row))


def _rows(row: Facts) -> Rows:
    return Rows(row["definition_id"], row["row_ids"])
