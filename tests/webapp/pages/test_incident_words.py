"""What the pages tell about an incident that went back and forth: facts beside a form, clocks, the timeline."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.office import ROAD, Office
from tests.webapp.pages.conftest import NOW, statements
from webapp import desk as verbs
from webapp.app import desk_of

SignIn = Callable[[str], FlaskClient]
INVESTIGATION = [step for step in ROAD if step.startswith("s3")]
RESOLUTION = [step for step in ROAD if step.startswith("s4")]
WHY = "现象应当是接口超时，不是功能报错。"
RETURNED = {"answer": "return", "return_reason": WHY}
NOT_RESTORED = {"restored": False, "verification": "当场试办仍然报错"}


@pytest.fixture
def office(desk_app: Flask) -> Office:
    """The people of the demo, who act at the instant at which its pages are read."""
    found = Office(desk_of(desk_app).engine)
    found.now = NOW
    return found


def incident_page(client: FlaskClient, office: Office, incident_id: int) -> str:
    return client.get(f"/incidents/{office.incident(incident_id)['number']}").text


def task_page(client: FlaskClient, office: Office, incident_id: int) -> str:
    return client.get(f"/tasks/{office.task(incident_id).id}").text


def facts_of(html: str) -> dict[str, str]:
    """The facts beside a form, without their markup."""
    pairs = re.findall(
        r"<dt>(.*?)</dt><dd>(.*?)</dd>", html.split('<dl class="facts">')[1].split("</dl>")[0], re.DOTALL
    )
    return {label: re.sub(r"<[^>]+>", "", words).strip() for label, words in pairs}


@pytest.mark.proves("R169")
def test_who_checks_the_record_sees_cause_solution_and_verification(office: Office, signed_in: SignIn) -> None:
    facts = facts_of(task_page(signed_in("reception01"), office, office.resolve()))
    assert facts["根源"]
    assert facts["解决方案"] == "清理异常会话"
    assert facts["恢复操作"] == "终止异常会话"
    assert facts["服务恢复"] == "是"
    assert facts["验证情况"] == "当场开户成功"
    assert facts["转来"].startswith("CRM组-支持岗01 15:40")


def test_after_a_return_the_desk_sees_who_sent_it_back_and_why(office: Office, signed_in: SignIn) -> None:
    incident_id = office.dispatch()
    office.do(incident_id, "crm01", s2_9_accept=RETURNED)
    client = signed_in("reception01")
    facts = facts_of(task_page(client, office, incident_id))
    assert facts["转来"] == f"CRM组-支持岗01 15:40\n退回服务台：{WHY}"
    assert facts["派单次数"] == "2 次，转派 1 次"


@pytest.mark.proves("R248")
def test_after_a_rejection_the_opinion_stands_beside_every_later_form(office: Office, signed_in: SignIn) -> None:
    incident_id = office.resolve()
    said = {"satisfied": False, "opinion": "下午又不能开户了"}
    office.do(incident_id, "reception01", "s5_1_check", s5_3_ask=said)
    assert facts_of(task_page(signed_in("reception01"), office, incident_id))["用户意见"] == "下午又不能开户了"
    office.do(incident_id, "reception01", s2_8_dispatch={"group": "crm", "note": "请当面核实"})
    facts = facts_of(task_page(signed_in("crm01"), office, incident_id))
    assert facts["用户意见"] == "下午又不能开户了"
    assert facts["转来"] == "服务受理岗01 15:40\n请当面核实"


def test_waiting_and_claiming_do_not_hide_who_passed_it_on(office: Office, signed_in: SignIn) -> None:
    incident_id = office.dispatch()
    office.do(incident_id, "crm01", s2_9_accept=RETURNED)
    task = office.task(incident_id)
    verbs.claim(office.desk, office["reception02"], task.id, task.token)
    assert facts_of(task_page(signed_in("reception02"), office, incident_id))["转来"].endswith(WHY)


@pytest.mark.parametrize(("length", "folds"), [(119, False), (120, False), (121, True)])
def test_long_details_are_folded_and_stand_last(office: Office, signed_in: SignIn, length: int, folds: bool) -> None:
    incident_id = office.report(details="长" * length)
    html = task_page(signed_in("reception01"), office, incident_id)
    assert ('class="fold-text"' in html) == folds
    assert list(facts_of(html))[-1] == "详细信息"
    assert "长" * length in html


def test_a_task_that_went_back_and_forth_needs_no_more_than_twenty_statements(
    desk_app: Flask, office: Office, signed_in: SignIn
) -> None:
    incident_id = office.dispatch()
    office.do(incident_id, "crm01", s2_9_accept=RETURNED)
    client = signed_in("reception01")
    task_page(client, office, incident_id)
    address = f"/tasks/{office.task(incident_id).id}"
    with statements(desk_app) as found:
        client.get(address)
    assert len(found) <= 20, "\n".join(found)


def clocks_of(html: str) -> dict[str, str]:
    """Each clock's sentence, as its bar says it."""
    return dict(re.findall(r'role="img" aria-label="(响应|受理|恢复|关闭)：([^"]+)"', html))


