"""What a person reads when the form's schema refuses a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonschema.exceptions import ValidationError

_TYPES = {
    "string": "文字",
    "integer": "整数",
    "number": "数字",
    "boolean": "是或否",
    "array": "列表",
    "object": "一组内容",
    "null": "空",
}
_FORMAT_TEXTS = {
    "date-time": "请写成 15:20、11-23 15:20 或 2026-11-23 15:20",
    "date": "请写成 2026-01-31",
    "email": "请写成 fuwutai@example.com 的样子",
}
_TEXTS = {
    "minLength": "不能少于 {value} 个字",
    "maxLength": "不能超过 {value} 个字",
    "minimum": "不能小于 {value}",
    "maximum": "不能大于 {value}",
    "exclusiveMinimum": "应大于 {value}",
    "exclusiveMaximum": "应小于 {value}",
    "multipleOf": "应为 {value} 的倍数",
    "minItems": "至少要有 {value} 项",
    "maxItems": "最多只能有 {value} 项",
    "uniqueItems": "不能有重复的项",
    "enum": "不在可选的范围之内",
    "oneOf": "不在可选的范围之内",
    "const": "只能是{value}",
    "pattern": "的格式不对",
    "required": "没有填写完整",
    "additionalProperties": "含有没有定义的内容",
}


def sentence(title: str, error: ValidationError) -> str:
    """One Chinese sentence for ``error``, beginning with the field's ``title``."""
    word, value = str(error.validator), error.validator_value
    if word == "type":
        kinds = value if isinstance(value, list) else [value]
        return f"{title}应为{'或'.join(_TYPES.get(str(kind), str(kind)) for kind in kinds)}"
    if word == "const" and value is True:
        return f"请确认{title}"
    if word == "pattern" and isinstance(error.schema, Mapping) and (examples := error.schema.get("examples")):
        return f"{title}请写成 {examples[0]} 的样子"
    if word == "format":
        return f"{title}{_FORMAT_TEXTS[str(value)]}"
    return title + _TEXTS.get(word, "不符合要求").format(value=_said(value))


def missing(title: str, part: Mapping[str, Any], layout: Mapping[str, Any]) -> str:
    """The sentence for a field that was left empty; ``part`` is its schema, ``layout`` its hints."""
    if part.get("const") is True:
        return f"请确认{title}"
    if part.get("type") == "boolean":
        return f"请选择“{title}”：是或否"
    chosen = "enum" in part or "oneOf" in part or "source" in layout
    return f"请{'选择' if chosen else '填写'}{title}"


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "“是”" if value else "“否”"
    return str(value)
