"""What an endpoint reads with: one read-only transaction and one instant, for the caller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.context import Context
from webapp.current import current_desk, current_person


@contextmanager
def reading() -> Iterator[Context]:
    """A context for SELECTs alone; it ends with the block."""
    desk = current_desk()
    with desk.reading() as connection:
        yield Context(connection, desk.clock(), current_person().account, desk.handlers)
