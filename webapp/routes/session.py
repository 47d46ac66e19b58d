"""Signing in and out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import TooManyRequests

from engine.context import SYSTEM, Context
from handlers import reference
from webapp import auth, demo
from webapp.attempts import Failures
from webapp.current import TOKEN, current_desk, current_person, current_settings, person_or_none
from webapp.language import N_
from webapp.routes import words
from webapp.routes.blueprint import pages
from webapp.routes.posted import own_address

FAILURES = "lovem.sign_in.failures"  # where an application keeps those who failed to sign in
# Whom a first look at the demo needs, and what each is there for.
SHOWN_FIRST = (
    ("reception01", N_("登记、分派、关闭")),
    ("crm01", N_("受理、诊断、解决")),
    ("crm02", N_("同组的另一个人")),
    ("operations-bss01", N_("另一个组")),
    ("manager01", N_("看板、重新分派")),
    ("leaders01", N_("只看不办")),
    ("customer01", N_("报告、查进度")),
)


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account as the sign-in page of the demo offers it."""

    account: str
    name: str
    group: str
    department: str


@pages.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Ask for account and password; then on to the page that was wanted."""
    wanted = own_address(request.args.get("next", "")) or url_for("pages.landing")
    if request.method == "GET":
        return redirect(wanted) if person_or_none() else render_template("sign_in.html", **_demo())
    account, settings = request.form.get("account", ""), current_settings()
    failures, address, now = _failures(), request.remote_addr or "", current_desk().clock()
    if (wait := failures.wait(address, now)) is not None:  # before the password is looked at: it may be right
        raise TooManyRequests(_("登录失败次数过多，请稍后再试。"), retry_after=int(wait.total_seconds()) + 1)
    try:
        signed_in = auth.sign_in(current_desk(), account, request.form.get("password", ""), settings.session_lasts_for)
    except auth.SignInRefusedError as refused:
        failures.count(address, now)
        until = words.moment(refused.locked_until, now, settings.zone) if refused.locked_until else ""
        return render_template("sign_in.html", account=account, refused=str(refused), until=until, **_demo()), 403
    session.clear()
    session[TOKEN] = signed_in.token
    session.permanent = True
    return redirect(wanted, 303)


@pages.post("/sign-out-everywhere")
def sign_out_everywhere() -> ResponseReturnValue:
    """End every session of the account, on this device and on all others."""
    auth.sign_out_everywhere(current_desk(), current_person())
    session.clear()
    return redirect(url_for("pages.sign_in"), 303)


@pages.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session here and in the database."""
    auth.sign_out(current_desk(), session.get(TOKEN))
    session.clear()
    return redirect(url_for("pages.sign_in"), 303)


def _failures() -> Failures:
    """The failures to sign in of this application's callers; those of the API count for themselves."""
    found: Failures = current_app.extensions.setdefault(FAILURES, Failures())
    return found


def _demo() -> dict[str, object]:
    """In demo mode the page itself says who may sign in; elsewhere nothing of the demo is ever shown."""
    if not current_settings().demo:
        return {}
    desk = current_desk()
    with desk.reading() as connection:
        ctx = Context(connection=connection, now=desk.clock(), actor=SYSTEM, handlers={})
        people = [_demo_account(ctx, account) for account in demo.ACCOUNTS]
    known = {each.account: each for each in people}
    return {
        "first": [(known[account], _(does)) for account, does in SHOWN_FIRST],
        "departments": _by_department(each for each in people if each.account not in dict(SHOWN_FIRST)),
        "password": demo.PASSWORD,
        "chosen": known.get(request.args.get("account", "")),
        "wanted": request.args.get("next"),
    }


def _demo_account(ctx: Context, account: demo.Account) -> DemoAccount:
    group = account.posts[0][0] if account.posts else ""
    row = reference.row(ctx, "groups", group)
    department = reference.name(ctx, "departments", row["department"]) if row and row.get("department") else ""
    return DemoAccount(account.account, account.name, reference.name(ctx, "groups", group), department or _("其他"))


def _by_department(people: Iterable[DemoAccount]) -> list[tuple[str, list[DemoAccount]]]:
    found: dict[str, list[DemoAccount]] = {}
    for each in people:
        found.setdefault(each.department, []).append(each)
    return list(found.items())
