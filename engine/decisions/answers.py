"""Answers as JSON: dates and durations as ISO text, decimals as JSON numbers, both ways by the declared types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.decisions import temporal
from engine.decisions.errors import InvalidInputError
from engine.decisions.functions import number_text
from engine.decisions.model import Answer, load_model
from engine.decisions.values import Months, Value

_EXACT = 2**53


def to_json(answer: Answer) -> dict[str, Any]:
    """``{"result", "rows"}`` of plain JSON values; numbers are rounded to floats where need be (not in ``to_text``)."""
    return {"result": plain(answer.result), "rows": list(answer.rows)}


def to_text(answer: Answer) -> str:
    """The same as JSON text, with every digit of every number."""
    return f'{{"result": {_written(answer.result)}, "rows": {json.dumps(list(answer.rows), ensure_ascii=False)}}}'


def decide_text(model: bytes, decision: str, inputs: str | bytes) -> str:
    """Load, ask with a JSON object, and give ``{"result", "rows"}`` as exact JSON text; raises DecisionError kinds."""
    return to_text(load_model(model).decide(decision, _object(inputs)))


def _object(text: str | bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise InvalidInputError(f"输入不是合法的 JSON：{error}", f"the inputs are not JSON: {error}") from None
    if not isinstance(found, dict):
        raise InvalidInputError("输入须为 JSON 对象。", "the inputs must be a JSON object")
    return found


def plain(value: Value) -> Any:
    """A FEEL value as JSON data; a range or function, which JSON cannot say, becomes null."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, date | time | timedelta | Months):
        return temporal.to_text(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return None


def _number(value: Decimal) -> int | float | str:
    if value == value.to_integral_value() and abs(value) <= _EXACT:
        return int(value)
    rounded = float(value)
    return rounded if abs(rounded) != float("inf") else str(value)


def _written(value: Value) -> str:
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, list):
        return f"[{', '.join(_written(item) for item in value)}]"
    if isinstance(value, dict):
        entries = (f"{json.dumps(name, ensure_ascii=False)}: {_written(item)}" for name, item in value.items())
        return f"{{{', '.join(entries)}}}"
    return json.dumps(plain(value), ensure_ascii=False)
