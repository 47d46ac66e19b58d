"""Incidents like one that is being described, and how former ones were solved."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from engine.context import Context
from handlers.records import similar
from handlers.records.tables import customer
from webapp.api import schemas
from webapp.api.operations import Answer, Given, fields, operation
from webapp.api.reading import reading

AT_MOST = 10
KEY = {"type": "string", "minLength": 1, "maxLength": 60}
DESCRIBED = fields(
    "similar",
    "相似事件",
    ["summary"],
    summary={"type": "string", "title": "概要", "minLength": 2, "maxLength": 100},
    details={"type": "string", "title": "详细信息", "minLength": 1, "maxLength": 1000},
    staff_number={**KEY, "title": "员工编号", "description": "Of the customer who reports it."},
    type={**KEY, "title": "子类"},
    symptom={**KEY, "title": "现象"},
)
_COMMON = {"number": schemas.TEXT, "summary": schemas.TEXT, "why": schemas.TEXT, "score": {"type": "number"}}
CANDIDATE = schemas.record(**_COMMON, state=schemas.TEXT)
SOLUTION = schemas.record(**_COMMON, solution=schemas.TEXT, close_code=schemas.TEXT)


@operation(
    "GET",
    "/similar",
    summary="Find similar incidents",
    query=DESCRIBED,
    answers={200: schemas.record(incidents=schemas.many(CANDIDATE), solutions=schemas.many(SOLUTION))},
)
def similar_incidents(given: Given) -> Answer:
    """Open or lately closed incidents like this one, and solutions of former ones, the likeliest first."""
    with reading() as ctx:
        facts = {**given.query, "customer_id": _customer_id(ctx, given.query.get("staff_number"))}
        found = similar.candidates(ctx, facts, AT_MOST)
        solved = similar.solutions(ctx, facts, AT_MOST)
        return Answer({"incidents": [_told(each) for each in found], "solutions": [_told(each) for each in solved]})


def _customer_id(ctx: Context, staff_number: str | None) -> int | None:
    if staff_number is None:
        return None
    found: int | None = ctx.connection.scalar(select(customer.c.id).where(customer.c.staff_number == staff_number))
    return found


def _told(found: similar.Candidate | similar.Solution) -> dict[str, Any]:
    return {name: value for name, value in asdict(found).items() if name != "id"}
