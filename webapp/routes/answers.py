"""The answers of decision tables in words."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from handlers import clocks
from webapp.routes.clock import NAMES
from webapp.routes.reading import Reader
from webapp.routes.words import PRIORITIES, duration


def answer_words(reader: Reader, decision: str, answer: Any) -> str:
    """What a rule answered: groups by name, durations in hours and days, yes or no; several outputs in a row."""
    if isinstance(answer, dict):
        return "、".join(_output(reader, name, value) for name, value in answer.items() if value is not None)
    if decision == "priority" and answer in PRIORITIES:
        return f"{answer} {_(PRIORITIES[answer])}"
    return _output(reader, "group" if decision == "dispatch" else "", answer)


def _output(reader: Reader, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(_("是") if value else _("否"))
    if name == "group":
        return reader.name("groups", str(value))
    if name == "post":
        return reader.name("posts", str(value))
    if name in NAMES:
        try:
            return f"{_(NAMES[name])} {duration(clocks.duration(str(value)))}"
        except ValueError:
            return f"{_(NAMES[name])} {value}"
    return str(value)
