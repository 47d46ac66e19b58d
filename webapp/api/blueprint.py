"""Who calls: a personal token in the header ``Authorization: Bearer …``. No cookie counts here, for nothing.

A token that is not good costs one hash and one SELECT, whatever is wrong with it. Alarms may be signed instead.
"""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from engine.errors import NotAllowedError
from webapp import tokens
from webapp.api import signature
from webapp.api.strangers import refuse_stranger
from webapp.current import current_desk
from webapp.rights import Person, may_enter

api = Blueprint("api", __name__, url_prefix="/api")
SIGNED_INSTEAD = {"api.alarm", "api.alertmanager"}  # where a signature may stand in the place of a token
NO_TOKEN = "请在请求头 Authorization: Bearer 中给出有效的个人令牌。"  # noqa: S105
NO_WAY = "您的岗位不能执行这项操作。"


@api.before_request
def know_who() -> None:
    """Find out who calls, and that the table of doors lets him in; answers 401, 403 or 429."""
    g.person = None  # whoever is signed in with a browser is a stranger here
    endpoint = request.endpoint or ""
    if may_enter(None, endpoint):
        return
    g.person = signature.signer() if endpoint in SIGNED_INSTEAD and signature.is_signed() else _bearer()
    if not may_enter(g.person, endpoint):
        raise NotAllowedError(NO_WAY)


@api.after_request
def say_how(response: Response) -> Response:
    """Tell a stranger what is asked of him."""
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="LoVEM Desk"'
    return response


def _bearer() -> Person:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    found = tokens.holder(current_desk(), token.strip() if scheme.lower() == "bearer" else "")
    if found is None:
        raise refuse_stranger(NO_TOKEN)
    return found
