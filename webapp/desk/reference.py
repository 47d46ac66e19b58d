"""Verbs on reference data: rows are changed, added and ended from an instant on, with a reason; nothing is erased.

Every change is a load of the whole table, so that the rules of ``handlers.reference.load_reference`` hold for all.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import insert, select

from engine.context import Context
from engine.errors import InvalidValuesError, NotFoundError
from handlers.records.tables import reference_row
from handlers.reference import POINTERS, load_reference
from webapp.desk import permission
from webapp.desk.core import Desk, given
from webapp.desk.idempotency import once
from webapp.rights import Person
from webapp.tables import reference_load

Lines = dict[str, dict[str, str]]
"""Key → column → cell, in the order of the table."""


def latest(ctx: Context, table: str) -> Lines:
    """The rows of a table that no change has ended. Raises NotFoundError for a table without any."""
    c = reference_row.c
    query = select(c.key, c.data).where(c.table == table, c.valid_to.is_(None)).order_by(c.position, c.id)
    found: Lines = {row.key: dict(row.data) for row in ctx.connection.execute(query)}
    if not found:
        raise NotFoundError(_("没有参考表 %(table)s。", table=table))
    return found


def columns_of(lines: Lines) -> list[str]:
    """The columns of a table; the first one is the key."""
    return list(dict.fromkeys(column for cells in lines.values() for column in cells))


def as_csv(lines: Lines) -> str:
    """A table as the file that would load it."""
    header = columns_of(lines)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([cells.get(column, "") for column in header] for cells in lines.values())
    return out.getvalue()


def save_row(
    desk: Desk,
    actor: Person,
    table: str,
    row: str,
    cells: Mapping[str, str],
    valid_from: datetime | None,
    reason: str,
    *,
    key: str | None,
) -> None:
    """Other cells for row ``row``, or a new row for "", from ``valid_from`` (None: now) on.

    Raises InvalidValuesError, and ReferenceRefusedError where a cell names nothing or the instant lies too early.
    """

    def change(lines: Lines) -> Lines:
        header = columns_of(lines)
        data = {column: cells.get(column, "").strip() for column in header}
        name = data[header[0]]
        if row and row not in lines:
            raise NotFoundError(_("%(table)s 中没有 %(row)s，可能已经终止。", table=table, row=row))
        if row and name != row:
            raise InvalidValuesError({header[0]: _("键不能改：请终止这一行，再新增一行")})
        if not row and name in lines:
            raise InvalidValuesError({header[0]: _("%(name)s 已经存在", name=name)})
        if not name:
            raise InvalidValuesError({header[0]: _("键不能为空")})
        return lines | {name: data}

    _load(desk, actor, "reference.save", table, change, valid_from, reason, key)


def end_row(
    desk: Desk, actor: Person, table: str, row: str, valid_from: datetime | None, reason: str, *, key: str | None
) -> None:
    """The row holds no more from ``valid_from`` (None: now) on; refused while another table's row names it."""

    def change(lines: Lines) -> Lines:
        if row not in lines:
            raise NotFoundError(_("%(table)s 中没有 %(row)s，可能已经终止。", table=table, row=row))
        return {name: cells for name, cells in lines.items() if name != row}

    _load(desk, actor, "reference.end", table, change, valid_from, reason, key)


def load_file(
    desk: Desk, actor: Person, table: str, text: str, valid_from: datetime | None, reason: str, *, key: str | None
) -> None:
    """A whole file in place of the table; rows that it lacks end."""
    _load(desk, actor, "reference.load", table, lambda _: text, valid_from, reason, key)


def _load(
    desk: Desk,
    actor: Person,
    verb: str,
    table: str,
    change: Any,
    valid_from: datetime | None,
    reason: str,
    key: str | None,
) -> None:
    def act(ctx: Context) -> dict[str, Any]:
        refusal = _("只有流程负责人、事件经理和流程维护组可以修改参考数据。")
        permission.require(ctx, actor, "reference.change", refusal)
        why = given(reason)
        changed = change(latest(ctx, table))
        text = changed if isinstance(changed, str) else as_csv(changed)
        pointing = {name: as_csv(latest(ctx, name)) for name in _pointing_at(table)}
        rows = load_reference(ctx, {**pointing, table: text}, valid_from)
        if not rows:
            raise InvalidValuesError({"table": _("和现在的内容相同，没有改动")})
        values = {"loaded_at": ctx.now, "author": ctx.actor, "reason": f"{table}：{why}", "changed_rows": rows}
        ctx.connection.execute(insert(reference_load).values(**values))
        return {"rows": rows}

    once(desk, actor, verb, table, key, act)


def _pointing_at(table: str) -> Sequence[str]:
    """The tables with a column that names rows of ``table``: what ends here must not be named there."""
    return [name for name, columns in POINTERS.items() if table in columns.values() and name != table]
