"""Urgency, priority and targets of an incident: asked of the decision tables, never typed (C-03, T-2, T-3, T-4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.context import Call, Context
from handlers import clocks, reference
from handlers.records import rules
from handlers.records.incidents import Fields, Incident

DEFAULT_IMPACT = 3  # before 2.2: 一般
UNCLASSIFIED = "B"  # the class of what has no category yet: the middle one, so that nothing urgent is taken for slow
DEFAULT_REQUEST_TYPE = "故障"  # before 2.1
EXTERNAL_GRADE, NO_GRADE = "外部转派", "无"
# Kinds of sources (table sources) whose reports have no customer grade of their own (T-2).
GRADE_OF_SOURCE_KIND = {"external": EXTERNAL_GRADE, "alarm": NO_GRADE}


def user_grade(ctx: Context, incident: Incident) -> str:
    """The user type of T-2: by source where that decides, else the customer's grade, else 无 (R226, R227)."""
    source = reference.row(ctx, "sources", incident["source"])
    by_source = GRADE_OF_SOURCE_KIND.get(source["kind"]) if source else None
    return by_source or incident["customer_grade"] or NO_GRADE


def urgency_inputs(ctx: Context, incident: Incident) -> dict[str, Any]:
    """What decision ``urgency`` is asked with."""
    category = reference.row(ctx, "categories", incident["category"])
    return {
        "user_grade": user_grade(ctx, incident),
        "class": category["class"] if category else UNCLASSIFIED,
        "request_type": incident["request_type"] or DEFAULT_REQUEST_TYPE,
        "escalated": incident["escalated"],
    }


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the tables say of an incident: the columns to write, and the sentence to keep as the reason (R221)."""

    fields: Fields
    reason: str


def assess(ctx: Context, call: Call, incident: Incident) -> Assessment:
    """Urgency, priority and targets by the tables in force, logged (R111, R222, R229).

    Before 2.2 the impact is a default. Targets follow the priority from the start of the running stage, because clocks
    keep their start and paused time (R239).
    """
    asking = rules.Asking(ctx, call)
    impact = incident["impact"] or DEFAULT_IMPACT
    urgency = asking.ask("urgency", urgency_inputs(ctx, incident))
    priority = asking.ask("priority", {"impact": impact, "urgency": urgency.result})
    target: Any = asking.ask("targets", {"priority": priority.result}).result
    asking.keep()
    fields = {"impact": impact, "urgency": urgency.result, "priority": priority.result, **clocks.targets(target)}
    # Which rows answered is in the decision log, from which pages tell their numbers.
    return Assessment(fields, f"影响程度 {impact}、紧急程度{urgency.result}，按规则计算")
