"""The frame around every page: filters, hashed assets, menu by role, and what may be cached."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, request, url_for

from engine.context import Context
from handlers import reference
from handlers.records import attachments
from webapp.current import current_desk, current_settings, person_or_none
from webapp.queries import work
from webapp.queries.work import COUNT_TO
from webapp.rights import Person, allowed
from webapp.routes import words

BUILD = Path(__file__).resolve().parent.parent / "static" / "build"
FOR_EVER = "public, max-age=31536000, immutable"
WORKS = frozenset({"desk", "support", "manager"})  # roles to whom steps of the process fall (§3)
NO_WORK = frozenset({"leaders", "owner", "customer"})  # groups to which nothing is dispatched


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One entry of the top bar or the phone's bottom bar."""

    place: str
    label: str
    icon: str
    url: str
    count: str = ""


@lru_cache(maxsize=1)
def _manifest(_changed_at: int) -> dict[str, str]:
    names: dict[str, str] = json.loads((BUILD / "manifest.json").read_text(encoding="utf-8"))
    return names


def asset(name: str) -> str:
    """The address of a built file, with its hash; without a build the plain name, so that pages still work."""
    manifest = BUILD / "manifest.json"
    built = _manifest(manifest.stat().st_mtime_ns) if manifest.exists() else {}
    return url_for("static", filename=f"build/{built.get(name, name)}")


def counted(number: int) -> str:
    """A count of a list that stops counting: 99+ from the limit on."""
    return f"{COUNT_TO - 1}+" if number >= COUNT_TO else str(number)


def work_counts() -> dict[str, int]:
    """The counts of my work, read once a request; empty for a stranger."""
    person = person_or_none()
    if "work_counts" not in g:
        with current_desk().reading() as connection:
            g.work_counts = work.counts(connection, person) if person else {}
    found: dict[str, int] = g.work_counts
    return found


def install(app: Flask) -> None:
    """Give templates their filters and names."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        asset=asset, ATTACHABLE=",".join(attachments.ACCEPTED), PRIORITIES=words.PRIORITIES, STATES=words.STATES
    )
    app.jinja_env.filters.update(
        moment=_moment,
        whole=_whole,
        hour=_hour,
        day_head=_day_head,
        due=_due,
        counted=counted,
        span=words.duration,
        understood=_understood,
    )
    app.context_processor(_frame)
    app.after_request(_keep_built_files)


def _frame() -> dict[str, Any]:
    settings = current_settings()
    common: dict[str, Any] = {"organisation": settings.organisation, "now": _now(), "here": "", "demo": settings.demo}
    person = person_or_none()
    if person is None:
        return common | {"person": None}
    may_report, may_read = allowed(person, "report"), allowed(person, "read")
    return common | {
        "person": person,
        "may_read": may_read,
        "menu": _menu(person) if may_read else [],
        "bottom": _bottom(person, may_report) if may_read else [],
        "may_report": may_report,
        "post_words": _post_words(person),
    }


def _post_words(person: Person) -> str:
    """The groups in which somebody stands, as the top bar shows them."""
    with current_desk().reading() as connection:
        ctx = Context(connection=connection, now=_now(), actor=person.account, handlers={})
        names = [reference.name(ctx, "groups", group) for group in sorted(person.groups)]
    return "、".join(names)


def _menu(person: Person) -> list[MenuItem]:
    items = [MenuItem("incidents", "事件", "list-details", url_for("pages.incidents"))]
    if not acts(person):
        return items
    mine = work_counts().get("mine", 0)
    return [MenuItem("work", "我的工作", "inbox", url_for("pages.work"), counted(mine) if mine else ""), *items]


def _bottom(person: Person, may_report: bool) -> list[MenuItem]:
    items = [MenuItem("incidents", "事件", "list-details", url_for("pages.incidents"))]
    if may_report:
        items.insert(0, MenuItem("report", "登记", "plus", url_for("pages.report")))
    if acts(person):
        items.insert(0, MenuItem("work", "我的工作", "inbox", url_for("pages.work")))
    return items


def acts(person: Person) -> bool:
    """Whether work can come to the person: by role, by group, or because there is some."""
    return bool(person.roles & WORKS or person.groups - NO_WORK) or any(work_counts().values())


def _keep_built_files(response: Response) -> Response:
    if request.endpoint == "static" and request.path.startswith("/static/build/") and response.status_code == 200:
        response.headers["Cache-Control"] = FOR_EVER
    return response


def _now() -> datetime:
    if "now" not in g:
        g.now = current_desk().clock()
    now: datetime = g.now
    return now


def _moment(instant: datetime) -> str:
    return words.moment(instant, _now(), current_settings().zone)


def _whole(instant: datetime) -> str:
    return words.whole(instant, current_settings().zone)


def _hour(instant: datetime) -> str:
    return f"{instant.astimezone(current_settings().zone):%H:%M}"


def _day_head(instant: datetime) -> str:
    return words.day_head(instant, _now(), current_settings().zone)


def _understood(instant: datetime) -> str:
    return words.understood(instant, _now(), current_settings().zone)


def _due(instant: datetime) -> str:
    return words.due(instant, _now(), current_settings().zone)
