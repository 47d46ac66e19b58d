"""Stage 5: confirmation, rejection, close codes, automatic closing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from engine.context import Call
from engine.errors import InvalidValuesError
from handlers import clocks, closing
from handlers.records import incidents, relations, waiting
from handlers.records.tables import comment
from tests.handlers.conftest import DESK_PERSON, START, SUPPORTER, House


@pytest.mark.proves("R171")
@pytest.mark.parametrize(
    ("source", "request_type", "impact", "asked"),
    [
        ("phone", "故障", 3, True),
        ("alarm", "故障", 3, False),
        ("support", "故障", 3, False),
        ("alarm", "故障", 1, True),
        ("alarm", "投诉", 4, True),
        ("phone", "咨询", 4, False),
    ],
)
def test_who_is_asked_for_confirmation(
    sqlite_house: House, source: str, request_type: str, impact: int, asked: bool
) -> None:
    incident_id = sqlite_house.resolved(impact=impact)
    ctx = sqlite_house.context()
    incidents.change(ctx, incidents.get(ctx, incident_id), {"source": source, "request_type": request_type})
    values = {"complete": True, "remark": "监控页面已转绿"}
    assert sqlite_house.step("closing.examine", incident_id, **values) == ("ask" if asked else "skip")
    assert sqlite_house.step("closing.check", incident_id, **values) is asked


@pytest.mark.proves("R168")
@pytest.mark.parametrize(
    ("cleared", "remark", "taken"), [(False, None, False), (False, "已转绿", True), (True, None, True)]
)
def test_an_alarm_is_known_to_have_cleared_from_monitoring_or_somebody_says_how(
    sqlite_house: House, cleared: bool, remark: str | None, taken: bool
) -> None:
    incident_id = sqlite_house.resolved()
    ctx = sqlite_house.context()
    facts = {"source": "alarm", "alarm_cleared_at": ctx.now if cleared else None}
    incidents.change(ctx, incidents.get(ctx, incident_id), facts)
    values = {"complete": True} | ({"remark": remark} if remark else {})
    if taken:
        assert sqlite_house.step("closing.examine", incident_id, **values) == "skip"
    else:
        with pytest.raises(InvalidValuesError) as refused:
            sqlite_house.step("closing.examine", incident_id, **values)
        assert set(refused.value.problems) == {"remark"}


@pytest.mark.proves("R169")
def test_a_record_is_classified_at_5_1_at_the_latest(house: House) -> None:
    incident_id = house.report()
    house.identify(incident_id)
    house.record(incident_id)
    house.step("classification.set_type", incident_id, request_type="咨询", ci_affected=False)
    house.step("closing.resolve", incident_id)
    with pytest.raises(InvalidValuesError) as refused:
        house.step("closing.examine", incident_id, complete=True)
    assert set(refused.value.problems) == {"category", "type"}
    with pytest.raises(InvalidValuesError) as refused:
        house.step("closing.examine", incident_id, complete=True, category="crm", type="hb.data")
    assert set(refused.value.problems) == {"type"}
    house.step("closing.examine", incident_id, complete=True, category="crm", type="crm.app")
    found = house.incident(incident_id)
    assert (found["category"], found["type"], found["symptom"]) == ("crm", "crm.app", None)
    assert (found["priority"], found["priority_provisional"]) == (4, False)


@pytest.mark.proves("R169")
def test_another_type_at_5_1_takes_the_symptom_of_the_old_one_away(sqlite_house: House) -> None:
    incident_id = sqlite_house.resolved()
    sqlite_house.step("closing.examine", incident_id, complete=True, category="hb", type="hb.data")
    found = sqlite_house.incident(incident_id)
    assert (found["category"], found["type"], found["symptom"]) == ("hb", "hb.data", None)


@pytest.mark.proves("R170", "R172")
def test_an_incomplete_record_says_what_is_missing_and_is_supplemented(house: House) -> None:
    incident_id = house.resolved()
    assert house.step("closing.examine", incident_id, complete=False, missing="缺根源") == "incomplete"
    assert house.incident(incident_id)["check_remark"] == "缺根源"
    added = {"supplement": "根源为配置错误", "cause": "crm.app.code", "solution": "恢复配置并加校验"}
    assert house.step("closing.supplement", incident_id, SUPPORTER, **added) == "ask"
    found = house.incident(incident_id)
    assert (found["cause"], found["solution"]) == ("crm.app.code", "恢复配置并加校验")
    notes = house.connection.scalars(select(comment.c.text).where(comment.c.incident_id == incident_id)).all()
    assert notes == ["根源为配置错误"]


@pytest.mark.proves("R376")
@pytest.mark.parametrize(("road", "code"), [("answered", "C04"), ("recovered", "C05"), ("solved_at_desk", None)])
def test_what_never_left_the_desk_is_resolved_by_it_and_no_clock_runs_on(
    sqlite_house: House, road: str, code: str | None
) -> None:
    incident_id = sqlite_house.report()
    sqlite_house.identify(incident_id)
    sqlite_house.record(incident_id)
    ctx = sqlite_house.context(DESK_PERSON)
    call = Call("s5_resolved", 1, str(incident_id), {"incident_id": incident_id, "outcome": road})
    assert closing.resolve(ctx, call) == "check"
    found = sqlite_house.incident(incident_id)
    resolver = None if road == "recovered" else DESK_PERSON
    assert (found["state"], found["resolver"], found["resolving_group"]) == ("resolved", resolver, "desk")
    assert found["proposed_close_code"] == code
    assert [name for name in clocks.CLOCKS if clocks.clock(found, name).runs] == ["closure"]
    assert found["acceptance_started_at"] is None


@pytest.mark.proves("R159", "R273")
def test_what_went_on_as_a_requirement_is_closed_at_once_with_the_code_for_it(house: House) -> None:
    incident_id = house.accepted()
    ctx = house.context(SUPPORTER)
    data = {"incident_id": incident_id, "outcome": "requirement_created"}
    assert closing.resolve(ctx, Call("s5_resolved", 1, str(incident_id), data)) == "automatic"
    data = {"incident_id": incident_id, "closing": "automatic"}
    assert closing.close_automatically(ctx, Call("s5_5_auto", 1, str(incident_id), data)) == "closed"
    found = house.incident(incident_id)
    assert (found["state"], found["close_code"], found["satisfied"]) == ("closed", "C10", None)
    assert found["responsible_role"] is None


@pytest.mark.proves("R147")
def test_a_slave_takes_over_what_resolved_its_master(sqlite_house: House) -> None:
    master, slave = sqlite_house.resolved(), sqlite_house.dispatched()
    ctx = sqlite_house.context()
    incidents.change(ctx, incidents.get(ctx, slave), {"state": "slave", "master_id": master})
    sqlite_house.step("closing.resolve", slave, "system")
    found = sqlite_house.incident(slave)
    assert (found["state"], found["resolver"], found["resolving_group"]) == ("resolved", SUPPORTER, "crm")
    assert (found["solution"], found["cause"]) == ("恢复配置", "crm.app.config")


@pytest.mark.proves("R174", "R248", "R376")
def test_a_rejection_counts_and_takes_the_restoration_up_where_it_stopped(house: House) -> None:
    incident_id = house.accepted()
    house.wait(hours=4)
    house.work(incident_id)
    house.step("closing.resolve", incident_id, "system")
    assert clocks.current_due_at(house.incident(incident_id)) == house.now + timedelta(days=2)
    house.wait(hours=10)
    assert house.step("closing.ask", incident_id, satisfied=False, opinion="仍然报错") is False
    found = house.incident(incident_id)
    assert (found["state"], found["responsible_group"], found["rejections"]) == ("to_dispatch", "desk", 1)
    assert (found["resolved_at"], found["opinion"]) == (None, "仍然报错")
    assert clocks.due_at(found, "restoration") == START + timedelta(days=2, hours=10)


@pytest.mark.proves("R272", "R276")
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"close_code": "C00", "solution": "恢复配置"}, "close_code"),
        ({"close_code": "C11", "solution": "恢复配置"}, "close_code"),  # the system's
        ({"close_code": "C01", "solution": " "}, "solution"),
    ],
)
def test_closing_needs_a_code_of_a_person_and_the_solution(
    sqlite_house: House, values: dict[str, str], field: str
) -> None:
    incident_id = sqlite_house.resolved()
    with pytest.raises(InvalidValuesError) as refused:
        sqlite_house.step("closing.close", incident_id, **values)
    assert set(refused.value.problems) == {field}
    assert sqlite_house.incident(incident_id)["state"] == "resolved"


@pytest.mark.proves("R274")
@pytest.mark.parametrize("code", ["C02", "C03"])
def test_a_workaround_or_a_failure_closes_with_a_problem_only(house: House, code: str) -> None:
    incident_id = house.resolved()
    with pytest.raises(InvalidValuesError, match="问题单"):
        house.step("closing.close", incident_id, close_code=code, solution="切换备用链路")
    with pytest.raises(InvalidValuesError, match="没有单号为“WT990101-001”的问题单"):
        house.step("closing.close", incident_id, close_code=code, solution="切换备用链路", problem_ref="WT990101-001")
    number = house.problem(incident_id)
    house.step("closing.close", incident_id, close_code=code, solution="切换备用链路", problem_ref=number.lower())
    found = house.incident(incident_id)
    assert (found["state"], found["close_code"], found["problem_ref"]) == ("closed", code, number)


@pytest.mark.proves("R275", "R276")
def test_automatic_closing_has_its_own_code_and_claims_no_consent(house: House) -> None:
    incident_id = house.resolved()
    house.wait(days=30)
    house.step("closing.close_automatically", incident_id, "system")
    found = house.incident(incident_id)
    assert (found["state"], found["close_code"], found["closed_at"]) == ("closed", "C11", house.now)
    assert found["satisfied"] is None


@pytest.mark.proves("R274", "R275")
def test_automatic_closing_of_a_workaround_waits_for_its_problem(house: House) -> None:
    incident_id = house.accepted()
    house.step("investigation.conclude", incident_id, SUPPORTER, found="solution", solution="换机", workaround=True)
    house.step("closing.resolve", incident_id, "system")
    assert house.step("closing.close_automatically", incident_id, "system") == "close"
    assert house.incident(incident_id)["state"] == "resolved"
    note = house.connection.execute(select(comment).where(comment.c.incident_id == incident_id)).one()
    assert (note.kind, note.actor) == ("note", "system") and "问题单" in note.text
    ctx = house.context()
    incidents.change(ctx, incidents.get(ctx, incident_id), {"problem_ref": "WT261122-001"})
    assert house.step("closing.close_automatically", incident_id, "system") == "closed"
    assert house.incident(incident_id)["state"] == "closed"


@pytest.mark.proves("R244", "R275")
@pytest.mark.parametrize(("satisfied", "goes_on"), [(None, "check"), (True, "close")])
def test_a_waiting_incident_is_not_closed_automatically_and_goes_on_waiting(
    house: House, satisfied: bool | None, goes_on: str
) -> None:
    incident_id = house.resolved()
    if satisfied:
        house.step("closing.ask", incident_id, satisfied=True, opinion="满意")
    house.wait(days=25)
    ctx = house.context()
    until = house.now + timedelta(days=5)
    waiting.hold(ctx, incidents.get(ctx, incident_id), "W02", until, "用户出差", roles={"desk"})
    house.wait(days=5)
    assert house.step("closing.close_automatically", incident_id, "system") == goes_on
    found = house.incident(incident_id)
    assert (found["state"], found["waiting_code"], found["waiting_until"]) == ("waiting", "W02", until)
    note = house.connection.execute(select(comment.c.text).where(comment.c.incident_id == incident_id)).scalar_one()
    assert "等待" in note


@pytest.mark.proves("R275", "R276")
def test_a_withdrawn_incident_is_closed_by_time_with_the_code_of_the_withdrawal(house: House) -> None:
    incident_id = house.accepted()
    ctx = house.context()
    relations.withdraw(ctx, incidents.get(ctx, incident_id), "用户自行处理")
    assert house.step("closing.resolve", incident_id, "system") == "close"
    assert house.incident(incident_id)["resolved_at"] is None
    assert house.step("closing.close_automatically", incident_id, "system") == "closed"
    assert house.incident(incident_id)["close_code"] == "C06"


@pytest.mark.proves("R174", "R275")
def test_answers_about_a_rejected_resolution_do_not_count_for_the_next(house: House) -> None:
    incident_id = house.resolved()
    house.step("closing.check", incident_id, complete=True, remark="齐全")
    house.step("closing.ask", incident_id, satisfied=False, opinion="仍然报错")
    found = house.incident(incident_id)
    assert [found[name] for name in ("resolved_at", "resolver", "resolving_group", "restored")] == [None] * 4
    house.step("dispatch.propose", incident_id, "system")
    house.step("dispatch.dispatch", incident_id, group="crm")
    house.step("dispatch.answer", incident_id, SUPPORTER, answer="accept")
    house.work(incident_id)
    house.step("closing.resolve", incident_id, "system")
    house.step("closing.close_automatically", incident_id, "system")
    found = house.incident(incident_id)
    assert [found[name] for name in ("close_code", "check_remark", "satisfied", "opinion")] == ["C11", None, None, None]
    assert (found["resolver"], found["rejections"]) == (SUPPORTER, 1)


def test_a_waiting_resolved_incident_closes_and_its_waiting_ends(house: House) -> None:
    incident_id = house.resolved()
    ctx = house.context()
    end = house.now + timedelta(days=1)
    waiting.hold(ctx, incidents.get(ctx, incident_id), "W02", end, "约定明日确认", roles={"desk"})
    house.wait(hours=6)
    house.step("closing.close", incident_id, close_code="C01", solution="恢复配置")
    found = house.incident(incident_id)
    assert (found["state"], found["waiting_since"], found["closure_paused"]) == ("closed", None, timedelta(hours=6))


@pytest.mark.proves("R151", "R152")
def test_a_customer_who_disagrees_sends_the_incident_back_to_the_desk(house: House) -> None:
    incident_id = house.accepted()
    assert house.step("resolution.agree", incident_id, SUPPORTER, agreed=False, answer="不同意停机") is False
    assert house.incident(incident_id)["state"] == "to_dispatch"


@pytest.mark.proves("R165", "R206")
def test_verification_needs_the_root_cause_and_leads_back_to_stage_3_when_it_fails(house: House) -> None:
    incident_id = house.accepted()
    with pytest.raises(InvalidValuesError) as refused:
        house.step("resolution.verify", incident_id, SUPPORTER, restored=True, verification="正常")
    assert set(refused.value.problems) == {"cause"}
    values = {"verification": "仍报错", "cause": "crm.app.code"}
    assert house.step("resolution.verify", incident_id, SUPPORTER, restored=False, **values) is False
    assert house.incident(incident_id)["stage"] == 3
    with pytest.raises(InvalidValuesError, match="关闭代码"):
        house.step("resolution.verify", incident_id, SUPPORTER, restored=True, close_code="C00", **values)


def test_a_solution_that_is_found_must_be_written(sqlite_house: House) -> None:
    with pytest.raises(InvalidValuesError, match="解决方案"):
        sqlite_house.step("investigation.conclude", sqlite_house.accepted(), SUPPORTER, found="solution")


@pytest.mark.proves("R276")
@pytest.mark.parametrize(
    ("request_type", "workaround", "code"), [("故障", False, "C01"), ("故障", True, "C02"), ("咨询", False, "C04")]
)
def test_the_solution_proposes_the_close_code(
    sqlite_house: House, request_type: str, workaround: bool, code: str
) -> None:
    incident_id = sqlite_house.accepted()
    ctx = sqlite_house.context()
    incidents.change(ctx, incidents.get(ctx, incident_id), {"request_type": request_type})
    values = {"found": "solution", "solution": "恢复配置", "workaround": workaround}
    sqlite_house.step("investigation.conclude", incident_id, SUPPORTER, **values)
    assert sqlite_house.incident(incident_id)["proposed_close_code"] == code
