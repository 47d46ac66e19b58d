"""Decision tables as pages show them: cells in words, what changed in them, how often each row answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from flask_babel import gettext as _

from engine.catalogue import DefinitionRef, catalogue, contents
from engine.context import Context
from engine.errors import NotFoundError
from engine.xml import XmlRefused
from webapp.desk.rule_rows import STATES, version_of
from webapp.queries import rules
from webapp.routes.reading import Reader
from webapp.sheets.difference import Difference, Names, RowChange
from webapp.sheets.sheet import Sheet, read_sheet, words

# Columns whose texts are keys of a reference table.
TABLE_OF_COLUMN = {
    "category": "categories",
    "type": "types",
    "symptom": "symptoms",
    "location": "locations",
    "group": "groups",
    "post": "posts",
    "source": "sources",
    "department": "departments",
}
TONES = {"draft": "line", "submitted": "warn", "approved": "ok", "withdrawn": ""}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell in words; ``old`` is what it was, where it changed; ``raw`` is what is written."""

    text: str
    raw: str
    output: bool
    old: str = ""


@dataclass(frozen=True, slots=True)
class RowView:
    """One row; ``kind`` is "" or what became of it; ``place`` is its number, of a removed one that of before."""

    id: str
    number: int
    kind: str
    cells: tuple[Cell, ...]
    note: str
    old_note: str = ""
    hits: int | None = None
    moved_from: int = 0


@dataclass(frozen=True, slots=True)
class Version:
    """One version as it took force: who changed what when and why, who approved it."""

    ref: DefinitionRef
    reason: str
    author: str
    approver: str
    deployed_at: datetime
    standing: str  # now, later, or past
    draft_id: int | None


def names_of(reader: Reader) -> Names:
    """How the texts of columns are said."""
    return {column: partial(reader.name, table) for column, table in TABLE_OF_COLUMN.items()}


def in_force(ctx: Context, key: str) -> DefinitionRef:
    """The version in force now. Raises NotFoundError."""
    ref = catalogue(ctx).in_force("decision", key, ctx.now)
    if ref is None:
        raise NotFoundError(_("没有决策表 %(key)s。", key=key))
    return ref


def file_of(ctx: Context, key: str, version: int) -> bytes:
    """The file of a version. Raises NotFoundError."""
    ref = version_of(catalogue(ctx), key, version)
    return contents(ctx, [ref.id])[ref.id]


def table(
    sheet: Sheet,
    names: Names,
    *,
    changes: Difference | None = None,
    hits: Mapping[str, int] | None = None,
    only_changed: bool = False,
) -> list[RowView]:
    """The rows to show; removed ones stand at the end, crossed out."""
    changed = changes.by_row if changes else {}
    rows = [
        _row(sheet, row.id, names, changed.get(row.id), hits)
        for row in sheet.rows
        if not only_changed or row.id in changed
    ]
    for change in changes.rows if changes else ():
        if change.kind == "removed":
            cells = tuple(_cell(sheet, place, cell, names) for place, cell in enumerate(change.row.cells))
            rows.append(RowView(change.row.id, change.number, "removed", cells, change.row.note))
    return rows


def _row(sheet: Sheet, row_id: str, names: Names, change: RowChange | None, hits: Mapping[str, int] | None) -> RowView:
    row = sheet.row(row_id)
    assert row is not None  # noqa: S101 - asked of the sheet's own rows
    added = change is not None and change.kind == "added"
    olds = {cell.place: cell.old for cell in change.cells} if change and not added else {}
    cells = tuple(_cell(sheet, place, cell, names, olds.get(place, "")) for place, cell in enumerate(row.cells))
    kind = change.kind if change else ""
    count = None if hits is None else hits.get(row.id, 0)
    before = change.before if change else 0
    return RowView(row.id, row.number, kind, cells, row.note, olds.get(-1, ""), count, before)


def _cell(sheet: Sheet, place: int, cell: str, names: Names, old: str = "") -> Cell:
    output = place >= len(sheet.inputs)
    column = sheet.columns[place].name if place < len(sheet.columns) else ""
    return Cell(words(cell, output=output, say=names.get(column, str)), cell, output, old)


def versions(reader: Reader, key: str) -> list[Version]:
    """How the table came to be what it is, newest first: two statements and the names of people."""
    ctx = reader.ctx
    known = catalogue(ctx)
    refs = known.items.get(("decision", key), ())
    present = known.in_force("decision", key, ctx.now)
    done = rules.deployments(ctx.connection, [ref.deployment_id for ref in refs])
    came_from = rules.became(ctx.connection, [ref.deployment_id for ref in refs])
    people = reader.accounts(
        *(row["author"] for row in done.values()), *(row["reviewer"] for row in came_from.values())
    )

    def one(ref: DefinitionRef) -> Version:
        row, change = done[ref.deployment_id], came_from.get(ref.deployment_id)
        approver = people.get(change["reviewer"] or "", "") if change else ""
        begins = ref.effective_from
        standing = "now" if ref is present else "later" if begins and begins > ctx.now else "past"
        author = people.get(row["author"]) or str(row["author"])
        draft_id = change["id"] if change else None
        return Version(ref, row["reason"], author, approver, row["deployed_at"], standing, draft_id)

    return [one(ref) for ref in reversed(refs)]


def heads(ctx: Context, refs: Iterable[DefinitionRef]) -> dict[int, Sheet]:
    """The sheets of several versions by definition: one statement."""
    listed = list(refs)
    files = contents(ctx, [ref.id for ref in listed])
    found: dict[int, Sheet] = {}
    for ref in listed:
        try:
            sheet = read_sheet(files[ref.id], ref.key)
        except XmlRefused:
            continue
        if sheet is not None:
            found[ref.id] = sheet
    return found


def title(change: Difference) -> str:
    """The change in words, short enough for a heading."""
    said = change.sentences
    if not said:
        return ""
    return said[0] if len(said) == 1 else _("%(first)s，等 %(n)s 处改动", first=said[0], n=len(said))


def stations(reader: Reader, draft: Mapping[str, Any], people: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """The way of a change: (station, who and when, done or now or empty)."""
    state = draft["state"]
    reached = {"draft": 0, "withdrawn": 0, "submitted": 1, "approved": 3}[state]
    if state == "approved" and draft["effective_from"] and draft["effective_from"] > reader.ctx.now:
        reached = 2
    begins = draft["effective_from"] or draft["reviewed_at"]
    said = (
        (_("起草"), f"{people.get(draft['author'], draft['author'])} · {reader.moment(draft['created_at'])}"),
        (
            _("批准"),
            f"{people.get(draft['reviewer'], '')} · {reader.moment(draft['reviewed_at'])}"
            if state == "approved"
            else _("等另一个人批准")
            if state == "submitted"
            else "",
        ),
        (
            _("生效"),
            (reader.moment(begins) + (_(" 起") if reached == 3 else _(" 才生效"))) if state == "approved" else "",
        ),
    )
    return [
        (name, words_, "done" if place < reached else "now" if place == reached else "")
        for place, (name, words_) in enumerate(said)
    ]


def state_words(draft: Mapping[str, Any]) -> tuple[str, str]:
    """The state of a change with the tone of its mark."""
    state = draft["state"]
    return _(STATES[state]), TONES[state]
