"""Rows of decision tables by their place: staff know "row 10", the log keeps the row's id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from engine.catalogue import contents
from engine.context import Context
from engine.xml import XmlRefused, parse_xml

_MEMO = "row numbers of a decision"


def read_tables(ctx: Context, definition_ids: Iterable[int]) -> None:
    """Fetch the decisions that a page is going to ask about: one statement for all of them."""
    missing = {each for each in definition_ids if (_MEMO, each) not in ctx.memo}
    if missing:
        for definition_id, document in contents(ctx, missing).items():
            ctx.memo[(_MEMO, definition_id)] = _numbers(document)


def row_numbers(ctx: Context, definition_id: int) -> Mapping[str, int]:
    """Row id → its number in its table, counted from 1, of one version of a decision."""
    read_tables(ctx, [definition_id])
    found: Mapping[str, int] = ctx.memo[(_MEMO, definition_id)]
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
