"""What expressions are compiled into: closures over a scope, functions, and the cells of tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.decisions.errors import LimitError
from engine.decisions.values import Range, Value, compare, either, matches, negate

MAX_CALLS = 2_000
MAX_CALL_DEPTH = 12


@dataclass(slots=True)
class Run:
    """What one answer gathers: matched rows, warnings, refused inputs among them, and the calls that it has used."""

    rows: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    calls: int = 0
    depth: int = 0

    def warn(self, text: str) -> None:
        """Keep a sentence (Chinese / English) about something that became null; at most 50."""
        if len(self.warnings) < 50:
            self.warnings.append(text)

    def refuse(self, text: str) -> None:
        """A warning that an input was not of its type, or not among the allowed values."""
        if len(self.refused) < 50:
            self.refused.append(text)
        self.warn(text)


@dataclass(frozen=True, slots=True)
class Scope:
    """The variables that an expression sees, and the run that it belongs to."""

    names: Mapping[str, Value]
    run: Run

    def plus(self, names: Mapping[str, Value]) -> Scope:
        """The same with more variables."""
        return Scope({**self.names, **names}, self.run)


Evaluate = Callable[[Scope], Value]


@dataclass(frozen=True, slots=True)
class Function:
    """A business knowledge model or boxed function: named parameters with their conversions, and a body."""

    name: str
    parameters: tuple[tuple[str, Callable[[Value, Run], Value]], ...]
    body: Evaluate
    closure: Mapping[str, Value]

    def call(self, arguments: Mapping[str, Value], run: Run) -> Value:
        """The result; null for a missing or unknown argument; LimitError when one decision calls too much."""
        run.calls += 1
        if run.calls > MAX_CALLS or run.depth >= MAX_CALL_DEPTH:
            raise LimitError("决策中的函数调用过多或嵌套过深。", "Too many or too deeply nested calls in the decision.")
        if len(arguments) != len(self.parameters):
            return None
        names = dict(self.closure)
        for name, convert in self.parameters:
            if name not in arguments:
                return None
            names[name] = convert(arguments[name], run)
        run.depth += 1
        try:
            return self.body(Scope(names, run))
        finally:
            run.depth -= 1


@dataclass(frozen=True, slots=True)
class Code:
    """A compiled expression that reads the variables ``names``; ``constant`` ones can be run with ``NOTHING``."""

    run: Evaluate
    constant: bool
    names: frozenset[str]


NOTHING = Scope({}, Run())


@dataclass(frozen=True, slots=True)
class CellTest:
    """A positive unary test; ``truth`` marks one that reads ``?`` itself and says whether it holds."""

    operator: str | None
    code: Code
    truth: bool

    def match(self, value: Value, scope: Scope) -> bool | None:
        """Does the input ``value`` meet the test?"""
        test = self.code.run(scope)
        if self.truth:
            return test if isinstance(test, bool) else None
        if isinstance(test, bool) and not self.code.constant and value is not None and not isinstance(value, bool):
            return test  # a condition on other variables, in the column of a value that is no boolean
        return matches(value, test) if self.operator is None else compare(self.operator, value, test)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table: any of ``tests``, or none of them if ``negated``; without tests any value."""

    tests: tuple[CellTest, ...]
    negated: bool

    @property
    def constant(self) -> bool:
        """Does the answer depend on the input value alone?"""
        return all(test.code.constant and not test.truth for test in self.tests)

    @property
    def names(self) -> frozenset[str]:
        """The variables that the cell reads."""
        return frozenset().union(*(test.code.names for test in self.tests)) - {"?"}

    def match(self, value: Value, scope: Scope) -> bool | None:
        """Three-valued: does the input ``value`` fit?"""
        if not self.tests:
            return True
        if not self.constant:
            scope = scope.plus({"?": value})
        found: bool | None = False
        for test in self.tests:
            found = either(found, test.match(value, scope))
            if found:
                break
        return negate(found) if self.negated else found

    def bounds(self) -> list[Value]:
        """The constants at which the answer of a constant cell may change."""
        found: list[Value] = []
        pending = [test.code.run(NOTHING) for test in self.tests]
        while pending:
            value = pending.pop()
            if isinstance(value, list):
                pending.extend(value)
            elif isinstance(value, Range):
                found.extend((value.low, value.high))
            else:
                found.append(value)
        return found
