"""Effective-dated reference tables: groups, posts, classification trees, sources, codes (chapter 7, T-1 … T-9).

Everybody reads what is in force at ``ctx.now``. All versions of all rows are kept in memory; a token that each load
renews tells, with one scalar query in a unit of work, whether they still hold.
"""

from __future__ import annotations

import csv
import io
import uuid
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ScalarSelect, insert, select, update

from engine.context import Context
from engine.errors import EngineError
from handlers.records.tables import reference_row, reference_state

Row = Mapping[str, str]

# Columns that name a row of another table; an empty cell names none.
POINTERS: Mapping[str, Mapping[str, str]] = {
    "posts": {"group": "groups"},
    "types": {"category": "categories"},
    "symptoms": {"type": "types"},
    "causes": {"type": "types"},
}
TRUE_WORDS = frozenset({"true", "yes", "1", "是"})
_KEPT = 8  # snapshots in memory: one per database that this process serves, and a few of its past
_snapshots: dict[str, _Snapshot] = {}


class ReferenceRefusedError(EngineError):
    """A reference file cannot be taken; the message names file, line and column."""

    def __init__(self, table: str, line: int, column: str | None, problem: str) -> None:
        """``line`` counts from 1, the header; ``column`` is None where the whole line is meant."""
        place = f"{table}.csv 第 {line} 行" + (f" {column} 列" if column else "")
        super().__init__(f"{place}：{problem}")
        self.table, self.line, self.column = table, line, column


def rows(ctx: Context, table: str) -> Sequence[Row]:
    """All rows of ``table`` in force now, in the order of the file; empty for an unknown table."""
    return tuple(_in_force(ctx).get(table, {}).values())


def row(ctx: Context, table: str, key: str | None) -> Row | None:
    """The row in force now with this key, or None."""
    return None if key is None else _in_force(ctx).get(table, {}).get(key)


def name(ctx: Context, table: str, key: str | None) -> str:
    """What staff read for a key: its row's ``name``, else the key itself, else nothing."""
    found = row(ctx, table, key)
    return found["name"] if found and found.get("name") else key or ""


def is_true(cell: str | None) -> bool:
    """Whether a cell says yes."""
    return (cell or "").strip().lower() in TRUE_WORDS


def load_reference(ctx: Context, files: Mapping[str, str], valid_from: datetime | None = None) -> int:
    """Make ``files`` (table → CSV text with a header, first column the key) the tables in force; returns rows changed.

    Rows that did not change stay; changed and missing ones end at ``valid_from``. None means since ever for a table
    that is empty, else from now on. Raises ReferenceRefusedError, also for an instant before a change already made.
    """
    parsed = {table: parse(table, text) for table, text in files.items()}
    snapshot = _Snapshot(_stored(ctx))
    current = {**snapshot.latest(), **{table: dict(lines) for table, lines in parsed.items()}}
    _check_pointers(parsed, files, current)
    changes = 0
    for table, lines in parsed.items():
        effective = valid_from if valid_from or not snapshot.knows(table) else ctx.now
        last = snapshot.last_change(table)
        if last is not None and effective is not None and effective < last:
            raise ReferenceRefusedError(table, 1, None, f"生效时间早于已有的变更（{last:%Y-%m-%d %H:%M} UTC）")
        changes += _replace(ctx, table, lines, effective)
    if changes:
        _renew_token(ctx)
    return changes


def parse(table: str, text: str) -> list[tuple[str, dict[str, str]]]:
    """The rows of a file, key → column → cell; raises ReferenceRefusedError for anything that is not such a table."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        lines = [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        raise ReferenceRefusedError(table, reader.line_num, None, f"不是有效的 CSV（{error}）") from error
    if not lines or not any(lines[0][1]):
        raise ReferenceRefusedError(table, 1, None, "缺少表头")
    header = [cell.strip() for cell in lines[0][1]]
    for column in header:
        if not column or header.count(column) > 1:
            raise ReferenceRefusedError(table, 1, column or "（空）", "列名为空或重复")
    found: dict[str, dict[str, str]] = {}
    for line, cells in lines[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise ReferenceRefusedError(table, line, None, f"应有 {len(header)} 列，实有 {len(cells)} 列")
        data = {column: cell.strip() for column, cell in zip(header, cells, strict=True)}
        key = data[header[0]]
        if not key:
            raise ReferenceRefusedError(table, line, header[0], "键不能为空")
        if key in found:
            raise ReferenceRefusedError(table, line, header[0], f"键“{key}”重复")
        found[key] = data
    return list(found.items())


def _check_pointers(
    parsed: Mapping[str, list[tuple[str, dict[str, str]]]],
    files: Mapping[str, str],
    current: Mapping[str, Mapping[str, Row]],
) -> None:
    for table, lines in parsed.items():
        for column, target in POINTERS.get(table, {}).items():
            for key, data in lines:
                if (value := data.get(column)) and value not in current.get(target, {}):
                    line = _line_of(files[table], key)
                    raise ReferenceRefusedError(table, line, column, f"“{value}”不在 {target}.csv 中")


def _line_of(text: str, key: str) -> int:
    """The line on which a key stands, for a message."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    return next((reader.line_num for cells in reader if cells and cells[0].strip() == key), 1)


