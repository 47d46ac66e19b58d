"""Administration of people: accounts, their groups, posts and roles, and passwords."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import ConflictError, EngineError, InvalidValuesError, NotAllowedError, NotFoundError
from handlers import reference
from webapp.current import current_desk, current_person
from webapp.desk import people as verbs
from webapp.failures import status_of
from webapp.queries import admin as queries
from webapp.rights import allowed
from webapp.routes.blueprint import pages
from webapp.routes.reading import Reader, reading

LONGEST_SEARCH = 60


@pages.get("/admin", endpoint="admin")
def people_list() -> ResponseReturnValue:
    """All accounts."""
    return _list(200)


def _list(status: int, problem: str = "") -> ResponseReturnValue:
    text = request.args.get("q", "").strip()[:LONGEST_SEARCH]
    with reading() as reader:
        connection = reader.ctx.connection
        rows = queries.people(connection, text)
        posts, roles = queries.posts_of_all(connection), queries.roles_of_all(connection)
        shown = [
            {
                "person": row,
                "posts": _posts_in_words(reader, posts.get(row["account"], [])),
                "roles": [reader.name("roles", role) for role in roles.get(row["account"], [])],
            }
            for row in rows
        ]
        context = {
            "rows": shown,
            "q": text,
            "cut": len(rows) == queries.AT_MOST,
            "may_manage": allowed(reader.person, "person.manage"),
            "problem": problem,
            "typed": request.form,
        } | _choices(reader)
    return render_template("admin.html", here="admin", **context), status


def _posts_in_words(reader: Reader, posts: list[tuple[str, str]]) -> list[str]:
    return [reader.name("posts", post) if post else reader.name("groups", group) for group, post in posts]


def _choices(reader: Reader) -> dict[str, Any]:
    """The posts by group, and the roles, that may be given."""
    posts = reference.rows(reader.ctx, "posts")
    groups = [
        (row, [post for post in posts if post["group"] == row["key"]]) for row in reference.rows(reader.ctx, "groups")
    ]
    roles = [row for row in reference.rows(reader.ctx, "roles") if row["key"] != "system"]
    return {"group_posts": groups, "all_roles": roles}


@pages.post("/admin/people", endpoint="admin_add_person")
def add() -> ResponseReturnValue:
    """A new account; its first password is shown on the answer, once."""
    account = request.form.get("account", "").strip()
    try:
        password = verbs.add(
            current_desk(), current_person(), account, request.form.get("name", ""), _posted_posts(), _posted_roles()
        )
    except NotAllowedError:
        raise
    except EngineError as refused:
        return _list(status_of(refused), _words(refused))
    return _page(account, 200, password=password)


@pages.get("/admin/people/<account>", endpoint="admin_person")
def person_page(account: str) -> ResponseReturnValue:
    """One account with what it may do."""
    return _page(account, 200)


def _page(account: str, status: int, *, problem: str = "", password: str = "") -> ResponseReturnValue:
    with reading() as reader:
        connection = reader.ctx.connection
        row = queries.one_person(connection, account)
        if row is None:
            raise NotFoundError(_("没有账号 %(name)s。", name=account))
        posts = queries.posts_of_all(connection).get(account, [])
        roles = queries.roles_of_all(connection).get(account, [])
        context = {
            "row": row,
            "posts": set(posts),
            "roles": set(roles),
            "held_posts": _posts_in_words(reader, posts),
            "held_roles": [reader.name("roles", role) for role in roles],
            "open_work": queries.open_work(connection, account),
            "may_manage": allowed(reader.person, "person.manage"),
            "problem": problem,
            "password": password,
        } | _choices(reader)
    return render_template("admin_person.html", here="admin", **context), status


@pages.post("/admin/people/<account>/active", endpoint="admin_person_active")
def active(account: str) -> ResponseReturnValue:
    """Disable or enable."""
    wanted = request.form.get("active") == "yes"
    done = _("已启用。") if wanted else _("已停用，他的登录和接口令牌已全部结束。")
    return _act(account, done, lambda: verbs.set_active(current_desk(), current_person(), account, active=wanted))


@pages.post("/admin/people/<account>/posts", endpoint="admin_person_posts")
def posts(account: str) -> ResponseReturnValue:
    """Groups and posts."""
    wanted = _posted_posts()
    return _act(
        account, _("已保存组和岗位。"), lambda: verbs.set_posts(current_desk(), current_person(), account, wanted)
    )


@pages.post("/admin/people/<account>/roles", endpoint="admin_person_roles")
def roles(account: str) -> ResponseReturnValue:
    """Roles."""
    wanted = _posted_roles()
    return _act(account, _("已保存角色。"), lambda: verbs.set_roles(current_desk(), current_person(), account, wanted))


@pages.post("/admin/people/<account>/password", endpoint="admin_person_password")
def password(account: str) -> ResponseReturnValue:
    """A new password, shown on the answer, once."""
    made = verbs.reset_password(current_desk(), current_person(), account)
    return _page(account, 200, password=made)


def _act(account: str, done: str, act: Callable[[], None]) -> ResponseReturnValue:
    try:
        act()
    except (InvalidValuesError, ConflictError) as refused:
        return _page(account, status_of(refused), problem=_words(refused))
    flash(done)
    return redirect(url_for("pages.admin_person", account=account), 303)


def _posted_posts() -> list[verbs.Post]:
    pairs = (text.partition(":") for text in request.form.getlist("post"))
    return [(group, post) for group, _sign, post in pairs if group]


def _posted_roles() -> list[str]:
    return request.form.getlist("role")


def _words(refused: EngineError) -> str:
    problems = getattr(refused, "problems", None)
    return "；".join(problems.values()) if problems else str(refused)
