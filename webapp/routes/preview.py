"""What the rules would answer, in the words of the page: urgency and priority, the group of 2.8, their rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _

from engine.context import Context
from handlers.records import foreseen
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
    """What 2.2 would compute, with its reason; None while that is open."""
    found = foreseen.assessment(ctx, facts)
    if found is None:
        return None
    return Assessment(
        urgency=found.urgency,
        urgency_from=_urgency_words(found.inputs),
        urgency_rows=_numbers(ctx, found.urgency_rows),
        priority=found.priority,
        impact=found.impact,
        restoration_for=found.restoration_for,
    )


def proposal(ctx: Context, facts: Facts) -> Proposal | None:
    """The group that 2.8 would propose, with its rows; None while that is open."""
    found = foreseen.proposal(ctx, facts)
    return Proposal(found.group, _numbers(ctx, found.rows)) if found else None


def _numbers(ctx: Context, rows: foreseen.Rows) -> str:
    numbers = rules.row_numbers(ctx, rows.definition_id)
    return "、".join(str(numbers[each]) for each in rows.ids if each in numbers)


def _urgency_words(inputs: Facts) -> str:
    if inputs["escalated"]:
        return str(_("已升级的事件"))
    if inputs["request_type"] == "投诉":
        return "投诉"
    return str(_("%(grade)s × %(class_)s 类系统", grade=inputs["user_grade"], class_=inputs["class"]))
