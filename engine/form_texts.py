"""What a person reads when the form's schema refuses a value."""

from __future__ import annotations

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
    "date-time": "应为带时区的日期和时间，例如 2026-01-31T08:30:00+08:00",
    "date": "应为日期，例如 2026-01-31",
    "email": "应为电子邮件地址",
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
    if word == "format":
        return f"{title}{_FORMAT_TEXTS[str(value)]}"
    return title + _TEXTS.get(word, "不符合要求").format(value=_said(value))


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "“是”" if value else "“否”"
    return str(value)
