"""Trees into closures: an expression becomes a function of a scope, a cell one of the input value and a scope.

What does not depend on the scope is computed once, here; such cells can be indexed (``tables``) and checked.
"""

from __future__ import annotations

from engine.decisions import syntax
from engine.decisions.closures import NOTHING, Cell, CellTest, Code, Evaluate, Function, Scope
from engine.decisions.errors import UnsupportedError
from engine.decisions.functions import BUILTINS, Builtin
from engine.decisions.parser import parse_expression, parse_tests
from engine.decisions.properties import property_of
from engine.decisions.tokens import Names
from engine.decisions.values import (
    Range,
    Value,
    arithmetic,
    both,
    bounded,
    compare,
    either,
    minus,
)


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
