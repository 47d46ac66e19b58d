"""Pages of processes and administration in sight: no violation of WCAG 2.1 AA, no sideways scroll, steps in place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, WIDE, Open
from tests.browser.test_pages import settled, violations

pytestmark = pytest.mark.browser

PAGES = {
    "processes": "/processes",
    "process": "/processes/stage_2_classify",
    "process-form": "/processes/forms/accept",
    "admin": "/admin",
    "admin-person": "/admin/people/crm01",
    "admin-groups": "/admin/groups",
    "admin-references": "/admin/reference",
    "admin-reference": "/admin/reference/groups?row=crm",
    "admin-instances": "/admin/instances",
    "admin-rights": "/admin/rights",
    "admin-deployments": "/admin/deployments",
}


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1440", "390"])
def test_no_page_has_an_accessibility_violation_or_scrolls_sideways(
    open_page: Open, picture: Callable[..., None], size: tuple[int, int]
) -> None:
    page = open_page("owner01", size=size)
    found: dict[str, list[str]] = {}
    for name, address in PAGES.items():
        settled(page, address)
        picture(page, name)
        if trouble := violations(page):
            found[name] = trouble
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[f"{name} scrolls"] = ["sideways"]
    assert found == {}


@pytest.mark.proves("R013")
def test_a_click_on_a_step_of_the_diagram_opens_its_row(open_page: Open) -> None:
    page = open_page("owner01")
    settled(page, "/processes/stage_2_classify")
    page.locator(".diagram [data-element-id='s2_9_accept'] .djs-hit").first.click(force=True)
    expect(page.locator("#step-s2_9_accept")).to_be_in_viewport()
    assert page.url.endswith("#step-s2_9_accept")
