"""Process data is plain JSON: checked where it enters, copied where it leaves, never shared between two owners."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.spiff.errors import DataRefusedError

MAX_DEPTH = 16
MAX_INTEGER = 2**63 - 1


def require_json(value: Any, element_id: str | None, key: str) -> None:
    """Refuse what saving would change or lose: other types, other keys, not finite numbers, half a surrogate pair."""
    problem = _problem(value, MAX_DEPTH)
    if problem:
        raise DataRefusedError(element_id, f"流程数据 {key!r} 的值不能保存：{problem}")


def require_json_items(data: Mapping[str, Any], element_id: str | None) -> None:
    """The same for a whole mapping of process data; its keys must be text."""
    for key, value in data.items():
        if type(key) is not str or not _encodable(key):
            raise DataRefusedError(element_id, f"流程数据的键 {key!r} 不是文本")
        require_json(value, element_id, key)


def copied(data: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that shares no list or object with ``data``."""
    return {key: _copy(value) if type(value) in (dict, list) else value for key, value in data.items()}


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: ``1``, ``1.0`` and ``true`` are three values."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if type(one) is dict:
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if type(one) is list:
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def changes(base: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """The items of ``data`` that ``base`` does not have like this."""
    return {key: value for key, value in data.items() if key not in base or not same(base[key], value)}


def _copy(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copy(item) for key, item in value.items()}
    if type(value) is list:
        return [_copy(item) for item in value]
    return value


def _problem(value: Any, depth: int) -> str | None:
    kind = type(value)
    if value is None or kind is bool:
        return None
    if kind is str:
        return None if value.isascii() or _encodable(value) else "不是有效的文本"
    if kind is int:
        return None if -MAX_INTEGER <= value <= MAX_INTEGER else "整数超过 64 位"
    if kind is float:
        return None if math.isfinite(value) else "不是有限的数字"
    if depth == 0:
        return f"嵌套超过 {MAX_DEPTH} 层"
    if kind is list:
        return next((found for item in value if (found := _problem(item, depth - 1))), None)
    if kind is dict:
        if any(type(key) is not str or not _encodable(key) for key in value):
            return "有的键不是文本"
        return next((found for item in value.values() if (found := _problem(item, depth - 1))), None)
    return f"{kind.__name__} 不是 JSON 类型"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
