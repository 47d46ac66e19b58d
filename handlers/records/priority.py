"""Urgency, priority and targets of an incident: asked of the decision tables, never typed (C-03, T-2, T-3, T-4)."""

from __future__ import annotations

from functools import partial
from typing import Any

from engine.context import Call, Context
from engine.decide import decide
from handlers import clocks, reference
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


def assess(ctx: Context, call: Call, incident: Incident) -> tuple[Fields, str]:
    """The columns urgency, priority, impact and targets by the tables in force, and the reason to keep (R221, R229).

    Before 2.2 the impact is a default and the priority is marked provisional. Targets follow the priority from the
    start of the running stage, because clocks keep their start and paused time (R239).
    """
    ask = partial(decide, ctx, instance_id=call.instance_id, element_id=call.element_id)
    impact = incident["impact"] or DEFAULT_IMPACT
    urgency = ask("urgency", urgency_inputs(ctx, incident))
    priority = ask("priority", {"impact": impact, "urgency": urgency.result})
    target = ask("targets", {"priority": priority.result})
    fields = {
        "impact": impact,
        "urgency": urgency.result,
        "priority": int(priority.result),
        **clocks.targets(target.result),
    }
    rows = "、".join([*urgency.rows, *priority.rows])
    return fields, f"影响程度 {impact}、紧急程度{urgency.result}，按规则行 {rows} 计算"
