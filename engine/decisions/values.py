"""FEEL values and their semantics: kinds, equality, order and arithmetic (DMN 1.3, 10.3.2).

A value is ``None``, ``bool``, ``Decimal``, ``str``, ``date``, ``datetime``, ``time``, ``timedelta`` (days and time
duration), ``Months`` (years and months duration), ``list``, ``dict`` (context), ``Range`` or a function.
Every function here is total: what FEEL does not define gives ``None``, which is FEEL's null.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from engine.decisions.errors import LimitError

Value = Any
"""A FEEL value as listed above; the type checker cannot know which."""

MATH = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, traps=[])
MAX_TEXT = 100_000
MAX_NODES = 100_000
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Months:
    """A years and months duration, as a number of months (may be negative)."""

    count: int


@dataclass(frozen=True, slots=True)
class Range:
    """An interval with open or closed ends."""

    low: Value
    low_closed: bool
    high: Value
    high_closed: bool

    def holds(self, value: Value) -> bool | None:
        """Is the value inside? Null if the ends and the value cannot be compared."""
        above = compare(">=" if self.low_closed else ">", value, self.low)
        below = compare("<=" if self.high_closed else "<", value, self.high)
        return both(above, below)


def number(value: Decimal) -> Decimal | None:
    """The number itself, or null for infinity and not-a-number."""
    return value if value.is_finite() else None


def both(left: Value, right: Value) -> bool | None:
    """Three-valued conjunction; what is no boolean counts as null."""
    if left is False or right is False:
        return False
    return True if left is True and right is True else None


def either(left: Value, right: Value) -> bool | None:
    """Three-valued disjunction; what is no boolean counts as null."""
    if left is True or right is True:
        return True
    return False if left is False and right is False else None


def negate(value: Value) -> bool | None:
    """Three-valued negation; what is no boolean gives null."""
    return (not value) if isinstance(value, bool) else None


_ORDERED = (Decimal, str, date, datetime, time, timedelta, Months)


def _comparable(left: Value, right: Value) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, datetime | time):
        return (left.utcoffset() is None) == (right.utcoffset() is None)
    return True


def equal(left: Value, right: Value) -> bool | None:
    """FEEL's ``=``: null equals only null, different kinds give null."""
    if left is None or right is None:
        return left is right
    if not _comparable(left, right):
        return None
    if isinstance(left, list):
        return len(left) == len(right) and _all_equal(zip(left, right, strict=True))
    if isinstance(left, dict):
        return left.keys() == right.keys() and _all_equal((left[key], right[key]) for key in left)
    return bool(left == right)


def _all_equal(pairs: Any) -> bool:
    return all(equal(left, right) is True for left, right in pairs)


def compare(operator: str, left: Value, right: Value) -> bool | None:
    """One of ``= != < <= > >=``; null where the two have no common order."""
    if operator == "=":
        return equal(left, right)
    if operator == "!=":
        return negate(equal(left, right))
    if not isinstance(left, _ORDERED) or not _comparable(left, right):
        return None
    if operator == "<":
        return bool(left < right)
    if operator == "<=":
        return bool(left <= right)
    return bool(left > right) if operator == ">" else bool(left >= right)


def matches(value: Value, test: Value) -> bool | None:
    """Does an input value meet the value of a unary test: equal, inside a range, or among a list (DMN 1.3, 7.3.13)?"""
    if isinstance(test, Range):
        return test.holds(value)
    if isinstance(test, list):
        found: bool | None = equal(value, test) if isinstance(value, list) else False
        for item in test:
            found = either(found, matches(value, item))
        return found
    return equal(value, test)


def bounded(value: Value) -> Value:
    """The same list or context, unless its parts have grown past what one decision may hold (LimitError)."""
    budget = MAX_NODES
    pending = [value]
    while pending:
        item = pending.pop()
        parts = item if isinstance(item, list) else list(item.values()) if isinstance(item, dict) else ()
        budget -= 1 + len(parts)
        if budget < 0:
            raise LimitError("决策中的列表或上下文过大。", "A list or context in the decision is too large.")
        pending.extend(part for part in parts if isinstance(part, list | dict))
    return value


