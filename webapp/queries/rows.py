"""Rows as plain mappings by column name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Row

Record = Mapping[str, Any]


def records(rows: Iterable[Row[Any]]) -> list[Record]:
    """All rows of a result."""
    return [row._asdict() for row in rows]


def first(rows: Iterable[Row[Any]]) -> Record | None:
    """The first row of a result, or None."""
    return next((row._asdict() for row in rows), None)
