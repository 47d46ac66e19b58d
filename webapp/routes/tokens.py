"""我的令牌: make, see and revoke one's own tokens of the API. A new one is shown in the answer that made it, once."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import ConflictError, InvalidValuesError
from webapp import tokens
from webapp.current import current_desk, current_person
from webapp.routes.blueprint import pages
from webapp.routes.posted import posted_key, posted_number
from webapp.routes.reading import reading

TERMS = (7, 30, 90, 180, 365)  # days that the page offers


@pages.get("/tokens", endpoint="tokens")
def token_page() -> ResponseReturnValue:
    """My tokens, the newest first, and a form for another one."""
    return _page()


@pages.post("/tokens", endpoint="make_token")
def make_token() -> ResponseReturnValue:
    """Make one; a form that is sent again makes no other, and cannot show the first one again."""
    person, days = current_person(), posted_number("days") or 0
    try:
        made = tokens.issue(
            current_desk(), person, person.account, request.form.get("name", ""), days, key=posted_key()
        )
    except InvalidValuesError as refused:
        return _page(problems=refused.problems, status=422)
    except ConflictError as refused:
        return _page(problems={"": str(refused)}, status=409)
    return _page(made=made)


@pages.post("/tokens/<int:token_id>/revoke", endpoint="revoke_token")
def revoke_token(token_id: int) -> ResponseReturnValue:
    """End one of mine at once."""
    person = current_person()
    tokens.revoke(current_desk(), person, token_id, account=person.account)
    flash(_("已停用令牌。"))
    return redirect(url_for("pages.tokens"), 303)


def _page(
    *, made: tokens.Issued | None = None, problems: Mapping[str, str] | None = None, status: int = 200
) -> ResponseReturnValue:
    with reading() as reader:
        rows = tokens.listed(reader.ctx.connection, reader.person.account)
        context: dict[str, Any] = {
            "rows": [(row, tokens.state_of(row, reader.ctx.now)) for row in rows],
            "made": made,
            "problems": problems or {},
            "name": request.form.get("name", "") if problems else "",
            "days": posted_number("days") if problems else tokens.USUAL_DAYS,
            "terms": TERMS,
            "longest": tokens.NAME_LENGTH,
            "key": request.form.get("key") if problems else uuid.uuid4().hex,
        }
        return render_template("tokens.html", here="tokens", **context), status
