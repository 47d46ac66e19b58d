"""Decision tables as sheets: cells in words, edits that touch one row, differences, and a draft on new ground."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.decisions import load_model
from engine.errors import NotFoundError
from tests.conftest import ROOT
from webapp.sheets import edit
from webapp.sheets.difference import difference
from webapp.sheets.merge import merge
from webapp.sheets.remarks import remarks
from webapp.sheets.sheet import Sheet, listed, read_sheet, words

DECISIONS = ROOT / "processes" / "decisions"
URGENCY = (DECISIONS / "urgency.dmn").read_bytes()
ROW = "urgency_external_b"


def sheet(file: bytes) -> Sheet:
    found = read_sheet(file, "urgency")
    assert found is not None
    return found


def answering(file: bytes, row: str, answer: str, note: str | None = None) -> bytes:
    """The file with another answer in one row."""
    found = sheet(file).row(row)
    assert found is not None
    return edit.change_row(file, "urgency", row, [*found.cells[:-1], answer], found.note if note is None else note)


def said(old: bytes, new: bytes) -> list[str]:
    return difference(old, new, "urgency").sentences


@pytest.mark.parametrize(
    ("cell", "output", "text"),
    [
        ("", False, "任意"),
        ("-", False, "任意"),
        ("", True, "（空）"),
        ('"高"', True, "高"),
        ('"主管","外部转派"', False, "主管、外部转派"),
        ('not("经理")', False, "除 经理 外"),
        ("true", False, "是"),
        ("[1..3]", False, "[1..3]"),
        ('"a" + "b"', True, '"a" + "b"'),
    ],
)
def test_a_cell_reads_as_words(cell: str, output: bool, text: str) -> None:
    assert words(cell, output=output) == text


@pytest.mark.parametrize(("text", "values"), [('"A","B"', ["A", "B"]), ("1,2", ["1", "2"]), ("a,b", None), ("", None)])
def test_a_list_of_values_is_read_and_nothing_else(text: str, values: list[str] | None) -> None:
    assert listed(text) == values


@pytest.mark.parametrize("path", sorted(DECISIONS.glob("*.dmn")), ids=lambda path: path.stem)
def test_every_shipped_table_is_a_sheet_without_remarks_and_equal_to_itself(path: object) -> None:
    file = (DECISIONS / str(path)).read_bytes()
    key = load_model(file).decisions[0].id
    assert read_sheet(file, key) is not None
    assert remarks(file, file, key) == []
    assert not difference(file, file, key)


def test_an_edit_of_one_row_leaves_everything_else_as_it_is_written() -> None:
    changed = answering(URGENCY, ROW, '"高"')
    before, after = URGENCY.decode().splitlines(), changed.decode().splitlines()
    assert len(before) == len(after)
    different = [(a, b) for a, b in zip(before[1:], after[1:], strict=True) if a != b]
    assert [(a.strip(), b.strip()) for a, b in different if "text" in a] == [('<text>"中"</text>', '<text>"高"</text>')]


def test_a_change_is_told_cell_by_cell() -> None:
    assert said(URGENCY, answering(URGENCY, ROW, '"高"', "新说明")) == [
        "行 15：紧急程度 中 → 高，说明 外部转派 × B 类（规则二） → 新说明"
    ]


def test_rows_that_were_added_removed_or_moved_are_told() -> None:
    added = edit.add_row(URGENCY, "urgency", ROW, ['"经理"', "", "", "", '"低"'], "")
    assert said(URGENCY, added) == ["新增行 16：用户类型 经理 → 紧急程度 低"]
    removed = edit.remove_row(URGENCY, "urgency", "urgency_unknown")
    assert said(URGENCY, removed) == ["删除行 17：任何情形 → 紧急程度 中"]
    moved = said(URGENCY, edit.move_row(URGENCY, "urgency", ROW, up=True))
    assert len(moved) == 1
    assert "换了位置" in moved[0]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (b'hitPolicy="FIRST"', b'hitPolicy="ANY"', "命中方式："),
        (
            b'"\xe9\xab\x98","\xe4\xb8\xad","\xe4\xbd\x8e"',
            b'"\xe9\xab\x98","\xe4\xb8\xad"',
            "输出列“紧急程度”的允许的值：",
        ),
        (b"<text>class</text>", b"<text>kind</text>", "删除输入列“类别重要程度”"),
        ("客户类型与类别交叉".encode(), "两者交叉".encode(), "表以外的内容"),
    ],
)
def test_changes_of_the_head_are_told(old: bytes, new: bytes, sentence: str) -> None:
    assert any(text.startswith(sentence) for text in said(URGENCY, URGENCY.replace(old, new)))


def test_rows_without_their_ids_are_known_again_by_their_cells() -> None:
    renamed = URGENCY.replace(b'<rule id="urgency_', b'<rule id="other_')
    assert said(URGENCY, answering(renamed, "other_external_b", '"高"')) == ["行 15：紧急程度 中 → 高"]


@pytest.mark.parametrize(
    "act",
    [
        lambda file: edit.change_row(file, "urgency", "gone", [], ""),
        lambda file: edit.remove_row(file, "urgency", "gone"),
        lambda file: edit.move_row(file, "urgency", "gone", up=True),
        lambda file: edit.remove_row(file, "other", ROW),
    ],
)
def test_a_row_that_is_not_there_is_not_found(act: Callable[[bytes], bytes]) -> None:
    with pytest.raises(NotFoundError):
        act(URGENCY)


def test_a_row_at_the_edge_stays_where_it_is() -> None:
    assert said(URGENCY, edit.move_row(URGENCY, "urgency", "urgency_complaint", up=True)) == []
    assert said(URGENCY, edit.move_row(URGENCY, "urgency", "urgency_unknown", up=False)) == []


def test_a_draft_on_new_ground_keeps_what_both_changed() -> None:
    draft = edit.add_row(answering(URGENCY, ROW, '"高"'), "urgency", "urgency_complaint", ['"经理"'], "新")
    present = answering(URGENCY, "urgency_external_c", '"低"')
    merged = merge(URGENCY, draft, present, "urgency")
    assert merged.both == ()
    assert said(present, merged.content) == ["新增行 2：用户类型 经理 → 紧急程度 （空）", "行 16：紧急程度 中 → 高"]


def test_where_both_changed_a_cell_the_draft_stands_and_it_is_told() -> None:
    draft, present = answering(URGENCY, ROW, '"高"'), answering(URGENCY, ROW, '"低"')
    merged = merge(URGENCY, draft, present, "urgency")
    assert said(present, merged.content) == ["行 15：紧急程度 低 → 高"]
    assert merged.both == ("行 15：紧急程度 两边都改了，保留草稿的值",)


def test_a_row_that_only_one_side_removed_is_told() -> None:
    draft, present = answering(URGENCY, ROW, '"高"'), edit.remove_row(URGENCY, "urgency", ROW)
    assert "现行版本已删除这一行" in merge(URGENCY, draft, present, "urgency").both[0]
    assert "草稿删除了它" in merge(URGENCY, present, draft, "urgency").both[0]


def test_other_columns_keep_the_draft_as_it_is() -> None:
    present = URGENCY.replace(b"<text>class</text>", b"<text>kind</text>")
    merged = merge(URGENCY, answering(URGENCY, ROW, '"高"'), present, "urgency")
    assert merged.whole


def test_an_overlap_is_an_error_with_both_rows_and_an_example() -> None:
    file = (DECISIONS / "priority.dmn").read_bytes()
    found = read_sheet(file, "priority")
    assert found is not None
    twice = edit.add_row(file, "priority", None, found.rows[0].cells, "")
    (remark,) = remarks(twice, file, "priority")
    assert remark.severity == "error"
    assert [number for _, number in remark.rows] == [1, 13]
    assert dict(remark.example) == {"影响程度": "1", "紧急程度": "高"}
