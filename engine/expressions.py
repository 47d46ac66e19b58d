"""The one language of conditions, timers and payloads: a small expression over process data, never Python code.

The text is parsed, every node is checked against an allow-list and turned into a closure; nothing is ever given to
``eval`` or ``exec``. Sources, nesting and results are capped, so that no diagram can use up the server.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

MAX_SOURCE = 1000  # characters
MAX_NODES = 200
MAX_DEPTH = 20
MAX_LENGTH = 10_000  # characters or items of any value that an expression makes
MAX_INT = 10**30
MAX_ROUNDING = 15  # digits, either side of the point
MAX_DIGITS = 40  # of a text given to int() or float()

Value = Any
Evaluator = Callable[[Mapping[str, Value]], Value]


class ExpressionError(Exception):
    """An expression that is refused or cannot be evaluated; ``why`` is a Chinese sentence for the author."""

    def __init__(self, text: str, why: str) -> None:
        """Keep the source, shortened, and the reason."""
        shown = text if len(text) <= 80 else text[:77] + "…"
        super().__init__(f"{shown!r}: {why}")
        self.text = text
        self.why = why


class _Refused(Exception):  # noqa: N818 - a private signal, turned into ExpressionError at the border
    """Why a node or a value is not accepted."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression. ``names`` are the keys of process data that it may read."""

    text: str
    names: frozenset[str]
    _run: Evaluator = field(repr=False, compare=False)

    def evaluate(self, data: Mapping[str, Value]) -> Value:
        """The value under ``data``; raises ExpressionError when a key is missing or the types do not fit."""
        try:
            return self._run(data)
        except _Refused as refused:
            raise ExpressionError(self.text, str(refused)) from None
        except (TypeError, ValueError, KeyError, IndexError, ZeroDivisionError, OverflowError) as error:
            raise ExpressionError(self.text, f"计算失败：{error}") from error


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """Check and prepare ``text``; raises ExpressionError. Results are cached, as diagrams repeat their conditions."""
    if len(text) > MAX_SOURCE:
        raise ExpressionError(text, f"表达式超过 {MAX_SOURCE} 个字符")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError(text, "不是一个表达式") from None
    names: set[str] = set()
    try:
        _count(tree)
        run = _build(tree.body, names)
    except _Refused as refused:
        raise ExpressionError(text, str(refused)) from None
    return Expression(text, frozenset(names), run)


def _count(tree: ast.AST) -> None:
    """Refuse trees that are too large or too deep, without recursion of our own."""
    nodes = 0
    level: list[ast.AST] = [tree]
    depth = 0
    while level:
        nodes += len(level)
        depth += 1
        if nodes > MAX_NODES or depth > MAX_DEPTH:
            raise _Refused("表达式太复杂")
        level = [child for node in level for child in ast.iter_child_nodes(node)]


# ---------------------------------------------------------------- values


def _bounded(value: Value) -> Value:
    """``value``, unless an operation made it too large."""
    if isinstance(value, str | list | tuple) and len(value) > MAX_LENGTH:
        raise _Refused("结果太长")
    if isinstance(value, int) and not -MAX_INT <= value <= MAX_INT:
        raise _Refused("数字太大")
    if isinstance(value, float) and not math.isfinite(value):
        raise _Refused("数字太大")
    return value


def _number(value: Value) -> Value:
    if not isinstance(value, int | float):
        raise _Refused("这个运算只用于数字")
    return value


def _add(left: Value, right: Value) -> Value:
    return _bounded(left + right)


def _multiply(left: Value, right: Value) -> Value:
    """Numbers, or a text repeated; lists are not repeated, because comparing nested ones could take for ever."""
    for text, factor in ((left, right), (right, left)):
        if isinstance(text, str):
            if not isinstance(factor, int) or len(text) * factor > MAX_LENGTH:
                raise _Refused("结果太长")
            return text * factor
    return _bounded(_number(left) * _number(right))


def _numeric(function: Callable[[Value, Value], Value]) -> Callable[[Value, Value], Value]:
    """``function`` on numbers only: ``%`` on texts would be formatting."""
    return lambda left, right: _bounded(function(_number(left), _number(right)))


def _short(value: Value) -> Value:
    if isinstance(value, str) and len(value) > MAX_DIGITS:
        raise _Refused("文本太长，不能转为数字")
    return value


def _text(value: Value) -> str:
    """``str`` of one plain value: the text of a nested list could be arbitrarily long."""
    if isinstance(value, list | tuple | dict):
        raise _Refused("列表不能转为文本")
    return str(_bounded(value))


def _rounded(value: Value, digits: Value = None) -> Value:
    if digits is not None and not (isinstance(digits, int) and -MAX_ROUNDING <= digits <= MAX_ROUNDING):
        raise _Refused("小数位数不对")
    return _bounded(round(_number(value), digits))


def _extreme(function: Callable[..., Value]) -> Callable[..., Value]:
    """``min`` or ``max``, also of one list."""
    return lambda *values: function(*values)


FUNCTIONS: Mapping[str, tuple[Callable[..., Value], int, int]] = {
    # name: function, fewest and most arguments
    "len": (len, 1, 1),
    "min": (_extreme(min), 1, 20),
    "max": (_extreme(max), 1, 20),
    "str": (_text, 1, 1),
    "int": (lambda value: _bounded(int(_short(value))), 1, 1),
    "float": (lambda value: _bounded(float(_short(value))), 1, 1),
    "bool": (bool, 1, 1),
    "round": (_rounded, 1, 2),
    "abs": (lambda value: abs(_number(value)), 1, 1),
}

