"""``value.name``: entries of contexts, and the parts of dates, times and durations (DMN 1.3, table 65)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from engine.decisions.values import Months, Value


def property_of(value: Value, name: str) -> Value:
    """``value.name``: an entry of a context, of each context of a list, or a part of a date, time or duration."""
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list):
        return [property_of(item, name) for item in value]
    part = _PARTS.get(name)
    try:
        return part(value) if part is not None else None
    except AttributeError:
        return None


def _numbered(attribute: str, *kinds: type) -> Callable[[Value], Value]:
    return lambda value: Decimal(getattr(value, attribute)) if isinstance(value, kinds) else None


def _length_part(unit: int, modulo: int | None) -> Callable[[Value], Value]:
    def part(value: Value) -> Value:
        if not isinstance(value, timedelta):
            return None
        count = abs(value) // timedelta(seconds=unit)
        count = count if modulo is None else count % modulo
        return Decimal(-count if value < timedelta() else count)

    return part


def _months_part(value: Value, *, years: bool) -> Value:
    if not isinstance(value, Months):
        return None
    count = abs(value.count) // 12 if years else abs(value.count) % 12
    return Decimal(-count if value.count < 0 else count)


_PARTS: dict[str, Callable[[Value], Value]] = {
    "year": _numbered("year", date),
    "month": _numbered("month", date),
    "day": _numbered("day", date),
    "weekday": lambda value: Decimal(value.isoweekday()) if isinstance(value, date) else None,
    "hour": _numbered("hour", datetime, time),
    "minute": _numbered("minute", datetime, time),
    "second": _numbered("second", datetime, time),
    "time offset": lambda value: value.utcoffset() if isinstance(value, datetime | time) else None,
    "timezone": lambda value: getattr(value.tzinfo, "key", None) if isinstance(value, datetime | time) else None,
    "days": _length_part(86400, None),
    "hours": _length_part(3600, 24),
    "minutes": _length_part(60, 60),
    "seconds": _length_part(1, 60),
    "years": lambda value: _months_part(value, years=True),
    "months": lambda value: _months_part(value, years=False),
}
PROPERTIES = ("time offset",)
"""Property names with a space; the parser must know them."""
