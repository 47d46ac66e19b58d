"""Forms: JSON Schema with a little layout. What a person may hand in is decided here, on the server.

The layout's ``showIf`` hides fields; a hidden field leaves validation, ``required`` and the clean values. Its
``leaves`` names the answers after which the steps joined to the form on one page do not follow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from jsonschema.protocols import Validator

from engine.errors import FormRefusedError, InvalidValuesError
from engine.form_rules import FORMATS, FormValidator
from engine.form_texts import missing, sentence
from engine.patterns import PatternRefusedError, compile_pattern
from engine.texts import storable, trouble

MAX_FORM_BYTES = 256_000
MAX_TEXT = 20_000  # characters of one text
MAX_ITEMS = 1_000  # of one list or object
MAX_DEPTH = 4
LEAST_UNIT = 1e-9  # of multipleOf
MAX_NUMBER = 2**53 - 1  # what JavaScript and JSON readers agree on

_TOP_WORDS = {"$schema", "type", "title", "description", "properties", "required", "additionalProperties"}
_FIELD_WORDS = (
    "type title description enum const oneOf default examples format pattern minLength maxLength minimum maximum "
    "exclusiveMinimum exclusiveMaximum multipleOf items minItems maxItems uniqueItems properties required "
    "additionalProperties readOnly"
)
_WORDS = set(_FIELD_WORDS.split())


@dataclass(frozen=True, slots=True)
class Form:
    """One form. ``schema`` and ``ui`` are as in the file; both are shared between threads: read only."""

    key: str
    title: str
    schema: Mapping[str, Any]
    ui: Mapping[str, Any]
    validator: Validator = field(repr=False, compare=False)

    @property
    def fields(self) -> Mapping[str, Mapping[str, Any]]:
        """The fields' schemas by name, in the file's order."""
        fields: Mapping[str, Mapping[str, Any]] = self.schema["properties"]
        return fields

    @property
    def required(self) -> frozenset[str]:
        """The names that must be filled in while they are shown."""
        return frozenset(self.schema.get("required", ()))

    def title_of(self, name: str) -> str:
        """The field's title as staff read it."""
        return str(self.fields.get(name, {}).get("title", name))

    def shown(self, values: Mapping[str, Any]) -> frozenset[str]:
        """The names of the fields visible for ``values``; what hangs on a hidden field is hidden."""
        layout = self.ui.get("fields", {})
        shown = set(self.fields)
        while True:
            hidden = {name for name in shown if not _holds(layout.get(name, {}).get("showIf"), values, shown)}
            if not hidden:
                return frozenset(shown)
            shown -= hidden


def parse_form(content: bytes) -> Form:
    """Read a form file. Raises :class:`FormRefusedError` with a Chinese sentence for anything that is not one."""
    if len(content) > MAX_FORM_BYTES:
        raise FormRefusedError(f"表单文件超过 {MAX_FORM_BYTES} 字节")
    try:
        data = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise FormRefusedError(f"不是格式正确的 JSON：第 {error.lineno} 行第 {error.colno} 列") from None
    if not isinstance(data, dict):
        raise FormRefusedError("表单文件应为一个 JSON 对象")
    for name in ("key", "title"):
        if not isinstance(data.get(name), str) or not 0 < len(data[name]) <= 120:
            raise FormRefusedError(f"表单缺少 {name}，或其长度不在 1 至 120 字之间")
    schema, ui = data.get("schema"), data.get("ui", {})
    if not isinstance(schema, dict) or not isinstance(ui, dict):
        raise FormRefusedError("表单的 schema 与 ui 应为 JSON 对象")
    try:
        _check_schema(schema)
    except RecursionError:
        raise FormRefusedError("schema 嵌套过深") from None
    _check_layout(ui, schema["properties"])
    validator = FormValidator({"type": "object", "properties": schema["properties"]}, format_checker=FORMATS)
    form = Form(data["key"], data["title"], MappingProxyType(schema), MappingProxyType(ui), validator)
    for name, part in form.fields.items():
        if "default" in part and list(validator.iter_errors({name: part["default"]})):
            raise FormRefusedError(f"字段 {name} 的默认值不符合它自己的规则")
    return form


def validate(form: Form, values: Any) -> dict[str, Any]:
    """The clean values: shown fields only, empty ones left out, defaults filled in.

    Raises :class:`InvalidValuesError` with one Chinese sentence per field for everything else, whatever ``values`` is.
    """
    if not isinstance(values, Mapping):
        raise InvalidValuesError({"": "提交的内容不是一份表单"})
    problems: dict[str, str] = {}
    given: dict[str, Any] = {}
    for name, value in values.items():
        if not isinstance(name, str) or name not in form.fields:
            problems[_printable(name)] = "表单没有这个字段"
        elif found := _trouble(value):
            problems[name] = f"{form.title_of(name)}{found}"
        elif not _is_blank(value):
            given[name] = value
    for name, part in form.fields.items():
        if "default" in part and name not in given and name not in problems:
            given[name] = part["default"]
    shown = form.shown(given)
    clean = {
        name: _as_declared(given[name], part) for name, part in form.fields.items() if name in given and name in shown
    }
    for error in form.validator.iter_errors(clean):
        name = str(error.absolute_path[0]) if error.absolute_path else ""
        problems.setdefault(name, sentence(form.title_of(name), error))
    for name in form.required:
        if name in shown and name not in clean:
            layout = form.ui.get("fields", {}).get(name, {})
            problems.setdefault(name, missing(form.title_of(name), form.fields[name], layout))
    if problems:
        raise InvalidValuesError(problems)
    return clean


