"""修改密码: one's own password. Whoever signed in with one that another person chose comes here before all else."""

from __future__ import annotations

from collections.abc import Mapping

from flask import flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import ConflictError, InvalidValuesError
from webapp import auth
from webapp.current import TOKEN, current_desk, current_person, current_settings
from webapp.routes import words
from webapp.routes.blueprint import pages
from webapp.routes.posted import own_address


@pages.get("/password", endpoint="password")
def password_page() -> ResponseReturnValue:
    """Ask for the current password, and for the new one twice."""
    return _page()


@pages.post("/password", endpoint="change_password")
def change_password() -> ResponseReturnValue:
    """Change it and go on to the page that was wanted; nothing that was typed is ever sent back."""
    desk, settings = current_desk(), current_settings()
    current, new, again = (request.form.get(name, "") for name in ("current", "new", "again"))
    try:
        signed_in = auth.change_password(desk, current_person(), current, new, again, settings.session_lasts_for)
    except InvalidValuesError as refused:
        return _page(problems=refused.problems), 422
    except auth.SignInRefusedError as refused:
        until = words.moment(refused.locked_until, desk.clock(), settings.zone) if refused.locked_until else ""
        return _page(refused=str(refused), until=until), 403
    except ConflictError as refused:
        return _page(refused=str(refused)), 409
    session[TOKEN] = signed_in.token
    flash(_("密码已修改，其他设备上的登录已全部结束。"))
    return redirect(own_address(request.args.get("next", "")) or url_for("pages.landing"), 303)


def _page(problems: Mapping[str, str] | None = None, refused: str = "", until: str = "") -> str:
    shortest, longest = auth.PASSWORD_LENGTH.start, auth.PASSWORD_LENGTH.stop - 1
    shown = {"problems": problems or {}, "refused": refused, "until": until, "shortest": shortest, "longest": longest}
    return render_template("password.html", here="password", **shown)
