"""Faults in words that may be kept and logged: what failed, without what was typed and without a database's rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.exc import DBAPIError

LEFT_OUT = "…"
SHORTEST = 2  # characters of a text worth leaving out; a Chinese name has two
_QUOTED = re.compile(r'"[^"]*"')


def words(fault: BaseException, typed: Any = None) -> str:
    """Kind and message of ``fault``; the texts in ``typed``, values of any nesting, are left out of it."""
    if isinstance(fault, DBAPIError):
        return f"{type(fault).__name__}: {of_database(fault)}"
    return f"{type(fault).__name__}: {without(str(fault), typed)}"


def of_database(fault: DBAPIError) -> str:
    """What the database refused: code, sentence, table and constraint; its DETAIL quotes the row and is left out."""
    said = getattr(fault.orig, "diag", None)
    if said is None or said.message_primary is None:
        return str(fault.orig)  # SQLite and drivers name columns, never values
    names = [name for name in (said.table_name, said.column_name, said.constraint_name) if name]
    return " ".join([said.sqlstate or "", _QUOTED.sub(f'"{LEFT_OUT}"', said.message_primary), *names]).strip()


def without(text: str, typed: Any) -> str:
    """``text`` without the texts in ``typed``, the longest first, also as Python quotes them."""
    found = {line for each in _texts(typed) for line in each.splitlines() if len(line.strip()) >= SHORTEST}
    for line in sorted(found | {repr(line)[1:-1] for line in found}, key=len, reverse=True):
        text = text.replace(line, LEFT_OUT)
    return text


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