@pytest.mark.proves("R248")
def test_a_rejected_incident_shows_neither_closure_nor_acceptance_as_done(office: Office, signed_in: SignIn) -> None:
    incident_id = office.resolve()
    client = signed_in("reception01")
    assert clocks_of(incident_page(client, office, incident_id))["受理"].startswith("用时")
    office.do(incident_id, "reception01", "s5_1_check", s5_3_ask={"satisfied": False, "opinion": "又不能开户了"})
    told = clocks_of(incident_page(client, office, incident_id))
    assert told["受理"] == told["关闭"] == "未开始"
    assert told["响应"].startswith("剩余")
    assert told["恢复"].startswith("剩余")
    office.do(incident_id, "reception01", s2_8_dispatch={"group": "crm"})
    office.do(incident_id, "crm01", "s2_9_accept")
    told = clocks_of(incident_page(client, office, incident_id))
    assert told["响应"].startswith("用时")
    assert told["受理"].startswith("用时")
    assert told["关闭"] == "未开始"


def test_a_closed_incident_keeps_all_four_clocks(office: Office, signed_in: SignIn) -> None:
    incident_id = office.resolve()
    office.do(incident_id, "reception01", "s5_1_check", "s5_3_ask", "s5_5_close")
    told = clocks_of(incident_page(signed_in("reception01"), office, incident_id))
    assert all(words.startswith("用时") for words in told.values())


def entries_of(html: str) -> list[str]:
    """The lines of the timeline without markup, the newest first."""
    listed = html.split('class="time-line"')[1].split("</ol>")[0]
    lines = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", line)).strip() for line in listed.split("<li class=")]
    return [line.partition("> ")[2] for line in lines if "· " in line]


def test_a_failed_verification_stands_in_the_timeline(office: Office, signed_in: SignIn) -> None:
    incident_id = office.accept()
    office.do(incident_id, "crm01", *INVESTIGATION)
    office.do(incident_id, "crm01", "s4_1_agree", "s4_5_recover", s4_6_verify={**ROAD["s4_6_verify"], **NOT_RESTORED})
    told = entries_of(incident_page(signed_in("crm01"), office, incident_id))
    assert any("完成 4.6 验证解决结果：服务未恢复" in line for line in told)


def test_a_repeated_step_with_the_same_texts_says_so(office: Office, signed_in: SignIn) -> None:
    incident_id = office.accept()
    office.do(incident_id, "crm01", *INVESTIGATION)
    disagreed = {"agreed": False, "answer": "现在不能停机"}
    office.do(incident_id, "crm01", s4_1_agree=disagreed)
    office.do(incident_id, "reception01", "s2_8_dispatch")
    office.do(incident_id, "crm01", "s2_9_accept")
    office.do(incident_id, "crm01", *INVESTIGATION)
    told = entries_of(incident_page(signed_in("crm01"), office, incident_id))
    repeated = [line for line in told if "3.5 诊断" in line]
    assert "填写的内容与上次相同" in repeated[0]
    assert "填写的内容与上次相同" not in repeated[1]
    assert any("4.1 沟通解决方案或变通方法：用户不同意" in line for line in told)


def test_a_reassignment_is_called_so(office: Office, signed_in: SignIn) -> None:
    office.now -= timedelta(minutes=5)
    incident_id = office.accept()
    office.now = NOW
    verbs.reassign(office.desk, office["manager01"], incident_id, "值班表已变更")
    told = entries_of(incident_page(signed_in("reception01"), office, incident_id))
    assert any("重新分派 · 服务台经理01" in line and "值班表已变更" in line for line in told)
    assert not any("修改事件信息" in line for line in told)


@pytest.mark.parametrize("asked", [True, False])
def test_a_target_says_whether_the_other_side_asked_for_it(office: Office, signed_in: SignIn, asked: bool) -> None:
    outside = {
        "source": "customer_service",
        "external_number": "KF-8871",
        "external_contact": "工单班 06 席",
        "external_deadline": (NOW + timedelta(hours=9)).isoformat(),
    }
    incident_id = office.dispatch(**(outside if asked else {}))
    office.do(incident_id, "crm01", "s2_9_accept")
    clocks = (
        incident_page(signed_in("crm01"), office, incident_id)
        .split('class="card-body clocks"')[1]
        .split("</section>")[0]
    )
    assert ("对方要求" in clocks) == asked


def test_one_place_and_one_group_are_told_once(office: Office, signed_in: SignIn) -> None:
    incident_id = office.dispatch()
    html = incident_page(signed_in("crm01"), office, incident_id)
    dispatched = next(line for line in entries_of(html) if "2.8 分派事件" in line)
    assert dispatched.count("CRM组") == 1
