"""A change of a decision table on its way: edited in the table or row by row, checked, submitted, approved."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.catalogue import content
from engine.errors import ConflictError, EngineError, InvalidValuesError
from engine.xml import XmlRefused
from webapp import security
from webapp.current import current_desk, current_person
from webapp.desk import rule_rows
from webapp.desk import rules as verbs
from webapp.failures import status_of
from webapp.forms import BELIEVABLE, read_time
from webapp.queries import rules as queries
from webapp.queries.rows import Record
from webapp.rights import allowed
from webapp.routes import rule_view
from webapp.routes.blueprint import pages
from webapp.routes.posted import posted_key, posted_number
from webapp.routes.reading import Reader, reading
from webapp.routes.rules import dmn
from webapp.sheets.difference import Difference, difference
from webapp.sheets.remarks import DraftRefusedError, Remark, remarks
from webapp.sheets.sheet import LIMITS, Sheet, read_sheet


@dataclass(frozen=True, slots=True)
class Refused:
    """What was refused on this page: the sentence, the remarks, and what was typed, to be shown again."""

    status: int = 200
    problem: str = ""
    remarks: Sequence[Remark] = ()
    file: str = ""
    row: Mapping[str, Any] | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@pages.get("/rules/drafts/<int:draft_id>", endpoint="rule_draft")
def draft_page(draft_id: int) -> ResponseReturnValue:
    """The change: the table with what differs, the check, and what may be done now."""
    return _page(draft_id, Refused())


def _page(draft_id: int, refused: Refused) -> ResponseReturnValue:
    with reading() as reader:
        draft = queries.draft(reader.ctx.connection, draft_id)
        file = bytes(draft["content"])
        base = rule_view.file_of(reader.ctx, draft["key"], draft["base_version"])
        present = rule_rows.replaced_by(reader.ctx, draft)
        names = rule_view.names_of(reader)
        change = difference(base, file, draft["key"], names)
        sheet = read_sheet(file, draft["key"])
        people = reader.accounts(draft["author"], draft["reviewer"])
        open_ = draft["state"] in rule_rows.OPEN
        moved = open_ and present.version != draft["base_version"]
        context = _acts(reader, draft) | {
            "draft": draft,
            "name": present.name,
            "state": rule_view.state_words(draft),
            "people": people,
            "sheet": sheet,
            "change": change,
            "title": rule_view.title(change),
            "only_changed": request.args.get("show") == "changes",
            "rows": _rows(sheet, change, names),
            "moved": _moved(reader, draft, present.id, names) if moved else None,
            "present": present,
            "remarks": _remarks(reader, file, present.id, draft["key"]) if open_ else [],
            "stations": rule_view.stations(reader, draft, people),
            "row": _row_form(sheet, refused),
            "refused": refused,
            "others": [
                row for row in queries.open_drafts(reader.ctx.connection, draft["key"]) if row["id"] != draft_id
            ],
            "key": uuid.uuid4().hex,
        }
    if context["may_edit"]:
        security.allow_inline_styles()  # dmn-js sets widths and places by style attributes
    return render_template("rule_draft.html", here="rules", **context), refused.status


def _others(reader: Reader, draft: Record) -> list[Record]:
    found = queries.open_drafts(reader.ctx.connection, draft["key"])
    return [row for row in found if row["id"] != draft["id"]]


def _acts(reader: Reader, draft: Record) -> dict[str, bool]:
    person, state = reader.person, draft["state"]
    author = draft["author"] == person.account
    may_approve = allowed(person, "rule.approve")
    return {
        "is_author": author,
        "may_edit": author and state == rule_rows.DRAFT and allowed(person, "rule.draft"),
        "may_recall": author and state == rule_rows.SUBMITTED,
        "may_approve": may_approve and state == rule_rows.SUBMITTED and not author,
        "waits_for_other": state == rule_rows.SUBMITTED and author,
        "may_withdraw": state in rule_rows.OPEN and (author or may_approve),
        "may_rebase": author and state in rule_rows.OPEN,
    }


def _rows(sheet: Sheet | None, change: Difference, names: Any) -> list[rule_view.RowView]:
    only = request.args.get("show") == "changes"
    return rule_view.table(sheet, names, changes=change, only_changed=only) if sheet else []


def _moved(reader: Reader, draft: Record, present_id: int, names: Any) -> list[str]:
    """What the version that would be replaced has changed since the draft's base."""
    base = rule_view.file_of(reader.ctx, draft["key"], draft["base_version"])
    return difference(base, content(reader.ctx, present_id), draft["key"], names).sentences


