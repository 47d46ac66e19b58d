"""What an incident's pages tell of its child records: for whom it waits, what came of them, who decided what."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from handlers.records.tables import child, field_change
from tests.office import Office
from tests.scenarios.companions import do as do_child
from tests.webapp.pages.conftest import NOW, statements
from tests.webapp.pages.test_incident_words import INVESTIGATION, entries_of, incident_page, task_page
from webapp import desk as verbs
from webapp.app import desk_of

SignIn = Callable[[str], FlaskClient]
CHANGE = {"title": "扩大号码池", "details": "按现网用量扩一倍"}


@pytest.fixture
def office(desk_app: Flask) -> Office:
    """The people of the demo, who act at the instant at which its pages are read."""
    found = Office(desk_of(desk_app).engine)
    found.now = NOW
    return found


def before_change(office: Office) -> int:
    """An incident at 4.2."""
    incident_id = office.accept()
    office.do(incident_id, "crm01", *INVESTIGATION)
    office.do(incident_id, "crm01", s4_1_agree={"agreed": True, "answer": "同意", "next": "change"})
    return incident_id


def child_of(office: Office, incident_id: int) -> str:
    with office.desk.reading() as connection:
        return str(connection.scalar(select(child.c.number).where(child.c.incident_id == incident_id)))


@pytest.mark.proves("R155")
def test_an_incident_that_waits_names_the_child_and_its_group(office: Office, signed_in: SignIn) -> None:
    incident_id = before_change(office)
    client = signed_in("crm01")
    address = f"/tasks/{office.task(incident_id).id}"
    page = client.get(address).text
    form = dict(re.findall(r'<input type="hidden" name="(csrf_token|key|token|base)" value="([^"]*)"', page))
    typed = {f"s4_2_change.{name}": value for name, value in CHANGE.items()}
    assert client.post(address, data=form | typed | {"base": ""}).status_code == 303
    waits = f"等待变更 {child_of(office, incident_id)}（变更管理）的结果"
    assert f"已完成，{waits}。" in client.get("/work").text
    shown = incident_page(client, office, incident_id)
    assert waits in shown
    assert "没有等人办理的步骤" not in shown


@pytest.mark.proves("R162")
def test_what_others_answered_stands_beside_the_step_that_goes_on(
    desk_app: Flask, office: Office, signed_in: SignIn
) -> None:
    incident_id = before_change(office)
    office.do(incident_id, "crm01", s4_2_change=CHANGE)
    number = child_of(office, incident_id)
    for step in ("change_approve", "change_implement", "change_verify"):
        do_child(office, number, step)
    client = signed_in("crm01")
    task_page(client, office, incident_id)
    address = f"/tasks/{office.task(incident_id).id}"
    with statements(desk_app) as found:
        page = client.get(address).text
    assert len(found) <= 20, "\n".join(found)
    card = page.split('id="children"')[1].split("</section>")[0]
    assert number in card
    assert "已完成" in card
    assert "开户正常" in card


def test_an_escalation_is_told_in_words_and_signed_by_who_decided(office: Office, signed_in: SignIn) -> None:
    incident_id = office.accept()
    number = verbs.escalate(office.desk, office["crm01"], incident_id, "复杂耗时", "需要厂商到场")
    do_child(office, number, s2_10_decide={"decision": "reassign", "note": "换一个组"})
    told = entries_of(incident_page(signed_in("reception01"), office, incident_id))
    assert any(f"建立升级 {number}" in line and "需要厂商到场" in line for line in told)
    assert any("决定：重新分派" in line for line in told if number in line)
    assert not any(raw in line for line in told for raw in ("urgency_", "priority_", "reassign"))
    assert any(re.search(r"规则第 \d+ 行", line) for line in told)
    # Everything happened in one instant: the manager's act does not join the recorder's.
    moved = next(line for line in told if "状态： 原为 处理中 → 现为 待分派" in line)
    assert "重新分派 · 服务台经理01" in moved
    with office.desk.reading() as connection:
        c = field_change.c
        rows = connection.scalars(select(c.actor).where(c.incident_id == incident_id, c.reason.like("重新分派%")))
        assert set(rows) == {"manager01"}


def test_the_diagram_of_waiting_is_named_by_the_call_that_waits(office: Office, signed_in: SignIn) -> None:
    incident_id = office.accept()
    office.do(incident_id, "crm01", *INVESTIGATION)
    office.do(incident_id, "crm01", s4_1_agree={"agreed": True, "answer": "同意", "next": "requirement"})
    office.do(incident_id, "crm01", s4_3_create={"kind": "maintenance", **CHANGE})
    client = signed_in("crm01")
    assert waiting_tab(incident_page(client, office, incident_id)) == "等待协查答复"
    do_child(office, child_of(office, incident_id), "joint_check_answer")
    assert waiting_tab(incident_page(client, office, incident_id)) == "等待需求结果"
    other = before_change(office)
    office.do(other, "crm01", s4_2_change=CHANGE)
    assert waiting_tab(incident_page(client, office, other)) == "等待变更结果"


def waiting_tab(page: str) -> str:
    """What the tab of the diagram ``wait_children`` is called."""
    found = re.search(r'diagram=wait_children#flow"[^>]*>([^<]+)</a>', page)
    assert found is not None
    return found[1]


def test_what_a_user_has_reported_is_called_his_and_stands_beside_similar_incidents(
    office: Office, signed_in: SignIn
) -> None:
    open_one = office.incident(office.accept())
    customer = office["customer01"]
    incident_id = verbs.request(office.desk, customer, open_one["summary"], open_one["details"])
    page = task_page(signed_in("reception01"), office, incident_id)
    assert "用户填写的内容" in page
    assert "业务部门报告人01 保存的草稿" not in page
    panel = page.split('id="alike"')[1].split("</section>")[0]
    assert "可能是同一件事" in panel
    assert open_one["number"] in panel
    assert "s1_2_identify.existing" in panel
