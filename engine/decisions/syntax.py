"""The tree of an S-FEEL expression, as the parser builds it and the compiler reads it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.decisions.values import Value


@dataclass(frozen=True, slots=True)
class Const:
    """A literal."""

    value: Value


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, under the name by which it was declared; ``?`` is the input of a unary test."""

    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """``and or = != < <= > >= + - * / **``, or unary minus (``right`` alone, operator ``neg``)."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Member:
    """``value in (tests)``."""

    value: Node
    tests: Tests


@dataclass(frozen=True, slots=True)
class Choice:
    """``if … then … else …``."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A function called by position (keys ``None``) or by parameter names."""

    function: Node
    arguments: tuple[tuple[str | None, Node], ...]


@dataclass(frozen=True, slots=True)
class Path:
    """``value.name``."""

    value: Node
    name: str


@dataclass(frozen=True, slots=True)
class Items:
    """``[a, b]``."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Entries:
    """``{a: 1, b: a + 1}``; a later entry sees the earlier ones."""

    entries: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """``[a..b]`` and its relatives with open ends."""

    low: Node
    low_closed: bool
    high: Node
    high_closed: bool


Node = Const | Name | Operation | Member | Choice | Call | Path | Items | Entries | Interval


@dataclass(frozen=True, slots=True)
class Test:
    """One positive unary test: ``operator`` compares the input with the value, ``None`` means equal, inside or true."""

    operator: str | None
    value: Node


@dataclass(frozen=True, slots=True)
class Tests:
    """A cell: one of ``tests`` must hold, or none of them if ``negated``; no tests at all means any value (``-``)."""

    tests: tuple[Test, ...]
    negated: bool = False