def _remarks(reader: Reader, file: bytes, present_id: int, key: str) -> list[Remark]:
    try:
        return remarks(file, content(reader.ctx, present_id), key)
    except DraftRefusedError as refused:
        return list(refused.remarks)


def _row_form(sheet: Sheet | None, refused: Refused) -> dict[str, Any] | None:
    """The row that is being edited by plain form: from the address, or as it was typed."""
    wanted = request.values.get("row")
    if sheet is None or wanted is None:
        return None
    row = sheet.row(wanted)
    if wanted and row is None:
        return None
    cells = list(row.cells) if row else [""] * len(sheet.columns)
    note = row.note if row else ""
    if refused.row is not None:
        cells, note = refused.row["cells"], refused.row["note"]
    width = len(sheet.inputs)
    fields = [
        {"name": f"cell-{place}", "column": column, "value": cells[place], "output": place >= width}
        for place, column in enumerate(sheet.columns)
        if place < len(cells)
    ]
    return {"id": wanted, "number": row.number if row else len(sheet.rows) + 1, "fields": fields, "note": note}


@pages.get("/rules/drafts/<int:draft_id>/file.dmn", endpoint="rule_draft_file")
def draft_file(draft_id: int) -> ResponseReturnValue:
    """The draft as a file: for the editor, and to be edited elsewhere."""
    with reading() as reader:
        draft = queries.draft(reader.ctx.connection, draft_id)
    return dmn(bytes(draft["content"]), f"{draft['key']}-draft-{draft_id}.dmn")


def _posted_file() -> bytes:
    sent = request.files.get("file")
    # One byte more than is allowed, so that the refusal can say that it is too much.
    return sent.stream.read(LIMITS.max_bytes + 1) if sent else b""


@pages.post("/rules/drafts/<int:draft_id>/file", endpoint="rule_draft_save")
def save(draft_id: int) -> ResponseReturnValue:
    """Save what the editor or an upload sends."""
    file = _posted_file()
    if not file:
        return _page(draft_id, Refused(422, _("请先选择一个 .dmn 文件。")))
    try:
        verbs.save_file(
            current_desk(),
            current_person(),
            draft_id,
            file,
            revision=posted_number("revision"),
            key=posted_key(),
        )
    except (InvalidValuesError, ConflictError) as refused:
        return _page(draft_id, _refused(refused, file=file.decode("utf-8", "replace")))
    flash(_("已保存草稿。"))
    return _back(draft_id)


@pages.post("/rules/drafts/<int:draft_id>/check", endpoint="rule_draft_check")
def check(draft_id: int) -> ResponseReturnValue:
    """What is to be said of a file that is being edited and was not saved."""
    with reading() as reader:
        draft = queries.draft(reader.ctx.connection, draft_id)
        present = rule_rows.replaced_by(reader.ctx, draft)
        file = _posted_file()
        found = _remarks(reader, file, present.id, draft["key"])
        try:
            base = rule_view.file_of(reader.ctx, draft["key"], draft["base_version"])
            change = difference(base, file, draft["key"], rule_view.names_of(reader)).sentences
        except XmlRefused:
            change = []
    return render_template("rule_check.html", remarks=found, differs=change, unsaved=True)


@pages.post("/rules/drafts/<int:draft_id>/rows", endpoint="rule_draft_row")
def save_row(draft_id: int) -> ResponseReturnValue:
    """Save the cells of one row, typed into a plain form."""
    row, note = request.form.get("row", ""), request.form.get("note", "")
    cells: list[str] = []
    while f"cell-{len(cells)}" in request.form:
        cells.append(request.form[f"cell-{len(cells)}"])
    try:
        verbs.change_row(
            current_desk(),
            current_person(),
            draft_id,
            row,
            cells,
            note,
            revision=posted_number("revision"),
            key=posted_key(),
        )
    except (InvalidValuesError, ConflictError) as refused:
        return _page(draft_id, _refused(refused, row={"cells": cells, "note": note}))
    flash(_("已保存这一行。"))
    return _back(draft_id)


