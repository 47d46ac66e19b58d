"""我报告的事件: what a customer sees and does, with his account or by a signed link to one incident."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from itsdangerous import BadSignature, SignatureExpired, URLSafeSerializer

from engine.context import Context
from engine.errors import ConflictError, InvalidValuesError, NotFoundError
from webapp import desk as verbs
from webapp.current import current_desk, current_person, current_settings
from webapp.queries import customers, incidents
from webapp.rights import Person, allowed
from webapp.routes.blueprint import pages
from webapp.routes.customer_words import needs_answer, state_of, tell
from webapp.routes.posted import posted_key
from webapp.routes.reading import reading

LINK_LASTS = timedelta(days=14)
LINK_ACTS, LINK_WITHIN = 10, timedelta(hours=1)  # what may be sent by one link
SALT = "a customer follows one incident until an instant"


@pages.get("/my", endpoint="mine")
def mine() -> ResponseReturnValue:
    """The customer's incidents, those first that wait for him, and the form to report another."""
    return _list({}, {}, 200)


def _list(typed: Mapping[str, str], problems: Mapping[str, str], status: int) -> ResponseReturnValue:
    with reading() as reader:
        known = reader.person.customer
        found = customers.incidents_of(reader.ctx.connection, known) if known is not None else []
    rows = [{"incident": row, "words": state_of(row), "mine": needs_answer(row)} for row in found]
    rows.sort(key=lambda row: not row["mine"])
    context = {"rows": rows, "linked": known is not None, "typed": typed, "problems": problems}
    return render_template("my.html", here="mine", key=uuid.uuid4().hex, **context), status


@pages.post("/my", endpoint="my_report")
def my_report() -> ResponseReturnValue:
    """Report something; a refusal shows the form with everything typed."""
    typed = {name: request.form.get(name, "") for name in ("summary", "details")}
    try:
        incident_id = verbs.request(current_desk(), current_person(), **typed, key=posted_key())
    except InvalidValuesError as refused:
        return _list(typed, refused.problems, 422)
    except ConflictError as refused:
        return _list(typed, {"": str(refused)}, 409)
    flash(_("已收到您的报告。"))
    return redirect(url_for("pages.my_incident", incident_id=incident_id), 303)


@pages.get("/my/<int:incident_id>", endpoint="my_incident")
def my_incident(incident_id: int) -> ResponseReturnValue:
    """One of the customer's incidents."""
    return _page(current_person(), incident_id, url_for("pages.my_act", incident_id=incident_id), {}, 200)


@pages.post("/my/<int:incident_id>", endpoint="my_act")
def my_act(incident_id: int) -> ResponseReturnValue:
    """Answer, add, confirm or withdraw."""
    here = url_for("pages.my_act", incident_id=incident_id)
    return _act(current_person(), incident_id, here, posted_key())


@pages.get("/follow/<token>", endpoint="followed")
def followed(token: str) -> ResponseReturnValue:
    """The one incident to which a signed link leads."""
    incident_id, person = _by_token(token)
    return _page(person, incident_id, url_for("pages.followed_act", token=token), {}, 200)


@pages.post("/follow/<token>", endpoint="followed_act")
def followed_act(token: str) -> ResponseReturnValue:
    """The same acts by a signed link, a few an hour."""
    incident_id, person = _by_token(token)
    prefix = f"link {incident_id} "
    desk = current_desk()
    with desk.reading() as connection:
        if customers.acts_by_link(connection, prefix, desk.clock(), LINK_WITHIN) >= LINK_ACTS:
            abort(429, _("您提交得太频繁，请过一会儿再试，或致电服务台。"))
    here = url_for("pages.followed_act", token=token)
    return _act(person, incident_id, here, f"{prefix}{(posted_key() or uuid.uuid4().hex)[:60]}")


