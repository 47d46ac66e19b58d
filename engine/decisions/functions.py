"""The built-in functions: conversions that S-FEEL needs for its literals, and the plain ones of FEEL (DMN 1.3, 10.3.4).

Only functions of bounded cost are here: no regular expressions, no clock. An argument of the wrong kind gives null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

from engine.decisions import temporal
from engine.decisions.values import (
    MATH,
    MAX_TEXT,
    Months,
    Value,
    arithmetic,
    both,
    compare,
    either,
    equal,
    negate,
    number,
)

_NUMBER = re.compile(r"-?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Builtin:
    """A pure function of FEEL values; of its ``parameters`` the last ``optional`` may be left out."""

    name: str
    parameters: tuple[str, ...]
    run: Callable[..., Value]
    optional: int = 0
    variadic: bool = False

    def call(self, arguments: Sequence[Value]) -> Value:
        """The result, or null for the wrong number or kind of arguments."""
        if self.variadic:
            single = len(arguments) == 1 and isinstance(arguments[0], list)
            return self.run(arguments[0] if single else list(arguments))
        if not len(self.parameters) - self.optional <= len(arguments) <= len(self.parameters):
            return None
        try:
            return self.run(*arguments)
        except (TypeError, ValueError, OverflowError, AttributeError):
            return None


def text_of(value: Value) -> str | None:
    """FEEL's ``string(value)``."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, date | time | timedelta | Months):
        return temporal.to_text(value)
    return None


def number_text(value: Decimal) -> str:
    """A number without exponent or trailing zeros, as far as it stays shorter than 60 digits."""
    if not value:
        return "0"
    plain = value.normalize(MATH)
    return format(plain, "f") if abs(plain.adjusted()) < 60 else str(plain)


def _date(*parts: Value) -> date | None:
    first = parts[0]
    if len(parts) == 3:
        return date(*(_integer(part) for part in parts))
    if len(parts) != 1:
        return None
    if isinstance(first, datetime):
        return first.date()
    if isinstance(first, str):
        return temporal.parse_date(first)
    return first if isinstance(first, date) else None


def _time(*parts: Value) -> time | None:
    first = parts[0]
    if len(parts) == 1:
        if isinstance(first, datetime):
            return first.timetz()
        if isinstance(first, str):
            return temporal.parse_time(first)
        return first if isinstance(first, time) else None
    hour, minute, second = (_integer(part) for part in parts[:3])
    offset = parts[3] if len(parts) == 4 else None
    if offset is not None and not isinstance(offset, timedelta):
        return None
    return time(hour, minute, second, tzinfo=None if offset is None else temporal.fixed_zone(offset))


def _instant(first: Value, clock: Value = None) -> datetime | None:
    if clock is not None:
        if not isinstance(first, date) or not isinstance(clock, time):
            return None
        return datetime.combine(first, clock)
    if isinstance(first, str):
        return temporal.parse_instant(first)
    if isinstance(first, datetime):
        return first
    return datetime.combine(first, time()) if isinstance(first, date) else None


def _months_between(start: Value, end: Value) -> Months | None:
    if not isinstance(start, date) or not isinstance(end, date):
        return None
    months = (end.year - start.year) * 12 + end.month - start.month
    if months > 0 and end.day < start.day:
        months -= 1
    elif months < 0 and end.day > start.day:
        months += 1
    return Months(months)


def _integer(value: Value) -> int:
    if not isinstance(value, Decimal) or value != value.to_integral_value() or value.adjusted() > 12:
        raise ValueError(value)
    return int(value)


def number_from(text: Value, grouping: Value = None, point: Value = None) -> Decimal | None:
    """A decimal number from text without exponent, after its separators are dropped; a number stays as it is."""
    if isinstance(text, Decimal):
        return text
    if grouping not in (None, " ", ",", ".") or point not in (None, ",", ".") or (point and grouping == point):
        return None
    plain = text.replace(grouping, "") if grouping else text
    plain = plain.replace(point, ".") if point else plain
    return number(MATH.create_decimal(plain)) if _NUMBER.fullmatch(plain) else None


def _rounded(value: Decimal, scale: Value, rounding: str) -> Decimal | None:
    places = _integer(Decimal(0) if scale is None else scale)
    if not -6111 < places < 6176:
        return None
    if -value.as_tuple().exponent <= places:  # type: ignore[operator]  # the exponent of a finite number is an int
        return value
    return number(value.quantize(Decimal(1).scaleb(-places), rounding, MATH))


def _modulo(left: Value, right: Value) -> Decimal | None:
    quotient = arithmetic("/", left, right)
    if quotient is None:
        return None
    whole = quotient.to_integral_value(ROUND_FLOOR)
    result: Decimal | None = arithmetic("-", left, arithmetic("*", right, whole))
    return result


