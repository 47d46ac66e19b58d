"""Declared types (``typeRef`` and item definitions): what conforms, and how values from outside become FEEL values.

Inside a model a value that does not conform to its declared type becomes null, with a warning (DMN 1.3, 10.3.2.9.4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from engine.decisions import temporal
from engine.decisions.closures import NOTHING, Cell, Function, Run
from engine.decisions.errors import InvalidInputError
from engine.decisions.functions import number_from
from engine.decisions.values import MATH, Months, Range, Value, bounded, number

_KINDS: dict[str, type | tuple[type, ...]] = {
    "Any": object,
    "string": str,
    "number": Decimal,
    "boolean": bool,
    "date": date,
    "time": time,
    "date and time": datetime,
    "days and time duration": timedelta,
    "years and months duration": Months,
    "duration": (timedelta, Months),
    "context": dict,
    "list": list,
    "function": Function,
}
_ALIASES = {
    "dateTime": "date and time",
    "dayTimeDuration": "days and time duration",
    "yearMonthDuration": "years and months duration",
    "dateandtime": "date and time",
    "integer": "number",
    "long": "number",
    "double": "number",
    "int": "number",
    "decimal": "number",
    "float": "number",
    "short": "number",
}
_WHOLE = frozenset(("integer", "long", "int", "short"))


@dataclass(frozen=True, slots=True)
class Type:
    """A type: ``kind`` is ``Any`` or a FEEL kind; ``whole`` numbers are integers; ``allowed`` restricts values."""

    name: str = "Any"
    kind: str = "Any"
    whole: bool = False
    is_list: bool = False
    components: Mapping[str, Type] = field(default_factory=dict)
    allowed: Cell | None = None
    allowed_text: str = ""

    def accepts(self, value: Value) -> bool:
        """Does the value conform? Null always does."""
        if value is None:
            return True
        if self.is_list:
            single = replace(self, is_list=False)
            return isinstance(value, list) and all(single.accepts(item) for item in value)
        if (self.kind == "date" and isinstance(value, datetime)) or not isinstance(value, _KINDS[self.kind]):
            return False
        if self.components and not self._fits(value):
            return False
        return self.allowed is None or self.allowed.match(value, NOTHING) is True

    def _fits(self, context: Value) -> bool:
        return all(part.accepts(context[name]) for name, part in self.components.items() if name in context)

    def conform(self, value: Value, run: Run, what: str, *, is_input: bool = False) -> Value:
        """The value if it conforms, after FEEL's coercions (item to and from list, date to midnight), else null.

        ``is_input``: it comes from outside or goes into a table; then null is a refusal, not only a warning.
        """
        if value is None or (self.kind == "Any" and not self.is_list and self.allowed is None):
            return value
        if self.accepts(value):
            return value
        for candidate in self._coerced(value):
            if self.accepts(candidate):
                return candidate
        expected = self.name + (f"（{self.allowed_text}）" if self.allowed_text else "")
        say = run.refuse if is_input else run.warn
        say(
            f"{what}的值 {shown(value)} 不属于类型 {expected}，按空值处理。 / "
            f"{what}: {shown(value)} is not of type {expected}, taken as null"
        )
        return None

    def _coerced(self, value: Value) -> list[Value]:
        candidates: list[Value] = []
        if self.is_list and not isinstance(value, list):
            candidates.append([value])
        elif isinstance(value, list) and len(value) == 1 and not self.is_list:
            candidates.append(value[0])
        if self.kind == "date and time" and type(value) is date:
            candidates.append(temporal.parse_instant(value.isoformat() + "T00:00:00Z"))
        return candidates

    def read(self, value: Value) -> Value:
        """A value from outside, its texts read as this type where it is not a type of texts; unreadable text stays."""
        if isinstance(value, list):
            inner = replace(self, is_list=False) if self.is_list else self
            return [inner.read(item) for item in value]
        if isinstance(value, dict):
            return {name: self.components.get(name, ANY).read(item) for name, item in value.items()}
        if isinstance(value, str) and self.kind in _READERS:
            found = _READERS[self.kind](value.strip())
            return value if found is None else found
        return value


def _boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text)


_READERS: dict[str, Callable[[str], Value]] = {
    "number": number_from,
    "boolean": _boolean,
    "date": temporal.parse_date,
    "time": lambda text: temporal.parse_time(text, lenient=True),
    "date and time": lambda text: temporal.parse_instant(text, lenient=True),
    "days and time duration": temporal.parse_days,
    "years and months duration": temporal.parse_months,
    "duration": temporal.parse_duration,
}

ANY = Type()


def simple_type(reference: str) -> Type | None:
    """The built-in type of a ``typeRef`` (with or without prefix, FEEL's or Camunda's spelling), or None."""
    name = " ".join(reference.split())
    local = name.rpartition(":")[2]
    kind = _ALIASES.get(local, local)
    if kind == "Any":
        return ANY
    return Type(name=local, kind=kind, whole=local in _WHOLE) if kind in _KINDS else None


def from_python(value: Any) -> Value:
    """A plain Python value as a FEEL value: numbers become decimals; InvalidInputError for foreign objects."""
    found = _converted(value, 0)
    return bounded(found) if isinstance(found, list | dict) else found


def _converted(value: Any, depth: int) -> Value:
    if depth > 20:
        raise InvalidInputError("输入数据嵌套过深。", "The inputs are nested too deeply.")
    if value is None or isinstance(value, bool | Months | Range):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return number(MATH.create_decimal(value))
    if isinstance(value, float):
        return number(MATH.create_decimal(repr(value)))
    if isinstance(value, Decimal):
        return number(MATH.plus(value))
    if isinstance(value, date | time | timedelta):
        return value
    if isinstance(value, Mapping):
        return {str(name): _converted(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_converted(item, depth + 1) for item in value]
    kind = type(value).__name__
    raise InvalidInputError(f"输入值的类型 {kind} 不受支持。", f"Inputs cannot hold a {kind}.")


def shown(value: Value) -> str:
    """A value as a warning shows it, at most 60 characters."""
    text = temporal.to_text(value) if isinstance(value, date | time | timedelta | Months) else str(value)
    text = f"“{text}”" if isinstance(value, str) else text
    return text if len(text) <= 60 else text[:57] + "…"
