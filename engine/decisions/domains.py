"""The values that an input of a table can take, cut where an answer may change, with an example for each piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_FLOOR, Decimal
from itertools import pairwise

from engine.decisions.closures import NOTHING
from engine.decisions.tables import Column
from engine.decisions.values import MATH, Months, Value


@dataclass(frozen=True, slots=True)
class Piece:
    """Values that all rows treat alike: an example, the rows that surely fit, and the rows that may."""

    example: Value
    surely: int
    perhaps: int


@dataclass(frozen=True, slots=True)
class Domain:
    """An input with its pieces; ``doubt`` says why they may not be all (Chinese, English), None if they are."""

    text: str
    pieces: tuple[Piece, ...]
    doubt: tuple[str, str] | None


_KINDS: dict[str, type] = {
    "string": str,
    "number": Decimal,
    "boolean": bool,
    "date": date,
    "time": time,
    "date and time": datetime,
    "days and time duration": timedelta,
    "years and months duration": Months,
}
_EXAMPLES: dict[type, Value] = {
    Decimal: Decimal(0),
    date: date(2026, 1, 1),
    timedelta: timedelta(),
    Months: Months(0),
}
_STEPS: dict[type, tuple[Value, Callable[[Value, Value], Value]]] = {
    Decimal: (Decimal(1), lambda value, step: _past(value, step)),
    date: (timedelta(days=1), lambda value, step: value + step),
    timedelta: (timedelta(minutes=1), lambda value, step: value + step),
    Months: (1, lambda value, step: Months(value.count + step)),
}


def _past(value: Decimal, step: Decimal) -> Decimal:
    """One step further, or to twice or none of a number so large that a step is lost in rounding."""
    moved = MATH.add(value, step)
    if moved != value:
        return moved
    return MATH.multiply(value, Decimal(2 if (value > 0) == (step > 0) else 0))


def domain_of(columns: list[Column], spend: Callable[[int], bool]) -> Domain:
    """The domain of one input, asked by all the columns with the same expression.

    ``spend`` is told the steps beforehand; where it says no, the domain has no pieces and says why.
    """
    first = columns[0]
    kind, doubt = _kind(columns)
    bounds = sorted({bound for column in columns for bound in _bounds(column, kind)}) if kind is not None else []
    if not spend(2 * len(bounds) * sum(_tests(column) for column in columns)):
        return Domain(first.text, (), ("的不同条件过多", "it has too many different cells"))
    merged: dict[tuple[int, int], Piece] = {}
    for example in _examples(kind, bounds, first.declared.whole):
        if not all(_possible(column, example) for column in columns):
            continue
        surely = perhaps = -1
        for column in columns:
            fits = column.evaluate(example)
            surely &= fits
            perhaps &= fits | sum(1 << i for i in column.other_cells)
        merged.setdefault((surely, perhaps), Piece(example, surely, perhaps))
    return Domain(first.text, tuple(merged.values()), doubt)


def _tests(column: Column) -> int:
    """How many tests one value may have to pass in the column's cells and input values."""
    allowed = [cell for cell in (column.allowed, column.declared.allowed) if cell is not None]
    return sum(max(1, len(cell.tests)) for cell in [cell for cell, _ in column.constant_cells] + allowed)


def _kind(columns: list[Column]) -> tuple[type | None, tuple[str, str] | None]:
    """The kind of the values; told by the constants where no type is declared."""
    for column in columns:
        if column.declared.is_list or column.declared.kind in ("context", "list", "duration", "function"):
            return None, ("不是单个值", "it is not a single value")
        if column.declared.kind in _KINDS:
            kind = _KINDS[column.declared.kind]
            if kind in (time, datetime) and any(value is not None for value in _named(column)):
                return None, ("时刻的取值无法穷举", "instants cannot be enumerated")
            return kind, None
    found = {type(value) for column in columns for value in _named(column) if value is not None}
    if not found:
        return bool, None
    kind = found.pop()
    if found or kind not in (str, *_STEPS, bool):
        return None, ("没有声明类型", "it has no declared type")
    return kind, ("没有声明类型", "it has no declared type") if kind is not bool else None


def _named(column: Column) -> Iterator[Value]:
    """The constants of the cells and of the input values."""
    yield from _constants(column)
    for allowed in (column.allowed, column.declared.allowed):
        yield from allowed.bounds() if allowed is not None else ()


def _constants(column: Column) -> Iterator[Value]:
    for cell, _ in column.constant_cells:
        yield from cell.bounds()


def _bounds(column: Column, kind: type) -> Iterator[Value]:
    yield from (value for value in _named(column) if type(value) is kind)


def _possible(column: Column, value: Value) -> bool:
    if not column.declared.accepts(value):
        return False
    return column.allowed is None or column.allowed.match(value, NOTHING) is True


def _examples(kind: type | None, bounds: list[Value], whole: bool) -> Iterator[Value]:
    """Every bound and a value from every gap between them."""
    if kind is None:
        return
    if kind is bool:
        yield from (True, False)
    elif kind is str:
        yield from bounds
        yield from _texts_between(bounds)
    elif kind in _STEPS:
        yield from _numbers_between(kind, bounds, whole)
    else:
        yield time(12) if kind is time else datetime.combine(date(2026, 1, 1), time(12))


def _texts_between(bounds: list[str]) -> Iterator[str]:
    """A readable text that no cell names, then the first text of all and the one next after each bound."""
    for text in ("其他", "", *(bound + "\x00" for bound in bounds)):
        if text not in bounds:
            yield text


def _numbers_between(kind: type, bounds: list[Value], whole: bool) -> Iterator[Value]:
    if not bounds:
        yield _EXAMPLES[kind]
        return
    step, move = _STEPS[kind]
    yield from _outside(lambda: move(bounds[0], -step))
    for low, high in pairwise(bounds):
        yield low
        middle = _middle(kind, low, high, whole)
        if middle is not None:
            yield middle
    yield bounds[-1]
    yield from _outside(lambda: move(bounds[-1], step))


def _outside(move: Callable[[], Value]) -> Iterator[Value]:
    try:
        yield move()
    except OverflowError:  # the first or last date that there is
        return


def _middle(kind: type, low: Value, high: Value, whole: bool) -> Value:
    """A simple value strictly between, or None where there is none."""
    step, move = _STEPS[kind]
    following = move(low.to_integral_value(ROUND_FLOOR) if kind is Decimal else low, step)
    if kind is timedelta:
        following = low + (high - low) / 2
    if low < following < high:
        return following
    if kind is not Decimal or whole:
        return None
    middle = MATH.divide(MATH.add(low, high), Decimal(2))
    return middle if low < middle < high else None