def _absolute(value: Value) -> Value:
    if isinstance(value, Months):
        return Months(abs(value.count))
    return abs(value) if isinstance(value, Decimal | timedelta) else None


def _extreme(operator: str) -> Callable[[list[Value]], Value]:
    def pick(items: list[Value]) -> Value:
        best = items[0] if items else None
        for item in items[1:]:
            better = compare(operator, item, best)
            if better is None:
                return None
            best = item if better else best
        return best if compare("=", best, best) and not isinstance(best, list | dict | bool) else None

    return pick


def total(items: list[Value]) -> Value:
    """The sum of numbers or of durations of one kind; null for none."""
    result = items[0] if items else None
    if not isinstance(result, Decimal | timedelta | Months):
        return None
    for item in items[1:]:
        result = arithmetic("+", result, item)
    return result


def _mean(items: list[Value]) -> Value:
    return arithmetic("/", total(items), Decimal(len(items)))


def _count(items: list[Value]) -> Decimal | None:
    return Decimal(len(items))


def _all_of(items: list[Value]) -> bool | None:
    result: bool | None = True
    for item in items:
        result = both(result, item)
    return result


def _any_of(items: list[Value]) -> bool | None:
    result: bool | None = False
    for item in items:
        result = either(result, item)
    return result


def _contains(items: Value, element: Value) -> bool | None:
    return any(equal(item, element) is True for item in items) if isinstance(items, list) else None


def _substring(text: Value, start: Value, length: Value = None) -> str | None:
    first = _integer(start)
    if not isinstance(text, str) or first == 0 or abs(first) > len(text):
        return None
    first = first - 1 if first > 0 else len(text) + first
    if length is None:
        return text[first:]
    wanted = _integer(length)
    return text[first : first + wanted] if wanted >= 1 else None


def _text(run: Callable[..., Value]) -> Callable[..., Value]:
    """Null unless every argument is a text."""

    def guarded(*arguments: Any) -> Value:
        return run(*arguments) if all(isinstance(argument, str) for argument in arguments) else None

    return guarded


def _numeric(run: Callable[..., Value]) -> Callable[..., Value]:
    """Null unless every argument is a number."""

    def guarded(*arguments: Any) -> Value:
        return run(*arguments) if all(isinstance(argument, Decimal) for argument in arguments) else None

    return guarded


def _upper(text: str) -> str | None:
    return text.upper() if len(text) < MAX_TEXT // 3 else None


BUILTINS: dict[str, Builtin] = {
    builtin.name: builtin
    for builtin in (
        Builtin("date", ("year", "month", "day"), _date, optional=2),
        Builtin("time", ("hour", "minute", "second", "offset"), _time, optional=3),
        Builtin("date and time", ("date", "time"), _instant, optional=1),
        Builtin("duration", ("from",), _text(temporal.parse_duration)),
        Builtin("years and months duration", ("from", "to"), _months_between),
        Builtin("number", ("from", "grouping separator", "decimal separator"), number_from, optional=2),
        Builtin("string", ("from",), text_of),
        Builtin("not", ("negand",), negate),
        Builtin("abs", ("n",), _absolute),
        Builtin("floor", ("n", "scale"), _numeric(lambda n, s=None: _rounded(n, s, ROUND_FLOOR)), optional=1),
        Builtin("ceiling", ("n", "scale"), _numeric(lambda n, s=None: _rounded(n, s, ROUND_CEILING)), optional=1),
        Builtin("decimal", ("n", "scale"), _numeric(lambda n, s: _rounded(n, s, ROUND_HALF_EVEN))),
        Builtin("modulo", ("dividend", "divisor"), _numeric(_modulo)),
        Builtin("min", ("list",), _extreme("<"), variadic=True),
        Builtin("max", ("list",), _extreme(">"), variadic=True),
        Builtin("sum", ("list",), total, variadic=True),
        Builtin("mean", ("list",), _mean, variadic=True),
        Builtin("count", ("list",), _count, variadic=True),
        Builtin("all", ("list",), _all_of, variadic=True),
        Builtin("any", ("list",), _any_of, variadic=True),
        Builtin("list contains", ("list", "element"), _contains),
        Builtin("substring", ("string", "start position", "length"), _substring, optional=1),
        Builtin("string length", ("string",), _text(lambda text: Decimal(len(text)))),
        Builtin("upper case", ("string",), _text(_upper)),
        Builtin("lower case", ("string",), _text(str.lower)),
        Builtin("contains", ("string", "match"), _text(str.__contains__)),
        Builtin("starts with", ("string", "match"), _text(str.startswith)),
        Builtin("ends with", ("string", "match"), _text(str.endswith)),
    )
}
