"""Edits of single rows of a decision table; everything else of the file stays as it is written."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from lxml import etree

from engine.errors import NotFoundError
from engine.xml import parse_xml
from webapp.sheets.sheet import parts, row_id, table_of

LONGEST_CELL = 2000  # characters


def change_row(content: bytes, key: str, row: str, cells: Sequence[str], note: str) -> bytes:
    """The file with other cells in a row; raises NotFoundError for a row that it has not."""
    table = _table(content, key)
    rule = _rule(table, row)
    entries = [*parts(rule, "inputEntry"), *parts(rule, "outputEntry")]
    for entry, cell in zip(entries, cells, strict=True):
        _write(entry, "text", cell)
    _write_note(rule, note)
    return _file(table)


def add_row(content: bytes, key: str, after: str | None, cells: Sequence[str], note: str) -> bytes:
    """The file with a new row behind ``after``, at the end for None."""
    table = _table(content, key)
    rules = parts(table, "rule")
    namespace = etree.QName(table).namespace
    used = {element.get("id") for element in table.getroottree().getroot().iter()}
    number = len(rules) + 1
    while f"{key}_row_{number}" in used:
        number += 1
    rule = etree.Element(f"{{{namespace}}}rule", id=f"{key}_row_{number}")
    widths = (("inputEntry", len(parts(table, "input"))), ("outputEntry", len(parts(table, "output"))))
    for name, width in widths:
        for place in range(1, width + 1):
            short = "in" if name == "inputEntry" else "out"
            entry = etree.SubElement(rule, f"{{{namespace}}}{name}", id=f"{key}_row_{number}_{short}{place}")
            etree.SubElement(entry, f"{{{namespace}}}text").text = ""
    for entry, cell in zip(rule, cells, strict=False):
        _write(entry, "text", cell)
    _write_note(rule, note)
    previous = _rule(table, after) if after else (rules[-1] if rules else None)
    if previous is None:
        table.append(rule)
    else:
        rule.tail = previous.tail
        previous.addnext(rule)
    return _file(table)


def remove_row(content: bytes, key: str, row: str) -> bytes:
    """The file without a row."""
    table = _table(content, key)
    rule = _rule(table, row)
    table.remove(rule)
    return _file(table)


def move_row(content: bytes, key: str, row: str, *, up: bool) -> bytes:
    """The file with a row one place further up or down; at the edge it stays."""
    table = _table(content, key)
    rules = parts(table, "rule")
    rule = _rule(table, row)
    place = rules.index(rule)
    other = place - 1 if up else place + 1
    if 0 <= other < len(rules):
        neighbour = rules[other]
        rule.tail, neighbour.tail = neighbour.tail, rule.tail
        table.remove(rule)
        table.insert(table.index(neighbour) + (0 if up else 1), rule)
    return _file(table)


def _table(content: bytes, key: str) -> etree._Element:
    table = table_of(parse_xml(content), key)
    if table is None:
        raise NotFoundError(_("这个决策不是决策表，请下载文件修改。"))
    return table


def _rule(table: etree._Element, row: str) -> etree._Element:
    for number, rule in enumerate(parts(table, "rule"), 1):
        if row_id(rule, number) == row:
            return rule
    raise NotFoundError(_("草稿中没有这一行，可能已被删除。请查看最新内容。"))


def _write(entry: etree._Element, name: str, text: str) -> None:
    child = next(entry.iterchildren("{*}" + name), None)
    if child is None:
        child = etree.SubElement(entry, f"{{{etree.QName(entry).namespace}}}{name}")
    child.text = text.strip()


def _write_note(rule: etree._Element, note: str) -> None:
    found = next(rule.iterchildren("{*}description"), None)
    if not note.strip():
        if found is not None:
            rule.remove(found)
        return
    if found is None:
        found = etree.Element(f"{{{etree.QName(rule).namespace}}}description")
        rule.insert(0, found)  # the schema wants it first
    found.text = note.strip()


def _file(table: etree._Element) -> bytes:
    for text in table.iter("{*}text"):
        text.text = text.text or ""  # written as it was read: <text></text>
    return etree.tostring(table.getroottree(), xml_declaration=True, encoding="UTF-8")
