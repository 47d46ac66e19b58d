"""Administration of reference data: each table as it holds, its past, and changes from an instant on."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import EngineError, InvalidValuesError, NotAllowedError, NotFoundError
from handlers.reference import ReferenceRefusedError, parse
from webapp.current import current_desk, current_person
from webapp.desk import reference as verbs
from webapp.failures import status_of
from webapp.forms import BELIEVABLE, read_time
from webapp.language import N_
from webapp.queries import admin as queries
from webapp.rights import allowed
from webapp.routes.blueprint import pages
from webapp.routes.posted import posted_key
from webapp.routes.reading import Reader, reading

LARGEST_FILE = 400_000  # bytes; the preview carries it back as a field
TABLE_NAMES = {
    "categories": N_("类别"),
    "causes": N_("根源"),
    "close_codes": N_("关闭代码"),
    "customer_grades": N_("客户标识"),
    "departments": N_("部门"),
    "groups": N_("组"),
    "locations": N_("地点"),
    "posts": N_("岗位"),
    "roles": N_("角色"),
    "services": N_("服务"),
    "sources": N_("来源"),
    "symptoms": N_("现象"),
    "transfer_reasons": N_("转派原因"),
    "types": N_("子类"),
    "waiting_codes": N_("等待代码"),
}
COLUMN_NAMES = {
    "key": N_("键"),
    "name": N_("名称"),
    "category": N_("类别"),
    "categories": N_("类别"),
    "class": N_("重要程度"),
    "department": N_("部门"),
    "group": N_("组"),
    "kind": N_("种类"),
    "landing": N_("登录后到"),
    "leader_post": N_("负责岗位"),
    "locations": N_("地点"),
    "max": N_("最长"),
    "needs_problem": N_("需要问题单"),
    "note": N_("说明"),
    "on_expiry": N_("到期时"),
    "resumes": N_("恢复到"),
    "scope": N_("范围"),
    "set_by": N_("由谁设置"),
    "success": N_("算解决"),
    "type": N_("子类"),
}


@pages.get("/admin/reference", endpoint="admin_references")
def tables() -> ResponseReturnValue:
    """Every table with its number of rows and last change."""
    with reading() as reader:
        rows = queries.reference_tables(reader.ctx.connection)
        loads = queries.loads(reader.ctx.connection)
        people = reader.accounts(*(row["author"] for row in loads))
    context = {
        "rows": rows,
        "loads": loads,
        "people": people,
        "names": {table: _(name) for table, name in TABLE_NAMES.items()},
    }
    return render_template("admin_references.html", here="admin", **context)


@pages.get("/admin/reference/<table>", endpoint="admin_reference")
def table_page(table: str) -> ResponseReturnValue:
    """One table: rows in force, rows to come, what has ended."""
    return _page(table, 200)


def _page(table: str, status: int, **refused: Any) -> ResponseReturnValue:
    with reading() as reader:
        history = queries.reference_history(reader.ctx.connection, table)
        if not history:
            raise NotFoundError(_("没有参考表 %(name)s。", name=table))
        now = reader.ctx.now
        latest = [row for row in history if row["valid_to"] is None]
        in_force = [row for row in history if _holds(row, now)]
        columns = list(dict.fromkeys(column for row in history for column in row["data"]))
        loads = queries.loads(reader.ctx.connection, table)
        context = {
            "table": table,
            "name": _(TABLE_NAMES.get(table, table)),
            "columns": columns,
            "labels": {column: _(name) for column, name in COLUMN_NAMES.items()},
            "rows": in_force,
            "coming": [row for row in latest if not _holds(row, now)],
            "ended": [row for row in history if row["valid_to"] is not None and row["valid_to"] <= now],
            "loads": loads,
            "people": reader.accounts(*(row["changed_by"] for row in history), *(row["author"] for row in loads)),
            "may_change": allowed(reader.person, "reference.change"),
            "editing": _editing(latest, columns),
            "key": uuid.uuid4().hex,
            "typed": request.form,
            "problem": "",
            "preview": None,
        } | refused
    return render_template("admin_reference.html", here="admin", **context), status


def _holds(row: Any, now: datetime) -> bool:
    begin, end = row["valid_from"], row["valid_to"]
    return (begin is None or begin <= now) and (end is None or now < end)


def _editing(latest: list[Any], columns: list[str]) -> dict[str, Any] | None:
    """The row that the address asks to edit ("" is a new one), or the one that was typed."""
    asked = request.values.get("row")
    if asked is None:
        return None
    row = next((row["data"] for row in latest if row["key"] == asked), None)
    if asked and row is None:
        return None
    known = row or {}
    return {"row": asked, "cells": [(c, request.form.get(f"cell-{c}", known.get(c, ""))) for c in columns]}


@pages.get("/admin/reference/<table>.csv", endpoint="admin_reference_file")
def table_file(table: str) -> ResponseReturnValue:
    """The table as the file that would load it again."""
    with reading() as reader:
        text = verbs.as_csv(verbs.latest(reader.ctx, table))
    response = Response("\ufeff" + text, mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=f"{table}.csv")
    return response


@pages.post("/admin/reference/<table>/rows", endpoint="admin_reference_save")
def save(table: str) -> ResponseReturnValue:
    """Change, add or end a row."""
    row, reason = request.form.get("row", ""), request.form.get("reason", "")
    cells = {name[5:]: text for name, text in request.form.items() if name.startswith("cell-")}
    try:
        at = _valid_from()
        desk, person, key = current_desk(), current_person(), posted_key()
        if request.form.get("act") == "end":
            verbs.end_row(desk, person, table, row, at, reason, key=key)
        else:
            verbs.save_row(desk, person, table, row, cells, at, reason, key=key)
    except (NotAllowedError, NotFoundError):
        raise
    except EngineError as refused:
        return _page(table, status_of(refused), problem=_words(refused))
    flash(_("已保存。"))
    return redirect(url_for("pages.admin_reference", table=table), 303)


@pages.post("/admin/reference/<table>/preview", endpoint="admin_reference_preview")
def preview(table: str) -> ResponseReturnValue:
    """What a file would change; nothing is changed yet."""
    sent = request.files.get("file")
    data = sent.stream.read(LARGEST_FILE + 1) if sent else b""
    try:
        text = _text_of(data)
        with reading() as reader:
            found = _difference(verbs.latest(reader.ctx, table), dict(parse(table, text)))
    except (ReferenceRefusedError, InvalidValuesError) as refused:
        return _page(table, 422, problem=_words(refused))
    return _page(table, 200, preview={"text": text, "changes": found})


@pages.post("/admin/reference/<table>/file", endpoint="admin_reference_load")
def load(table: str) -> ResponseReturnValue:
    """Load the file that was looked at."""
    text, reason = request.form.get("text", ""), request.form.get("reason", "")
    try:
        verbs.load_file(current_desk(), current_person(), table, text, _valid_from(), reason, key=posted_key())
    except (NotAllowedError, NotFoundError):
        raise
    except EngineError as refused:
        return _page(table, status_of(refused), problem=_words(refused), preview={"text": text, "changes": []})
    flash(_("已载入。"))
    return redirect(url_for("pages.admin_reference", table=table), 303)


def _text_of(data: bytes) -> str:
    if not data:
        raise InvalidValuesError({"file": _("请先选择一个 .csv 文件")})
    if len(data) > LARGEST_FILE:
        raise InvalidValuesError({"file": _("文件超过 %(largest_file)s KB", largest_file=LARGEST_FILE // 1000)})
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidValuesError({"file": _("文件不是 UTF-8 编码，请另存为“CSV UTF-8”")}) from None


def _difference(old: verbs.Lines, new: verbs.Lines) -> list[tuple[str, str, str]]:
    """(what, key, words) for each row that a file changes."""
    found, none = [], _("（空）")
    for key, cells in new.items():
        before = old.get(key)
        if before is None:
            found.append(("added", key, "、".join(text for text in cells.values() if text)))
        elif before != cells:
            columns = [column for column in {**before, **cells} if before.get(column, "") != cells.get(column, "")]
            said = "，".join(f"{c} {before.get(c) or none} → {cells.get(c) or none}" for c in columns)
            found.append(("changed", key, said))
    found += [
        ("ended", key, "、".join(text for text in cells.values() if text))
        for key, cells in old.items()
        if key not in new
    ]
    return found


def _valid_from() -> datetime | None:
    """From when a change holds: now, or the instant that was typed. Raises InvalidValuesError for none."""
    text = request.form.get("valid_from", "").strip()
    if not text:
        return None
    with reading() as reader:
        instant = _instant(reader, text)
    if instant is None:
        raise InvalidValuesError({"valid_from": _("生效时间请写成 12-01 08:00，或留空表示现在")})
    return instant


def _instant(reader: Reader, text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(read_time(text, zone=reader.zone, now=reader.ctx.now, ahead=True))
        if instant.tzinfo is None or abs(instant - reader.ctx.now) > BELIEVABLE or instant < reader.ctx.now:
            return None
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _words(refused: EngineError) -> str:
    problems = getattr(refused, "problems", None)
    return "；".join(problems.values()) if problems else str(refused)
