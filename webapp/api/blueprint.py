"""Who calls: a personal token in the header ``Authorization: Bearer …``. No cookie counts here, for nothing.

A token that is not good costs one hash and one SELECT, whatever is wrong with it. Many of them from one address get
429 instead of 401; a good token is never kept out, so nobody can lock out others behind the same proxy.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock

from flask import Blueprint, Response, current_app, g, request
from werkzeug.exceptions import TooManyRequests, Unauthorized

from engine.errors import NotAllowedError
from webapp import tokens
from webapp.current import current_desk
from webapp.rights import Person, may_enter

api = Blueprint("api", __name__, url_prefix="/api")
OPEN_TO_STRANGERS = {"api.openapi"}
SIGNED_INSTEAD = {"api.alarm", "api.alertmanager"}  # where a signature may stand in the place of a token
FAILURES = "lovem.api.failures"
NO_TOKEN = "请在请求头 Authorization: Bearer 中给出有效的个人令牌。"  # noqa: S105
TOO_MANY = "无效令牌的请求过多，请稍后再试。"
NO_WAY = "您的岗位不能执行这项操作。"


class Failures:
    """How many bad tokens came from each address in its present minute; the oldest addresses are forgotten."""

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


@api.before_request
def know_who() -> None:
    """Find out who calls, and that the table of doors lets him in; answers 401, 403 or 429."""
    g.person = None  # whoever is signed in with a browser is a stranger here
    if request.endpoint in OPEN_TO_STRANGERS:
        return
    if request.endpoint in SIGNED_INSTEAD and "Authorization" not in request.headers:
        return
    g.person = _bearer()
    if not may_enter(g.person, request.endpoint or ""):
        raise NotAllowedError(NO_WAY)


@api.after_request
def say_how(response: Response) -> Response:
    """Tell a stranger what is asked of him."""
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="LoVEM Desk"'
    return response


def refuse_stranger(message: str = NO_TOKEN) -> Exception:
    """The refusal of a caller who could not prove who he is; counts the failure."""
    now = current_desk().clock()
    failures: Failures = current_app.extensions[FAILURES]
    wait = failures.count(request.remote_addr or "", now)
    if wait is not None:
        return TooManyRequests(TOO_MANY, retry_after=int(wait.total_seconds()) + 1)
    return Unauthorized(message)


def _bearer() -> Person:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    found = tokens.holder(current_desk(), token.strip() if scheme.lower() == "bearer" else "")
    if found is None:
        raise refuse_stranger()
    return found
