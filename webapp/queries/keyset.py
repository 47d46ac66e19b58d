"""Paging by the last row seen: page 400 costs what page 1 costs, and rows that arrive meanwhile are not skipped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

PAGE = 50


def pack(*parts: Any) -> str:
    """The place after a row, as it stands in an address: parts joined by ``~``."""
    return "~".join(
        part.isoformat() if isinstance(part, datetime) else str("" if part is None else part) for part in parts
    )


def unpack_task(place: str) -> tuple[int, datetime | None, str] | None:
    """(priority, due, id) of the last task seen; None for a place that nobody could have been given."""
    parts = place.split("~")
    if len(parts) != 3 or not parts[0].isascii() or not parts[0].isdigit() or len(parts[0]) > 2:
        return None
    try:
        due_at = datetime.fromisoformat(parts[1]) if parts[1] else None
        if due_at is not None:
            if due_at.tzinfo is None:
                return None
            due_at = due_at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return int(parts[0]), due_at, parts[2]


def unpack_id(place: str) -> int | None:
    """The id of the last incident seen; None for a place that nobody could have been given."""
    return int(place) if place.isascii() and place.isdigit() and len(place) < 16 else None


def unpack_urgent(place: str) -> tuple[int | None, int] | None:
    """(priority, id) of the last incident seen by urgency; None for a place that nobody could have been given."""
    priority, separator, last = place.partition("~")
    known = unpack_id(last)
    if not separator or known is None or (priority and priority not in {"1", "2", "3", "4"}):
        return None
    return (int(priority) if priority else None), known
