"""Incidents like a given one, and solutions of former ones: found by SQL along indexes, judged by their words.

Words are compared by pairs of characters, which needs no dictionary for Chinese. At most ``_ARM`` rows of the same
customer and as many of the same type (of the latest ones, before there is a type) are read, with one statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import RowMapping, Select, and_, func, or_, select, union_all

from engine.context import Context
from handlers import reference
from handlers.records.tables import incident as table

Said = tuple[frozenset[str], frozenset[str]]  # the pairs of a summary, and of summary and details
Facts = Mapping[str, Any]
"""What is known of the report: ``customer_id``, ``category``, ``type``, ``symptom``, ``summary``, ``details``, and
``id`` where it is recorded already. Whatever is missing or None is not compared."""

RECURRENCE = timedelta(days=30)  # so long after its closing an incident may recur (C-55)
LEADERS = frozenset({"to_dispatch", "to_accept", "in_progress"})  # waiting: what it was before
OVER = frozenset({"resolved", "closed"})
_ARM = 100
_READ = 200  # characters of the details
_ALIKE = 0.35  # share of common pairs from which two texts are about the same
_SAME_CUSTOMER, _SAME_SYMPTOM, _SAME_TYPE = 0.3, 0.2, 0.1

_c = table.c
_SHOWN = (
    _c.id,
    _c.number,
    _c.summary,
    func.substr(_c.details, 1, _READ).label("details"),
    _c.state,
    _c.held_state,
    _c.customer_id,
    _c.category,
    _c.type,
    _c.symptom,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An incident that may be about the same; ``why`` is a sentence for the page, ``score`` orders."""

    id: int
    number: str
    summary: str
    state: str
    why: str
    score: float
    held: str | None = None  # its state before it waits


@dataclass(frozen=True, slots=True)
class Solution:
    """How a former incident was solved; ``why`` says what it has in common with this one."""

    id: int
    number: str
    summary: str
    solution: str
    close_code: str
    why: str
    score: float


def candidates(ctx: Context, facts: Facts, limit: int) -> list[Candidate]:
    """Open incidents like the one that ``facts`` describe, and closed ones of the last 30 days, likeliest first.

    Alike is the same customer with the same symptom or similar words, and the same type (any, before 2.2) with similar
    words. Slaves are left out: their master counts (C-28).
    """
    recent = or_(_c.state != "closed", _c.closed_at > ctx.now - RECURRENCE)
    where = and_(_c.number.is_not(None), _c.state != "slave", recent)
    said = _said(facts)
    found = [_candidate(facts, said, row) for row in _rows(ctx, facts, _SHOWN, where)]
    return sorted((each for each in found if each), key=lambda each: (-each.score, -each.id))[:limit]


def can_lead(candidate: Candidate) -> bool:
    """Whether the incident could be a master: it is under way, neither still recorded nor resolved (C-28)."""
    return (candidate.held if candidate.state == "waiting" else candidate.state) in LEADERS


def is_unsolved(candidate: Candidate) -> bool:
    """Whether the incident is still open for a solution, so that 2.3 is worth a decision (R113)."""
    return (candidate.held if candidate.state == "waiting" else candidate.state) not in OVER


def solutions(ctx: Context, facts: Facts, limit: int) -> list[Solution]:
    """Solutions of closed incidents that were successful, those of the same type first, then by their words (R118)."""
    good = [row["key"] for row in reference.rows(ctx, "close_codes") if reference.is_true(row["success"])]
    where = and_(_c.state == "closed", _c.close_code.in_(good), _c.solution.is_not(None))
    rows = _rows(ctx, facts, (*_SHOWN, _c.solution, _c.close_code), where, latest=True)
    said = _said(facts)
    found = [_solution(facts, said, row) for row in rows]
    return sorted((each for each in found if each), key=lambda each: (-each.score, -each.id))[:limit]


def _rows(ctx: Context, facts: Facts, columns: Sequence[Any], where: Any, *, latest: bool = False) -> list[RowMapping]:
    """The latest incidents of the customer and of the type, each found along its index; ``latest`` of any type, too."""
    arms: list[Select[Any]] = []
    if facts.get("customer_id") is not None:
        arms.append(select(*columns).where(_c.customer_id == facts["customer_id"], where))
    if facts.get("type") is not None:
        arms.append(select(*columns).where(_c.type == facts["type"], where))
    if latest or facts.get("type") is None:
        arms.append(select(*columns).where(where))
    ctx.settle()  # what this unit of work has written counts
    each = [arm.order_by(_c.id.desc()).limit(_ARM).subquery() for arm in arms]
    rows = ctx.connection.execute(union_all(*(select(arm) for arm in each))).mappings().all()
    return list({row["id"]: row for row in rows if row["id"] != facts.get("id")}.values())


def _candidate(facts: Facts, said: Said, row: RowMapping) -> Candidate | None:
    words = _likeness(said, _said(row))
    customer, symptom, kind = (_same(facts, row, name) for name in ("customer_id", "symptom", "type"))
    alike = words >= _ALIKE
    comparable = kind or facts.get("type") is None or row["type"] is None
    if not (customer and (symptom or alike)) and not (comparable and alike):
        return None
    why = _why(customer, symptom, kind, alike) + ("（已关闭，可能是复发）" if row["state"] == "closed" else "")
    score = words + _SAME_CUSTOMER * customer + _SAME_SYMPTOM * symptom + _SAME_TYPE * kind
    return Candidate(
        row["id"], row["number"], row["summary"] or "", row["state"], why, round(score, 3), row["held_state"]
    )


def _solution(facts: Facts, said: Said, row: RowMapping) -> Solution | None:
    words = _likeness(said, _said(row))
    symptom, kind = (_same(facts, row, name) for name in ("symptom", "type"))
    alike = words >= _ALIKE
    if not (kind or alike):
        return None
    score = words + _SAME_SYMPTOM * symptom + kind
    given = (row["solution"], row["close_code"], _why(False, symptom, kind, alike), round(score, 3))
    return Solution(row["id"], row["number"], row["summary"] or "", *given)


def _why(customer: bool, symptom: bool, kind: bool, alike: bool) -> str:
    reasons = {
        "同一客户": customer,
        "同一现象": symptom,
        "同一子类": kind and not symptom,
        "描述相近": alike,
    }
    return "、".join(reason for reason, holds in reasons.items() if holds)


def _same(facts: Facts, row: RowMapping, name: str) -> bool:
    return facts.get(name) is not None and facts[name] == row[name]


def likeness(one: Facts, other: Facts) -> float:
    """How much two reports say the same, 0 … 1: by their summaries alone, or with their details."""
    return _likeness(_said(one), _said(other))


def _likeness(one: Said, other: Said) -> float:
    return max(_shared(mine, theirs) for mine, theirs in zip(one, other, strict=True))


def _said(report: Facts | RowMapping) -> Said:
    summary = _pairs(report.get("summary"))
    return summary, summary | _pairs(report.get("details"))


def _pairs(text: str | None) -> frozenset[str]:
    """The pairs of neighbouring letters and figures of a text, without case, blanks and punctuation."""
    plain = "".join(sign for sign in (text or "")[:_READ].casefold() if sign.isalnum())
    return frozenset(plain[at : at + 2] for at in range(len(plain) - 1))


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    """Dice's coefficient; nothing said is like nothing."""
    if not one or not other:
        return 0.0
    return 2 * len(one & other) / (len(one) + len(other))