_BINARY: Mapping[type[ast.operator], Callable[[Value, Value], Value]] = {
    ast.Add: _add,
    ast.Sub: _numeric(operator.sub),
    ast.Mult: _multiply,
    ast.Div: _numeric(operator.truediv),
    ast.FloorDiv: _numeric(operator.floordiv),
    ast.Mod: _numeric(operator.mod),
}

_UNARY: Mapping[type[ast.unaryop], Callable[[Value], Value]] = {
    ast.Not: operator.not_,
    ast.USub: lambda value: -_number(value),
    ast.UAdd: lambda value: +_number(value),
}

_COMPARE: Mapping[type[ast.cmpop], Callable[[Value, Value], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, items: item in items,
    ast.NotIn: lambda item, items: item not in items,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


# ---------------------------------------------------------------- nodes


def _build(node: ast.AST, names: set[str]) -> Evaluator:
    """The closure of one node; every kind that is not in the table is refused."""
    builder = _BUILDERS.get(type(node))
    if builder is None:
        raise _Refused(f"不允许 {type(node).__name__}")
    return builder(node, names)


def _build_constant(node: ast.Constant, names: set[str]) -> Evaluator:
    value = node.value
    if value is not None and not isinstance(value, str | int | float):
        raise _Refused("不允许这种常量")
    _bounded(value)
    return lambda data: value


def _build_name(node: ast.Name, names: set[str]) -> Evaluator:
    name = node.id
    if name.startswith("_"):
        raise _Refused(f"名称不能以下划线开头：{name}")
    names.add(name)

    def read(data: Mapping[str, Value]) -> Value:
        if name not in data:
            raise _Refused(f"流程数据里没有 {name}")
        return data[name]

    return read


def _build_bool_op(node: ast.BoolOp, names: set[str]) -> Evaluator:
    parts = [_build(part, names) for part in node.values]
    stop_on = isinstance(node.op, ast.Or)

    def run(data: Mapping[str, Value]) -> Value:
        value: Value = None
        for part in parts:
            value = part(data)
            if bool(value) is stop_on:
                break
        return value

    return run


def _build_unary(node: ast.UnaryOp, names: set[str]) -> Evaluator:
    function = _UNARY.get(type(node.op))
    if function is None:
        raise _Refused(f"不允许 {type(node.op).__name__}")
    operand = _build(node.operand, names)
    return lambda data: function(operand(data))


def _build_binary(node: ast.BinOp, names: set[str]) -> Evaluator:
    function = _BINARY.get(type(node.op))
    if function is None:
        raise _Refused(f"不允许 {type(node.op).__name__}")
    left, right = _build(node.left, names), _build(node.right, names)
    return lambda data: function(left(data), right(data))


def _is_singleton(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))


def _build_compare(node: ast.Compare, names: set[str]) -> Evaluator:
    for left, op, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
        if isinstance(op, ast.Is | ast.IsNot) and not (_is_singleton(left) or _is_singleton(right)):
            raise _Refused("is 只能与 None、True、False 比较，其他值请用 ==")
    first = _build(node.left, names)
    rest = [(_COMPARE[type(op)], _build(item, names)) for op, item in zip(node.ops, node.comparators, strict=True)]

    def run(data: Mapping[str, Value]) -> Value:
        left = first(data)
        for function, item in rest:
            right = item(data)
            if not function(left, right):
                return False
            left = right
        return True

    return run


def _build_if(node: ast.IfExp, names: set[str]) -> Evaluator:
    test, yes, no = (_build(part, names) for part in (node.test, node.body, node.orelse))
    return lambda data: yes(data) if test(data) else no(data)


def _build_call(node: ast.Call, names: set[str]) -> Evaluator:
    if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS or node.keywords:
        raise _Refused("只允许调用 " + "、".join(FUNCTIONS))
    function, fewest, most = FUNCTIONS[node.func.id]
    if not fewest <= len(node.args) <= most:
        raise _Refused(f"{node.func.id} 的参数个数不对")
    arguments = [_build(argument, names) for argument in node.args]
    return lambda data: function(*[argument(data) for argument in arguments])


def _build_items(nodes: Sequence[ast.expr], names: set[str]) -> Callable[[Mapping[str, Value]], list[Value]]:
    items = [_build(item, names) for item in nodes]
    return lambda data: [item(data) for item in items]


def _build_list(node: ast.List | ast.Tuple, names: set[str]) -> Evaluator:
    return _build_items(node.elts, names)


def _build_dict(node: ast.Dict, names: set[str]) -> Evaluator:
    pairs: list[tuple[str, Evaluator]] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            raise _Refused("字典的键必须是文本")
        pairs.append((key.value, _build(value, names)))
    return lambda data: {key: value(data) for key, value in pairs}


def _build_subscript(node: ast.Subscript, names: set[str]) -> Evaluator:
    if isinstance(node.slice, ast.Slice):
        raise _Refused("不允许切片")
    holder, index = _build(node.value, names), _build(node.slice, names)
    return lambda data: holder(data)[index(data)]


_BUILDERS: Mapping[type[ast.AST], Callable[[Any, set[str]], Evaluator]] = {
    ast.Constant: _build_constant,
    ast.Name: _build_name,
    ast.BoolOp: _build_bool_op,
    ast.UnaryOp: _build_unary,
    ast.BinOp: _build_binary,
    ast.Compare: _build_compare,
    ast.IfExp: _build_if,
    ast.Call: _build_call,
    ast.List: _build_list,
    ast.Tuple: _build_list,
    ast.Dict: _build_dict,
    ast.Subscript: _build_subscript,
}
