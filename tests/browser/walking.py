"""How somebody walks through the pages: fill in fields by their names, send, and have each page looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

Look = Callable[..., None]


@dataclass
class Walker:
    """One person at one browser; ``look`` examines a page and keeps its picture."""

    page: Page
    look: Look

    def put(self, step: str, **values: str | bool) -> None:
        """Answer fields of one step as a person does: choose, tick, or type."""
        for key, value in values.items():
            put(self.page, f"{step}.{key}", value)

    def see(self, step: str, picture: str = "") -> None:
        """The page of a step is open; with the name of a picture it is examined."""
        expect(self.page.locator("h1")).to_contain_text(step, timeout=20_000)
        if picture:
            self.look(self.page, picture)

    def send(self, picture: str = "") -> None:
        """Have the page examined as it is filled in, and send it by its first button."""
        # Fields that come from the server are there before anything is sent: on a busy machine they may arrive late.
        expect(self.page.locator(".htmx-request")).to_have_count(0, timeout=20_000)
        if picture:
            self.look(self.page, picture)
        self.page.click("[data-key='submit']")

    def open(self, title: str, tab: str = "pool") -> None:
        """Open a piece of work from one of the lists."""
        self.page.goto(f"/work?tab={tab}")
        self.page.click(f"a.title:has-text('{title}')")

    def home(self, says: str = "") -> None:
        """After the last step one is back at one's work, which says what became of it."""
        self.page.wait_for_url("**/work*")
        if says:
            expect(self.page.locator(".toast")).to_contain_text(says)

    def visit(self, address: str, picture: str) -> None:
        """Open an address and have its page examined."""
        self.page.goto(address)
        self.look(self.page, picture)


def put(page: Page, name: str, value: str | bool) -> None:
    """Answer the field ``name``; True and False tick a box or choose 是 and 否."""
    found = page.locator(f"[name='{name}']:not([type='hidden'])")
    kind = found.first.evaluate("e => e.type || e.tagName")
    if kind == "radio":
        word = str(value).lower() if isinstance(value, bool) else value
        page.locator(f"[name='{name}'][value='{word}']").check(force=True)
    elif kind == "checkbox":
        found.set_checked(bool(value))
    elif kind == "select-one":
        _select(found, str(value))
    else:
        found.fill(str(value))


def _select(found: Locator, value: str) -> None:
    # Options of a tree arrive from the server after the choice before them.
    expect(found.locator(f"option[value='{value}']")).to_have_count(1)
    found.select_option(value)


def number(page: Page) -> str:
    """The incident's number, as the head of the page shows it."""
    found = re.search(r"SJ\d{6}-\d{3,}", page.locator(".crumbs").inner_text())
    assert found is not None
    return found.group()
