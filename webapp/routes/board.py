"""看板: what is late, what waits for the manager's decision, and how much each group has. It changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.queries import board, tasks
from webapp.rights import allowed
from webapp.routes import words
from webapp.routes.blueprint import pages
from webapp.routes.filter_form import DUE_NAMES
from webapp.routes.reading import Reader, reading
from webapp.routes.work_rows import incident_row

TONES = {"over": "over", "soon": "warn", "unclaimed": "warn", "escalated": "warn", "overwaited": "warn"}


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that links to the rows it counts; ``tone`` only where there is something to count."""

    label: str
    value: int
    note: str
    tone: str
    url: str


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """Something that waits for the manager, with why, and since when."""

    title: str
    number: str
    url: str
    priority: int | None
    provisional: bool
    group: str
    reason: str
    lasts: str
    step: str
    task_url: str


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A group's queue; ``parts`` are (tone, left, width) of its bar in hundredths of the fullest queue."""

    name: str
    key: str
    queue: board.Queue
    parts: Sequence[tuple[str, float, float]]


@pages.get("/board", endpoint="board")
def board_page() -> ResponseReturnValue:
    """The board; every number is a link to the list that it counts."""
    with reading() as reader:
        connection, now = reader.ctx.connection, reader.ctx.now
        late = board.late(connection, now)
        accounts = reader.accounts(*(row.responsible_person for row in late))
        context: dict[str, Any] = {
            "tiles": _tiles(board.tiles(connection, now)),
            "decisions": [_decision(reader, each) for each in board.decisions(connection)],
            "late": [incident_row(reader, row, accounts) for row in late],
            "queues": _queues(reader, board.queues(connection, now)),
            "today": words.today_words(now, reader.zone),
        }
    template = "board_body.html" if request.headers.get("HX-Request") else "board.html"
    return render_template(template, here="board", **context)


def _tiles(numbers: dict[str, int]) -> list[Tile]:
    notes = {
        "over": _("其中极高、高 %(n)s", n=numbers["over_high"]),
        "soon": _("其中极高、高 %(n)s", n=numbers["soon_high"]),
        "unclaimed": _("还没有人办理"),
        "escalated": _("等待事件经理决定"),
        "overwaited": _("等待中共 %(n)s", n=numbers["waiting"]),
    }
    found = [
        Tile(_(DUE_NAMES[name]), n, notes[name], TONES[name] if n else "", url_for("pages.incidents", due=name))
        for name, n in ((name, numbers[name]) for name in board.TILES)
    ]
    all_open = _("等待中 %(n)s", n=numbers["waiting"])
    return [*found, Tile(_("未关闭"), numbers["open"], all_open, "", url_for("pages.incidents"))]


def _decision(reader: Reader, found: board.Decision) -> DecisionRow:
    incident, record, task = found.incident, found.child, found.task
    may_do = allowed(reader.person, "complete", task=tasks.as_offered(task))
    waited: timedelta = reader.ctx.now - task["created_at"]
    return DecisionRow(
        title=incident.summary or "",
        number=incident.number or _("尚无单号"),
        url=url_for("pages.incident", key=incident.number or incident.id),
        priority=incident.priority,
        provisional=incident.priority_provisional,
        group=reader.name("groups", incident.responsible_group),
        reason=record["title"] if record else "",
        lasts=words.duration(waited),
        step=task["name"],
        task_url=url_for("pages.task", task_id=task["id"]) if may_do else "",
    )


def _queues(reader: Reader, found: Sequence[board.Queue]) -> list[QueueRow]:
    most = max((queue.total for queue in found), default=1)
    return [QueueRow(reader.name("groups", queue.group), queue.group, queue, _parts(queue, most)) for queue in found]


def _parts(queue: board.Queue, most: int) -> list[tuple[str, float, float]]:
    found, left = [], 0.0
    for tone, n in (("run", queue.under_way), ("next", queue.to_accept), ("pause", queue.waiting)):
        width = n / most * 100
        if n:
            found.append((tone, left, width))
        left += width
    return found
