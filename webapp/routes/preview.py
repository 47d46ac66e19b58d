"""What the rules would answer to what is chosen so far: shown beside the form, never typed, not logged (C-03)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from engine.catalogue import catalogue
from engine.context import Context
from engine.decide import answer_of
from engine.errors import EngineError
from handlers import clocks, reference
from handlers.records.priority import urgency_inputs
from webapp.queries import rules

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Urgency and priority with what they come from; ``urgency_rows`` are the numbers of the rows that answered."""

    urgency: str
    urgency_from: str
    urgency_rows: str
    priority: int
    impact: int
    restoration_for: timedelta


@dataclass(frozen=True, slots=True)
class Proposal:
    """The group that the dispatch table answers, and the numbers of the rows that did."""

    group: str
    rows: str


def assessment(ctx: Context, facts: Facts) -> Assessment | None:
    """What 2.2 would compute; None while impact or category is open, or where no rule answers."""
    if not isinstance(facts.get("impact"), int) or not facts.get("category"):
        return None
    inputs = urgency_inputs(ctx, facts)
    try:
        urgency, row = answer_of(ctx, catalogue(ctx), "urgency", inputs)
        ranked = {"impact": facts["impact"], "urgency": urgency.result}
        priority = answer_of(ctx, catalogue(ctx), "priority", ranked)[0]
        target = answer_of(ctx, catalogue(ctx), "targets", {"priority": priority.result})[0]
    except (LookupError, EngineError):
        return None
    restoration_for = clocks.duration(target.result["restoration"])
    return Assessment(
        urgency=str(urgency.result),
        urgency_from=_urgency_words(inputs),
        urgency_rows=_numbers(ctx, row),
        priority=int(priority.result),
        impact=facts["impact"],
        restoration_for=restoration_for,
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
    if reference.row(ctx, "groups", group) is None:
        return None
    return Proposal(str(group), _numbers(ctx, row))


def _numbers(ctx: Context, row: Facts) -> str:
    numbers = rules.row_numbers(ctx, row["definition_id"])
    return "、".join(str(numbers[each]) for each in row["row_ids"] if each in numbers)


def _urgency_words(inputs: Facts) -> str:
    if inputs["escalated"]:
        return "已升级的事件"
    if inputs["request_type"] == "投诉":
        return "投诉"
    return f"{inputs['user_grade']} × {inputs['class']} 类系统"
