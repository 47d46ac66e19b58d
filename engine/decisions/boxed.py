"""Boxed expressions into closures: literal expression, table, invocation, context, list, relation, function.

Raises DecisionError kinds with the line of the element; FEEL above level 2 in boxed form is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from lxml import etree

from engine.decisions.compiler import Cell, Code, Evaluate, Function, Run, Scope, compile_cell, compile_expression
from engine.decisions.datatypes import ANY, Type
from engine.decisions.errors import DecisionError, ModelRefusedError, UnsupportedError
from engine.decisions.parser import parse_expression
from engine.decisions.syntax import Name
from engine.decisions.tables import Column, DecisionTable, Output, Rule, check_policy, ranking_of
from engine.decisions.tokens import Names, normalized
from engine.decisions.values import Value, bounded

Element = etree._Element
MAX_RULES = 5_000
EXPRESSIONS = frozenset(
    (
        "literalExpression",
        "decisionTable",
        "invocation",
        "context",
        "list",
        "relation",
        "functionDefinition",
        "conditional",
        "for",
        "every",
        "some",
        "filter",
    )
)


@dataclass(slots=True)
class Place:
    """Where an expression stands: what it may name, the types of the model, and what was found on the way."""

    decision: str
    names: Names
    declared: frozenset[str]
    find_type: Callable[[str | None], Type]
    language: str | None
    used: set[str] = field(default_factory=set)
    undeclared: set[str] = field(default_factory=set)
    input_types: dict[str, Type] = field(default_factory=dict)
    tables: list[DecisionTable] = field(default_factory=list)

    def inside(self, names: list[str]) -> Place:
        """The same place with more variables; findings are shared."""
        return replace(self, names=self.names.plus(names), declared=self.declared | set(names))

    def saw(self, names: frozenset[str]) -> None:
        """Remember what is read; names that nobody declared become inputs of the decision."""
        self.used |= names
        self.undeclared |= names - self.declared - {"?"}


def local(element: Element) -> str:
    """The tag without namespace; empty for comments and instructions."""
    tag = element.tag
    return etree.QName(tag).localname if isinstance(tag, str) else ""


def children(element: Element, name: str) -> list[Element]:
    """The child elements of that local name, of the parent's namespace."""
    space = etree.QName(element.tag).namespace
    return [child for child in element if local(child) == name and etree.QName(child.tag).namespace == space]


def child(element: Element, name: str) -> Element | None:
    """The first child of that local name."""
    found = children(element, name)
    return found[0] if found else None


def line_of(element: Element) -> int | None:
    """The source line."""
    line = element.sourceline
    return line if isinstance(line, int) else None


def text_in(element: Element | None) -> str | None:
    """What stands in the ``<text>`` of an element, also as CDATA; None if there is none."""
    holder = child(element, "text") if element is not None else None
    if holder is None:
        return None
    return "".join(str(part) for part in holder.itertext()).strip()


def expression_of(element: Element) -> Element | None:
    """The boxed expression inside a decision, binding, entry or item."""
    return next((part for part in element if local(part) in EXPRESSIONS), None)


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


def _check_language(element: Element, place: Place) -> None:
    language = element.get("expressionLanguage") or place.language
    if language and "feel" not in language.lower():
        raise UnsupportedError(
            f"表达式语言 {language} 不受支持，请使用 FEEL。",
            f"expression language {language} is not FEEL",
            line=line_of(element),
        )


def _code(element: Element | None, place: Place) -> Code | None:
    """The compiled ``<text>`` of an element; None where it is absent or empty."""
    text = text_in(element)
    if element is None or not text:
        return None
    _check_language(element, place)
    try:
        code = compile_expression(text, place.names)
    except DecisionError as error:
        raise error.at(decision=place.decision, line=line_of(element)) from None
    place.saw(code.names)
    return code


def _null(_scope: Scope) -> Value:
    return None


def _literal(element: Element, place: Place) -> Evaluate:
    if child(element, "importedValues") is not None:
        raise UnsupportedError("不支持 importedValues。", "importedValues are not supported", line=line_of(element))
    code = _code(element, place)
    return code.run if code is not None else _null


def _cell(element: Element | None, place: Place) -> Cell | None:
    text = text_in(element)
    if element is None or not text:
        return None
    _check_language(element, place)
    try:
        cell = compile_cell(text, place.names)
    except DecisionError as error:
        raise error.at(decision=place.decision, line=line_of(element)) from None
    place.saw(cell.names)
    return cell


_ANY_VALUE = Cell((), False)


def _list(element: Element, place: Place) -> Evaluate:
    items = [compile_boxed(part, place) for part in element if local(part) in EXPRESSIONS]
    return lambda scope: bounded([item(scope) for item in items])


def _named(element: Element, what: str) -> str:
    name = normalized(element.get("name") or "")
    if not name:
        raise ModelRefusedError(f"{what}没有名称。", f"{local(element)} has no name", line=line_of(element))
    return name


def _context(element: Element, place: Place) -> Evaluate:
    entries: list[tuple[str | None, Evaluate]] = []
    for entry in children(element, "contextEntry"):
        variable = child(entry, "variable")
        name = None if variable is None else _named(variable, "上下文条目")
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
    columns = [_named(column, "关系的列") for column in children(element, "column")]
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
        (_named(parameter, "参数"), place.find_type(parameter.get("typeRef")))
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


