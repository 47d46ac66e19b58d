"""The frame around every page: filters, hashed assets, menu by role, and what may be cached."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, g, request, url_for

from engine.context import Context
from handlers import reference
from handlers.records import attachments
from webapp.current import current_desk, current_settings, person_or_none
from webapp.language import N_
from webapp.queries import work
from webapp.queries.work import COUNT_TO
from webapp.rights import Person, allowed, may_enter
from webapp.routes import words

BUILD = Path(__file__).resolve().parent.parent / "static" / "build"
FOR_EVER = "public, max-age=31536000, immutable"
WORKS = frozenset({"desk", "support", "manager"})  # roles to whom steps of the process fall (§3)
NO_WORK = frozenset({"leaders", "owner", "customer"})  # groups to which nothing is dispatched


@dataclass(frozen=True, slots=True)
class Entry:
    """What the bars may offer: shown to whoever may enter its endpoint and has ``right``, where one is named.

    ``key`` follows G on the keyboard.
    """

    place: str
    label: str
    icon: str
    endpoint: str
    key: str = ""
    right: str = ""


ENTRIES = (
    Entry("work", N_("我的工作"), "inbox", "pages.work", "W"),
    Entry("incidents", N_("事件"), "list-details", "pages.incidents", "E"),
    Entry("board", N_("看板"), "layout-dashboard", "pages.board", "B"),
    Entry("processes", N_("流程"), "sitemap", "pages.processes", right="admin.read"),
    Entry("rules", N_("规则"), "table", "pages.rules", right="rule.draft"),
    Entry("admin", N_("管理"), "forms", "pages.admin"),
    Entry("mine", N_("我报告的事件"), "message", "pages.mine"),
)
REPORT = Entry("report", N_("登记"), "plus", "pages.report")
# The landing that a role has in its reference table → where that is; of several roles the first here counts.
LANDINGS: Mapping[str, str] = {
    "board": "pages.board",
    "work": "pages.work",
    "rules": "pages.rules",
    "processes": "pages.processes",
    "reports": "pages.mine",
}
# What comes first in the phone's bottom bar, by landing; the rest follows in the order of the top bar.
FIRST: Mapping[str, tuple[str, ...]] = {
    "pages.work": ("work", "report", "incidents", "board"),
    "pages.board": ("board", "work", "incidents", "report"),
    "pages.rules": ("rules", "incidents", "processes"),
    "pages.processes": ("processes", "incidents", "rules"),
}
BOTTOM = 5  # places in the phone's bottom bar; the last one is 更多 where there are more entries


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One entry of the top bar or the phone's bottom bar."""

    place: str
    label: str
    icon: str
    url: str
    count: str = ""
    key: str = ""


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
    if person.must_change_password:  # nothing else opens before
        return common | {"person": person, "menu": [], "bottom": [], "bottom_more": [], "may_read": False}
    may_report, may_read = allowed(person, "report"), allowed(person, "read")
    with _context(person) as ctx:
        post_words = "、".join(reference.name(ctx, "groups", group) for group in sorted(person.groups))
        landing = _landing(ctx, person)
    menu = _menu(person)
    bottom = _bottom(menu, landing, may_report)
    return common | {
        "person": person,
        "may_read": may_read,
        "menu": menu,
        "bottom": bottom if len(bottom) <= BOTTOM else bottom[: BOTTOM - 1],
        "bottom_more": [] if len(bottom) <= BOTTOM else bottom[BOTTOM - 1 :],
        "may_report": may_report,
        "may_raise": not may_report and allowed(person, "raise"),
        "post_words": post_words,
    }


@contextmanager
def _context(person: Person) -> Iterator[Context]:
    """The transaction of the page where it is still open, else one of its own."""
    if "page_context" in g:
        yield g.page_context
        return
    with current_desk().reading() as connection:
        yield Context(connection=connection, now=_now(), actor=person.account, handlers={})


def landing_of(person: Person) -> str:
    """The endpoint at which somebody begins: by the landing of his roles, else what he may read at all."""
    with current_desk().reading() as connection:
        ctx = Context(connection=connection, now=_now(), actor=person.account, handlers={})
        return _landing(ctx, person)


def _landing(ctx: Context, person: Person) -> str:
    wanted = {row.get("landing") for row in reference.rows(ctx, "roles") if row["key"] in person.roles}
    for landing, endpoint in LANDINGS.items():
        there = endpoint in current_app.view_functions and may_enter(person, endpoint)
        if landing in wanted and there and (endpoint != "pages.work" or acts(person)):
            return endpoint
    if not wanted - {None, ""} and acts(person) and may_enter(person, "pages.work"):
        return "pages.work"
    return "pages.incidents"


def _menu(person: Person) -> list[MenuItem]:
    """What the top bar offers this person."""
    items = []
    for entry in ENTRIES:
        if entry.endpoint not in current_app.view_functions:
            continue
        if not may_enter(person, entry.endpoint) or (entry.place == "work" and not acts(person)):
            continue
        if entry.right and not allowed(person, entry.right):
            continue  # may be read from elsewhere, but is not his daily work
        mine = work_counts().get("mine", 0) if entry.place == "work" else 0
        count = counted(mine) if mine else ""
        items.append(MenuItem(entry.place, entry.label, entry.icon, url_for(entry.endpoint), count, entry.key))
    return items


def _bottom(menu: list[MenuItem], landing: str, may_report: bool) -> list[MenuItem]:
    """The same for the phone, in the order in which the role needs it."""
    items = list(menu)
    if may_report:
        items.append(MenuItem(REPORT.place, REPORT.label, REPORT.icon, url_for(REPORT.endpoint)))
    first = FIRST.get(landing, ())
    return sorted(items, key=lambda item: first.index(item.place) if item.place in first else len(first))


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
