"""How the values of a form are judged: JSON Schema with our formats, bounded patterns, and decimal multiples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from engine.patterns import compile_pattern

FORMATS = FormatChecker(formats=())

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


@FORMATS.checks("date-time")
def is_instant(value: object) -> bool:
    """Is it an RFC 3339 instant with a zone, inside what a database can keep?"""
    if not isinstance(value, str):
        return True
    if not _DATE_TIME.fullmatch(value):
        return False
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC).year > 1
    except (ValueError, OverflowError):
        return False


@FORMATS.checks("date")
def is_date(value: object) -> bool:
    """Is it a calendar date, ISO 8601 extended?"""
    if not isinstance(value, str):
        return True
    if not _DATE.fullmatch(value):
        return False
    try:
        return bool(date.fromisoformat(value))
    except ValueError:
        return False


@FORMATS.checks("email")
def is_email(value: object) -> bool:
    """Does it look like a mail address?"""
    return not isinstance(value, str) or bool(_EMAIL.fullmatch(value))


_compiled = lru_cache(256)(compile_pattern)


def _pattern(_validator: Any, pattern: str, value: Any, schema: dict[str, Any]) -> Iterator[ValidationError]:
    # A text that is too long is refused for its length alone: the pattern's cost is bounded up to there.
    most = int(schema["maxLength"])
    if isinstance(value, str) and len(value) <= most and not _compiled(pattern, most).search(value):
        yield ValidationError("does not match")


def _multiple_of(_validator: Any, unit: float, value: Any, _schema: Any) -> Iterator[ValidationError]:
    # 0.3 is a multiple of 0.1, though not in binary floating point.
    if isinstance(value, int | float) and not isinstance(value, bool) and Decimal(str(value)) % Decimal(str(unit)):
        yield ValidationError("is no multiple")


FormValidator: type[Validator] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern, "multipleOf": _multiple_of}
)