def shift(day: date, months: int) -> date:
    """The same day so many months later, or the last day of a shorter month; ValueError outside years 1 to 9999."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise ValueError(year)
    return day.replace(year=year, month=month + 1, day=min(day.day, calendar.monthrange(year, month + 1)[1]))


def _midnight(day: date, like: datetime) -> datetime:
    return datetime.combine(day, time(), UTC if like.tzinfo is not None else None)


def _move_time(moment: time, by: timedelta) -> time:
    return (datetime.combine(date(2000, 1, 1), moment) + by % _DAY).timetz()


def _time_between(later: time, earlier: time) -> timedelta | None:
    if not _comparable(later, earlier):
        return None
    day = date(2000, 1, 1)
    return datetime.combine(day, later) - datetime.combine(day, earlier)


def _between(later: datetime, earlier: datetime) -> timedelta | None:
    return later - earlier if _comparable(later, earlier) else None


def _date_move(day: date, by: timedelta) -> date:
    return (datetime.combine(day, time()) + by).date()


def _scaled(length: timedelta, factor: Decimal) -> timedelta | None:
    micros = MATH.multiply(Decimal(length // _MICROSECOND), factor)
    return timedelta(microseconds=int(micros)) if micros.is_finite() else None


def _whole(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_DOWN))


def _joined(left: str, right: str) -> str | None:
    return left + right if len(left) + len(right) <= MAX_TEXT else None


def _months_scaled(length: Months, factor: Decimal) -> Months | None:
    count = MATH.multiply(Decimal(length.count), factor)
    return Months(_whole(count)) if count.is_finite() and count.adjusted() < 12 else None


def _quotient(left: Decimal, right: Decimal) -> Decimal | None:
    return number(MATH.divide(left, right))


def _inverse(factor: Decimal) -> Decimal:
    return MATH.divide(Decimal(1), factor)


_Operation = Callable[[Any, Any], Value]
_OPERATIONS: dict[tuple[str, type, type], _Operation] = {
    ("+", Decimal, Decimal): lambda a, b: number(MATH.add(a, b)),
    ("-", Decimal, Decimal): lambda a, b: number(MATH.subtract(a, b)),
    ("*", Decimal, Decimal): lambda a, b: number(MATH.multiply(a, b)),
    ("/", Decimal, Decimal): _quotient,
    ("**", Decimal, Decimal): lambda a, b: number(MATH.power(a, b)),
    ("+", str, str): _joined,
    ("+", timedelta, timedelta): lambda a, b: a + b,
    ("-", timedelta, timedelta): lambda a, b: a - b,
    ("*", timedelta, Decimal): _scaled,
    ("*", Decimal, timedelta): lambda a, b: _scaled(b, a),
    ("/", timedelta, Decimal): lambda a, b: _scaled(a, _inverse(b)),
    ("/", timedelta, timedelta): lambda a, b: _quotient(Decimal(a // _MICROSECOND), Decimal(b // _MICROSECOND)),
    ("+", Months, Months): lambda a, b: Months(a.count + b.count),
    ("-", Months, Months): lambda a, b: Months(a.count - b.count),
    ("*", Months, Decimal): _months_scaled,
    ("*", Decimal, Months): lambda a, b: _months_scaled(b, a),
    ("/", Months, Decimal): lambda a, b: _months_scaled(a, _inverse(b)),
    ("/", Months, Months): lambda a, b: _quotient(Decimal(a.count), Decimal(b.count)),
    ("-", date, date): lambda a, b: a - b,
    ("-", datetime, datetime): _between,
    ("-", datetime, date): lambda a, b: _between(a, _midnight(b, a)),
    ("-", date, datetime): lambda a, b: _between(_midnight(a, b), b),
    ("-", time, time): _time_between,
    ("+", time, timedelta): _move_time,
    ("+", timedelta, time): lambda a, b: _move_time(b, a),
    ("-", time, timedelta): lambda a, b: _move_time(a, -b),
    ("+", date, timedelta): _date_move,
    ("+", timedelta, date): lambda a, b: _date_move(b, a),
    ("-", date, timedelta): lambda a, b: _date_move(a, -b),
    ("+", datetime, timedelta): lambda a, b: a + b,
    ("+", timedelta, datetime): lambda a, b: b + a,
    ("-", datetime, timedelta): lambda a, b: a - b,
    ("+", date, Months): lambda a, b: shift(a, b.count),
    ("+", Months, date): lambda a, b: shift(b, a.count),
    ("-", date, Months): lambda a, b: shift(a, -b.count),
    ("+", datetime, Months): lambda a, b: shift(a, b.count),
    ("+", Months, datetime): lambda a, b: shift(b, a.count),
    ("-", datetime, Months): lambda a, b: shift(a, -b.count),
}


def arithmetic(operator: str, left: Value, right: Value) -> Value:
    """``+ - * / **`` on numbers, texts, dates, times and durations; null for every other pair (DMN 1.3, table 45)."""
    operation = _OPERATIONS.get((operator, type(left), type(right)))
    if operation is None:
        return None
    try:
        return operation(left, right)
    except (OverflowError, ValueError):
        return None


def minus(value: Value) -> Value:
    """Unary minus of a number or duration."""
    if isinstance(value, Decimal):
        return MATH.minus(value)
    if isinstance(value, Months):
        return Months(-value.count)
    try:
        return -value if isinstance(value, timedelta) else None
    except OverflowError:
        return None