def _replace(ctx: Context, table: str, lines: list[tuple[str, dict[str, str]]], effective: datetime | None) -> int:
    columns = reference_row.c
    query = select(columns.id, columns.key, columns.position, columns.data).where(
        columns.table == table, columns.valid_to.is_(None)
    )
    present = {found.key: found for found in ctx.connection.execute(query)}
    wanted = {key: (position, data) for position, (key, data) in enumerate(lines)}
    ended = [found.id for key, found in present.items() if wanted.get(key) != (found.position, found.data)]
    new = [
        {"key": key, "position": position, "data": data}
        for key, (position, data) in wanted.items()
        if key not in present or present[key].id in set(ended)
    ]
    if ended:
        ctx.connection.execute(update(reference_row).where(columns.id.in_(ended)).values(valid_to=effective))
    if new:
        common = {"table": table, "valid_from": effective, "changed_by": ctx.actor, "changed_at": ctx.now}
        ctx.connection.execute(insert(reference_row), [{**common, **values} for values in new])
    return len(ended) + len(new)


def _renew_token(ctx: Context) -> None:
    token = uuid.uuid4().hex
    state = reference_state
    if ctx.connection.execute(update(state).where(state.c.id == 1).values(token=token)).rowcount == 0:
        ctx.connection.execute(insert(state).values(id=1, token=token))
    ctx.memo.pop(_MEMO, None)
    ctx.memo.pop(_VERSION, None)


_MEMO = "reference tables in force"
_VERSION = "version of the reference tables"
_SELECT_TOKEN = select(reference_state.c.token).where(reference_state.c.id == 1)


def token_column() -> ScalarSelect[Any]:
    """The column that another SELECT of a unit of work may carry along for ``remember_token``."""
    return _SELECT_TOKEN.scalar_subquery()


def remember_token(ctx: Context, token: str | None) -> None:
    """Spare this unit of work the question for the token."""
    ctx.memo.setdefault(_VERSION, token)


def _in_force(ctx: Context) -> Mapping[str, Mapping[str, Row]]:
    found = ctx.memo.get(_MEMO)
    if found is None:
        if _VERSION not in ctx.memo:
            ctx.memo[_VERSION] = ctx.connection.scalar(_SELECT_TOKEN)
        token = ctx.memo[_VERSION]
        found = ctx.memo[_MEMO] = _snapshot(ctx, token).at(ctx.now) if token else {}
    return found


def _snapshot(ctx: Context, token: str) -> _Snapshot:
    snapshot = _snapshots.get(token)
    if snapshot is None:
        snapshot = _Snapshot(_stored(ctx))
        while len(_snapshots) >= _KEPT:
            _snapshots.pop(next(iter(_snapshots)), None)
        _snapshots[token] = snapshot
    return snapshot


def _stored(ctx: Context) -> list[Any]:
    columns = reference_row.c
    query = select(columns.table, columns.key, columns.data, columns.valid_from, columns.valid_to)
    return list(ctx.connection.execute(query.order_by(columns.table, columns.position, columns.id)))


class _Snapshot:
    """All versions of all rows under one token; what is in force is worked out once per interval between changes."""

    def __init__(self, stored: Iterable[Any]) -> None:
        self._stored = [(s.table, s.key, MappingProxyType(s.data), s.valid_from, s.valid_to) for s in stored]
        instants = {instant for _, _, _, begin, end in self._stored for instant in (begin, end) if instant}
        self._instants = sorted(instants)
        self._tables: dict[int, Mapping[str, Mapping[str, Row]]] = {}

    def at(self, now: datetime) -> Mapping[str, Mapping[str, Row]]:
        """Table → key → row, in force at ``now``."""
        interval = bisect_right(self._instants, now)
        if interval not in self._tables:
            self._tables[interval] = self._select(
                lambda begin, end: (not begin or begin <= now) and (not end or now < end)
            )
        return self._tables[interval]

    def latest(self) -> dict[str, Mapping[str, Row]]:
        """Table → key → row that no later change has ended."""
        return self._select(lambda _begin, end: end is None)

    def knows(self, table: str) -> bool:
        """Whether the table ever had a row."""
        return any(name == table for name, *_ in self._stored)

    def last_change(self, table: str) -> datetime | None:
        """The latest instant at which a row of the table begins or ends; None where all hold since ever."""
        instants = [x for name, _, _, begin, end in self._stored if name == table for x in (begin, end) if x]
        return max(instants, default=None)

    def _select(self, holds: Any) -> dict[str, Mapping[str, Row]]:
        found: dict[str, dict[str, Row]] = {}
        for table, key, data, begin, end in self._stored:
            if holds(begin, end):
                found.setdefault(table, {})[key] = data
        return dict(found)
