"""The whole road as each role walks it: every page on the way is examined, and its picture kept below artefacts/."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Live, Open
from tests.browser.walking import Look, Walker, number

pytestmark = pytest.mark.browser

Walk = Callable[..., Walker]
PICTURE = {"name": "截图.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n" + b"0" * 64}
FAULT = {"request_type": "故障"}
TREE = {"category": "crm", "type": "crm.app", "symptom": "crm.app.error", "impact": "2"}
KEEPERS = {
    "processes": "/processes",
    "process": "/processes/stage_4_resolve",
    "rules": "/rules",
    "rule": "/rules/priority",
    "reference": "/admin/reference",
    "instances": "/admin/instances",
    "rights": "/admin/rights",
    "tokens": "/tokens",
}


@pytest.fixture
def walk(open_page: Open, look: Look) -> Walk:
    """Sign somebody in and let him walk: ``walk("crm01", size=NARROW)``."""

    def start(account: str, *, size: tuple[int, int] = WIDE, scripts: bool = True) -> Walker:
        return Walker(open_page(account, size=size, scripts=scripts), partial(look, scripts=scripts))

    return start


def take_first(walker: Walker) -> None:
    """Open what the own group was given."""
    walker.page.goto("/work?tab=pool")
    walker.page.click("a.title >> nth=0")


@pytest.mark.proves("R072", "R080", "R199")
def test_a_call_becomes_a_change_and_is_closed_when_that_has_helped(walk: Walk) -> None:
    desk = walk("reception01")
    desk.page.goto("/report")
    desk.look(desk.page, "report-1-empty")
    desk.page.fill("#who", "0731-85550401")
    desk.page.click("#found button")
    expect(desk.page.locator("#s1_2_identify--customer_name")).to_have_value("市场部-经理岗")
    details = "开户受理提交时提示“号码资源锁定失败”，两个台席都一样。"
    desk.put("s1_4_record", occurred_at="15:20", summary="城中营业厅 CRM 开户界面又报错", details=details)
    expect(desk.page.locator("#alike li").first).to_contain_text("城中营业厅 CRM 开户界面报错")
    desk.page.set_input_files("#files", PICTURE)
    desk.send("report-2-filled")
    desk.see("2.1 判断请求类型")
    found = number(desk.page)
    expect(desk.page.locator("#facts")).to_contain_text("截图.png")
    desk.put("s2_1_type", **FAULT)
    desk.put("s2_2_classify", **TREE)
    expect(desk.page.locator("#s2_8_dispatch--group")).to_have_value("crm")
    desk.send("report-3-classified")
    desk.home("已转到CRM组")

    crm = walk("crm01")
    crm.open("CRM 开户界面又报错")
    crm.see("2.9 进行事件分析", "support-1-accept")
    crm.put("s2_9_accept", answer="accept")
    crm.send()
    crm.see("3.1 事件分析和评估")
    crm.put("s3_1_analyse", analysis="号码资源表有未释放的锁。")
    crm.put("s3_5_diagnose", diagnosis="号码池清理作业的参数不对。")
    crm.put("s3_6_try", found="solution", solution="修改清理作业的参数。")
    crm.send("support-2-investigated")
    crm.see("4.1 沟通解决方案")
    crm.put("s4_1_agree", agreed=True, answer="15:45 电话，同意今晚修改。", next="change")
    crm.send("support-3-agreed")
    crm.see("4.2 创建变更请求")
    crm.put("s4_2_change", title="修改号码池清理作业的参数", details="把锁的保留时间改为 5 分钟。")
    crm.send("support-4-change")
    crm.home()
    crm.visit(f"/incidents/{found}", "support-5-waits")

    lead = walk("change-lead")
    lead.look(lead.page, "change-1-work")
    lead.open("修改号码池清理作业")
    lead.see("审批变更", "change-2-approve")
    lead.put("change_approve", decision="approved", opinion="同意，今晚 22:00 后实施。")
    lead.send()
    lead.home("已转到变更管理：实施变更")
    implementer = walk("change01")
    implementer.open("修改号码池清理作业")
    implementer.see("实施变更", "change-3-implement")
    expect(implementer.page.locator("#child")).to_contain_text("批准")
    implementer.put("change_implement", implementation="22:10 修改参数并重启作业。")
    implementer.send()
    implementer.home()
    implementer.open("修改号码池清理作业")
    implementer.see("验证变更")
    implementer.put("change_verify", success=True, result="锁按时释放。")
    implementer.send("change-4-verified")
    implementer.home()

    crm.open("CRM 开户界面又报错", "mine")
    crm.see("4.6 验证解决结果", "support-6-result")
    done = {
        "restored": True,
        "verification": "两个台席各开一户，成功。",
        "cause": "crm.app.config",
        "close_code": "C01",
    }
    crm.put("s4_6_verify", **done)
    crm.send()
    crm.home()

    desk.open("CRM 开户界面又报错", "mine")
    desk.see("5.1 验证并检查记录")
    desk.put("s5_1_check", complete=True)
    desk.put("s5_3_ask", satisfied=True, opinion="已恢复，没有其他要求。")
    desk.send("close-1-asked")
    desk.see("5.5 关闭事件单", "close-2-close")
    desk.send()
    desk.home()
    desk.visit(f"/incidents/{found}", "close-3-closed")
    desk.page.click("#children a.title")
    desk.look(desk.page, "close-4-change")


@pytest.mark.proves("R199")
def test_a_customer_reports_answers_and_confirms_on_a_phone(walk: Walk) -> None:
    customer, desk = walk("customer01", size=NARROW), walk("reception01", size=NARROW)
    customer.look(customer.page, "my-1-list")
    customer.page.fill("#my-summary", "报表系统登录后空白")
    customer.page.fill("#my-details", "上午开始，登录后页面空白，换电脑也一样。")
    customer.page.click("form:has(#my-summary) button")
    customer.page.wait_for_url(re.compile(r"/my/\d+"))
    address = customer.page.url
    customer.look(customer.page, "my-2-reported")

    desk.visit("/work?tab=pool", "portal-1-pool")
    desk.open("报表系统登录后空白")
    desk.see("1.2 识别并验证请求来源")
    desk.put("s1_4_record", occurred_at="09:00", scope="more", needed="用的是哪个浏览器？")
    desk.send("portal-2-more")
    desk.home("1.5 等待进一步信息")
    customer.visit(address, "my-3-asked")
    customer.page.fill("#act-answer", "Chrome 和 Edge 都试过。")
    customer.page.click("button:has-text('提交答复')")
    expect(customer.page.locator(".toast")).to_contain_text("已收到您的答复")

    desk.open("报表系统登录后空白")
    desk.see("1.4 判断服务范围", "portal-3-scope")
    expect(desk.page.locator("#facts")).to_contain_text("Chrome 和 Edge 都试过。")
    desk.put("s1_4_scope", scope="in")
    desk.send()
    desk.home("2.1 判断请求类型")
    desk.open("报表系统登录后空白")
    desk.put("s2_1_type", request_type="咨询", answered=True, answer="清除浏览器缓存后再登录即可。")
    desk.send("portal-4-answered")
    desk.see("5.1 验证并检查记录", "portal-5-check")
    customer.visit(address, "my-4-confirm")
    customer.page.click("button:has-text('已恢复')")
    expect(customer.page.locator(".toast")).to_be_visible()
    customer.look(customer.page, "my-5-confirmed")


@pytest.mark.proves("R001", "R023")
def test_a_manager_decides_on_an_escalation_and_the_leaders_read(walk: Walk, live: Live) -> None:
    found = live.office.incident(live.office.accept())["number"]
    crm = walk("crm01")
    crm.page.goto(f"/incidents/{found}")
    crm.page.click("summary[title='其他操作']")
    crm.page.click("summary:has-text('升级')")
    crm.page.select_option("#escalate-code", index=1)
    crm.page.fill("#escalate-reason", "需要厂商到场")
    crm.look(crm.page, "escalation-1-sheet")
    crm.page.click("[data-sheet='escalate'] .btn.first")
    expect(crm.page.locator(".crumbs")).to_contain_text("已升级")

    manager = walk("manager01")
    manager.visit("/board", "escalation-2-board")
    manager.page.click(f"tr:has-text('{found}') a.btn:has-text('决定')")
    manager.see("2.10 决定升级事件怎么办", "escalation-3-decide")
    manager.put("s2_10_decide", decision="reassign", note="改由运行组处理")
    manager.send()
    manager.home()
    manager.page.goto(f"/incidents/{found}")
    manager.page.click("a:has-text('办理 2.8')")
    manager.see("2.8 分派事件")
    manager.put("s2_8_dispatch", group="operations", note="由运行组联系厂商")
    manager.send("escalation-4-dispatch")
    manager.home("已转到运行组")

    reader = walk("leaders01")
    for name, address in (("board", "/board"), ("incident", f"/incidents/{found}")):
        reader.visit(address, f"leaders-{name}")
        expect(reader.page.locator("main form[method='post']")).to_have_count(0)


@pytest.mark.proves("R052")
def test_others_check_work_and_look_for_the_cause(walk: Walk, live: Live) -> None:
    incident_id = live.office.accept()
    live.office.do(incident_id, "crm01", "s3_1_analyse", "s3_3_confirm", "s3_5_diagnose", "s3_6_try")
    found = live.office.incident(incident_id)["number"]
    crm = walk("crm01")
    crm.open("开户界面报错", "mine")
    crm.put("s4_1_agree", agreed=True, answer="同意扩容", next="requirement")
    crm.send()
    crm.see("4.3 创建需求请求")
    crm.put("s4_3_create", kind="maintenance", title="号码池容量扩充", details="按现网用量扩一倍")
    crm.send("check-1-requirement")
    crm.home()
    planning = walk("planning01")
    take_first(planning)
    planning.see("协查需求")
    planning.put("joint_check_answer", confirmed=False, answer="容量够用，不需要扩")
    planning.send("check-2-answered")
    planning.home()

    crm.open("开户界面报错", "mine")
    crm.see("3.6 试图解决事件", "check-3-rejected")
    crm.put("s3_6_try", found="solution", solution="请运行组清理会话", cause="crm.app.config")
    crm.send()
    crm.put("s4_1_agree", agreed=True, answer="同意清理", next="tasks")
    crm.send()
    crm.see("4.4 任务分解并分派")
    crm.put("s4_4_split", group="operations", title="清理异常会话", details="清理三个会话", more=True)
    crm.send("tasks-1-split")
    expect(crm.page.locator("#s4_4_split--title")).to_have_value("")
    crm.put("s4_4_split", group="support", title="检查锁等待", details="看有没有新的锁", more=False)
    crm.send()
    crm.home()
    crm.visit(f"/incidents/{found}", "tasks-2-incident")
    for account, title in (("operations-bss01", "清理异常会话"), ("support-database01", "检查锁等待")):
        helper = walk(account, size=NARROW)
        helper.open(title)
        helper.see("受理任务")
        helper.put("task_complete", done=True, feedback="已做完")
        helper.send(f"tasks-3-{account}")
        helper.home()

    crm.open("开户界面报错", "mine")
    crm.see("4.6 验证解决结果", "tasks-4-verify")
    crm.put("s4_6_verify", restored=False, verification="又出现一次")
    crm.send()
    crm.see("3.1 事件分析和评估")
    crm.put("s3_1_analyse", analysis="厂商缺陷")
    crm.put("s3_5_diagnose", diagnosis="会话池缺陷")
    crm.put("s3_6_try", found="problem", workaround=True, solution="每日清理会话", cause="crm.app.config")
    crm.send("problem-1-handed-over")
    crm.home("5.1 验证并检查记录")
    problem = walk("problem01")
    take_first(problem)
    problem.see("分析问题", "problem-2-analyse")
    problem.put("problem_analyse", analysis="读了厂商的说明", cause="会话池不释放连接")
    problem.send()
    problem.see("解决问题")
    problem.put("problem_solve", solved=True, solution="升级厂商补丁")
    problem.send("problem-3-solve")
    problem.home()
    crm.visit(f"/incidents/{found}", "problem-4-incident")


@pytest.mark.parametrize(("account", "size"), [("maintenance01", WIDE), ("owner01", NARROW)])
def test_keepers_of_the_process_read_what_they_keep(walk: Walk, account: str, size: tuple[int, int]) -> None:
    keeper = walk(account, size=size)
    for name, address in KEEPERS.items():
        keeper.visit(address, f"keeper-{name}")


def reach(page: Page, name: str, *, most: int = 30) -> None:
    """Press Tab until the field ``name`` has the focus."""
    for _ in range(most):
        if page.evaluate("name => document.activeElement.name === name", name):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{name} is not reached by {most} presses of Tab")


def choose(page: Page, value: str, key: str = "ArrowRight") -> None:
    """Move in a list of choices until ``value`` is chosen."""
    chosen = "() => { const e = document.activeElement; return e.type === 'radio' && !e.checked ? '' : e.value }"
    for _ in range(30):
        if page.evaluate(chosen) == value:
            return
        page.keyboard.press(key)
    pytest.fail(f"{value} is not among the choices")


@pytest.mark.proves("R003")
def test_a_call_is_recorded_and_dispatched_without_a_mouse(open_page: Open) -> None:
    page = open_page("reception01")
    page.wait_for_load_state()
    page.keyboard.press("n")
    page.wait_for_url("**/report")
    expect(page.locator("#who")).to_be_focused()
    page.keyboard.type("0731-85550401")
    expect(page.locator("#found button")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#found button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#s1_4_record--summary")).to_be_focused()
    page.keyboard.type("前台打不开受理页面")
    reach(page, "s1_4_record.details")
    page.keyboard.type("三个台席都一样。")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(page.locator("#s1_4_record--occurred_at")).to_be_focused()
    page.keyboard.type("15:20")
    page.keyboard.press("Control+Enter")

    expect(page.locator("h1")).to_contain_text("2.1 判断请求类型")
    reach(page, "s2_1_type.request_type")
    page.keyboard.press("Space")
    choose(page, "故障")
    for field in ("category", "type", "symptom"):
        expect(page.locator(f"#s2_2_classify--{field} option[value='{TREE[field]}']")).to_be_attached()
        reach(page, f"s2_2_classify.{field}")
        choose(page, TREE[field], "ArrowDown")
    reach(page, "s2_2_classify.impact")
    page.keyboard.press("Space")
    choose(page, "2")
    expect(page.locator("#s2_8_dispatch--group")).to_have_value("crm")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/work")
    expect(page.locator(".toast")).to_contain_text("已转到CRM组")


@pytest.mark.proves("R199")
def test_an_incident_is_carried_from_the_call_to_closing_without_javascript(walk: Walk) -> None:
    desk = walk("reception01", scripts=False, size=NARROW)
    desk.page.goto("/report")
    desk.put("s1_2_identify", customer_name="市场部-经理岗", customer_grade="经理", phone="0731-85550401")
    desk.page.select_option("#s1_2_identify--department", index=1)
    desk.put("s1_4_record", occurred_at="15:20", summary="前台打印小票空白", details="两个营业厅都一样。")
    desk.send()
    desk.see("2.1 判断请求类型")
    desk.put("s2_1_type", **FAULT)
    for field in ("category", "type", "symptom"):
        desk.put("s2_2_classify", **{field: TREE[field]})
        desk.page.click("button[name='refresh'] >> nth=0")
    desk.put("s2_2_classify", impact="3")
    desk.send("bare-1-classified")
    desk.home()

    crm = walk("crm01", scripts=False, size=NARROW)
    crm.open("前台打印小票空白")
    crm.put("s2_9_accept", answer="accept")
    crm.send("bare-2-accept")
    crm.see("3.1 事件分析和评估")
    crm.put("s3_1_analyse", analysis="模板缺失。")
    crm.put("s3_5_diagnose", diagnosis="模板没有发布。")
    crm.put("s3_6_try", found="solution")
    crm.page.click("#s3_6_try button[name='refresh']")
    crm.put("s3_6_try", solution="重新发布模板。")
    crm.send("bare-3-investigated")
    crm.see("4.1 沟通解决方案")
    crm.put("s4_1_agree", agreed=True, answer="同意。")
    crm.page.click("#s4_1_agree button[name='refresh']")
    crm.put("s4_5_recover", action="发布模板。")
    crm.put("s4_6_verify", restored=True)
    crm.page.click("#s4_6_verify button[name='refresh']")
    done = {"restored": True, "verification": "试打成功。", "cause": "crm.app.config", "close_code": "C01"}
    crm.put("s4_6_verify", **done)
    crm.send("bare-4-verified")
    crm.home()

    desk.open("前台打印小票空白", "mine")
    desk.see("5.1 验证并检查记录")
    desk.put("s5_1_check", complete=True)
    desk.put("s5_3_ask", satisfied=True, opinion="满意。")
    desk.send("bare-5-asked")
    desk.see("5.5 关闭事件单")
    desk.send()
    desk.home()
    desk.page.goto("/incidents?q=前台打印小票空白")
    desk.page.click("a.title")
    desk.look(desk.page, "bare-6-closed")
    expect(desk.page.locator(".crumbs")).to_contain_text("已关闭")
