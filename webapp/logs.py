"""The one way to a logger: no record of it carries personal data, whatever handlers and formats an installation has.

A fault is logged by its kind and the places in the program through which it went. Its message is left out, because
Python quotes there what it could not use; only a database's own sentence is kept, without the row.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError

from engine import faults

FOREIGN = ("webapp", "waitress")  # of Flask's application and of the server that ``lovem serve`` runs
_FOLLOWED = re.compile(r"(/follow/)[^\s\]?]+")  # the address of a customer's signed link, which opens it


def logger(name: str) -> logging.Logger:
    """The logger ``name``; what it is given as ``exc_info`` reaches handlers as plain text."""
    found = logging.getLogger(name)
    found.addFilter(_private)
    return found


def install() -> None:
    """Let the libraries that log requests do so in the same way; again changes nothing."""
    for name in FOREIGN:
        logger(name)


def told(fault: BaseException) -> str:
    """The fault and those that led to it, the first one first: where each went through, and its kind."""
    return "\n".join("\n".join(_one(each)) for each in reversed(list(_chain(fault))))


def _chain(fault: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while fault is not None and id(fault) not in seen:
        seen.add(id(fault))
        yield fault
        fault = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)


def _one(fault: BaseException) -> Iterator[str]:
    for frame in traceback.extract_tb(fault.__traceback__):
        yield f"  {frame.filename}:{frame.lineno} {frame.name}"
    yield faults.words(fault) if isinstance(fault, DBAPIError) else type(fault).__name__


def _private(record: logging.LogRecord) -> bool:
    """Make ``record`` one that may be kept; a filter that lets everything through."""
    if record.exc_info:
        fault = record.exc_info[1]
        record.exc_text = told(fault) if fault is not None else ""
        record.exc_info = None
    text = record.getMessage()
    if (hidden := _FOLLOWED.sub(rf"\1{faults.LEFT_OUT}", text)) != text:
        record.msg, record.args = hidden, ()
    return True
