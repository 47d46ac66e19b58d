"""What changed between two versions of a decision table, cell by cell and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Literal

from flask_babel import gettext as _
from lxml import etree

from engine.xml import parse_xml
from webapp.sheets.sheet import EMPTY, Column, Row, Say, Sheet, read_sheet, table_of, words

Names = Mapping[str, Say]
"""How the texts of a column are said, by the column's name; a column that is not named says them as written."""
Kind = Literal["changed", "added", "removed", "moved"]


@dataclass(frozen=True, slots=True)
class CellChange:
    """One cell of a row, or its annotation (``place`` -1), in words."""

    place: int
    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class RowChange:
    """What became of a row: ``number`` is its number now, for a removed one that of before."""

    kind: Kind
    number: int
    row: Row
    cells: tuple[CellChange, ...] = ()
    before: int = 0  # its number before, of a moved one

    @property
    def words(self) -> str:
        """The change as one sentence."""
        changes = "，".join(f"{cell.label} {cell.old} → {cell.new}".strip() for cell in self.cells)
        moved = _("换了位置（原为行 %(before)s）", before=self.before) if self.kind == "moved" else ""
        if self.kind == "added":
            return str(_("新增行 %(number)s：%(changes)s", number=self.number, changes=changes))
        if self.kind == "removed":
            return str(_("删除行 %(number)s：%(changes)s", number=self.number, changes=changes))
        said = "，".join(part for part in (moved, changes) if part)
        return str(_("行 %(number)s：%(changes)s", number=self.number, changes=said))


@dataclass(frozen=True, slots=True)
class Difference:
    """All that changed; ``head`` are sentences on hit policy and columns, ``elsewhere`` means outside of the table."""

    head: tuple[str, ...] = ()
    rows: tuple[RowChange, ...] = ()
    elsewhere: bool = False
    by_row: Mapping[str, RowChange] = field(default_factory=dict)

    @property
    def sentences(self) -> list[str]:
        """Everything as a list of sentences."""
        other = [_("表以外的内容（说明、依赖的其他决策、图形）有改动")] if self.elsewhere else []
        return [*self.head, *(change.words for change in self.rows), *other]

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.head or self.rows or self.elsewhere)


def difference(old: bytes, new: bytes, key: str, names: Names | None = None) -> Difference:
    """From one version of the file of decision ``key`` to another. Raises XmlRefused."""
    before, after = read_sheet(old, key), read_sheet(new, key)
    elsewhere = _elsewhere(old, key) != _elsewhere(new, key)
    if before is None or after is None:
        return Difference(elsewhere=elsewhere)
    head, rows = tuple(_head(before, after)), tuple(_rows(before, after, names or {}))
    return Difference(head, rows, elsewhere, {change.row.id: change for change in rows if change.kind != "removed"})


def _rows(old: Sheet, new: Sheet, names: Names) -> list[RowChange]:
    pairs = matched(old, new)
    places = _places(old, new)
    changes: list[RowChange] = []
    moved = _moved(old, new, pairs)
    olds = {row.id: row for row in old.rows}
    for row in new.rows:
        before = olds.get(pairs.get(row.id, ""))
        if before is None:
            changes.append(RowChange("added", row.number, row, tuple(_listed(new, row, names))))
            continue
        cells = tuple(_cells(before, row, new, places, names))
        if row.id in moved:
            changes.append(RowChange("moved", row.number, row, cells, before.number))
        elif cells:
            changes.append(RowChange("changed", row.number, row, cells))
    kept = set(pairs.values())
    for row in old.rows:
        if row.id not in kept:
            changes.append(RowChange("removed", row.number, row, tuple(_listed(old, row, names))))
    return changes


def _elsewhere(content: bytes, key: str) -> list[object]:
    """What the file says outside of the table and of the drawing, without its layout."""
    root = parse_xml(content)
    table = table_of(root, key)
    found: list[object] = []
    todo = [root]
    while todo:
        element = todo.pop()
        if element is table or etree.QName(element).localname == "DMNDI":
            continue
        found.append((element.tag, sorted(element.attrib.items()), (element.text or "").strip()))
        todo.extend(child for child in element if isinstance(child.tag, str))
    return found