@pages.post("/rules/drafts/<int:draft_id>/arrange", endpoint="rule_draft_arrange")
def arrange(draft_id: int) -> ResponseReturnValue:
    """Move, remove or add a row."""
    row, how = request.form.get("row", ""), request.form.get("how", "")
    return _act(draft_id, _("已改。"), verbs.arrange_row, row, how)


@pages.post("/rules/drafts/<int:draft_id>/submit", endpoint="rule_draft_submit")
def submit(draft_id: int) -> ResponseReturnValue:
    """Ask somebody else for approval."""
    at: datetime | None = None
    if request.form.get("begin") == "later":
        with reading() as reader:
            at = _typed_instant(reader, request.form.get("effective_from", ""))
        if at is None:
            text = _("生效时间请写成 12-01 08:00")
            return _page(draft_id, Refused(422, text, fields={**request.form, "error": "effective_from"}))
    return _act(draft_id, _("已提交，等另一个人批准。"), verbs.submit, request.form.get("reason", ""), at)


@pages.post("/rules/drafts/<int:draft_id>/recall", endpoint="rule_draft_recall")
def recall(draft_id: int) -> ResponseReturnValue:
    """Take it back to change it further."""
    return _act(draft_id, _("已收回，可以继续修改。"), verbs.recall)


@pages.post("/rules/drafts/<int:draft_id>/withdraw", endpoint="rule_draft_withdraw")
def withdraw(draft_id: int) -> ResponseReturnValue:
    """Give it up."""
    return _act(draft_id, _("已撤回，现行规则不变。"), verbs.withdraw)


@pages.post("/rules/drafts/<int:draft_id>/send-back", endpoint="rule_draft_send_back")
def send_back(draft_id: int) -> ResponseReturnValue:
    """Return it to its author."""
    return _act(draft_id, _("已退回修改。"), verbs.send_back, request.form.get("note", ""))


@pages.post("/rules/drafts/<int:draft_id>/approve", endpoint="rule_draft_approve")
def approve(draft_id: int) -> ResponseReturnValue:
    """Put it in force."""
    return _act(draft_id, _("已批准。"), verbs.approve)


@pages.post("/rules/drafts/<int:draft_id>/rebase", endpoint="rule_draft_rebase")
def rebase(draft_id: int) -> ResponseReturnValue:
    """Carry it over to the version that it would replace now."""
    return _act(draft_id, _("已移到新版本上，请再看一遍差异。"), verbs.rebase)


def _act(draft_id: int, done: str, verb: Any, *given: Any) -> ResponseReturnValue:
    revision, key = posted_number("revision"), posted_key()
    try:
        both = verb(current_desk(), current_person(), draft_id, *given, revision=revision, key=key)
    except (InvalidValuesError, ConflictError) as refused:
        return _page(draft_id, _refused(refused))
    flash("；".join((done, *(both or ()))))
    return _back(draft_id)


def _refused(refused: EngineError, **typed: Any) -> Refused:
    found = refused.remarks if isinstance(refused, DraftRefusedError) else ()
    if isinstance(refused, InvalidValuesError):
        problem = _("检查没有通过，没有保存。") if found else "；".join(refused.problems.values())
        field_ = next(iter(refused.problems), "")
    else:
        problem, field_ = _conflict_words(refused), ""
    return Refused(status_of(refused), problem, found, fields={**request.form, "error": field_}, **typed)


def _conflict_words(refused: EngineError) -> str:
    by, at = getattr(refused, "by", None), getattr(refused, "at", None)
    if not by:
        return str(refused)
    with reading() as reader:
        who = reader.accounts(by).get(by, by)
        return f"{refused}（{who}{' ' + reader.moment(at) if at else ''}）"


def _typed_instant(reader: Reader, text: str) -> datetime | None:
    """An instant of the local zone as it was typed, or None where it is no time."""
    try:
        instant = datetime.fromisoformat(read_time(text, zone=reader.zone, now=reader.ctx.now, ahead=True))
        believable = instant.tzinfo is not None and abs(instant - reader.ctx.now) < BELIEVABLE
        return instant.astimezone(UTC) if believable else None
    except (ValueError, OverflowError):
        return None


def _back(draft_id: int) -> ResponseReturnValue:
    return redirect(url_for("pages.rule_draft", draft_id=draft_id), 303)
