"""Landing and my work: the tabs, and taking a task in place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine.errors import ConflictError, NotAllowedError, NotFoundError
from handlers import reference
from webapp import desk as verbs
from webapp.current import current_desk, current_person
from webapp.queries import keyset, work
from webapp.rights import Person, allowed
from webapp.routes import words
from webapp.routes.blueprint import pages
from webapp.routes.clock import Clock, task_clock
from webapp.routes.frame import acts, counted, work_counts
from webapp.routes.posted import posted_token
from webapp.routes.reading import Reader, reading

HIGH = (1, 2)  # 极高 and 高 come before everything else (R194)
OVERVIEWS = {"board"}  # landings of roles that oversee: the list of incidents is theirs
TABS = {"mine": "等我办理", "pool": "本组待领", "recorded": "我登记的", "waiting": "等待中"}


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One row of a list of work: a task, or an incident that others have."""

    url: str
    title: str
    number: str
    origin: str
    step: str
    state: str
    waiting_code: str | None
    priority: int | None
    provisional: bool
    clock: Clock
    task_id: str = ""
    revision: int = 0
    claimable: bool = False
    holder: str = ""
    stopped: bool = False


@pages.get("/")
def landing() -> ResponseReturnValue:
    """Whoever acts lands on his work, who oversees or reads on the incidents, the most urgent first."""
    person = current_person()
    return redirect(url_for("pages.work" if _works(person) else "pages.incidents"))


def _works(person: Person) -> bool:
    with reading() as reader:
        landings = {row["key"]: row.get("landing") for row in reference.rows(reader.ctx, "roles")}
    wanted = {landings.get(role) for role in person.roles}
    return acts(person) and not wanted & OVERVIEWS and ("work" in wanted or not wanted - {None})


@pages.get("/work", endpoint="work")
def work_page() -> ResponseReturnValue:
    """One tab of my work; filters and place are in the address."""
    tab = request.args.get("tab", "mine")
    if tab not in TABS:
        tab = "mine"
    after = request.args.get("after", "")
    with reading() as reader:
        page, rows = _rows(reader, tab, after)
        tabs = _tabs(reader)
        today = words.today_words(reader.ctx.now, reader.zone)
    context: dict[str, Any] = {
        "tab": tab,
        "tabs": tabs,
        "today": today,
        "bands": _bands(rows) if tab in {"mine", "pool"} else [("", rows)],
    }
    context |= {"rows": rows, "after": after, "next_after": page.after, "counts": work_counts()}
    template = "work_again.html" if request.headers.get("HX-Request") else "work.html"
    return render_template(template, here="work", **context)


def _tabs(reader: Reader) -> list[tuple[str, str, str]]:
    """(key, label, count) of each tab."""
    counts = work_counts()
    return [(key, _label(key, reader), counted(counts[key])) for key in TABS]


def _label(key: str, reader: Reader) -> str:
    groups = sorted(reader.person.groups)
    return f"{reader.name('groups', groups[0])}待领" if key == "pool" and len(groups) == 1 else TABS[key]


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
        "claimed.html", here="work", task_id=task_id, row=row, trouble=trouble, tab="pool", tabs=tabs
    )


@pages.post("/tasks/<task_id>/release")
def release(task_id: str) -> ResponseReturnValue:
    """Give a task back to its group."""
    verbs.release(current_desk(), current_person(), task_id, posted_token())
    return redirect(url_for("pages.work", tab="pool"), 303)


def _rows(reader: Reader, tab: str, after: str) -> tuple[work.Page, list[WorkRow]]:
    connection, person = reader.ctx.connection, reader.person
    if tab in {"mine", "pool"}:
        find = work.mine if tab == "mine" else work.pool
        page = find(connection, person, keyset.unpack_task(after))
        return page, [task_row(reader, task) for task in page.rows]
    find_incidents = work.recorded if tab == "recorded" else work.waiting
    page = find_incidents(connection, person, keyset.unpack_id(after))
    accounts = reader.accounts(*(row.responsible_person for row in page.rows))
    return page, [incident_row(reader, row, accounts) for row in page.rows]


def task_row(reader: Reader, task: work.Task) -> WorkRow:
    """The row of a task: what to do, for which incident, until when."""
    record = task.incident
    claimable = task.assignee is None and allowed(reader.person, "claim", task=task)
    return WorkRow(
        url=url_for("pages.task", task_id=task.id),
        title=(record.summary if record else None) or task.name,
        number=(record.number if record else None) or "尚无单号",
        origin=_origin(reader, record) if record else "",
        step=task.name,
        state=record.state if record else "",
        waiting_code=record.waiting_code if record else None,
        priority=record.priority if record else task.priority,
        provisional=bool(record and record.priority_provisional),
        clock=_clock(reader, record, task.due_at),
        task_id=task.id,
        revision=task.revision,
        claimable=claimable,
        holder=reader.name("groups", task.candidate_group),
        stopped=task.suspended,
    )


def incident_row(reader: Reader, record: Any, accounts: dict[str, str]) -> WorkRow:
    """The row of an incident that somebody else works on."""
    return WorkRow(
        url=url_for("pages.incident", key=record.number or record.id),
        title=record.summary or "尚未登记概要",
        number=record.number or "尚无单号",
        origin=_origin(reader, record),
        step=reader.holder(record.responsible_group, record.responsible_person, accounts),
        state=record.state,
        waiting_code=record.waiting_code,
        priority=record.priority,
        provisional=record.priority_provisional,
        clock=_clock(reader, record, None),
    )


def _origin(reader: Reader, record: Any) -> str:
    where = reader.name("departments", record.department) or record.customer_name or ""
    parts = [reader.name("sources", record.source), where]
    return " · ".join(part for part in parts if part)


def _clock(reader: Reader, record: Any, due_at: Any) -> Clock:
    if record is None:
        return Clock("时限", f"{words.due(due_at, reader.ctx.now, reader.zone)} 前" if due_at else "没有时限", "none")
    return task_clock(record._mapping, reader.ctx.now)


def _bands(rows: Iterable[WorkRow]) -> list[tuple[str, list[WorkRow]]]:
    """极高 and 高 first under their own head, then everything else."""
    listed = list(rows)
    first = [row for row in listed if row.priority in HIGH]
    others = [row for row in listed if row.priority not in HIGH]
    return [band for band in (("极高、高：先办", first), ("中、低和其他工作", others)) if band[1]]