def _invocation(element: Element, place: Place) -> Evaluate:
    called = _required(element, place, "调用")
    bindings: list[tuple[str, Evaluate]] = []
    for binding in children(element, "binding"):
        parameter = child(binding, "parameter")
        if parameter is None:
            raise ModelRefusedError("调用的绑定没有参数。", "a binding has no parameter", line=line_of(binding))
        expression = expression_of(binding)
        evaluate = _null if expression is None else compile_boxed(expression, place)
        bindings.append((_named(parameter, "参数"), evaluate))

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


def _column_head(element: Element, place: Place) -> tuple[str, Code]:
    """The text and code of an input; a text of plain words is one name, declared or not."""
    expression = child(element, "inputExpression")
    text = text_in(expression) or ""
    code = _code(expression, place)
    if expression is None or code is None:
        raise ModelRefusedError(
            f"决策表“{place.decision}”有输入列没有表达式。",
            f"table {place.decision!r}: an input has no expression",
            line=line_of(element),
        )
    tree = parse_expression(text, place.names)
    if isinstance(tree, Name):
        declared = place.find_type(expression.get("typeRef"))
        if declared is not ANY:
            place.input_types.setdefault(tree.name, declared)
    return text, code


def _columns(element: Element, rules: list[Element], place: Place) -> tuple[Column, ...]:
    inputs = children(element, "input")
    heads = [_column_head(part, place) for part in inputs]
    place = place.inside([])
    place.names = place.names.plus(name for _, code in heads for name in code.names)
    entries = [children(rule, "inputEntry") for rule in rules]
    _check_widths(entries, rules, len(inputs), "输入")
    columns = []
    for i, (part, (text, code)) in enumerate(zip(inputs, heads, strict=True)):
        expression = child(part, "inputExpression")
        values = child(part, "inputValues")
        columns.append(
            Column(
                text=text,
                code=code,
                declared=place.find_type(expression.get("typeRef") if expression is not None else None),
                cells=tuple(_cell(row[i], place) or _ANY_VALUE for row in entries),
                allowed=_cell(values, place),
                allowed_text=text_in(values) or "",
            )
        )
    return tuple(columns)


def _check_widths(entries: list[list[Element]], rules: list[Element], width: int, what: str) -> None:
    for row, rule in zip(entries, rules, strict=True):
        if len(row) != width:
            raise ModelRefusedError(
                f"规则 {rule.get('id')} 有 {len(row)} 个{what}条目，应为 {width} 个。",
                f"rule {rule.get('id')} has {len(row)} entries where {width} are needed",
                line=line_of(rule),
            )


def _output(element: Element, place: Place, several: bool, counted: bool, whole: Type) -> Output:
    name = _named(element, "输出列") if several else normalized(element.get("name") or "")
    declared = place.find_type(element.get("typeRef"))
    if declared is ANY and several:
        declared = whole.components.get(name, ANY)
    elif declared is ANY and not whole.components and not counted:
        declared = replace(whole, is_list=False)
    allowed = _cell(child(element, "outputValues"), place)
    default = _code(child(element, "defaultOutputEntry"), place)
    return Output(name, declared, allowed, ranking_of(allowed) or ranking_of(declared.allowed), default)


def compile_table(element: Element, place: Place, whole: Type) -> DecisionTable:
    """A decision table; ``whole`` is the type of its result."""
    rules = children(element, "rule")
    outputs = children(element, "output")
    if not outputs or len(rules) > MAX_RULES:
        raise ModelRefusedError(
            f"决策表“{place.decision}”须有输出列，且不超过 {MAX_RULES} 行。",
            f"table {place.decision!r} needs an output and at most {MAX_RULES} rules",
            line=line_of(element),
        )
    columns = _columns(element, rules, place)
    inner = place.inside([])
    inner.names = inner.names.plus(name for column in columns for name in column.code.names)
    entries = [children(rule, "outputEntry") for rule in rules]
    _check_widths(entries, rules, len(outputs), "输出")
    nothing = Code(_null, True, frozenset())
    table = DecisionTable(
        name=place.decision,
        policy=" ".join(element.get("hitPolicy", "UNIQUE").split()).upper(),
        aggregation=element.get("aggregation"),
        columns=columns,
        outputs=tuple(
            _output(output, inner, len(outputs) > 1, element.get("aggregation") == "COUNT", whole) for output in outputs
        ),
        rules=tuple(
            Rule(
                rule.get("id") or str(number),
                line_of(rule),
                tuple(_code(entry, inner) or nothing for entry in row),
            )
            for number, (rule, row) in enumerate(zip(rules, entries, strict=True), 1)
        ),
        line=line_of(element),
        everything=(1 << len(rules)) - 1,
    )
    check_policy(table)
    return table


_BUILDERS: dict[str, Callable[[Element, Place], Evaluate]] = {
    "literalExpression": _literal,
    "invocation": _invocation,
    "context": _context,
    "list": _list,
    "relation": _relation,
    "functionDefinition": _function,
    "conditional": _conditional,
}