def unstorable(values: Any) -> dict[str, str]:
    """What of a draft cannot be kept (by name, with a Chinese sentence); a draft need not be valid, only plain."""
    if not isinstance(values, Mapping):
        return {"": "提交的内容不是一份表单"}
    if len(values) > MAX_ITEMS:
        return {"": f"超过 {MAX_ITEMS} 项"}
    problems = {}
    for name, value in values.items():
        if not isinstance(name, str) or _trouble(name):
            problems[_printable(name)] = "表单没有这个字段"
        elif found := _trouble(value):
            problems[name] = f"{name}{found}"
    return problems


def _holds(condition: Mapping[str, Any] | None, values: Mapping[str, Any], shown: set[str]) -> bool:
    if not condition:
        return True
    for name, wanted in condition.items():
        accepted = wanted if isinstance(wanted, list) else [wanted]
        value = values.get(name) if name in shown else None
        if not any(type(value) is type(one) and value == one for one in accepted):
            return False
    return True


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _as_declared(value: Any, part: Mapping[str, Any]) -> Any:
    # JSON knows one kind of number: 3.0 where an integer is declared is 3.
    if part.get("type") == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _printable(name: Any) -> str:
    text = name if isinstance(name, str) else type(name).__name__
    return storable(text, 100)


def _trouble(value: Any, depth: int = 0) -> str | None:
    """Why ``value`` is no plain, storable JSON value, else None."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return trouble(value, MAX_TEXT)
    if isinstance(value, int | float):
        return None if math.isfinite(value) and abs(value) <= MAX_NUMBER else "的数值过大"
    if depth >= MAX_DEPTH:
        return "嵌套过深"
    if isinstance(value, list | dict):
        if len(value) > MAX_ITEMS:
            return f"超过 {MAX_ITEMS} 项"
        parts: list[Any] = value if isinstance(value, list) else [*value.keys(), *value.values()]
        if isinstance(value, dict) and not all(isinstance(key, str) for key in value):
            return "不是可以保存的内容"
        return next((found for part in parts if (found := _trouble(part, depth + 1))), None)
    return "不是可以保存的内容"


def _check_schema(schema: dict[str, Any]) -> None:
    if strange := sorted(schema.keys() - _TOP_WORDS):
        raise FormRefusedError(f"schema 不支持 {strange[0]}")
    fields = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(fields, dict):
        raise FormRefusedError("schema 的 type 应为 object，并列出 properties")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise FormRefusedError(f"schema 不合 JSON Schema：{'/'.join(map(str, error.absolute_path))}") from None
    for name, part in fields.items():
        for inner in _parts(part):
            _check_part(name, inner)
        if not isinstance(part.get("title"), str) or not part["title"].strip():
            raise FormRefusedError(f"字段 {name} 缺少 title")
        if not part.keys() & {"type", "enum", "const", "oneOf"}:
            raise FormRefusedError(f"字段 {name} 缺少 type")
    if missing := sorted(set(schema.get("required", ())) - fields.keys()):
        raise FormRefusedError(f"required 中的 {missing[0]} 不是表单的字段")


def _parts(part: Any) -> Iterator[Any]:
    """``part`` and every schema inside it."""
    yield part
    if isinstance(part, dict):
        below = [part["items"]] if "items" in part else []
        for inner in (*below, *part.get("properties", {}).values(), *part.get("oneOf", ())):
            yield from _parts(inner)


def _check_part(name: str, part: Any) -> None:
    """Refuse in the schema of the field ``name``, or one inside it, what is not taken or has no bounds."""
    if not isinstance(part, dict):
        raise FormRefusedError(f"字段 {name} 的规则不支持 true/false")
    for word in part:
        if word not in _WORDS and not word.startswith("x-"):
            raise FormRefusedError(f"字段 {name} 的规则不支持 {word}")
    if part.get("maxLength", 0) > MAX_TEXT:
        raise FormRefusedError(f"字段 {name} 的 maxLength 不能超过 {MAX_TEXT}")
    if part.get("multipleOf", 1) < LEAST_UNIT:
        raise FormRefusedError(f"字段 {name} 的 multipleOf 不能小于 {LEAST_UNIT}")
    if "format" in part and part["format"] not in FORMATS.checkers:
        raise FormRefusedError(f"字段 {name} 的 format 不支持 {part['format']}")
    if "pattern" in part:
        try:
            compile_pattern(part["pattern"], int(part.get("maxLength", MAX_TEXT)))
        except PatternRefusedError as refused:
            raise FormRefusedError(f"字段 {name} 的 pattern {refused}") from None


def _check_layout(ui: dict[str, Any], fields: Mapping[str, Any]) -> None:
    layout = ui.get("fields", {})
    order = ui.get("order", [])
    if not isinstance(layout, dict) or not isinstance(order, list):
        raise FormRefusedError("ui 的 fields 应为对象，order 应为列表")
    conditions = [part.get("showIf") or {} for part in layout.values() if isinstance(part, dict)]
    if len(conditions) != len(layout) or not all(isinstance(condition, dict) for condition in conditions):
        raise FormRefusedError("ui.fields 的每一项及其 showIf 应为对象")
    for name in [*layout, *order, *(name for condition in conditions for name in condition)]:
        if not isinstance(name, str) or name not in fields:
            raise FormRefusedError(f"ui 中的 {name} 不是表单的字段")
    leaves = ui.get("leaves", {})
    if not isinstance(leaves, dict) or not all(isinstance(answers, list) for answers in leaves.values()):
        raise FormRefusedError("ui 的 leaves 应为对象，每一项为答案的列表")
    if strange := sorted(leaves.keys() - fields.keys()):
        raise FormRefusedError(f"ui.leaves 中的 {strange[0]} 不是表单的字段")
