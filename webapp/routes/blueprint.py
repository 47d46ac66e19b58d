"""The one blueprint of all pages: who comes is known, and let in by the table of doors, before any route runs.

What may be done inside is checked by the desk's verbs.
"""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import NotAllowedError
from webapp import failures
from webapp.current import person_or_none
from webapp.rights import Person, allowed, may_enter, must_change_first

pages = Blueprint("pages", __name__)


@pages.before_request
def know_who() -> ResponseReturnValue | None:
    """Send strangers to the sign-in page, and afterwards to where they wanted to go; so too by a change of password."""
    person, endpoint = person_or_none(), request.endpoint or ""
    if must_change_first(person, endpoint):
        return _to_the_change()
    if may_enter(person, endpoint):
        return None
    if person is not None:
        raise NotAllowedError(_refusal(person))
    if request.headers.get("HX-Request"):
        return "", 401, {"HX-Redirect": url_for("pages.sign_in")}
    if request.method == "POST":
        return failures.signed_out()
    return redirect(url_for("pages.sign_in", next=_wanted()), 303)


def _to_the_change() -> ResponseReturnValue:
    if request.headers.get("HX-Request"):
        return "", 403, {"HX-Redirect": url_for("pages.password")}
    return redirect(url_for("pages.password", next=_wanted()), 303)


def _wanted() -> str | None:
    """Where a link led; None for a command, and for the front page, which is where one goes anyway."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return wanted if wanted != "/" else None


def _refusal(person: Person) -> str:
    if allowed(person, "read"):
        return str(_("您的岗位不能打开这个页面或执行这项操作。"))
    if allowed(person, "request"):
        return str(_("这里的内容只供服务台和支持人员查看。您报告的事件在“我报告的事件”里。"))
    return str(_("您的账号没有工作岗位，这里的内容只供服务台和支持人员查看。请联系服务台。"))
