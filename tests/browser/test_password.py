"""The page on which a password is changed, as whoever must change it first sees it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Live, Open
from webapp import auth, demo, people

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_a_password_that_another_person_chose_is_changed_first(
    live: Live, open_page: Open, look: Callable[[Page, str], None], size: tuple[int, int]
) -> None:
    hashed = auth.hash_password(demo.PASSWORD)
    with live.office.desk.unit_of_work("test") as ctx:
        people.set_password(ctx, "crm02", hashed, must_change=True)
    page = open_page("crm02", size=size)
    expect(page.locator("main h1")).to_have_text("修改密码")
    look(page, "password-first")
    for field, typed in (("current", demo.PASSWORD), ("new", "another horse battery"), ("again", "a slip")):
        page.fill(f"#{field}", typed)
    page.click("main button")
    expect(page.locator("#again-error")).to_be_visible()
    look(page, "password-refused")
    for field, typed in (
        ("current", demo.PASSWORD),
        ("new", "another horse battery"),
        ("again", "another horse battery"),
    ):
        page.fill(f"#{field}", typed)
    page.click("main button")
    page.wait_for_url("**/work**")
