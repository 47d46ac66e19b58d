"""Rows of decision tables by their place: staff know "row 10", the log keeps the row's id."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType

from engine.context import Context
from engine.definitions import content
from engine.xml import XmlRefused, parse_xml


def row_numbers(ctx: Context, definition_id: int) -> MappingProxyType[str, int]:
    """Row id → its number in its table, counted from 1, of one version of a decision; read once a request."""
    memo = ("row numbers", definition_id)
    if memo not in ctx.memo:
        ctx.memo[memo] = _numbers(content(ctx, definition_id))
    found: MappingProxyType[str, int] = ctx.memo[memo]
    return found


@lru_cache(maxsize=64)
def _numbers(document: bytes) -> MappingProxyType[str, int]:
    try:
        root = parse_xml(document)
    except XmlRefused:
        return MappingProxyType({})
    tables = root.iter("{*}decisionTable")
    return MappingProxyType(
        {rule.get("id", ""): number for table in tables for number, rule in enumerate(table.iterchildren("{*}rule"), 1)}
    )
