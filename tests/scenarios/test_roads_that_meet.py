"""Roads that meet: escalated twice, bound too early, taken from a master unclassified, resolved with it (§4.3)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from engine.errors import ConflictError, InvalidValuesError
from handlers.records.tables import comment
from tests.office import CAUSE, ROAD, Office
from tests.scenarios import companions
from webapp import desk as verbs
from webapp.desk import InvalidStepError

ASKED = {"scope": "more", "needed": "报错的台席号"}
RECOVER: dict[str, dict[str, str]] = {"no solution": {"next": "recover"}, "disagreed": {}}
STAGES_3_AND_4 = tuple(step for step in ROAD if step.startswith(("s3", "s4")))


def bind(office: Office, slave_id: int, master_id: int) -> None:
    verbs.bind(office.desk, office["reception01"], slave_id, master_id, "同一件事")


def at(office: Office, incident_id: int) -> str:
    return office.task(incident_id).element.id


def notes(office: Office, incident_id: int) -> list[str]:
    with office.desk.reading() as connection:
        return list(connection.scalars(select(comment.c.text).where(comment.c.incident_id == incident_id)))


@pytest.mark.proves("R128", "R129")
def test_what_is_escalated_already_is_not_sent_to_2_10_again(office: Office):
    incident_id = office.dispatch()
    verbs.escalate(office.desk, office["reception01"], incident_id, "客户不满意")
    with pytest.raises(InvalidStepError) as refused:
        office.do(incident_id, "crm01", s2_9_accept={"answer": "escalate"})
    assert set(refused.value.problems) == {"answer"}
    assert at(office, incident_id) == "s2_9_accept"


@pytest.mark.proves("R129")
def test_who_stands_at_2_10_goes_on_though_somebody_else_has_escalated_it(office: Office):
    incident_id = office.dispatch()
    office.do(incident_id, "crm01", s2_9_accept={"answer": "escalate"})
    verbs.escalate(office.desk, office["reception01"], incident_id, "客户不满意")
    office.do(incident_id, "crm01", s2_10_escalate={"reason": "复杂耗时", "note": "涉及三个系统"})
    assert at(office, incident_id) == "s2_9_accept"
    assert len(companions.children_of(office, incident_id)) == 1
    assert notes(office, incident_id) == ["再次要求升级：复杂耗时；涉及三个系统"]


@pytest.mark.proves("R117", "R260")
def test_what_is_still_being_recorded_leads_nobody(office: Office):
    slave_id = office.accept()
    waiting_id = office.report(**ASKED)
    with pytest.raises(InvalidValuesError, match="还在登记"):
        bind(office, slave_id, waiting_id)
    assert office.incident(slave_id)["state"] == "in_progress"


@pytest.mark.proves("R117", "R260")
def test_what_waits_after_it_was_resolved_leads_nobody(office: Office):
    slave_id, resolved_id = office.accept(), office.resolve()
    until = office.now.replace(day=office.now.day + 1)
    verbs.hold(office.desk, office["reception01"], resolved_id, "W02", until, "等用户回来确认")
    with pytest.raises(InvalidValuesError, match="已解决"):
        bind(office, slave_id, resolved_id)


@pytest.mark.proves("R107", "R117", "R268")
@pytest.mark.parametrize("how", ["master withdrawn", "taken by the manager"])
def test_a_slave_that_was_never_classified_begins_at_2_1_when_it_is_one_no_longer(office: Office, how: str):
    master_id, slave_id = office.accept(), office.report()
    bind(office, slave_id, master_id)
    if how == "master withdrawn":
        verbs.withdraw(office.desk, office["reception01"], master_id, "用户撤回")
    else:
        verbs.unbind(office.desk, office["manager01"], slave_id, "不是同一件事")
    found = office.incident(slave_id)
    assert (found["state"], found["stage"], found["master_id"]) == ("to_dispatch", 2, None)
    assert at(office, slave_id) == "s2_1_type"
    office.do(slave_id, "reception01", "s2_1_type", "s2_2_classify", "s2_8_dispatch")
    assert office.incident(slave_id)["state"] == "to_accept"


@pytest.mark.proves("R147", "R274")
def test_a_slave_is_closed_with_its_masters_problem_and_proposed_code(office: Office):
    master_id, slave_id = office.accept(), office.accept()
    bind(office, slave_id, master_id)
    values: dict[str, Any] = {**ROAD["s3_6_try"], "found": "problem", "workaround": True}
    office.do(master_id, "crm01", "s3_1_analyse", "s3_3_confirm", "s3_5_diagnose", s3_6_try=values)
    master, slave = office.incident(master_id), office.incident(slave_id)
    assert slave["state"] == "resolved"
    assert (slave["proposed_close_code"], slave["problem_ref"]) == ("C02", master["problem_ref"])
    office.do(slave_id, "reception01", "s5_1_check", "s5_3_ask")
    closing = {"close_code": "C02", "solution": "先切换备用链路", "problem_ref": slave["problem_ref"]}
    office.do(slave_id, "reception01", s5_5_close=closing)
    assert office.incident(slave_id)["state"] == "closed"


@pytest.mark.proves("R147", "R174")
def test_a_slave_whose_user_is_not_satisfied_goes_its_own_way(office: Office):
    master_id, slave_id = office.accept(), office.accept()
    bind(office, slave_id, master_id)
    office.do(master_id, "crm01", *STAGES_3_AND_4)
    office.do(slave_id, "reception01", "s5_1_check")
    office.do(slave_id, "reception01", s5_3_ask={"satisfied": False, "opinion": "我这里还不行"})
    found = office.incident(slave_id)
    assert (found["state"], found["master_id"], at(office, slave_id)) == ("to_dispatch", None, "s2_8_dispatch")


@pytest.mark.proves("R052", "R053")
def test_who_takes_over_during_a_joint_check_gets_the_requirement_that_it_confirms(office: Office):
    incident_id = companions.at_agreement(office)
    companions.agree(office, incident_id, "requirement", s4_3_create=companions.MAINTENANCE)
    (check,) = companions.children_of(office, incident_id)
    verbs.reassign(office.desk, office["manager01"], incident_id, "换人处理")
    office.do(incident_id, "reception01", "s2_8_dispatch")
    office.do(incident_id, "crm02", "s2_9_accept")
    office.do(incident_id, "crm02", *[step for step in ROAD if step.startswith("s3")])
    companions.agree(office, incident_id, "wait", by="crm02")
    assert companions.waiting(office, incident_id) == ("waiting", "W05")
    companions.do(office, check, "joint_check_answer")
    assert companions.waiting(office, incident_id) == ("waiting", "W04")
    requirement = companions.children_of(office, incident_id)[-1]
    companions.do(office, requirement, "requirement_process")
    assert at(office, incident_id) == "s4_6_verify"


@pytest.mark.proves("R150", "R152")
@pytest.mark.parametrize("road", ["no solution", "disagreed"])
def test_a_way_that_is_given_up_proposes_no_close_code(office: Office, road: str):
    incident_id = office.accept()
    steps = ("s3_1_analyse", "s3_3_confirm", "s3_5_diagnose")
    office.do(incident_id, "crm01", *steps, s3_6_try={**ROAD["s3_6_try"], "workaround": True})
    assert office.incident(incident_id)["proposed_close_code"] == "C02"
    office.do(incident_id, "crm01", s4_1_agree={"agreed": road != "disagreed", "answer": "知道了", **RECOVER[road]})
    if road == "no solution":
        failed = {"restored": False, "verification": "又断了"}
        office.do(incident_id, "crm01", "s4_5_recover", s4_6_verify=failed)
        office.do(incident_id, "crm01", *steps, s3_6_try={"found": "none"})
    found = office.incident(incident_id)
    assert (found["state"], found["proposed_close_code"], found["workaround"]) == ("to_dispatch", None, None)
    assert found["solution"] == ROAD["s3_6_try"]["solution"]  # for whoever goes on


@pytest.mark.proves("R099")
def test_an_escalation_is_over_when_1_7_closes_the_incident(office: Office):
    incident_id = office.report(**ASKED)
    number = verbs.escalate(office.desk, office["reception01"], incident_id, "客户不满意")
    office.do(incident_id, "reception01", s1_5_wait={"answer": "没有别的了"})
    office.do(incident_id, "reception01", s1_4_scope={"scope": "out"})
    office.do(incident_id, "reception01", s1_7_notify={"means": "phone", "text": "请找办公用品管理员"})
    assert office.incident(incident_id)["state"] == "closed"
    assert companions.record(office, number)["state"] == "cancelled"


def test_who_takes_his_report_back_during_1_5_is_sent_to_the_decision_of_1_4(office: Office):
    incident_id = office.report(**ASKED)
    with pytest.raises(ConflictError, match="这样判断后关闭"):
        verbs.withdraw(office.desk, office["reception01"], incident_id, "用户不再需要")


@pytest.mark.proves("R276")
def test_the_systems_close_codes_are_not_proposed_at_2_7(office: Office):
    incident_id = office.report()
    found = {"found": True, "solution": "清理缓存"}
    office.do(incident_id, "reception01", "s2_1_type", "s2_2_classify", s2_5_find=found)
    done = {"restored": True, "action": "已清理", "solution": "清理缓存", "cause": CAUSE, "close_code": "C11"}
    with pytest.raises(InvalidStepError) as refused:
        office.do(incident_id, "reception01", s2_7_apply=done)
    assert set(refused.value.problems) == {"close_code"}
