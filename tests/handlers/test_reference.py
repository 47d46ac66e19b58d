"""Reference tables: effective-dated, cached by a token, refused with file, line and column."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from engine.context import Context
from handlers import HANDLERS, reference
from handlers.records.tables import reference_row
from handlers.reference import ReferenceRefusedError, load_reference
from tests.handlers.conftest import START, House, reference_files

GROUPS = "key,name,kind\na,甲组,support\nb,乙组,support\n"


def context(database: Engine, now: datetime = START) -> Context:
    return Context(database.connect(), now, "流程负责人", HANDLERS)


def names(ctx: Context, now: datetime) -> list[str]:
    then = Context(ctx.connection, now, ctx.actor, HANDLERS)
    return [row["name"] for row in reference.rows(then, "groups")]


def test_the_shipped_tables_load_and_are_found_by_key(house: House) -> None:
    ctx = house.context()
    assert {table for table in reference_files() if not reference.rows(ctx, table)} == set()
    assert reference.name(ctx, "groups", "crm") == "CRM组"
    assert reference.row(ctx, "groups", "nobody") is None
    assert reference.name(ctx, "groups", "nobody") == "nobody"
    assert reference.name(ctx, "groups", None) == ""
    assert reference.rows(ctx, "no table") == ()


def test_a_unit_of_work_asks_once_whether_what_is_in_memory_still_holds(house: House) -> None:
    reference.rows(house.context(), "groups")  # fills the memory
    ctx = house.context()
    house.statements.clear()
    for _ in range(3):
        reference.row(ctx, "groups", "crm")
    assert len(house.statements) == 1


@pytest.mark.proves("R313")
def test_a_change_takes_force_at_its_instant_and_the_past_stays_readable(database: Engine) -> None:
    ctx = context(database)
    load_reference(ctx, {"groups": GROUPS})
    later = START + timedelta(days=7)
    changed = load_reference(ctx, {"groups": "key,name,kind\na,甲组（新）,support\nc,丙组,support\n"}, later)
    assert changed == 4  # a ended and new, b ended, c new
    for now, expected in (
        (datetime(2000, 1, 1, tzinfo=UTC), ["甲组", "乙组"]),
        (later - timedelta(microseconds=1), ["甲组", "乙组"]),
        (later, ["甲组（新）", "丙组"]),
        (later + timedelta(days=999), ["甲组（新）", "丙组"]),
    ):
        assert names(ctx, now) == expected
    ctx.connection.close()


def test_the_same_file_again_changes_nothing(database: Engine) -> None:
    ctx = context(database)
    assert load_reference(ctx, {"groups": GROUPS}) == 2
    assert load_reference(ctx, {"groups": "\ufeff" + GROUPS.replace("\n", "\r\n") + "\r\n"}) == 0
    ctx.connection.close()


def test_a_second_load_without_an_instant_takes_force_now(database: Engine) -> None:
    ctx = context(database)
    load_reference(ctx, {"groups": GROUPS})
    load_reference(ctx, {"groups": GROUPS.replace("乙组", "新乙组")})
    assert names(ctx, START - timedelta(seconds=1)) == ["甲组", "乙组"]
    assert names(ctx, START) == ["甲组", "新乙组"]
    who = ctx.connection.execute(select(reference_row.c.changed_by).distinct()).scalars().all()
    assert who == ["流程负责人"]
    ctx.connection.close()


def test_what_already_took_force_cannot_be_changed_afterwards(database: Engine) -> None:
    ctx = context(database)
    load_reference(ctx, {"groups": GROUPS})
    load_reference(ctx, {"groups": GROUPS.replace("乙", "丙")}, START)
    with pytest.raises(ReferenceRefusedError, match="生效时间"):
        load_reference(ctx, {"groups": GROUPS}, START - timedelta(seconds=1))
    ctx.connection.close()


def test_a_load_that_is_rolled_back_leaves_no_trace_in_memory(database: Engine) -> None:
    with database.connect() as connection:
        load_reference(Context(connection, START, "x", HANDLERS), {"groups": GROUPS})
        assert names(Context(connection, START, "x", HANDLERS), START) == ["甲组", "乙组"]
        connection.rollback()
    with database.connect() as connection:
        assert names(Context(connection, START, "x", HANDLERS), START) == []


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("", 1, None),
        ("key,name,name\na,b,c\n", 1, "name"),
        ("key,,kind\na,b,c\n", 1, "（空）"),
        ("key,name\na\n", 2, None),
        ("key,name\n\na,甲\n ,乙\n", 4, "key"),
        ("key,name\na,甲\na,乙\n", 3, "key"),
        ('key,name\na,"甲\n', 2, None),
    ],
)
def test_a_bad_file_is_refused_with_line_and_column(
    sqlite_database: Engine, text: str, line: int, column: str | None
) -> None:
    ctx = context(sqlite_database)
    with pytest.raises(ReferenceRefusedError) as refused:
        load_reference(ctx, {"groups": text})
    assert (refused.value.table, refused.value.line, refused.value.column) == ("groups", line, column)
    assert f"groups.csv 第 {line} 行" in str(refused.value)
    ctx.connection.close()


def test_a_row_that_points_nowhere_is_refused(sqlite_database: Engine) -> None:
    ctx = context(sqlite_database)
    with pytest.raises(ReferenceRefusedError) as refused:
        load_reference(ctx, {"categories": "key,name\nc,类\n", "types": "key,category,name\nt,c,子\nu,x,子\n"})
    assert (refused.value.line, refused.value.column) == (3, "category")
    ctx.connection.close()


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=200))
def test_any_text_is_either_taken_or_refused_with_a_place(text: str) -> None:
    try:
        found = reference.parse("groups", text)
    except ReferenceRefusedError as refused:
        assert refused.line >= 1
    else:
        assert all(key for key, _ in found)


@pytest.mark.parametrize("cell", ["yes", "true", "1", "是", " Yes "])
def test_these_cells_say_yes(cell: str) -> None:
    assert reference.is_true(cell)


@pytest.mark.parametrize("cell", ["no", "", None, "0", "proposed", "master"])
def test_all_others_say_no(cell: str | None) -> None:
    assert not reference.is_true(cell)
