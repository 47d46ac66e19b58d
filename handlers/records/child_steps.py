"""What every step of a child's process does: read the child, write what the step found out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.context import Call, Context
from engine.errors import ConflictError
from handlers.records import child_rows
from handlers.records.child_rows import Child
from handlers.records.incidents import Fields
from handlers.records.steps import text


def child_of(ctx: Context, call: Call) -> Child:
    """The child whose process calls, for changing.

    Raises ConflictError for a person's step where the child was cancelled meanwhile: its process will soon hear of it.
    """
    child = child_rows.of(ctx, int(call.data["incident_id"]), str(call.data["child"]))
    if call.task is not None and call.values is not None and child["state"] != "open":
        raise ConflictError(f"{child['number']} 已取消或已结束", by=child["updated_by"], at=child["updated_at"])
    return child


def record(
    ctx: Context, call: Call, child: Child, fields: Fields, *, facts: Fields | None = None, reason: str | None = None
) -> Child:
    """Write columns and facts as done by the calling step."""
    return child_rows.change(ctx, child, fields, facts=facts, reason=reason, element=call.element_id)


def facts_of(values: Mapping[str, Any], *columns: str) -> Fields:
    """What a form has filled beside the ``columns`` that every child has: the facts of its kind."""
    return {name: text(values, name) for name in values if name not in columns and text(values, name) is not None}
