"""Every page in sight: no violation of WCAG 2.1 AA, no sideways scroll, the keyboard, conflicts, drafts, paper."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Open
from tests.conftest import ROOT

pytestmark = pytest.mark.browser

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
WIDTHS = (360, 390, 430, 600, 768, 960, 1024, 1280, 1440)
DESK_PAGES = {
    "work": "/work",
    "pool": "/work?tab=pool",
    "recorded": "/work?tab=recorded",
    "waiting": "/work?tab=waiting",
    "report": "/report",
    "incidents": "/incidents",
    "incidents-none": "/incidents?q=没有这样的事件",
    "not-found": "/incidents/SJ260101-999",
}


def every_page(page: Page) -> dict[str, str]:
    """Addresses of all pages, with one task and one incident of the demo."""
    found = dict(DESK_PAGES)
    for name, listing in (("task", "/work?tab=pool"), ("incident", "/incidents?state=closed")):
        page.goto(listing)
        found[name] = page.locator("a.title").first.get_attribute("href") or ""
    page.goto("/incidents?state=waiting")
    found["incident-waiting"] = page.locator("a.title").first.get_attribute("href") or ""
    return found


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("tags => axe.run(document, {runOnly: tags})", RULES)
    return [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in result["violations"]]


def settled(page: Page, address: str) -> None:
    page.goto(address)
    if page.locator("[data-diagram]").count():
        expect(page.locator("[data-drawn='yes']")).to_be_visible()


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1440", "390"])
def test_no_page_has_an_accessibility_violation(
    open_page: Open, picture: Callable[..., None], size: tuple[int, int]
) -> None:
    page = open_page("reception01", size=size)
    found = {}
    for name, address in every_page(page).items():
        settled(page, address)
        picture(page, name)
        if trouble := violations(page):
            found[name] = trouble
    stranger = open_page(size=size)
    stranger.goto("/")
    picture(stranger, "sign-in")
    assert violations(stranger) == []
    assert found == {}


def test_no_page_scrolls_sideways_from_360_to_1440_pixels(open_page: Open) -> None:
    page = open_page("reception01")
    found = []
    for name, address in every_page(page).items():
        settled(page, address)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append((name, width))
    assert found == []


def test_the_diagram_keeps_its_makers_logo_in_sight(open_page: Open) -> None:
    page = open_page("crm02")
    page.goto("/incidents?state=closed")
    page.locator("a.title").first.click()
    logo = page.locator(".bjs-powered-by")
    expect(logo).to_be_visible()
    logo.scroll_into_view_if_needed()
    covered = logo.evaluate(
        "e => { const r = e.getBoundingClientRect();"
        " return !e.contains(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2)) }"
    )
    assert not covered


def test_the_keyboard_walks_the_list_claims_and_opens(open_page: Open) -> None:
    page = open_page("reception01")
    page.wait_for_load_state()
    page.keyboard.press("2")
    page.wait_for_url("**/work?tab=pool")
    first = page.locator("tr[data-row]").nth(0).get_attribute("id")
    expect(page.locator("tr.on")).to_have_attribute("id", first or "")
    page.wait_for_load_state()
    page.keyboard.press("j")
    second = page.locator("tr[data-row]").nth(1)
    expect(second).to_have_class(re.compile("on"))
    title = second.locator("a.title").inner_text()
    tabs, badge = page.locator("#tabs b"), page.locator("#count-work")
    mine, free = int(tabs.nth(0).inner_text()), int(tabs.nth(1).inner_text())
    page.keyboard.press("c")
    taken = page.locator(".taken")
    expect(taken).to_contain_text("已领取")
    expect(taken).to_contain_text(title)
    expect(taken).to_contain_text("SJ26")
    expect(taken.locator("a:has-text('现在办理')")).to_be_focused()
    expect(tabs.nth(0)).to_have_text(str(mine + 1))
    expect(tabs.nth(1)).to_have_text(str(free - 1))
    expect(badge).to_contain_text(str(mine + 1))
    page.keyboard.press("1")
    page.wait_for_url("**/work?tab=mine")
    expect(page.locator("#list")).to_contain_text(title)
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.type("njk")
    expect(page.locator("#find")).to_have_value("njk")


@pytest.mark.proves("R312")
def test_a_late_page_keeps_what_was_typed_and_says_who_and_when(open_page: Open, picture: Callable[..., None]) -> None:
    early, late = open_page("crm01"), open_page("crm02")
    for page in (early, late):
        page.goto("/work?tab=pool")
        page.locator("a.title").first.click()
        page.check("[name='s2_9_accept.answer'][value='return']", force=True)
    late.fill("#s2_9_accept--return_reason", "现象应当是接口超时，不是功能报错。")
    early.check("[name='s2_9_accept.answer'][value='accept']", force=True)
    early.click("[data-key='submit']")
    expect(early.locator("h1")).to_contain_text("3.1")
    late.click("[data-key='submit']")
    note = late.locator("[data-focus]")
    expect(note).to_be_focused()
    expect(note).to_contain_text("CRM组-支持岗01 在 2026-11-23 15:40:00")
    expect(late.locator("main")).to_contain_text("现象应当是接口超时，不是功能报错。")
    picture(late, "conflict")


def test_a_page_whose_task_was_claimed_meanwhile_keeps_its_input(open_page: Open, picture: Callable[..., None]) -> None:
    early, late = open_page("crm01"), open_page("crm02")
    for page in (early, late):
        page.goto("/work?tab=pool")
        page.locator("a.title").first.click()
    late.check("[name='s2_9_accept.answer'][value='return']", force=True)
    late.fill("#s2_9_accept--return_reason", "现象应当是接口超时，不是功能报错。")
    early.click("[data-key='claim-this']")
    expect(early.locator("button:has-text('退回本组')")).to_be_visible()
    late.click("[data-key='submit']")
    expect(late.locator("[data-focus]")).to_contain_text("您填写的内容没有丢失")
    expect(late.locator("#s2_9_accept--return_reason")).to_have_value("现象应当是接口超时，不是功能报错。")
    picture(late, "conflict-claimed")


def test_a_draft_saves_itself_and_is_there_again_after_signing_out(open_page: Open) -> None:
    page = open_page("reception01")
    page.goto("/work?tab=pool")
    page.locator("a.title:has-text('专线')").first.click()
    task = page.url
    page.check("[name='s2_1_type.request_type'][value='咨询']", force=True)
    page.fill("#s2_8_dispatch--note", "客户催办")
    expect(page.locator("#saved")).to_contain_text("草稿已保存")
    again = open_page("reception01")
    again.goto(task)
    expect(again.locator("#s2_8_dispatch--note")).to_have_value("客户催办")
    expect(again.locator("[name='s2_1_type.request_type'][value='咨询']")).to_be_checked()


def test_an_incident_waits_and_goes_on_from_its_page(open_page: Open, picture: Callable[..., None]) -> None:
    page = open_page("reception01")
    page.goto("/incidents?q=专线报障")
    page.locator("a.title").first.click()
    page.wait_for_load_state()
    page.keyboard.press("w")
    page.select_option("#hold-code", "W01")
    page.fill("#hold-until", "11-25 18:00")
    page.fill("#hold-reason", "请客户补充工单号")
    picture(page, "hold")
    page.click(".more-body .btn.first")
    expect(page.locator(".crumbs .tag").first).to_have_text("等待 W01")
    expect(page.locator(".time-line")).to_contain_text("预计到 11-25 18:00")
    page.click("summary:has-text('恢复处理')")
    page.fill("#resume-reason", "客户已补充")
    page.click(".more-body .btn.first")
    expect(page.locator(".crumbs .tag").first).to_have_text("待分派")


def test_a_comment_stands_in_the_timeline(open_page: Open) -> None:
    page = open_page("reception01")
    page.goto("/incidents?q=专线报障")
    page.locator("a.title").first.click()
    page.wait_for_load_state()
    page.keyboard.press("m")
    expect(page.locator("#say")).to_be_focused()
    page.keyboard.type("客户来电催问，已说明进度。")
    page.select_option("#kind", "contact:phone")
    page.click("button:has-text('补充')")
    expect(page.locator(".time-line")).to_contain_text("与用户沟通（电话）")
    expect(page.locator(".time-line")).to_contain_text("客户来电催问，已说明进度。")


def test_an_incident_prints_without_bars_and_buttons(open_page: Open, picture: Callable[..., None]) -> None:
    page = open_page("reception01")
    page.goto("/incidents?state=closed")
    page.locator("a.title").first.click()
    expect(page.locator("[data-drawn='yes']")).to_be_visible()
    page.emulate_media(media="print")
    for part in (".top", ".bottom", ".comment", "main .btn"):
        for each in page.locator(part).all():
            expect(each).to_be_hidden()
    expect(page.locator(".print-foot")).to_contain_text("服务受理岗01 打印于 2026-11-23 15:40:00")
    page.pdf(path=str(ROOT / "artefacts" / "pages" / "incident.pdf"))
    picture(page, "incident-print")


def test_a_leader_lands_on_the_board_and_is_offered_nothing_to_do(open_page: Open) -> None:
    page = open_page("leaders01")
    expect(page).to_have_url(re.compile("/board$"))
    page.goto("/incidents")
    page.locator("a.title").first.click()
    expect(page.locator(".head .btn.first")).to_have_count(0)
    expect(page.locator("#say")).to_have_count(0)
