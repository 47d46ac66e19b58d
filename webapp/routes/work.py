"""Landing and my work: the tabs, and taking a task in place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import ConflictError, NotAllowedError, NotFoundError
from webapp import desk as verbs
from webapp.current import current_desk, current_person
from webapp.language import N_
from webapp.queries import keyset, work
from webapp.queries.work_filter import Filter
from webapp.routes import words, work_filter
from webapp.routes.blueprint import pages
from webapp.routes.bulk_choices import Result, bulk_choices
from webapp.routes.frame import counted, landing_of, work_counts
from webapp.routes.posted import posted_token
from webapp.routes.reading import Reader, reading
from webapp.routes.work_filter import OF_TASKS
from webapp.routes.work_rows import WorkRow, incident_row, task_row

HIGH = (1, 2)  # 极高 and 高 come before everything else (R194)
TABS = {
    "mine": N_("等我办理"),
    "pool": N_("本组待领"),
    "recorded": N_("我登记的"),
    "waiting": N_("等待中"),
}


@pages.get("/")
def landing() -> ResponseReturnValue:
    """Everybody begins where his role's work is."""
    return redirect(url_for(landing_of(current_person())))


@pages.get("/work", endpoint="work")
def work_page() -> ResponseReturnValue:
    """One tab of my work; filters and place are in the address."""
    tab = request.args.get("tab", "mine")
    return work_list(tab if tab in TABS else "mine")


def work_list(tab: str, results: Sequence[Result] = (), *, status: int = 200) -> ResponseReturnValue:
    """The page of a tab as the address narrows it; ``results`` say what became of an act on several tasks."""
    after = request.args.get("after", "")
    again = bool(request.headers.get("HX-Request"))
    with reading() as reader:
        narrow = work_filter.narrowed(reader, tab)
        page, rows = _rows(reader, tab, after, narrow.wanted)
        context: dict[str, Any] = {"tab": tab, "rows": rows, "after": after, "next_after": page.after}
        context |= {"tabs": _tabs(reader), "counts": work_counts(), "narrow": narrow, "results": results}
        context["today"] = words.today_words(reader.ctx.now, reader.zone)
        if not again:
            context["filters"] = work_filter.choices(reader, tab, narrow)
            context["bulk"] = bulk_choices(reader) if tab in OF_TASKS and any(row.markable for row in rows) else None
    context["bands"] = _bands(rows) if tab in OF_TASKS else [("", rows)]
    context["marks"] = any(row.markable for row in rows)
    return render_template("work_again.html" if again else "work.html", here="work", **context), status


def _tabs(reader: Reader) -> list[tuple[str, str, str]]:
    """(key, label, count) of each tab."""
    counts = work_counts()
    return [(key, _label(key, reader), counted(counts[key])) for key in TABS]


def _label(key: str, reader: Reader) -> str:
    groups = sorted(reader.person.groups)
    if key == "pool" and len(groups) == 1:
        return str(_("%(group)s待领", group=reader.name("groups", groups[0])))
    return str(_(TABS[key]))


@pages.post("/tasks/<task_id>/claim")
def claim(task_id: str) -> ResponseReturnValue:
    """Take a task; from a list its row and the counts change in place, otherwise the task's page opens."""
    trouble = ""
    try:
        verbs.claim(current_desk(), current_person(), task_id, posted_token())
    except (ConflictError, NotAllowedError, NotFoundError) as refused:
        if not request.headers.get("HX-Request"):
            raise
        trouble = str(refused)
    if not request.headers.get("HX-Request"):
        return redirect(url_for("pages.task", task_id=task_id), 303)
    with reading() as reader:
        task = work.one(reader.ctx.connection, task_id)
        row = task_row(reader, task) if task else None
        tabs = _tabs(reader)
    return render_template(
        "claimed.html", here="work", task_id=task_id, row=row, trouble=trouble, tab="pool", tabs=tabs, marks=True
    )


@pages.post("/tasks/<task_id>/release")
def release(task_id: str) -> ResponseReturnValue:
    """Give a task back to its group."""
    verbs.release(current_desk(), current_person(), task_id, posted_token())
    return redirect(url_for("pages.work", tab="pool"), 303)


def _rows(reader: Reader, tab: str, after: str, wanted: Filter) -> tuple[work.Page, list[WorkRow]]:
    connection, person = reader.ctx.connection, reader.person
    if tab in OF_TASKS:
        find = work.mine if tab == "mine" else work.pool
        page = find(connection, person, keyset.unpack_task(after), wanted)
        return page, [task_row(reader, task) for task in page.rows]
    find_incidents = work.recorded if tab == "recorded" else work.waiting
    page = find_incidents(connection, person, keyset.unpack_id(after), wanted)
    accounts = reader.accounts(*(row.responsible_person for row in page.rows))
    return page, [incident_row(reader, row, accounts) for row in page.rows]


def _bands(rows: Iterable[WorkRow]) -> list[tuple[str, list[WorkRow]]]:
    """极高 and 高 first under their own head, then everything else."""
    listed = list(rows)
    first = [row for row in listed if row.priority in HIGH]
    others = [row for row in listed if row.priority not in HIGH]
    return [band for band in ((_("极高、高：先办"), first), (_("中、低和其他工作"), others)) if band[1]]
