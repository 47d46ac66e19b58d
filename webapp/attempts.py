"""Failures to prove who one is, counted by address: many accounts tried from one place slow that place down.

Kept in memory: each node counts for itself, and a restart forgets.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock


class Failures:
    """How many refusals each address had in its present minute; the oldest addresses are forgotten."""

    FREE = 30
    WINDOW = timedelta(minutes=1)
    ADDRESSES = 10_000

    def __init__(self) -> None:
        """Nobody has failed yet."""
        self._lock = Lock()
        self._since: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def wait(self, address: str, now: datetime) -> timedelta | None:
        """How long the address should wait before it tries again, or None while it has failures free."""
        with self._lock:
            began, failures = self._since.get(address, (now, 0))
        over = now >= began + self.WINDOW
        return None if over or failures < self.FREE else began + self.WINDOW - now

    def count(self, address: str, now: datetime) -> timedelta | None:
        """Count one more failure; how long the address should wait, or None while it has failures free."""
        with self._lock:
            began, failures = self._since.pop(address, (now, 0))
            if now >= began + self.WINDOW:
                began, failures = now, 0
            self._since[address] = (began, failures + 1)
            if len(self._since) > self.ADDRESSES:
                self._since.popitem(last=False)
        return began + self.WINDOW - now if failures >= self.FREE else None
