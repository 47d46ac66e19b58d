"""Signing in and out."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from webapp import auth, demo
from webapp.current import TOKEN, current_desk, current_settings, person_or_none
from webapp.routes import words
from webapp.routes.blueprint import pages


@pages.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Ask for account and password; then on to the page that was wanted."""
    wanted = _own_address(request.args.get("next", ""))
    if request.method == "GET":
        return redirect(wanted) if person_or_none() else render_template("sign_in.html", **_demo())
    account, settings = request.form.get("account", ""), current_settings()
    try:
        signed_in = auth.sign_in(current_desk(), account, request.form.get("password", ""), settings.session_lasts_for)
    except auth.SignInRefusedError as refused:
        until = (
            words.moment(refused.locked_until, current_desk().clock(), settings.zone) if refused.locked_until else ""
        )
        return render_template("sign_in.html", account=account, refused=str(refused), until=until, **_demo()), 403
    session.clear()
    session[TOKEN] = signed_in.token
    session.permanent = True
    return redirect(wanted, 303)


@pages.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session here and in the database."""
    auth.sign_out(current_desk(), session.get(TOKEN))
    session.clear()
    return redirect(url_for("pages.sign_in"), 303)


def _demo() -> dict[str, object]:
    """In demo mode the page itself says who may sign in; elsewhere nothing of the demo is ever shown."""
    return {"accounts": demo.ACCOUNTS, "password": demo.PASSWORD} if current_settings().demo else {}


def _own_address(address: str) -> str:
    """An address of this site that somebody may be sent to after signing in, else the landing page."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return url_for("pages.landing")
    plain = not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if plain and "\\" not in address and address.isprintable() else url_for("pages.landing")
