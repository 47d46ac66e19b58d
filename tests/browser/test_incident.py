"""The incident's page as a browser draws it: the live diagram, acts that are put away, paper."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Live, Open

pytestmark = pytest.mark.browser

AMBER = "rgb(255, 244, 222)"
RETURNED = {"answer": "return", "return_reason": "现象应当是接口超时，不是功能报错。"}


def returned(live: Live) -> str:
    """The address of an incident whose live step, 2.8, was passed before."""
    incident_id = live.office.dispatch()
    live.office.do(incident_id, "crm01", s2_9_accept=RETURNED)
    return f"/incidents/{live.office.incident(incident_id)['number']}"


def drawn(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("[data-drawn='yes']")).to_be_visible()


def test_the_live_step_is_amber_also_where_it_was_passed_before(live: Live, open_page: Open) -> None:
    page = open_page("reception01")
    drawn(page, returned(live))
    shape = page.locator("[data-element-id='s2_8_dispatch'] .djs-visual > :first-child")
    assert shape.evaluate("e => getComputedStyle(e).fill") == AMBER


def test_acts_that_cannot_be_undone_are_put_away(live: Live, open_page: Open) -> None:
    page = open_page("manager01")
    page.goto(returned(live))
    again = page.locator("summary:has-text('重新分派')")
    expect(again).to_be_hidden()
    page.click("summary[title='其他操作']")
    again.click()
    page.fill("#reassign-reason", "值班表已变更")
    page.click("[data-sheet='reassign'] .btn.danger")
    expect(page.locator(".time-line")).to_contain_text("重新分派")


def test_paper_carries_the_number_of_its_incident(live: Live, open_page: Open) -> None:
    page = open_page("reception01")
    address = returned(live)
    page.goto(address)
    page.emulate_media(media="print")
    expect(page.locator(".print-foot")).to_contain_text(address.rpartition("/")[2])


def test_a_toast_covers_no_fact_beside_the_form(live: Live, open_page: Open) -> None:
    page = open_page("reception01")
    page.goto(returned(live))
    page.fill("#say", "已联系客户")
    page.click("button:has-text('补充')")
    toast, aside = page.locator(".toast").bounding_box(), page.locator("aside").bounding_box()
    assert toast is not None
    assert aside is not None
    assert toast["x"] + toast["width"] <= aside["x"]
