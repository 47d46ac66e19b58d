"""The XML of a decision table into its compiled form."""

from __future__ import annotations

from dataclasses import replace

from engine.decisions.closures import Cell, Code, Scope
from engine.decisions.datatypes import ANY, Type
from engine.decisions.elements import Element, child, children, line_of, name_of, text_in
from engine.decisions.errors import ModelRefusedError
from engine.decisions.parser import parse_expression
from engine.decisions.places import Place, cell_in, code_in
from engine.decisions.syntax import Name
from engine.decisions.tables import Column, DecisionTable, Output, Rule, check_policy, ranking_of
from engine.decisions.tokens import normalized
from engine.decisions.values import Value

MAX_RULES = 5_000
ANY_VALUE = Cell((), False)


def _nothing(_scope: Scope) -> Value:
    return None


def _column_head(element: Element, place: Place) -> tuple[str, Code]:
    """The text and code of an input; a text of plain words is one name, declared or not."""
    expression = child(element, "inputExpression")
    text = text_in(expression) or ""
    code = code_in(expression, place)
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
                cells=_cells([row[i] for row in entries], place),
                allowed=cell_in(values, place),
                allowed_text=text_in(values) or "",
            )
        )
    return tuple(columns)


def _cells(entries: list[Element], place: Place) -> tuple[Cell, ...]:
    """The cells of a column; those with the same text are one object, which is then evaluated once for all of them."""
    known: dict[tuple[str | None, str | None], Cell] = {}
    found = []
    for entry in entries:
        key = (text_in(entry), entry.get("expressionLanguage"))
        if key not in known:
            known[key] = cell_in(entry, place) or ANY_VALUE
        found.append(known[key])
    return tuple(found)


def _check_widths(entries: list[list[Element]], rules: list[Element], width: int, what: str) -> None:
    for row, rule in zip(entries, rules, strict=True):
        if len(row) != width:
            raise ModelRefusedError(
                f"规则 {rule.get('id')} 有 {len(row)} 个{what}条目，应为 {width} 个。",
                f"rule {rule.get('id')} has {len(row)} entries where {width} are needed",
                line=line_of(rule),
            )


def _output(element: Element, place: Place, several: bool, counted: bool, whole: Type) -> Output:
    name = name_of(element, "输出列") if several else normalized(element.get("name") or "")
    declared = place.find_type(element.get("typeRef"))
    if declared is ANY and several:
        declared = whole.components.get(name, ANY)
    elif declared is ANY and not whole.components and not counted:
        declared = replace(whole, is_list=False)
    allowed = cell_in(child(element, "outputValues"), place)
    default = code_in(child(element, "defaultOutputEntry"), place)
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
    nothing = Code(_nothing, True, frozenset())
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
                tuple(code_in(entry, inner) or nothing for entry in row),
            )
            for number, (rule, row) in enumerate(zip(rules, entries, strict=True), 1)
        ),
        line=line_of(element),
        everything=(1 << len(rules)) - 1,
    )
    check_policy(table)
    return table
