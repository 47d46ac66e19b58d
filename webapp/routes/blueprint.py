"""The one blueprint of all pages: who comes is known, and may read, before any route runs.

Staff read everything (right ``read``); others nothing, for no account is tied to a customer yet. What may be written
is checked by the desk's verbs.
"""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from engine.errors import NotAllowedError
from webapp import failures
from webapp.current import person_or_none
from webapp.rights import allowed

pages = Blueprint("pages", __name__)
OPEN_TO_STRANGERS = {"pages.sign_in"}
OPEN_TO_ALL = OPEN_TO_STRANGERS | {"pages.sign_out"}
NOTHING_TO_READ = (
    "您的账号没有工作岗位，这里的内容只供服务台和支持人员查看。用户查询进度的页面以后提供；现在请向服务台询问。"
)


@pages.before_request
def know_who() -> ResponseReturnValue | None:
    """Send strangers to the sign-in page, and afterwards to where they wanted to go."""
    person = person_or_none()
    if person is not None and request.endpoint not in OPEN_TO_ALL and not allowed(person, "read"):
        raise NotAllowedError(NOTHING_TO_READ)
    if request.endpoint in OPEN_TO_STRANGERS or person is not None:
        return None
    if request.headers.get("HX-Request"):
        return "", 401, {"HX-Redirect": url_for("pages.sign_in")}
    if request.method == "POST":
        return failures.signed_out()
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("pages.sign_in", next=wanted if wanted != "/" else None), 303)