def matched(old: Sheet, new: Sheet) -> dict[str, str]:
    """Row of ``new`` → the row of ``old`` that it comes from: same id, else same cells, else same inputs."""
    found = {row.id: row.id for row in new.rows if old.row(row.id)}
    width = len(new.inputs)
    for compared in (slice(None), slice(width)):
        left = {row.cells[compared]: row.id for row in reversed(old.rows) if row.id not in found.values()}
        for row in new.rows:
            if row.id not in found and row.cells[compared] in left:
                found[row.id] = left.pop(row.cells[compared])
    return found


def _moved(old: Sheet, new: Sheet, pairs: Mapping[str, str]) -> set[str]:
    """The rows of ``new`` that stand elsewhere among those that both have."""
    kept = set(pairs.values())
    before = [row.id for row in old.rows if row.id in kept]
    after = [pairs[row.id] for row in new.rows if row.id in pairs]
    stayed: set[str] = set()
    for block in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        stayed.update(before[block.a : block.a + block.size])
    return {row for row, origin in pairs.items() if origin not in stayed}


def _places(old: Sheet, new: Sheet) -> Sequence[int | None]:
    """For each column of ``new`` its place in ``old``, by what it asks or answers."""
    before = {("in", each.name): place for place, each in enumerate(old.inputs)}
    before |= {("out", each.name): len(old.inputs) + place for place, each in enumerate(old.outputs)}
    wanted = [("in", each.name) for each in new.inputs] + [("out", each.name) for each in new.outputs]
    return [before.get(each) for each in wanted]


def _cells(before: Row, row: Row, sheet: Sheet, places: Sequence[int | None], names: Names) -> Iterator[CellChange]:
    for place, (column, origin) in enumerate(zip(sheet.columns, places, strict=True)):
        if origin is None or place >= len(row.cells) or origin >= len(before.cells):
            continue
        old, new = before.cells[origin], row.cells[place]
        if old != new:
            output = place >= len(sheet.inputs)
            say = names.get(column.name, str)
            yield CellChange(place, column.label, *(words(each, output=output, say=say) for each in (old, new)))
    if before.note != row.note:
        yield CellChange(-1, _("说明"), before.note or _(EMPTY), row.note or _(EMPTY))


def _listed(sheet: Sheet, row: Row, names: Names) -> Iterator[CellChange]:
    """The cells of a whole row: what it asks on the left, what it answers on the right."""
    width = len(sheet.inputs)
    said = [
        words(cell, output=place >= width, say=names.get(column.name, str))
        for place, (column, cell) in enumerate(zip(sheet.columns, row.cells, strict=False))
    ]
    asked = "、".join(
        f"{column.label} {text}" for column, text, cell in zip(sheet.inputs, said, row.cells, strict=False) if cell
    )
    answered = "、".join(f"{column.label} {text}" for column, text in zip(sheet.outputs, said[width:], strict=False))
    yield CellChange(-1, "", asked or _("任何情形"), answered)


def _head(old: Sheet, new: Sheet) -> Iterator[str]:
    if (old.policy, old.aggregation) != (new.policy, new.aggregation):
        yield _(
            "命中方式：%(old)s → %(new)s",
            old=old.policy_words,
            new=new.policy_words,
        )
    for kind, before, after in ((_("输入"), old.inputs, new.inputs), (_("输出"), old.outputs, new.outputs)):
        yield from _columns(kind, before, after)


def _columns(kind: str, before: Sequence[Column], after: Sequence[Column]) -> Iterator[str]:
    olds, news = {each.name: each for each in before}, {each.name: each for each in after}
    for name, column in olds.items():
        if name not in news:
            yield _("删除%(kind)s列“%(label)s”（%(name)s）", kind=kind, label=column.label, name=name)
    for name, column in news.items():
        was = olds.get(name)
        if was is None:
            yield _("新增%(kind)s列“%(label)s”（%(name)s）", kind=kind, label=column.label, name=name)
            continue
        for what, one, other in (
            (_("名称"), was.label, column.label),
            (_("类型"), was.type, column.type),
            (_("允许的值"), was.values, column.values),
            (_("默认值"), was.default, column.default),
        ):
            if one != other:
                yield _(
                    "%(kind)s列“%(label)s”的%(what)s：%(one)s → %(other)s",
                    kind=kind,
                    label=column.label,
                    what=what,
                    one=one or _(EMPTY),
                    other=other or _(EMPTY),
                )
    if [name for name in olds if name in news] != [name for name in news if name in olds]:
        yield _("%(kind)s列的次序有变", kind=kind)
