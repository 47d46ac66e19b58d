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
