"""The one blueprint of all pages; everybody but a stranger on the sign-in page is known before a route runs."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from webapp.current import person_or_none

pages = Blueprint("pages", __name__)
OPEN_TO_STRANGERS = {"pages.sign_in"}


@pages.before_request
def know_who() -> ResponseReturnValue | None:
    """Send strangers to the sign-in page, and afterwards to where they wanted to go."""
    if request.endpoint in OPEN_TO_STRANGERS or person_or_none() is not None:
        return None
    if request.headers.get("HX-Request"):
        return "", 401, {"HX-Redirect": url_for("pages.sign_in")}
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("pages.sign_in", next=wanted if wanted != "/" else None), 303)
