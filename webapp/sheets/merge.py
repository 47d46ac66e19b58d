"""A draft carried over to a newer version of its table: what it changed is changed there, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext as _

from webapp.sheets import edit
from webapp.sheets.difference import matched
from webapp.sheets.sheet import Row, Sheet, read_sheet


@dataclass(frozen=True, slots=True)
class Merged:
    """The draft on its new ground; ``both`` names what both changed: there the draft's value stands."""

    content: bytes
    both: tuple[str, ...] = ()
    whole: bool = False  # the columns differ, or it is no table: the draft was kept as it is


def merge(base: bytes, draft: bytes, present: bytes, key: str) -> Merged:
    """The changes from ``base`` to ``draft`` made in ``present``. Raises XmlRefused."""
    old, mine, theirs = (read_sheet(each, key) for each in (base, draft, present))
    if old is None or mine is None or theirs is None or not _same_head(old, mine) or not _same_head(old, theirs):
        return Merged(draft, whole=True)
    work = _Merge(key, present, old, mine, theirs)
    work.change_and_remove()
    work.add()
    return Merged(work.content, tuple(work.both))


def _same_head(one: Sheet, other: Sheet) -> bool:
    facts = [(sheet.policy, sheet.aggregation, [(c.name, c.type) for c in sheet.columns]) for sheet in (one, other)]
    return facts[0] == facts[1]


class _Merge:
    """The three versions, and the present file as far as it was changed."""

    def __init__(self, key: str, content: bytes, old: Sheet, mine: Sheet, theirs: Sheet) -> None:
        self.key, self.content = key, content
        self.old, self.mine, self.theirs = old, mine, theirs
        self.origin = matched(old, mine)
        self.now: Mapping[str, str] = {before: after for after, before in matched(old, theirs).items()}
        self.both: list[str] = []

    def change_and_remove(self) -> None:
        """Rows that the draft has from its base, with its changes; rows that it left out."""
        mine = {origin: row for row in self.mine.rows if (origin := self.origin.get(row.id))}
        for before in self.old.rows:
            there = self.theirs.row(self.now.get(before.id, ""))
            here = mine.get(before.id)
            if here is not None and (here.cells, here.note) != (before.cells, before.note):
                self._change(before, here, there)
            elif here is None and there is not None:
                if (there.cells, there.note) != (before.cells, before.note):
                    self.both.append(
                        _("行 %(number)s：现行版本改了它，草稿删除了它；已按草稿删除", number=there.number)
                    )
                self.content = edit.remove_row(self.content, self.key, there.id)

    def _change(self, before: Row, here: Row, there: Row | None) -> None:
        if there is None:
            self.both.append(_("草稿的行 %(number)s：现行版本已删除这一行，草稿改了它；已放在最后", number=here.number))
            self.content = edit.add_row(self.content, self.key, None, here.cells, here.note)
            return
        cells = []
        for column, base, own, other in zip(self.old.columns, before.cells, here.cells, there.cells, strict=True):
            if base not in (own, other) and own != other:
                self.both.append(
                    _("行 %(number)s：%(label)s 两边都改了，保留草稿的值", number=there.number, label=column.label)
                )
            cells.append(other if own == base else own)
        note = there.note if here.note == before.note else here.note
        self.content = edit.change_row(self.content, self.key, there.id, cells, note)

    def add(self) -> None:
        """New rows, each behind the row that stands before it in the draft, where that is still there."""
        last: str | None = None
        for row in self.mine.rows:
            origin = self.origin.get(row.id)
            if origin is not None:
                last = self.now.get(origin, last)
                continue
            before = read_sheet(self.content, self.key)
            known = {each.id for each in before.rows} if before else set()
            self.content = edit.add_row(self.content, self.key, last if last in known else None, row.cells, row.note)
            after = read_sheet(self.content, self.key)
            last = next((each.id for each in (after.rows if after else ()) if each.id not in known), last)
