"""A rule changed without code in a real browser: edited in the table, approved by another, obeyed, taken back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from engine.persistence import decision_log, definition
from tests.browser.conftest import NARROW, WIDE, Live, Open
from tests.browser.test_pages import violations

pytestmark = pytest.mark.browser

ROW = "urgency_supervisor_b"  # the usual report of the office: a 主管, not classified yet, which counts as B


def editor(page: Page) -> None:
    expect(page.locator("[data-ready='yes']")).to_be_visible()


def open_draft(page: Page) -> None:
    page.goto("/rules/urgency")
    page.get_by_role("button", name="改这张表").click()
    editor(page)


def test_one_cell_changed_in_the_table_moves_the_next_incident_and_returns_in_one_step(
    live: Live, open_page: Open, picture: Callable[..., None]
) -> None:
    before = live.office.incident(live.office.report())
    author = open_page("maintenance01")
    open_draft(author)
    cell = author.locator(f".editor td.output-cell[data-row-id='{ROW}']")
    cell.click()
    author.keyboard.press("Control+A")
    author.keyboard.type('"高"')
    expect(author.locator("[data-checked]")).to_be_visible()
    expect(author.locator("#check")).to_contain_text("行 9：紧急程度 中 → 高")
    picture(author, "rule-editor")
    author.get_by_role("button", name="保存草稿").click()
    expect(author.get_by_role("heading", level=1)).to_have_text("行 9：紧急程度 中 → 高")
    author.fill("#reason", "主管报告的事件须优先")
    author.locator("#submit button").click()
    expect(author.locator(".crumbs")).to_contain_text("待批准")

    approver = open_page("manager01")
    approver.goto(author.url)
    picture(approver, "rule-approve")
    approver.get_by_role("button", name="批准", exact=True).click()
    expect(approver.locator(".crumbs")).to_contain_text("已批准")

    changed = live.office.incident(live.office.report())
    assert (before["urgency"], changed["urgency"]) == ("中", "高")
    assert changed["priority"] < before["priority"]
    with live.office.desk.reading() as connection:
        query = (
            select(definition.c.version, decision_log.c.row_ids)
            .join(definition, definition.c.id == decision_log.c.definition_id)
            .where(definition.c.key == "urgency")
            .order_by(decision_log.c.id.desc())
        )
        assert connection.execute(query).first() == (2, [ROW])

    approver.goto("/rules/urgency?version=1")
    approver.locator("summary", has_text="恢复到第 1 版").click()
    approver.fill("#restore-reason", "误判太多")
    approver.locator(".more-body button", has_text="恢复到第 1 版").click()
    expect(approver.locator(".version-list li").first).to_contain_text("恢复到第 1 版：误判太多")
    assert live.office.incident(live.office.report())["urgency"] == "中"


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1440", "390"])
def test_pages_of_rules_have_no_accessibility_violation_and_never_scroll_sideways(
    open_page: Open, picture: Callable[..., None], size: tuple[int, int]
) -> None:
    page = open_page("maintenance01", size=size)
    found = {}
    page.goto("/rules/urgency")
    page.get_by_role("button", name="改这张表").click()
    draft = page.url
    for name, address in {
        "rules": "/rules",
        "rule": "/rules/urgency",
        "rule-draft": draft,
        "rule-row": f"{draft}?row={ROW}",
    }.items():
        page.goto(address)
        if size == WIDE and "drafts" in address:
            editor(page)
        picture(page, name)
        if trouble := violations(page):
            found[name] = trouble
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[f"{name} scrolls"] = ["sideways"]
    assert found == {}


def test_without_scripts_a_row_is_changed_by_a_plain_form(open_page: Open) -> None:
    page = open_page("maintenance01", scripts=False)
    page.goto("/rules/urgency")
    page.get_by_role("button", name="改这张表").click()
    page.locator("#row-urgency_supervisor_b a").click()
    page.fill("#cell-4", '"高"')
    page.get_by_role("button", name="保存这一行").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("行 9：紧急程度 中 → 高")
    expect(page.get_by_label("上传改好的 .dmn 文件")).to_be_visible()
