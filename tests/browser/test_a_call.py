"""The main road through the pages: a call in two pages, then acceptance, investigation, resolution and closing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, Open

pytestmark = pytest.mark.browser


def identify(page: Page) -> None:
    page.fill("#s1_2_identify--customer_name", "市场部-经理岗")
    page.check("[name='s1_2_identify.customer_grade'][value='经理']", force=True)
    page.select_option("#s1_2_identify--department", index=1)
    page.fill("#s1_2_identify--phone", "０７３１-85550401")


def describe(page: Page, summary: str) -> None:
    page.fill("#s1_4_record--occurred_at", "15:20")
    page.fill("#s1_4_record--summary", summary)
    page.fill("#s1_4_record--details", "多个营业厅提交订单时报“系统繁忙”。")


def classify(page: Page) -> None:
    page.check("[name='s2_1_type.request_type'][value='故障']", force=True)
    page.select_option("#s2_2_classify--category", "crm")
    expect(page.locator("#s2_2_classify--type option[value='crm.app']")).to_have_count(1)
    page.select_option("#s2_2_classify--type", "crm.app")
    expect(page.locator("#s2_2_classify--symptom option[value='crm.app.error']")).to_have_count(1)
    page.select_option("#s2_2_classify--symptom", "crm.app.error")
    page.check("[name='s2_2_classify.impact'][value='2']", force=True)


@pytest.mark.proves("R003", "R065", "R067", "R078", "R079", "R081", "R213")
def test_a_call_is_recorded_classified_and_dispatched_in_two_pages(
    open_page: Open, picture: Callable[..., None]
) -> None:
    page = open_page("reception01")
    page.keyboard.press("n")
    page.wait_for_url("**/report")
    identify(page)
    describe(page, "CRM 提交订单报错")
    picture(page, "report-filled")
    page.keyboard.press("Control+Enter")

    expect(page.locator("h1")).to_contain_text("2.1 判断请求类型")
    expect(page.locator(".toast")).to_contain_text(re.compile(r"已登记 SJ261123-\d{3}"))
    classify(page)
    expect(page.locator(".computed .pri")).to_have_text(re.compile("1"))
    expect(page.locator("#s2_8_dispatch--group")).to_have_value("crm")
    picture(page, "classify-filled")
    page.click("[data-key='submit']")
    page.wait_for_url("**/work")
    expect(page.locator(".toast")).to_contain_text("已转到CRM组：2.9 进行事件分析")


@pytest.mark.proves("R128", "R199")
def test_an_incident_is_carried_from_dispatch_to_closing_through_the_pages(
    open_page: Open, picture: Callable[..., None]
) -> None:
    desk = open_page("reception01")
    desk.goto("/report")
    identify(desk)
    describe(desk, "城北营业厅提交订单报错")
    desk.click("[data-key='submit']")
    classify(desk)
    expect(desk.locator("#s2_8_dispatch--group")).to_have_value("crm")
    desk.click("[data-key='submit']")
    desk.wait_for_url("**/work")

    crm = open_page("crm02")
    crm.goto("/work?tab=pool")
    crm.click("a.title:has-text('城北营业厅提交订单报错')")
    crm.check("[name='s2_9_accept.answer'][value='accept']", force=True)
    expect(crm.locator("[data-key='submit']")).to_have_text("受理")
    crm.check("[name='s2_9_accept.answer'][value='return']", force=True)
    expect(crm.locator("[data-key='submit']")).to_have_text("退回服务台")
    crm.check("[name='s2_9_accept.answer'][value='accept']", force=True)
    picture(crm, "accept")
    crm.click("[data-key='submit']")

    expect(crm.locator("h1")).to_contain_text("3.1 事件分析和评估")
    crm.fill("#s3_1_analyse--analysis", "订单校验规则缓存没有刷新。")
    crm.fill("#s3_5_diagnose--diagnosis", "规则 V7 发布后缓存仍是 V6。")
    crm.check("[name='s3_6_try.found'][value='solution']", force=True)
    crm.fill("#s3_6_try--solution", "重载规则缓存。")
    picture(crm, "investigate")
    crm.click("[data-key='submit']")

    expect(crm.locator("h1")).to_contain_text("4.1 沟通解决方案")
    crm.check("[name='s4_1_agree.agreed'][value='true']", force=True)
    crm.fill("#s4_1_agree--answer", "15:30 电话，同意马上重载。")
    crm.fill("#s4_5_recover--action", "15:35 重载规则缓存。")
    crm.check("[name='s4_6_verify.restored'][value='true']", force=True)
    crm.fill("#s4_6_verify--verification", "两个营业厅各试提交一单，成功。")
    crm.select_option("#s4_6_verify--cause", index=1)
    crm.select_option("#s4_6_verify--close_code", "C01")
    crm.fill("#s4_6_verify--solution", "重载规则缓存。")
    picture(crm, "resolve")
    crm.click("[data-key='submit']")
    crm.wait_for_url("**/work")

    desk.goto("/work")
    desk.click("a.title:has-text('城北营业厅提交订单报错')")
    expect(desk.locator("h1")).to_contain_text("5.1 验证并检查记录")
    desk.check("[name='s5_1_check.complete'][value='true']", force=True)
    desk.check("[name='s5_3_ask.satisfied'][value='true']", force=True)
    desk.fill("#s5_3_ask--opinion", "已恢复，没有其他要求。")
    desk.click("[data-key='submit']")
    expect(desk.locator("h1")).to_contain_text("5.5 关闭事件单")
    expect(desk.locator("#s5_5_close--close_code")).to_have_value("C01")
    desk.click("[data-key='submit']")
    desk.wait_for_url("**/work")

    desk.goto("/incidents?q=城北营业厅提交订单报错")
    desk.click("a.title")
    expect(desk.locator(".crumbs .tag").first).to_have_text("已关闭")
    expect(desk.locator("[data-drawn='yes']")).to_be_visible()
    expect(desk.locator(".time-line")).to_contain_text("完成 5.5 关闭事件单")
    picture(desk, "incident-closed")


def test_a_call_needs_no_javascript(open_page: Open) -> None:
    page = open_page("reception01", scripts=False)
    page.goto("/report")
    page.check("[name='s1_4_record.source'][value='customer_service']", force=True)
    page.click("noscript button[value='source'], button[value='source']")
    identify(page)
    describe(page, "OCS 充值后余额未到账")
    page.fill("#s1_4_record--external_number", "KF-8871")
    page.fill("#s1_4_record--external_contact", "工单班 06 席")
    page.fill("#s1_4_record--external_deadline", "20:00")
    page.click("[data-key='submit']")
    expect(page.locator("h1")).to_contain_text("2.1 判断请求类型")
    page.check("[name='s2_1_type.request_type'][value='故障']", force=True)
    page.select_option("#s2_2_classify--category", "ocs")
    page.click("button[name='refresh']")
    page.select_option("#s2_2_classify--type", index=1)
    page.click("button[name='refresh']")
    page.select_option("#s2_2_classify--symptom", index=1)
    page.check("[name='s2_2_classify.impact'][value='3']", force=True)
    page.click("[data-key='submit']")
    page.wait_for_url("**/work")


def test_a_phone_shows_the_whole_call_without_sideways_scroll(open_page: Open, picture: Callable[..., None]) -> None:
    page = open_page("reception01", size=NARROW)
    page.goto("/report")
    page.click("[data-key='submit']")
    expect(page.locator("[data-focus]")).to_be_focused()
    picture(page, "report-refused")
    identify(page)
    describe(page, "营业厅打不开受理页面")
    page.click("[data-key='submit']")
    expect(page.locator("h1")).to_contain_text("2.1 判断请求类型")
    classify(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    picture(page, "classify-filled")


@pytest.mark.proves("R072", "R084")
def test_a_known_customer_is_found_and_the_source_decides_what_else_is_asked(open_page: Open) -> None:
    page = open_page("reception01")
    page.goto("/report")
    page.fill("#who", "0731-85550401")
    page.click("#found button")
    expect(page.locator("#s1_2_identify--customer_name")).to_have_value("市场部-经理岗")
    expect(page.locator("[name='s1_2_identify.customer_grade'][value='经理']")).to_be_checked()
    expect(page.locator("#found")).to_be_empty()
    expect(page.locator("#s1_4_record--alarm_number")).to_be_hidden()
    page.keyboard.press("Alt+4")
    expect(page.locator("[name='s1_4_record.source'][value='alarm']")).to_be_checked()
    expect(page.locator("#s1_4_record--alarm_number")).to_be_visible()
    expect(page.locator("#s1_4_record--alarm_account")).to_be_hidden()
    page.check("[name='s1_4_record.alarm_trigger'][value='manual']", force=True)
    expect(page.locator("#s1_4_record--alarm_account")).to_be_visible()


def test_a_prefilled_field_that_is_hidden_at_first_keeps_its_value_when_it_is_shown(open_page: Open) -> None:
    page = open_page("crm02")
    page.goto("/work?tab=pool")
    page.click("a.title >> nth=0")
    page.check("[name='s2_9_accept.answer'][value='accept']", force=True)
    page.click("[data-key='submit']")
    expect(page.locator("h1")).to_contain_text("3.1")
    page.fill("#s3_1_analyse--analysis", "批量任务占满连接。")
    page.fill("#s3_5_diagnose--diagnosis", "连接池耗尽。")
    page.check("[name='s3_6_try.found'][value='solution']", force=True)
    page.check("#s3_6_try--workaround")
    page.fill("#s3_6_try--solution", "先停批量任务。")
    page.click("[data-key='submit']")
    expect(page.locator("h1")).to_contain_text("4.1")
    expect(page.locator("#s4_6_verify--solution")).to_be_hidden()
    with page.expect_response("**/fields"):
        page.check("[name='s4_6_verify.restored'][value='true']", force=True)
    with page.expect_response("**/fields"):
        page.check("[name='s4_1_agree.agreed'][value='true']", force=True)
    expect(page.locator("#s4_6_verify--solution")).to_have_value("先停批量任务。")
    expect(page.locator("#s4_6_verify--close_code")).to_have_value("C02")


def test_a_double_click_records_one_incident(open_page: Open) -> None:
    page = open_page("reception01")
    page.goto("/report")
    identify(page)
    describe(page, "双击登记的事件")
    page.dblclick("[data-key='submit']")
    expect(page.locator("h1")).to_contain_text("2.1 判断请求类型")
    page.goto("/incidents?q=双击登记的事件")
    expect(page.locator("tr[data-row]")).to_have_count(1)


def test_long_texts_break_instead_of_pushing_the_page_aside(open_page: Open, picture: Callable[..., None]) -> None:
    page = open_page("reception01", size=NARROW)
    page.goto("/report")
    identify(page)
    describe(page, "ORA-01653" * 11)
    page.fill("#s1_4_record--details", "unable_to_extend_table_" * 60)
    page.click("[data-key='submit']")
    expect(page.locator("h1")).to_contain_text("2.1 判断请求类型")
    for address in (page.url, "/work?tab=pool", "/incidents", page.locator(".crumbs a").nth(1).get_attribute("href")):
        page.goto(address or "")
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0], address
    picture(page, "incident-long")


def test_a_call_is_not_lost_when_the_session_ends_while_it_is_written(open_page: Open) -> None:
    page = open_page("reception01")
    page.goto("/report")
    identify(page)
    describe(page, "会话过期前写下的概要")
    page.context.clear_cookies()
    page.click("[data-key='submit']")
    expect(page.locator("h1")).to_have_text("请先登录")
    page.click("main a.btn.first")
    page.fill("#account", "reception01")
    page.fill("#password", "lovem-demo")
    page.click("main button")
    page.wait_for_url("**/report")
    expect(page.locator("#s1_4_record--summary")).to_have_value("会话过期前写下的概要")
    expect(page.locator("[name='s1_2_identify.customer_grade'][value='经理']")).to_be_checked()
    expect(page.locator("[data-restored]")).to_be_visible()
    page.click("[data-key='submit']")
    expect(page.locator("h1")).to_contain_text("2.1")


def test_what_is_typed_in_a_task_survives_a_sheet_that_is_refused_or_not(open_page: Open) -> None:
    page = open_page("crm02")
    page.goto("/work?tab=pool")
    page.click("a.title >> nth=0")
    page.check("[name='s2_9_accept.answer'][value='accept']", force=True)
    page.click("[data-key='submit']")
    page.fill("#s3_1_analyse--analysis", "还没有保存的分析。")
    page.click("[data-sheet='hold'] summary")
    page.select_option("#hold-code", index=1)
    page.fill("#hold-until", "11-22 18:00")
    expect(page.locator("#hold-until-read")).to_contain_text("昨天 11-22 周日 18:00")
    page.fill("#hold-reason", "等用户回电")
    page.click("[data-sheet='hold'] button.first")
    expect(page.locator("[data-sheet='hold'] .error")).to_contain_text("预计结束")
    expect(page.locator("#hold-reason")).to_have_value("等用户回电")
    expect(page.locator("#s3_1_analyse--analysis")).to_have_value("还没有保存的分析。")
    page.fill("#hold-until", "18:00")
    expect(page.locator("#hold-until-read")).to_contain_text("今天 11-23 周一 18:00")
    page.click("[data-sheet='hold'] button.first")
    expect(page.locator(".toast")).to_contain_text("已置为等待")
    expect(page.locator("#s3_1_analyse--analysis")).to_have_value("还没有保存的分析。")
