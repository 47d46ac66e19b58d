"""Trees into closures: an expression becomes a function of a scope, a cell a function of the input value and a scope.

What does not depend on the scope is computed once, here; such cells can be indexed (``tables``) and checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from engine.decisions import syntax
from engine.decisions.errors import LimitError, UnsupportedError
from engine.decisions.functions import BUILTINS, Builtin
from engine.decisions.parser import parse_expression, parse_tests
from engine.decisions.tokens import Names
from engine.decisions.values import (
    Months,
    Range,
    Value,
    arithmetic,
    both,
    bounded,
    compare,
    either,
    matches,
    minus,
    negate,
)

MAX_CALLS = 2_000
MAX_CALL_DEPTH = 12


@dataclass(slots=True)
class Run:
    """What one answer gathers: matched rows, warnings, and the calls that it has used."""

    rows: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    calls: int = 0
    depth: int = 0

    def warn(self, text: str) -> None:
        """Keep a sentence (Chinese / English) about something that became null; at most 50."""
        if len(self.warnings) < 50:
            self.warnings.append(text)


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


def compile_expression(source: str, names: Names) -> Code:
    """An expression as it stands in a model; raises DecisionError kinds for what cannot be read."""
    return _code(parse_expression(source, names))


def compile_cell(source: str, names: Names) -> Cell:
    """A table cell, or a list of allowed values."""
    return _cell(parse_tests(source, names))


def _cell(tests: syntax.Tests) -> Cell:
    return Cell(tuple(_test(test) for test in tests.tests), tests.negated)


def _test(test: syntax.Test) -> CellTest:
    code = _code(test.value)
    return CellTest(test.operator, code, test.operator is None and "?" in code.names)


def _combined(run: Evaluate, *parts: Code) -> Code:
    """Code over ``parts``; if all are constant its value is computed now."""
    names = frozenset().union(*(part.names for part in parts))
    if all(part.constant for part in parts):
        value = run(NOTHING)
        return Code(lambda _scope: value, True, names)
    return Code(run, False, names)


def _code(node: syntax.Node) -> Code:
    match node:
        case syntax.Const(value):
            return Code(lambda _scope: value, True, frozenset())
        case syntax.Name(name):
            return Code(lambda scope: scope.names.get(name), False, frozenset((name,)))
        case syntax.Operation(operator, left, right):
            return _operation(operator, _code(left), _code(right))
        case syntax.Member(value_node, tests):
            return _member(_code(value_node), _cell(tests))
        case syntax.Choice(condition, then, otherwise):
            return _choice(_code(condition), _code(then), _code(otherwise))
        case syntax.Call():
            return _call(node)
        case syntax.Path(value_node, name):
            inner = _code(value_node)
            return _combined(lambda scope: property_of(inner.run(scope), name), inner)
        case syntax.Items(items):
            parts = [_code(item) for item in items]
            return _combined(lambda scope: bounded([part.run(scope) for part in parts]), *parts)
        case syntax.Entries(entries):
            return _entries([(name, _code(value)) for name, value in entries])
        case syntax.Interval(low, low_closed, high, high_closed):
            ends = (_code(low), _code(high))
            return _combined(
                lambda scope: Range(ends[0].run(scope), low_closed, ends[1].run(scope), high_closed), *ends
            )


def _operation(operator: str, left: Code, right: Code) -> Code:
    first, second = left.run, right.run
    run: Evaluate
    if operator == "and":

        def run(scope: Scope) -> Value:
            value = first(scope)
            return False if value is False else both(value, second(scope))

    elif operator == "or":

        def run(scope: Scope) -> Value:
            value = first(scope)
            return True if value is True else either(value, second(scope))

    elif operator == "neg":

        def run(scope: Scope) -> Value:
            return minus(second(scope))

    elif operator in ("+", "-", "*", "/", "**"):

        def run(scope: Scope) -> Value:
            return arithmetic(operator, first(scope), second(scope))

    else:

        def run(scope: Scope) -> Value:
            return compare(operator, first(scope), second(scope))

    return _combined(run, left, right)


def _member(value: Code, cell: Cell) -> Code:
    return _combined(lambda scope: cell.match(value.run(scope), scope), value, *(test.code for test in cell.tests))


def _choice(condition: Code, then: Code, otherwise: Code) -> Code:
    def run(scope: Scope) -> Value:
        return then.run(scope) if condition.run(scope) is True else otherwise.run(scope)

    return _combined(run, condition, then, otherwise)


def _entries(entries: list[tuple[str, Code]]) -> Code:
    def run(scope: Scope) -> Value:
        found: dict[str, Value] = {}
        for name, code in entries:
            found[name] = code.run(scope.plus(found))
        return bounded(found)

    own = {name for name, _ in entries}
    names = frozenset().union(*(code.names for _, code in entries)) - own
    return Code(run, False, names)


def _call(node: syntax.Call) -> Code:
    arguments = [(name, _code(value)) for name, value in node.arguments]
    parts = [code for _, code in arguments]
    if isinstance(node.function, syntax.Name) and node.function.name in BUILTINS:
        return _builtin_call(BUILTINS[node.function.name], arguments)
    function = _code(node.function)

    def run(scope: Scope) -> Value:
        called = function.run(scope)
        if not isinstance(called, Function):
            return None
        labels = [
            name or given for (name, _), (given, _) in zip(arguments, _padded(called, len(arguments)), strict=True)
        ]
        return called.call(dict(zip(labels, (code.run(scope) for code in parts), strict=True)), scope.run)

    names = frozenset().union(function.names, *(code.names for code in parts))
    return Code(run, False, names)


def _padded(function: Function, count: int) -> list[tuple[str, object]]:
    """The parameters by position; surplus arguments get names that no parameter has."""
    return [*function.parameters[:count], *((f" {i}", None) for i in range(len(function.parameters), count))]


def _builtin_call(builtin: Builtin, arguments: list[tuple[str | None, Code]]) -> Code:
    parts = [code for _, code in arguments]
    labels = [name for name, _ in arguments if name is not None]
    if not labels or labels == ["from"]:
        return _combined(lambda scope: builtin.call([part.run(scope) for part in parts]), *parts)
    if not set(labels) <= set(builtin.parameters) or len(set(labels)) != len(labels):
        raise UnsupportedError(
            f"函数“{builtin.name}”的参数名应为 {', '.join(builtin.parameters)}。",
            f"function {builtin.name!r} takes the parameters {', '.join(builtin.parameters)}",
        )
    by_name = dict(arguments)
    last = max(builtin.parameters.index(label) for label in labels)
    null = Code(lambda _scope: None, True, frozenset())
    ordered = [by_name.get(name, null) for name in builtin.parameters[: last + 1]]
    return _combined(lambda scope: builtin.call([part.run(scope) for part in ordered]), *ordered)


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
