"""A decision table as a sheet: columns, rows and annotations of a DMN file as they are written, and cells in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask_babel import gettext as _
from lxml import etree

from engine.xml import XmlLimits, line_of, parse_xml
from webapp.language import N_

LIMITS = XmlLimits(max_bytes=1_000_000)
ANY = N_("任意")
EMPTY = N_("（空）")
POLICIES = {
    "UNIQUE": N_("唯一：最多一行适用"),
    "FIRST": N_("从上到下，第一条适用的为准"),
    "ANY": N_("可有多行适用，结果须相同"),
    "PRIORITY": N_("多行适用时，取输出值排在前面的"),
    "COLLECT": N_("汇总所有适用的行"),
    "RULE ORDER": N_("按行的次序给出所有适用的行"),
    "OUTPUT ORDER": N_("按输出值的次序给出所有适用的行"),
}
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_PIECE = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,"]+)\s*(?:,|$)')
_NOT = re.compile(r"not\((.*)\)", re.DOTALL)

Say = Callable[[str], str]
"""What staff read for a text of a column, such as the name of a group for its key."""


@dataclass(frozen=True, slots=True)
class Column:
    """An input or output: ``name`` is what is asked or answered, ``values`` the allowed ones as written."""

    id: str
    label: str
    name: str
    type: str
    values: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A rule; ``number`` counts from 1, ``cells`` are inputs, then outputs, as written."""

    id: str
    number: int
    line: int
    cells: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """The table of one decision."""

    key: str
    name: str
    description: str
    policy: str
    aggregation: str
    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Inputs, then outputs: the order of a row's cells."""
        return self.inputs + self.outputs

    @property
    def policy_words(self) -> str:
        """How several matching rows are treated, for staff."""
        return str(_(POLICIES.get(self.policy, self.policy))) + (f"（{self.aggregation}）" if self.aggregation else "")

    def row(self, row_id: str) -> Row | None:
        """The row with that id, or None."""
        return next((row for row in self.rows if row.id == row_id), None)


def read_sheet(content: bytes, key: str) -> Sheet | None:
    """The table of decision ``key``; None where it is no table. Raises XmlRefused."""
    table = table_of(parse_xml(content), key)
    if table is None:
        return None
    decision = table.getparent()
    assert decision is not None  # noqa: S101 - found as its child
    return Sheet(
        key=key,
        name=decision.get("name") or key,
        description=_said(decision, "description"),
        policy=" ".join((table.get("hitPolicy") or "UNIQUE").split()).upper(),
        aggregation=table.get("aggregation") or "",
        inputs=tuple(_input(each) for each in parts(table, "input")),
        outputs=tuple(_output(each) for each in parts(table, "output")),
        rows=tuple(_row(rule, number) for number, rule in enumerate(parts(table, "rule"), 1)),
    )


def table_of(root: etree._Element, key: str) -> etree._Element | None:
    """The element of the table of decision ``key``."""
    for decision in root.iterchildren("{*}decision"):
        if decision.get("id") == key:
            return next(decision.iterchildren("{*}decisionTable"), None)
    return None


def parts(element: etree._Element, name: str) -> list[etree._Element]:
    """The children of that name, whatever their version of DMN."""
    return list(element.iterchildren("{*}" + name))


def row_id(rule: etree._Element, number: int) -> str:
    """How the decision log names a rule: its id, else its number."""
    return rule.get("id") or str(number)


def _said(element: etree._Element | None, name: str) -> str:
    found = None if element is None else next(element.iterchildren("{*}" + name), None)
    return "" if found is None else (found.text or "").strip()


def _part(element: etree._Element, name: str) -> etree._Element | None:
    return next(element.iterchildren("{*}" + name), None)


def _input(element: etree._Element) -> Column:
    expression = _part(element, "inputExpression")
    name = _said(expression, "text")
    declared = "" if expression is None else expression.get("typeRef", "")
    label = element.get("label") or name
    return Column(element.get("id", ""), label, name, declared, _said(_part(element, "inputValues"), "text"))


def _output(element: etree._Element) -> Column:
    name = element.get("name") or ""
    return Column(
        element.get("id", ""),
        element.get("label") or name,
        name,
        element.get("typeRef", ""),
        _said(_part(element, "outputValues"), "text"),
        _said(_part(element, "defaultOutputEntry"), "text"),
    )


def _row(rule: etree._Element, number: int) -> Row:
    entries = [*parts(rule, "inputEntry"), *parts(rule, "outputEntry")]
    cells = tuple(_said(entry, "text") for entry in entries)
    return Row(row_id(rule, number), number, line_of(rule), cells, _said(rule, "description"))


def listed(text: str) -> list[str] | None:
    """The texts and values of a list such as ``"A","B"`` or ``1,2``, without quotes; None for anything else."""
    found, place = [], 0
    text = text.strip()
    while place < len(text):
        piece = _PIECE.match(text, place)
        if piece is None:
            return None
        value = piece[1].strip()
        if value.startswith('"'):
            value = value[1:-1].replace('\\"', '"')
        elif not re.fullmatch(r"-?\d+(?:\.\d+)?|true|false", value):
            return None
        found.append(value)
        place = piece.end()
    return found or None


def texts_in(cell: str) -> Iterator[str]:
    """The texts in double quotes that a cell names."""
    return (found[1] for found in _TEXT.finditer(cell))


def words(cell: str, *, output: bool = False, say: Say = str) -> str:
    """A cell as staff read it; an expression that is no list of values stays as it is written."""
    text = cell.strip()
    if text in ("", "-"):
        return str(_(EMPTY) if output else _(ANY))
    refused = _NOT.fullmatch(text)
    if refused and (values := listed(refused[1])):
        return str(_("除 %(values)s 外", values=_joined(values, say)))
    values = listed(text)
    return text if values is None else _joined(values, say)


def _joined(values: list[str], say: Say) -> str:
    plain = {"true": _("是"), "false": _("否")}
    return "、".join(plain.get(value) or say(value) for value in values)
