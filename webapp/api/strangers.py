"""Refusing callers who cannot prove who they are: 401, and 429 where one address does so all the time.

A good token or signature is never kept out, so nobody can lock out others behind the same proxy.
"""

from __future__ import annotations

from flask import current_app, request
from werkzeug.exceptions import TooManyRequests, Unauthorized

from webapp.attempts import Failures
from webapp.current import current_desk

FAILURES = "lovem.api.failures"  # where an application keeps its Failures
TOO_MANY = "无效令牌或签名的请求过多，请稍后再试。"


def refuse_stranger(message: str) -> Exception:
    """The refusal of this request, to be raised; it counts as a failure of its address."""
    failures: Failures = current_app.extensions[FAILURES]
    wait = failures.count(request.remote_addr or "", current_desk().clock())
    if wait is not None:
        return TooManyRequests(TOO_MANY, retry_after=int(wait.total_seconds()) + 1)
    return Unauthorized(message)