@pages.post("/incidents/<key>/customer-link", endpoint="customer_link")
def customer_link(key: str) -> ResponseReturnValue:
    """Make a signed link for the customer of an incident, and show it this once: it is stored nowhere."""
    with reading() as reader:
        incident = incidents.get(reader.ctx.connection, key)
        if not allowed(reader.person, "customer_link", incident=incident) or incident["customer_id"] is None:
            raise ConflictError(_("已关闭的事件、没有登记用户的事件不能生成用户链接。"))
        ends_at = int((reader.ctx.now + LINK_LASTS).timestamp())
    token = _signer().dumps([incident["id"], incident["customer_id"], ends_at])
    link = url_for("pages.followed", token=token, _external=True)
    return render_template("customer_link.html", here="incidents", incident=incident, link=link, days=LINK_LASTS.days)


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_settings().secret_key, salt=SALT)


def _by_token(token: str) -> tuple[int, Person]:
    """The incident of a link and who comes by it; answers 404 to a link that is wrong, too old or of another's."""
    try:
        incident_id, customer_id, ends_at = _signer().loads(token)
        if ends_at <= current_desk().clock().timestamp():
            raise SignatureExpired("the link's days are over")
    except BadSignature:
        raise NotFoundError(_("这个链接无效或已过期，请向服务台索取新的链接。")) from None
    return int(incident_id), verbs.by_link(int(customer_id))


def _page(
    person: Person, incident_id: int, acts_url: str, problems: Mapping[str, str], status: int
) -> ResponseReturnValue:
    desk = current_desk()
    with desk.reading() as connection:
        ctx = Context(connection=connection, now=desk.clock(), actor=person.account, handlers={})
        incident = customers.by_id(connection, incident_id) if incident_id < 2**31 else None
        if incident is None or not allowed(person, "read_own", incident=incident):
            raise NotFoundError(_("没有这个事件，或它不是您报告的。"))
        asks = customers.question(connection, incident_id) if needs_answer(incident) else ""
        context: dict[str, Any] = {
            "story": tell(ctx, person, incident, asks),
            "said": customers.said(connection, incident),
            "acts_url": acts_url,
            "problems": problems,
            "typed": request.form if problems else {},
            "key": uuid.uuid4().hex,
        }
    return render_template("my_incident.html", here="mine", **context), status


def _act(person: Person, incident_id: int, acts_url: str, key: str | None) -> ResponseReturnValue:
    act = request.form.get("act", "")
    if act not in _ACTS:
        raise NotFoundError(_("没有这种操作。"))
    try:
        done = _ACTS[act](person, incident_id, request.form.get("text", ""), key)
    except InvalidValuesError as refused:
        return _page(person, incident_id, acts_url, {act: "；".join(refused.problems.values())}, 422)
    except ConflictError as refused:
        return _page(person, incident_id, acts_url, {act: str(refused)}, 409)
    flash(done)
    return redirect(acts_url, 303)


def _answer(person: Person, incident_id: int, text: str, key: str | None) -> str:
    taken = verbs.answer(current_desk(), person, incident_id, text, key=key)
    return str(_("已收到您的答复，服务台会继续处理。") if taken else _("已记下，服务台会看到。"))


def _supplement(person: Person, incident_id: int, text: str, key: str | None) -> str:
    verbs.comment(current_desk(), person, incident_id, text, kind="supplement", key=key)
    return str(_("已补充，服务台会看到。"))


def _confirm(satisfied: bool) -> Callable[[Person, int, str, str | None], str]:
    def act(person: Person, incident_id: int, text: str, key: str | None) -> str:
        words = text.strip() or (_("已恢复正常") if satisfied else "")
        taken = verbs.confirm(current_desk(), person, incident_id, satisfied, words, key=key)
        if not taken:
            return str(_("已记下您的意见，服务台会看到。"))
        return str(_("感谢您的确认。") if satisfied else _("已收到，我们会重新处理。"))

    return act


def _withdraw(person: Person, incident_id: int, text: str, key: str | None) -> str:
    verbs.withdraw(current_desk(), person, incident_id, text, key=key, himself=True)
    return str(_("已撤销，不再处理。"))


_ACTS: Mapping[str, Callable[[Person, int, str, str | None], str]] = {
    "answer": _answer,
    "supplement": _supplement,
    "confirm": _confirm(True),
    "reject": _confirm(False),
    "withdraw": _withdraw,
}
