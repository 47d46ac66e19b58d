"""Stage 3, investigation: information collected, incidents related, a problem opened; every way out (§4.3.3)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from handlers.records.tables import comment, incident_link
from tests.office import CAUSE, ROAD, TREE, Office
from tests.scenarios.companions import record as child
from webapp import desk as verbs
from webapp.desk import InvalidStepError

ANALYSIS = ("s3_1_analyse", "s3_3_confirm", "s3_5_diagnose")
STAGE_4 = ("s4_1_agree", "s4_5_recover", "s4_6_verify")
PROBLEM = {"found": "problem", "workaround": False, "solution": "重启无效，原因未明", "cause": CAUSE}


def at(office: Office, incident_id: int) -> str:
    """The step at which the incident stands."""
    return office.task(incident_id).element.id


def to_relate(office: Office, by: str = "crm01") -> int:
    """An incident of which somebody has seen at 3.3 that it has to do with another."""
    incident_id = office.accept(by)
    office.do(incident_id, by, "s3_1_analyse", s3_3_confirm={**TREE, "related": True})
    assert at(office, incident_id) == "s3_4_relate"
    return incident_id


def related(office: Office, role: str, incident_id: int, other: int, **after: dict[str, object]) -> None:
    number = office.incident(other)["number"]
    values = {"role": role, "other": number, "reason": "同一个接口"}
    office.do(incident_id, "crm01", s3_4_relate=values, **after)


@pytest.mark.proves("R139", "R140", "R141", "R149")
def test_missing_information_is_collected_before_the_classification_is_confirmed(office: Office):
    incident_id = office.accept()
    office.do(incident_id, "crm01", s3_1_analyse={"analysis": "日志不全", "needs_information": True})
    found = {"information": "用户补了截图，错误码 4031", "contacted": True, "channel": "phone"}
    office.do(incident_id, "crm01", *ANALYSIS[1:], s3_2_collect=found)
    assert at(office, incident_id) == "s3_6_try"
    assert office.incident(incident_id)["collected"] == "用户补了截图，错误码 4031"
    with office.desk.reading() as connection:
        talks = connection.execute(select(comment.c.kind, comment.c.channel, comment.c.text)).all()
    assert talks == [("contact", "phone", "用户补了截图，错误码 4031")]


@pytest.mark.proves("R140")
def test_what_is_collected_again_stands_below_what_was_known(office: Office):
    incident_id = office.accept()
    for information, steps in (("第一次：日志", {"s3_6_try": {"found": "none"}}), ("第二次：抓包", {})):
        office.do(incident_id, "crm01", s3_1_analyse={"analysis": "要看日志", "needs_information": True})
        office.do(incident_id, "crm01", *ANALYSIS[1:], s3_2_collect={"information": information}, **steps)
        if steps:
            office.do(incident_id, "reception01", s2_8_dispatch={"group": "crm"})
            office.do(incident_id, "crm01", "s2_9_accept")
    assert office.incident(incident_id)["collected"] == "第一次：日志\n第二次：抓包"


@pytest.mark.proves("R144", "R145", "R147", "R148")
def test_the_master_goes_on_and_what_is_bound_to_it_is_resolved_with_it(office: Office):
    slave, master = office.accept(), to_relate(office)
    related(office, "master_of", master, slave, s3_5_diagnose=ROAD["s3_5_diagnose"], s3_6_try=ROAD["s3_6_try"])
    assert at(office, master) == "s4_1_agree"
    assert (office.incident(slave)["state"], office.incident(slave)["master_id"]) == ("slave", master)
    with pytest.raises(Exception, match="No row"):
        office.task(slave)
    office.do(master, "crm01", *STAGE_4)
    found = office.incident(slave)
    assert (found["state"], found["resolver"], found["solution"]) == ("resolved", "crm01", ROAD["s3_6_try"]["solution"])
    office.do(slave, "reception01", "s5_1_check", "s5_3_ask")
    office.do(slave, "reception01", "s5_5_close")
    assert office.status(slave) == "completed"


@pytest.mark.proves("R146", "R147")
@pytest.mark.parametrize("road", ["restored", "problem", "requirement", "withdrawn"])
def test_a_slave_follows_its_master_by_whatever_road_that_leaves(office: Office, road: str):
    master, slave = office.accept(), to_relate(office)
    related(office, "slave_of", slave, master)
    assert office.incident(slave)["state"] == "slave"
    if road == "withdrawn":
        verbs.withdraw(office.desk, office["reception01"], master, "用户撤回")
        assert (office.incident(slave)["state"], at(office, slave)) == ("to_dispatch", "s2_8_dispatch")
        return
    if road == "problem":
        office.do(master, "crm01", *ANALYSIS, s3_6_try=PROBLEM)
    else:
        office.do(master, "crm01", *ANALYSIS, "s3_6_try")
        if road == "restored":
            office.do(master, "crm01", *STAGE_4)
        else:
            office.do(master, "crm01", s4_1_agree={"agreed": True, "answer": "要新功能", "next": "requirement"})
            wanted = {"kind": "other", "title": "批量锁定号码", "details": "开户前先锁"}
            office.do(master, "crm01", s4_3_create=wanted)
            assert office.incident(master)["state"] == "closed"
    assert (office.incident(slave)["state"], at(office, slave)) == ("resolved", "s5_1_check")
    assert office.incident(slave)["resolver"] == "crm01"


@pytest.mark.proves("R144", "R265")
def test_incidents_that_only_have_to_do_with_each_other_are_linked_and_both_go_on(office: Office):
    other, incident_id = office.accept(), to_relate(office)
    related(office, "link", incident_id, other, s3_5_diagnose=ROAD["s3_5_diagnose"])
    assert (at(office, incident_id), at(office, other)) == ("s3_6_try", "s3_1_analyse")
    with office.desk.reading() as connection:
        linked = connection.execute(select(incident_link.c.incident_id, incident_link.c.other_id)).all()
    assert linked == [(incident_id, other)]


@pytest.mark.proves("R145", "R146")
@pytest.mark.parametrize("role", ["master_of", "slave_of", "link"])
@pytest.mark.parametrize("wrong", ["unknown", "itself"])
def test_a_relation_needs_another_incident(office: Office, role: str, wrong: str):
    incident_id = to_relate(office)
    number = "SJ000000-001" if wrong == "unknown" else office.incident(incident_id)["number"]
    with pytest.raises(InvalidStepError) as refused:
        office.do(incident_id, "crm01", s3_4_relate={"role": role, "other": number, "reason": "同一件事"})
    assert set(refused.value.problems) == {"other"}
    assert at(office, incident_id) == "s3_4_relate"


@pytest.mark.proves("R146")
def test_what_is_resolved_leads_nobody(office: Office):
    resolved, incident_id = office.resolve(), to_relate(office)
    with pytest.raises(InvalidStepError) as refused:
        related(office, "slave_of", incident_id, resolved)
    assert "已解决" in refused.value.problems["other"]


@pytest.mark.proves("R056", "R150", "R274")
@pytest.mark.parametrize(("workaround", "code"), [(False, "C03"), (True, "C02")])
def test_what_has_no_good_solution_becomes_a_problem_and_is_closed_as_such(office: Office, workaround: bool, code: str):
    incident_id = office.accept()
    office.do(incident_id, "crm01", *ANALYSIS, s3_6_try={**PROBLEM, "workaround": workaround})
    found = office.incident(incident_id)
    assert (found["state"], found["proposed_close_code"], found["cause"]) == ("resolved", code, CAUSE)
    problem = child(office, found["problem_ref"])
    assert (problem["kind"], problem["state"], problem["incident_id"]) == ("problem", "open", incident_id)
    assert problem["facts"]["workaround"] is workaround
    office.do(incident_id, "reception01", "s5_1_check", "s5_3_ask")
    closing = {"close_code": code, "solution": "转问题处理", "problem_ref": found["problem_ref"]}
    office.do(incident_id, "reception01", s5_5_close=closing)
    assert (office.status(incident_id), child(office, found["problem_ref"])["state"]) == ("completed", "open")


@pytest.mark.proves("R056")
def test_a_rejected_incident_that_comes_to_a_problem_again_keeps_the_one_it_has(office: Office):
    incident_id = office.accept()
    office.do(incident_id, "crm01", *ANALYSIS, s3_6_try=PROBLEM)
    first = office.incident(incident_id)["problem_ref"]
    office.do(incident_id, "reception01", "s5_1_check", s5_3_ask={"satisfied": False, "opinion": "还是不行"})
    office.do(incident_id, "reception01", s2_8_dispatch={"group": "crm"})
    office.do(incident_id, "crm01", "s2_9_accept")
    office.do(incident_id, "crm01", *ANALYSIS, s3_6_try=PROBLEM)
    assert office.incident(incident_id)["problem_ref"] == first


@pytest.mark.proves("R136", "R150")
def test_a_problem_needs_cause_and_words(office: Office):
    incident_id = office.accept()
    for missing in ("cause", "solution"):
        values = {key: value for key, value in PROBLEM.items() if key != missing}
        with pytest.raises(InvalidStepError) as refused:
            office.do(incident_id, "crm01", *ANALYSIS, s3_6_try=values)
        assert set(refused.value.problems) == {missing}
