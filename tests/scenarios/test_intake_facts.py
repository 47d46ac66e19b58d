"""What stage 1 and the desk's classification keep of a report, by every way in (§4.1, §4.3.1.3, §4.3.2.3)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from handlers.records.tables import customer
from tests.office import CUSTOMER, ROAD, TREE, Office
from webapp import desk as verbs
from webapp.desk import InvalidStepError

CALLER = {
    **CUSTOMER,
    "staff_number": "HN-20481",
    "customer_grade": "经理",
    "mobile": "13308480101",
    "extension": "8012",
    "location": "local_01",
    "email": "hall@example.com",
}


def called(office: Office, identify: dict[str, Any], **record: Any) -> int:
    values = {verbs.IDENTIFY: identify, verbs.RECORD: office.record(**record)}
    return verbs.report(office.desk, office["reception01"], values).incident_id


@pytest.mark.proves("R047", "R063", "R082")
def test_the_desk_makes_an_incident_of_its_own_and_nobody_is_asked_before_it_is_closed(office: Office):
    incident_id = office.report(source="desk")
    small = {**TREE, "impact": 4}
    office.do(incident_id, "reception01", "s2_1_type", "s2_8_dispatch", s2_2_classify=small)
    office.do(incident_id, "crm01", "s2_9_accept")
    steps = [step for step in ROAD if step.startswith(("s3", "s4"))]
    office.do(incident_id, "crm01", *steps, s3_3_confirm=small)
    office.do(incident_id, "reception01", "s5_1_check")
    found = office.incident(incident_id)
    assert (found["source"], found["recorder"], found["priority"]) == ("desk", "reception01", 3)
    assert office.task(incident_id).element.id == "s5_5_close"


@pytest.mark.proves("R049", "R050", "R063", "R082")
@pytest.mark.parametrize("source", ["local_network", "noc", "customer_service", "hotline"])
def test_who_passes_an_incident_on_is_kept_with_his_own_number(office: Office, source: str):
    theirs: dict[str, Any] = {"external_number": "DF-20261123-07", "external_contact": "值班台 0731-85550300"}
    deadline = {"external_deadline": office.now.replace(hour=9).isoformat()}
    more = {"prehandling": "已重启终端，无效"} if source == "local_network" else deadline
    found = office.incident(office.report(source=source, **theirs, **more))
    assert {name: found[name] for name in theirs} == theirs
    assert (found["source"], found["prehandling"]) == (source, more.get("prehandling"))
    assert (found["external_deadline"] is None) is (source == "local_network")


@pytest.mark.proves("R066", "R068", "R069", "R070", "R071")
def test_what_is_known_of_the_customer_stands_in_the_incident_and_in_his_record(office: Office):
    found = office.incident(called(office, CALLER))
    with office.desk.reading() as connection:
        known = connection.execute(select(customer).where(customer.c.id == found["customer_id"])).mappings().one()
    for name in ("staff_number", "mobile", "extension", "email", "department"):
        assert found[name] == known[name] == CALLER[name]
    assert found["customer_grade"] == known["grade"] == "经理"
    assert found["customer_location"] == known["location"] == found["location"] == "local_01"


@pytest.mark.proves("R066", "R071", "R085")
@pytest.mark.parametrize("field", ["customer_name", "customer_grade", "department"])
def test_name_grade_and_department_of_the_customer_are_needed(office: Office, field: str):
    with pytest.raises(InvalidStepError) as refused:
        called(office, {name: value for name, value in CALLER.items() if name != field})
    assert (refused.value.element_id, set(refused.value.problems)) == (verbs.IDENTIFY, {field})


@pytest.mark.proves("R082")
@pytest.mark.parametrize("source", [None, "pigeon"])
def test_a_source_is_needed_and_is_one_of_the_list(office: Office, source: str | None):
    with pytest.raises(InvalidStepError) as refused:
        called(office, CALLER, source=source)
    assert (refused.value.element_id, set(refused.value.problems)) == (verbs.RECORD, {"source"})


@pytest.mark.proves("R089", "R104", "R106", "R108")
def test_what_is_affected_is_kept_from_the_report_and_from_the_classification(office: Office):
    incident_id = called(office, CALLER, configuration_items="crm-app-03", affected_departments="公众客户部")
    effect = {"service": "acceptance", "service_effect": "三个台席不能开户"}
    office.do(
        incident_id,
        "reception01",
        s2_1_type={"request_type": "故障", "ci_affected": True},
        s2_2_classify={**TREE, **effect},
    )
    found = office.incident(incident_id)
    assert (found["configuration_items"], found["affected_departments"]) == ("crm-app-03", "公众客户部")
    assert (found["ci_affected"], found["symptom"]) == (True, TREE["symptom"])
    assert {name: found[name] for name in effect} == effect


@pytest.mark.proves("R126")
def test_what_is_dispatched_lies_in_the_groups_pool_for_everybody_of_it(office: Office):
    incident_id = office.dispatch()
    task = office.task(incident_id)
    assert (task.element.id, task.candidate_group, task.assignee) == ("s2_9_accept", "crm", None)


@pytest.mark.proves("R131")
@pytest.mark.parametrize("reason", ["事件经理不满意", "客户不满意"])
def test_who_is_not_satisfied_with_the_handling_has_it_escalated_to_the_manager(office: Office, reason: str):
    incident_id = office.accept()
    verbs.escalate(office.desk, office["reception01"], incident_id, reason)
    found = office.incident(incident_id)
    assert (found["escalated"], found["urgency"], found["responsible_person"]) == (True, "高", "crm01")
