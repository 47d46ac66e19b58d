"""A live desk with the demo's incidents, and a real Chromium in front of it that reports every complaint."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from waitress.server import create_server

from tests.conftest import ROOT, chromium_path
from tests.office import Office
from webapp import demo
from webapp.app import create_app, desk_of
from webapp.settings import Settings
from webapp.shipped import deploy_shipped

NOW = datetime(2026, 11, 23, 7, 40, tzinfo=UTC)  # Monday 15:40 in Changsha
BUILD = ROOT / "webapp" / "static" / "build" / "manifest.json"
PICTURES = ROOT / "artefacts"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, NARROW = (1440, 900), (390, 844)


@pytest.fixture(scope="session")
def demo_database(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the shipped definitions and the demo's incidents; tests copy it."""
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    shutil.copyfile(_sqlite_template, path)
    app = create_app(Settings(database_url=f"sqlite:///{path}", demo=True), clock=lambda: NOW)
    desk = desk_of(app)
    deploy_shipped(desk, update=True)
    demo.load(desk)
    with desk.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    desk.engine.dispose()
    return path


@dataclass
class Live:
    """A served desk: its address, its people, and the complaints of all browsers that look at it."""

    url: str
    office: Office
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def live(demo_database: Path, tmp_path: Path) -> Iterator[Live]:
    """The demo served on a free port of the loopback; any console error or refused style fails the test."""
    if not BUILD.exists():
        pytest.fail("The browser's assets are not built: run npm ci --ignore-scripts && npm run build.")
    path = tmp_path / "live.db"
    shutil.copyfile(demo_database, path)
    app = create_app(Settings(database_url=f"sqlite:///{path}", demo=True), clock=lambda: NOW)
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    office = Office(desk_of(app).engine)
    office.now = NOW
    found = Live(f"http://127.0.0.1:{server.effective_port}", office)
    yield found
    server.close()
    thread.join(timeout=10)
    desk_of(app).engine.dispose()
    assert not found.complaints, found.complaints


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests; each test gets contexts of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        browser.close()


Open = Callable[..., Page]


@pytest.fixture
def open_page(live: Live, chromium: Browser) -> Iterator[Open]:
    """Open a browser of one's own: ``open_page("crm01", size=NARROW, scripts=False)`` signs that account in."""
    contexts: list[BrowserContext] = []

    def open_one(account: str | None = None, *, size: tuple[int, int] = WIDE, scripts: bool = True) -> Page:
        context = chromium.new_context(
            base_url=live.url,
            viewport={"width": size[0], "height": size[1]},
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: _listen(live, message.type, message.text))
        page.on("pageerror", lambda error: live.complaints.append(str(error)))
        if account:
            page.goto("/sign-in")
            page.fill("#account", account)
            page.fill("#password", demo.PASSWORD)
            page.click("main button")
            page.wait_for_url(lambda url: "sign-in" not in url)
        return page

    yield open_one
    for context in contexts:
        context.close()


def _listen(live: Live, kind: str, text: str) -> None:
    # A 409 or 422 is a page like any other; the browser reports its status as an error.
    if kind in {"error", "warning"} and "status of 4" not in text:
        live.complaints.append(text)


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Keep a screenshot below artefacts/, which is not committed."""

    def keep(page: Page, name: str) -> None:
        folder = PICTURES / os.environ.get("LOVEM_PICTURES", "pages")
        folder.mkdir(parents=True, exist_ok=True)
        # A whole page in one picture has no lower edge to which the bars could stick.
        page.evaluate("scrollTo(0, 0); document.querySelectorAll('.acts').forEach(e => e.style.position = 'static')")
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.screenshot(path=folder / f"{name}-{width}.png", full_page=True, animations="disabled")
        page.evaluate("document.querySelectorAll('.acts').forEach(e => e.style.position = '')")

    return keep


@pytest.fixture
def look(live: Live, picture: Callable[..., None]) -> Callable[..., None]:
    """Examine a page and keep its picture: WCAG 2.1 AA, no sideways scroll; what is found fails the test at its end."""

    def one(page: Page, name: str, *, scripts: bool = True) -> None:
        page.wait_for_load_state()
        if scripts and page.locator("[data-diagram]").count():
            expect(page.locator("[data-drawn='yes']")).to_be_visible()
        picture(page, f"road-{name}")
        width = page.viewport_size["width"] if page.viewport_size else 0
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            live.complaints.append(f"{name} at {width}: scrolls sideways")
        if scripts:  # axe waits for a timer, which a page without scripts does not have
            live.complaints.extend(f"{name} at {width}: {trouble}" for trouble in violations(page))

    return one


def violations(page: Page) -> list[str]:
    """What axe finds on a page: the rule and the first element that breaks it."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("tags => axe.run(document, {runOnly: tags})", RULES)
    return [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in result["violations"]]
