"""Refusing callers who cannot prove who they are: 401, and 429 where one address does so all the time.

A good token or signature is never kept out, so nobody can lock out others behind the same proxy.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock

from flask import current_app, request
from werkzeug.exceptions import TooManyRequests, Unauthorized

from webapp.current import current_desk

FAILURES = "lovem.api.failures"  # where an application keeps its Failures
TOO_MANY = "无效令牌或签名的请求过多，请稍后再试。"


class Failures:
    """How many refusals each address had in its present minute; the oldest addresses are forgotten."""

    FREE = 30
    WINDOW = timedelta(minutes=1)
    ADDRESSES = 10_000

    def __init__(self) -> None:
        """Nobody has failed yet."""
        self._lock = Lock()
        self._since: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

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


def refuse_stranger(message: str) -> Exception:
    """The refusal of this request, to be raised; it counts as a failure of its address."""
    failures: Failures = current_app.extensions[FAILURES]
    wait = failures.count(request.remote_addr or "", current_desk().clock())
    if wait is not None:
        return TooManyRequests(TOO_MANY, retry_after=int(wait.total_seconds()) + 1)
    return Unauthorized(message)
