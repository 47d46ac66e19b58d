"""The options of reference tables for a form: narrowed by what is chosen already, and only what may be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.context import Context
from handlers import reference
from handlers.records import catalogue
from handlers.reference import Row
from webapp.forms import Choices, Option, Values

TRANSFER, SPLIT = "s2_11_transfer", "s4_4_split"
CODED = {"waiting_codes", "close_codes"}  # staff know these by their codes, so the code stands before the words


def reference_choices(ctx: Context, facts: Mapping[str, Any], element_id: str = "") -> Choices:
    """Options for the step ``element_id``; ``facts`` is the incident, for what the form itself does not ask."""

    def choices(table: str, _field: str, values: Values) -> Sequence[Option]:
        seen = {**facts, **values}
        if table == "groups":
            return [Option(row["key"], row["name"]) for row in _groups(ctx, seen, element_id)]
        if table == "types":
            return _types(ctx, seen.get("category"))
        if table == "symptoms":
            return [_option(table, row) for row in reference.rows(ctx, table) if row["type"] == seen.get("type")]
        if table == "causes":
            return _causes(ctx, seen.get("type"))
        if table == "services":
            return _services(ctx, seen.get("category"))
        return [_option(table, row) for row in reference.rows(ctx, table) if by_hand(row)]

    return choices


def _groups(ctx: Context, incident: Mapping[str, Any], element_id: str) -> Sequence[Row]:
    if element_id == SPLIT:
        return catalogue.task_groups(ctx)
    find = catalogue.transferable_groups if element_id == TRANSFER else catalogue.selectable_groups
    return find(ctx, incident)


def by_hand(row: Row) -> bool:
    """Whether a person may choose this row: codes that only the system sets are not offered."""
    return row.get("set_by", "") != "system" and row.get("key") != "system"


def settle(ctx: Context, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values whose classification hangs together: a type brings its category, what no longer fits falls away."""
    settled = dict(values)
    kind = reference.row(ctx, "types", settled.get("type"))
    if kind and not settled.get("category"):
        settled["category"] = kind["category"]
    if kind is None or kind["category"] != settled.get("category"):
        settled.pop("type", None)
    symptom = reference.row(ctx, "symptoms", settled.get("symptom"))
    if symptom is None or symptom["type"] != settled.get("type"):
        settled.pop("symptom", None)
    return settled


def _option(table: str, row: Row) -> Option:
    return Option(row["key"], f"{row['key']} {row['name']}" if table in CODED else row["name"])


def _types(ctx: Context, category: str | None) -> list[Option]:
    rows = reference.rows(ctx, "types")
    if category:
        return [Option(row["key"], row["name"]) for row in rows if row["category"] == category]
    return [Option(row["key"], row["name"], group=reference.name(ctx, "categories", row["category"])) for row in rows]


def _causes(ctx: Context, kind: str | None) -> list[Option]:
    """Those of the incident's type first, then those of every type."""
    rows = reference.rows(ctx, "causes")
    own = [Option(row["key"], row["name"]) for row in rows if row["type"] and row["type"] == kind]
    return own + [Option(row["key"], row["name"]) for row in rows if not row["type"]]


def _services(ctx: Context, category: str | None) -> list[Option]:
    rows = reference.rows(ctx, "services")
    own = [row for row in rows if category and row.get("category") == category]
    return [Option(row["key"], row["name"]) for row in (own or rows)]
