"""Boxed expressions into closures: literal expression, table, invocation, context, list, relation, function.

Raises DecisionError kinds with the line of the element; FEEL above level 2 in boxed form is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from engine.decisions.closures import Evaluate, Function, Run, Scope
from engine.decisions.datatypes import ANY, Type
from engine.decisions.elements import (
    EXPRESSIONS,
    Element,
    child,
    children,
    expression_of,
    line_of,
    local,
    name_of,
    text_in,
)
from engine.decisions.errors import DecisionError, ModelRefusedError, UnsupportedError
from engine.decisions.places import Place, code_in
from engine.decisions.tablereader import compile_table
from engine.decisions.tokens import normalized
from engine.decisions.values import Value, bounded


def compile_boxed(element: Element, place: Place, expected: Type = ANY) -> Evaluate:
    """The closure of any boxed expression; ``expected`` is the type of the decision that it answers."""
    kind = local(element)
    builder = _BUILDERS.get(kind)
    if kind != "decisionTable" and builder is None:
        raise UnsupportedError(
            f"“{kind}”超出 DMN 一致性级别 2。", f"{kind} is above DMN conformance level 2", line=line_of(element)
        )
    try:
        declared = place.find_type(element.get("typeRef"))
        if builder is None:
            place.tables.append(compile_table(element, place, expected if declared is ANY else declared))
            return place.tables[-1].evaluate
        evaluate = builder(element, place)
    except DecisionError as error:
        raise error.at(decision=place.decision, line=line_of(element)) from None
    return evaluate if declared is ANY else _conforming(evaluate, declared, place.decision)


def _conforming(evaluate: Evaluate, declared: Type, what: str) -> Evaluate:
    def run(scope: Scope) -> Value:
        return declared.conform(evaluate(scope), scope.run, f"“{what}”")

    return run


def _required(element: Element, place: Place, what: str) -> Evaluate:
    expression = expression_of(element)
    if expression is None:
        raise ModelRefusedError(
            f"“{place.decision}”的{what}没有表达式。",
            f"{place.decision!r}: {local(element)} has no expression",
            line=line_of(element),
        )
    return compile_boxed(expression, place)


def _null(_scope: Scope) -> Value:
    return None


def _literal(element: Element, place: Place) -> Evaluate:
    if child(element, "importedValues") is not None:
        raise UnsupportedError("不支持 importedValues。", "importedValues are not supported", line=line_of(element))
    code = code_in(element, place)
    return code.run if code is not None else _null


def _list(element: Element, place: Place) -> Evaluate:
    items = [compile_boxed(part, place) for part in element if local(part) in EXPRESSIONS]
    return lambda scope: bounded([item(scope) for item in items])


def _context(element: Element, place: Place) -> Evaluate:
    entries: list[tuple[str | None, Evaluate]] = []
    for entry in children(element, "contextEntry"):
        variable = child(entry, "variable")
        name = None if variable is None else name_of(variable, "上下文条目")
        evaluate = _required(entry, place, "上下文条目")
        if variable is not None:
            declared = place.find_type(variable.get("typeRef"))
            evaluate = evaluate if declared is ANY else _conforming(evaluate, declared, name or "")
            place = place.inside([name or ""])
        entries.append((name, evaluate))

    def run(scope: Scope) -> Value:
        found: dict[str, Value] = {}
        for name, evaluate in entries:
            value = evaluate(scope.plus(found))
            if name is None:
                return value
            found[name] = value
        return bounded(found)

    return run


def _relation(element: Element, place: Place) -> Evaluate:
    columns = [name_of(column, "关系的列") for column in children(element, "column")]
    rows = [
        [compile_boxed(part, place) for part in row if local(part) in EXPRESSIONS] for row in children(element, "row")
    ]
    if any(len(row) != len(columns) for row in rows):
        raise ModelRefusedError(
            "关系的每一行须与列数相同。",
            "every row of a relation needs one expression for each column",
            line=line_of(element),
        )
    return lambda scope: bounded([{name: item(scope) for name, item in zip(columns, row, strict=True)} for row in rows])


def _parameters(element: Element, place: Place) -> list[tuple[str, Type]]:
    return [
        (name_of(parameter, "参数"), place.find_type(parameter.get("typeRef")))
        for parameter in children(element, "formalParameter")
    ]


def _convert(declared: Type, name: str, value: Value, run: Run) -> Value:
    return declared.conform(value, run, f"参数“{name}”")


def function_maker(element: Element, place: Place, name: str) -> Callable[[Mapping[str, Value]], Function]:
    """From ``functionDefinition`` or ``encapsulatedLogic`` to a maker of the function over its closure."""
    if element.get("kind", "FEEL") != "FEEL":
        raise UnsupportedError(
            f"函数“{name}”的种类 {element.get('kind')} 不受支持。",
            f"function {name!r}: kind {element.get('kind')} is not supported",
            line=line_of(element),
        )
    parameters = _parameters(element, place)
    inner = place.inside([parameter for parameter, _ in parameters])
    body = _required(element, inner, "函数")
    converted = tuple((parameter, partial(_convert, declared, parameter)) for parameter, declared in parameters)
    return lambda closure: Function(name, converted, body, closure)


def _function(element: Element, place: Place) -> Evaluate:
    make = function_maker(element, place, place.decision)
    return lambda scope: make(scope.names)


def _refuse_unknown(name: str, invocation: Element, binding: Element, place: Place) -> None:
    """ModelRefusedError if a called business knowledge model has no parameter ``name``: the call would be null."""
    called = normalized(text_in(expression_of(invocation)) or "")
    parameters = place.parameters.get(called)
    if parameters is not None and name not in parameters:
        raise ModelRefusedError(
            f"“{called}”没有参数“{name}”，只有：{'、'.join(parameters)}。",
            f"{called!r} has no parameter {name!r}, only: {', '.join(parameters)}",
            line=line_of(binding),
        )


def _invocation(element: Element, place: Place) -> Evaluate:
    called = _required(element, place, "调用")
    bindings: list[tuple[str, Evaluate]] = []
    for binding in children(element, "binding"):
        parameter = child(binding, "parameter")
        if parameter is None:
            raise ModelRefusedError("调用的绑定没有参数。", "a binding has no parameter", line=line_of(binding))
        expression = expression_of(binding)
        evaluate = _null if expression is None else compile_boxed(expression, place)
        name = name_of(parameter, "参数")
        _refuse_unknown(name, element, binding, place)
        bindings.append((name, evaluate))

    def run(scope: Scope) -> Value:
        function = called(scope)
        if not isinstance(function, Function):
            return None
        return function.call({name: evaluate(scope) for name, evaluate in bindings}, scope.run)

    return run


def _conditional(element: Element, place: Place) -> Evaluate:
    parts = [child(element, name) for name in ("if", "then", "else")]
    if any(part is None for part in parts):
        raise ModelRefusedError("条件表达式不完整。", "a conditional needs if, then and else", line=line_of(element))
    condition, then, otherwise = (_required(part, place, "条件") for part in parts if part is not None)
    return lambda scope: then(scope) if condition(scope) is True else otherwise(scope)


_BUILDERS: dict[str, Callable[[Element, Place], Evaluate]] = {
    "literalExpression": _literal,
    "invocation": _invocation,
    "context": _context,
    "list": _list,
    "relation": _relation,
    "functionDefinition": _function,
    "conditional": _conditional,
}
