"""Incidents as a spreadsheet: written row by row into a file, texts that a program could run as formulas defused."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import IO, Any

import xlsxwriter
from flask_babel import gettext as _
from sqlalchemy import Row
from xlsxwriter.worksheet import Worksheet

from handlers import clocks
from webapp.contacts import seen_by
from webapp.language import N_
from webapp.routes.labels import LABELS
from webapp.routes.reading import Reader

MOST = 10_000  # rows; a list that has more says so in its last row
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is run by some programs
COLUMNS = (
    "priority",
    "state",
    "summary",
    "source",
    "customer_name",
    "staff_number",
    "department",
    "phone",
    "mobile",
    "email",
    "request_type",
    "category",
    "type",
    "symptom",
    "cause",
    "service",
    "location",
    "impact",
    "urgency",
    "responsible_group",
    "resolving_group",
    "occurred_at",
    "recorded_at",
    "resolved_at",
    "closed_at",
    "close_code",
)
MORE_LABELS: Mapping[str, str] = {
    "resolving_group": N_("解决组"),
    "resolved_at": N_("解决时间"),
    "closed_at": N_("关闭时间"),
}
TARGETS: Mapping[str, str] = {
    "response": N_("响应到期"),
    "acceptance": N_("受理到期"),
    "restoration": N_("恢复到期"),
    "closure": N_("关闭到期"),
}


def write(reader: Reader, rows: Iterable[Row[Any]]) -> IO[bytes]:
    """A spreadsheet of at most MOST rows, open at its beginning; it is gone when it is closed."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  (whoever sends it closes it)
    # Rows are written in order and not kept: memory does not grow with their number.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet(_("事件"))
        sheet.freeze_panes(1, 1)
        bold = book.add_format({"bold": True})
        time = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        heads = [_("单号"), *(_(_label(column)) for column in COLUMNS), *(_(words) for words in TARGETS.values())]
        for place, words in enumerate(heads):
            sheet.write_string(0, place, words, bold)
        put = _writer(reader, sheet, time)
        for line, row in enumerate(rows, 1):
            if line > MOST:
                sheet.write_string(line, 0, _("超过 %(n)s 行，其余没有导出，请缩小筛选范围", n=MOST))
                break
            put(line, row._asdict())
    file.seek(0)
    return file


def defused(text: str) -> str:
    """A text that no program takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _label(column: str) -> str:
    return MORE_LABELS.get(column) or LABELS[column]


def _writer(reader: Reader, sheet: Worksheet, time: Any) -> Callable[[int, Mapping[str, Any]], None]:
    def instant(line: int, place: int, value: datetime | None) -> None:
        if value is not None:
            sheet.write_datetime(line, place, value.astimezone(reader.zone).replace(tzinfo=None), time)

    def put(line: int, found: Mapping[str, Any]) -> None:
        incident = seen_by(reader.person, found)
        sheet.write_string(line, 0, incident["number"] or "")
        for place, column in enumerate(COLUMNS, 1):
            value = incident[column]
            if isinstance(value, datetime):
                instant(line, place, value)
            elif value not in (None, ""):
                sheet.write_string(line, place, defused(reader.value(column, value)))
        for place, name in enumerate(TARGETS, 1 + len(COLUMNS)):
            instant(line, place, clocks.due_at(incident, name))

    return put
