"""Classification, priority, dispatch, acceptance, return and transfer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from engine.errors import ConflictError, InvalidValuesError
from handlers import clocks
from handlers.records import catalogue, incidents, relations
from tests.handlers.conftest import CLASS, START, SUPPORTER, House

GRADES = ("经理", "主管", "普通员工", "无")
T2 = {  # §5.1.5.2, T-2: grade → class A, B, C
    "经理": "高高中",
    "主管": "高中中",
    "普通员工": "中中低",
    "外部转派": "高中中",
    "无": "中中中",
}
T3 = {1: (1, 1, 2), 2: (1, 2, 3), 3: (2, 3, 4), 4: (3, 4, 4)}  # impact → 高, 中, 低
CATEGORY = {"A": ("crm", "crm.app", "crm.app.error"), "B": ("sps", "sps.app", "sps.app.error")}


def priority_of(house: House, incident_id: int) -> tuple[str, int]:
    found = house.incident(incident_id)
    return found["urgency"], found["priority"]


@pytest.mark.proves("R220", "R222", "R226", "R229")
@pytest.mark.parametrize("grade", GRADES)
@pytest.mark.parametrize("letter", ["A", "B"])
def test_the_priority_follows_grade_class_and_impact(sqlite_house: House, grade: str, letter: str) -> None:
    category, kind, symptom = CATEGORY[letter]
    incident_id = sqlite_house.report()
    sqlite_house.identify(incident_id, customer_grade=grade)
    sqlite_house.record(incident_id)
    for impact in (1, 2, 3, 4):
        sqlite_house.classify(incident_id, category=category, type=kind, symptom=symptom, impact=impact)
        urgency = T2[grade]["ABC".index(letter)]
        assert priority_of(sqlite_house, incident_id) == (urgency, T3[impact]["高中低".index(urgency)])


@pytest.mark.proves("R226")
@pytest.mark.parametrize(("source", "grade"), [("noc", "外部转派"), ("hotline", "外部转派"), ("alarm", "无")])
def test_the_source_decides_the_user_type_where_there_is_no_customer_of_ours(
    sqlite_house: House, source: str, grade: str
) -> None:
    incident_id = sqlite_house.report()
    sqlite_house.identify(incident_id, customer_grade="经理")
    sqlite_house.record(incident_id, source=source)
    sqlite_house.classify(incident_id)
    assert sqlite_house.incident(incident_id)["urgency"] == T2[grade][0]


@pytest.mark.proves("R228")
def test_a_complaint_is_urgent_and_a_question_less(sqlite_house: House) -> None:
    incident_id = sqlite_house.report()
    sqlite_house.identify(incident_id)
    sqlite_house.record(incident_id)
    for kind, urgency in (("投诉", "高"), ("咨询", "低"), ("故障", "中")):
        sqlite_house.step("classification.set_type", incident_id, request_type=kind, ci_affected=False)
        sqlite_house.step("classification.classify", incident_id, **CLASS)
        sqlite_house.step("classification.assess", incident_id, "system")
        assert sqlite_house.incident(incident_id)["urgency"] == urgency


@pytest.mark.proves("R221")
def test_until_it_is_classified_the_priority_is_provisional(house: House) -> None:
    incident_id = house.report()
    house.identify(incident_id)
    house.record(incident_id)
    found = house.incident(incident_id)
    assert (found["priority_provisional"], found["impact"], found["urgency"], found["priority"]) == (True, 3, "中", 3)
    assert clocks.current_due_at(found) == START + timedelta(minutes=40)
    house.wait(minutes=3)
    house.classify(incident_id, impact=1)
    found = house.incident(incident_id)
    assert (found["priority_provisional"], found["priority"]) == (False, 1)
    assert clocks.current_due_at(found) == START + timedelta(minutes=10)


@pytest.mark.proves("R107")
@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"category": "none"}, "category"),
        ({"type": "hb.app"}, "type"),
        ({"symptom": "hb.app.error"}, "symptom"),
    ],
)
def test_a_classification_that_does_not_hang_together_is_refused(
    sqlite_house: House, given: dict[str, Any], field: str
) -> None:
    incident_id = sqlite_house.report()
    with pytest.raises(InvalidValuesError) as refused:
        sqlite_house.step("classification.classify", incident_id, **{**CLASS, **given})
    assert field in refused.value.problems


@pytest.mark.proves("R142", "R143")
def test_3_3_corrects_with_a_reason_and_confirms_without(house: House) -> None:
    incident_id = house.accepted()
    house.step("classification.confirm", incident_id, SUPPORTER, **CLASS)
    corrected = {**CLASS, "impact": 2}
    with pytest.raises(InvalidValuesError) as refused:
        house.step("classification.confirm", incident_id, SUPPORTER, **corrected)
    assert set(refused.value.problems) == {"reason"}
    house.step("classification.confirm", incident_id, SUPPORTER, **corrected, reason="整个营业厅受影响")
    assert house.step("classification.assess", incident_id, "system") == 2


@pytest.mark.proves("R043", "R211")
def test_the_desk_dispatches_to_working_groups_and_never_to_the_experts(house: House) -> None:
    incident_id = house.report()
    house.identify(incident_id)
    house.record(incident_id)
    house.classify(incident_id)
    house.step("dispatch.propose", incident_id, "system")
    offered = {row["key"] for row in catalogue.selectable_groups(house.context(), house.incident(incident_id))}
    assert "crm" in offered
    assert not offered & {"support", "manager", "leaders", "customer", "change"}
    for group in ("support", "manager", "nobody"):
        with pytest.raises(InvalidValuesError) as refused:
            house.step("dispatch.dispatch", incident_id, group=group)
        assert set(refused.value.problems) == {"group"}


@pytest.mark.proves("R213")
def test_groups_are_filtered_by_classification_and_location(sqlite_house: House) -> None:
    from handlers.reference import load_reference

    groups = (
        "key,name,department,kind,leader_post,categories,locations\n"
        "desk,服务台,it_operation,desk,,,\ncrm,CRM组,application,support,,crm sps,\n"
        "operations,运行组,it_operation,support,,terminal,provincial_building\n"
        "local_desk,本地网服务台,local_network,local,,terminal,local_01\n"
    )
    sqlite_house.wait(days=1)
    load_reference(sqlite_house.context("system"), {"groups": groups})
    incident = sqlite_house.incident(sqlite_house.report())

    def offered(**facts: str) -> list[str]:
        rows = catalogue.selectable_groups(sqlite_house.context(), {**incident, **facts})
        return [row["key"] for row in rows]

    assert offered(category="crm") == ["desk", "crm"]
    assert offered(category="terminal", location="provincial_building") == ["desk", "operations"]
    assert offered(category="terminal", location="local_01") == ["desk", "local_desk"]
    assert offered(category="terminal", location="local_01", proposed_group="crm") == ["desk", "crm", "local_desk"]


@pytest.mark.proves("R124", "R205", "R212")
@pytest.mark.parametrize(
    ("category", "kind", "location", "group", "post"),
    [
        ("crm", "crm.app", None, "crm", None),
        ("hb", "hb.data", None, "billing_accounts", None),
        ("hb", "hb.app", None, "billing_apps", None),
        ("bss_infra", "bss_infra.host", None, "operations", "ops_bss"),
        ("terminal", "terminal.hardware", "provincial_building", "operations", "ops_terminal"),
        ("terminal", "terminal.hardware", "local_01", "local_desk", None),
    ],
)
def test_the_dispatch_table_proposes_group_and_post(
    sqlite_house: House, category: str, kind: str, location: str | None, group: str, post: str | None
) -> None:
    incident_id = sqlite_house.report(category=category, type=kind, location=location)
    assert sqlite_house.step("dispatch.propose", incident_id, "system") == group
    found = sqlite_house.incident(incident_id)
    assert (found["proposed_group"], found["proposed_post"]) == (group, post)


@pytest.mark.proves("R127", "R200", "R201", "R215")
def test_a_return_needs_its_reason_and_is_possible_before_acceptance_only(house: House) -> None:
    incident_id = house.dispatched()
    with pytest.raises(InvalidValuesError):
        house.step("dispatch.answer", incident_id, SUPPORTER, answer="return")
    house.wait(minutes=5)
    assert house.step("dispatch.answer", incident_id, SUPPORTER, answer="return", return_reason="现象填错") == "return"
    found = house.incident(incident_id)
    assert (found["state"], found["responsible_group"], found["dispatches"], found["transfers"]) == (
        "to_dispatch",
        "desk",
        2,
        1,
    )
    assert clocks.current_due_at(found) == house.now + timedelta(minutes=40)
    accepted = house.accepted()
    with pytest.raises(ConflictError):
        house.step("dispatch.answer", accepted, SUPPORTER, answer="return", return_reason="现象填错")


@pytest.mark.proves("R124", "R215")
def test_whoever_returns_it_may_correct_the_classification_and_the_rule_proposes_anew(house: House) -> None:
    incident_id = house.dispatched()
    corrected = {"category": "hb", "type": "hb.app", "symptom": "hb.app.error"}
    values = {"answer": "return", "return_reason": "是计费系统的报错", **corrected}
    house.step("dispatch.answer", incident_id, SUPPORTER, **values)
    assert house.step("dispatch.propose", incident_id, "system") == "billing_apps"
    found = house.incident(incident_id)
    assert {name: found[name] for name in corrected} == corrected
    with pytest.raises(InvalidValuesError):
        house.step("dispatch.answer", house.dispatched(), SUPPORTER, **{**values, "type": "crm.app"})


@pytest.mark.proves("R023")
def test_an_incident_without_a_classification_is_not_reassigned(house: House) -> None:
    incident_id = house.report()
    house.identify(incident_id)
    house.record(incident_id)
    with pytest.raises(ConflictError, match="还没有分类"):
        relations.reassign(house.context("manager"), house.incident(incident_id), "重新分派")


@pytest.mark.proves("R128", "R133", "R134", "R206", "R214")
def test_a_transfer_needs_root_cause_and_reason_and_goes_to_the_other_groups_pool(house: House) -> None:
    incident_id = house.dispatched()
    assert house.step("dispatch.answer", incident_id, SUPPORTER, answer="transfer") == "transfer"
    assert house.incident(incident_id)["responsible_person"] == SUPPORTER
    good = {"group": "non_crm", "cause": "crm.app.code", "reason": "T1"}
    for wrong in ({"cause": "hb.app.code"}, {"cause": "none"}, {"reason": "T9"}, {"group": "leaders"}):
        with pytest.raises(InvalidValuesError) as refused:
            house.step("dispatch.transfer", incident_id, SUPPORTER, **{**good, **wrong})
        assert set(refused.value.problems) == set(wrong)
    house.wait(minutes=10)
    assert house.step("dispatch.transfer", incident_id, SUPPORTER, **good) == "non_crm"
    found = house.incident(incident_id)
    assert (found["state"], found["responsible_group"], found["responsible_person"]) == ("to_accept", "non_crm", None)
    assert (found["cause"], found["dispatches"], found["transfers"]) == ("crm.app.code", 2, 1)
    assert clocks.current_due_at(found) == house.now + timedelta(hours=1)  # acceptance starts anew (C-21)


@pytest.mark.proves("R135")
def test_only_a_transfer_for_wrong_classification_may_correct_it(house: House) -> None:
    incident_id = house.dispatched()
    house.step("dispatch.answer", incident_id, SUPPORTER, answer="transfer")
    corrected = {"category": "mss", "type": "mss.app", "symptom": "mss.app.error", "cause": "mss.app.code"}
    with pytest.raises(InvalidValuesError):
        house.step("dispatch.transfer", incident_id, SUPPORTER, group="non_crm", reason="T1", **corrected)
    house.step("dispatch.transfer", incident_id, SUPPORTER, group="non_crm", reason="T2", **corrected)
    found = house.incident(incident_id)
    assert (found["category"], found["urgency"], found["priority"]) == ("mss", "低", 4)


@pytest.mark.proves("R044")
def test_the_experts_help_the_operations_group_and_escalated_incidents(sqlite_house: House) -> None:
    incident = sqlite_house.incident(sqlite_house.report())

    def offered(**facts: object) -> set[str]:
        return {row["key"] for row in catalogue.transferable_groups(sqlite_house.context(), {**incident, **facts})}

    assert "support" not in offered(responsible_group="crm")
    assert "support" in offered(responsible_group="operations")
    assert "support" in offered(responsible_group="crm", escalated=True)


@pytest.mark.proves("R216", "R247")
def test_moves_are_counted_but_a_dispatch_back_to_the_same_group_is_none(house: House) -> None:
    incident_id = house.resolved()
    house.step("closing.ask", incident_id, satisfied=False, opinion="仍然报错")
    house.step("dispatch.propose", incident_id, "system")
    house.step("dispatch.dispatch", incident_id, group="crm")
    found = house.incident(incident_id)
    assert (found["dispatches"], found["transfers"], found["rejections"]) == (2, 0, 1)
    ctx = house.context("事件经理")
    relations.reassign(ctx, incidents.get(ctx, incident_id), "换组处理")
    house.step("dispatch.propose", incident_id, "system")
    house.step("dispatch.dispatch", incident_id, group="operations")
    found = house.incident(incident_id)
    assert (found["dispatches"], found["transfers"]) == (3, 1)
    house.step("dispatch.answer", incident_id, SUPPORTER, answer="accept")
    house.step("investigation.conclude", incident_id, SUPPORTER, found="none")
    found = house.incident(incident_id)
    assert (found["state"], found["dispatches"], found["transfers"]) == ("to_dispatch", 4, 2)


@pytest.mark.proves("R231", "R232", "R233")
def test_restoration_starts_with_the_first_acceptance_and_never_anew(house: House) -> None:
    incident_id = house.accepted()
    house.wait(hours=1)
    house.step("investigation.conclude", incident_id, SUPPORTER, found="transfer", cause="crm.app.code")
    assert house.incident(incident_id)["stage"] == 2
    house.step("dispatch.transfer", incident_id, SUPPORTER, group="non_crm", cause="crm.app.code", reason="T3")
    house.wait(hours=1)
    house.step("dispatch.answer", incident_id, "非CRM组-支持岗01", answer="accept")
    found = house.incident(incident_id)
    assert clocks.due_at(found, "restoration") == START + timedelta(days=2)
    assert found["response_stopped_at"] == START
