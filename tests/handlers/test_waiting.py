"""Waiting, withdrawal, reassignment, binding, recurrence and comments."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from engine.errors import ConflictError, InvalidValuesError
from handlers import clocks
from handlers.records import incidents, relations, waiting
from handlers.records.steps import BACK_TO_WORK
from handlers.records.tables import waiting_period
from tests.handlers.conftest import DESK_PERSON, START, SUPPORTER, House

SUPPORT_ROLES = {"support"}


def hold(house: House, incident_id: int, code: str = "W01", *, days: float = 1, reason: str = "等用户提供截图") -> None:
    ctx = house.context(SUPPORTER)
    end = house.now + timedelta(days=days)
    waiting.hold(ctx, incidents.get(ctx, incident_id), code, end, reason, roles=SUPPORT_ROLES)


def resume(house: House, incident_id: int) -> None:
    ctx = house.context(SUPPORTER)
    waiting.resume(ctx, incidents.get(ctx, incident_id), "用户已回复")


@pytest.mark.proves("R243", "R244", "R245")
def test_waiting_keeps_code_end_person_and_reason_and_does_not_count(house: House) -> None:
    incident_id = house.accepted()
    house.wait(hours=2)
    hold(house, incident_id)
    found = house.incident(incident_id)
    assert (found["state"], found["waiting_code"], clocks.current_due_at(found)) == ("waiting", "W01", None)
    assert found["responsible_person"] == SUPPORTER
    house.wait(hours=5)
    resume(house, incident_id)
    found = house.incident(incident_id)
    assert (found["state"], found["waiting_since"], found["held_state"]) == ("in_progress", None, None)
    assert clocks.current_due_at(found) == START + timedelta(days=2, hours=5)
    period = house.connection.execute(select(waiting_period)).one()
    assert (period.code, period.actor, period.reason) == ("W01", SUPPORTER, "等用户提供截图")
    assert (period.began_at, period.ended_at) == (START + timedelta(hours=2), START + timedelta(hours=7))


@pytest.mark.proves("R243")
@pytest.mark.parametrize(
    ("code", "days", "reason", "field"),
    [
        ("W00", 1, "等", "code"),
        ("W03", 1, "等", "code"),  # the system's
        ("W99", 1, "等", "code"),  # the manager's
        ("W01", 0, "等", "expected_end"),
        ("W01", 3.001, "等", "expected_end"),
        ("W01", 1, "  ", "reason"),
    ],
)
def test_a_waiting_without_code_end_or_reason_is_refused(
    sqlite_house: House, code: str, days: float, reason: str, field: str
) -> None:
    incident_id = sqlite_house.accepted()
    with pytest.raises(InvalidValuesError) as refused:
        hold(sqlite_house, incident_id, code, days=days, reason=reason)
    assert set(refused.value.problems) == {field}


@pytest.mark.parametrize("days", [2.999, 3])
def test_a_waiting_may_last_up_to_the_limit_of_its_code(sqlite_house: House, days: float) -> None:
    hold(sqlite_house, sqlite_house.accepted(), days=days)


@pytest.mark.proves("R240", "R243")
def test_a_code_is_set_by_the_roles_that_the_table_names(sqlite_house: House) -> None:
    def codes(*roles: str, actor: str = DESK_PERSON) -> list[str]:
        return [row["key"] for row in waiting.settable_codes(sqlite_house.context(actor), roles)]

    assert codes("desk") == ["W01", "W02"]
    assert codes("support") == ["W01", "W02", "W06", "W07", "W08", "W09"]
    assert codes("manager") == ["W07", "W09", "W99"]
    assert codes("leaders") == codes("system") == []
    assert codes("system", actor="system") == ["W01", "W03", "W04", "W05"]


@pytest.mark.parametrize(("seconds", "late"), [(-1, False), (0, True), (1, True)])
def test_a_waiting_is_late_from_its_expected_end_on(sqlite_house: House, seconds: int, late: bool) -> None:
    incident_id = sqlite_house.accepted()
    assert not waiting.is_late(sqlite_house.incident(incident_id), sqlite_house.now)
    hold(sqlite_house, incident_id, days=1)
    now = sqlite_house.wait(days=1, seconds=seconds)
    assert waiting.is_late(sqlite_house.incident(incident_id), now) is late


def test_an_incident_waits_once_and_not_when_it_is_closed(house: House) -> None:
    incident_id = house.accepted()
    hold(house, incident_id)
    with pytest.raises(ConflictError, match="已在等待"):
        hold(house, incident_id)
    resume(house, incident_id)
    with pytest.raises(ConflictError, match="不在等待"):
        resume(house, incident_id)
    with pytest.raises(ConflictError, match="已关闭"):
        hold(house, house.closed())


def test_whoever_works_on_a_waiting_incident_ends_its_waiting(house: House) -> None:
    incident_id = house.accepted()
    hold(house, incident_id)
    house.wait(hours=3)
    house.step("investigation.analyse", incident_id, SUPPORTER, analysis="用户已来电说明")
    found = house.incident(incident_id)
    assert (found["state"], found["restoration_paused"]) == ("in_progress", timedelta(hours=3))
    assert house.connection.execute(select(waiting_period.c.end_reason)).scalar_one() == BACK_TO_WORK


def test_a_withdrawn_incident_goes_to_its_recorder_with_the_code_proposed(house: House) -> None:
    incident_id = house.accepted()
    hold(house, incident_id)
    ctx = house.context(DESK_PERSON)
    with pytest.raises(InvalidValuesError):
        relations.withdraw(ctx, incidents.get(ctx, incident_id), " ")
    found = relations.withdraw(ctx, incidents.get(ctx, incident_id), "用户自行处理")
    assert (found["state"], found["stage"], found["responsible_person"]) == ("resolved", 5, DESK_PERSON)
    assert (found["withdrawn"], found["proposed_close_code"], found["resolved_at"]) == (True, "C06", None)
    house.step("closing.close", incident_id, close_code="C06", solution="用户撤销，未处理")
    assert house.incident(incident_id)["close_code"] == "C06"


@pytest.mark.parametrize(("state", "word"), [("new", "1.4"), ("resolved", "5.3"), ("closed", "复发")])
def test_what_is_not_under_way_is_neither_withdrawn_nor_reassigned(sqlite_house: House, state: str, word: str) -> None:
    make = {"new": sqlite_house.report, "resolved": sqlite_house.resolved, "closed": sqlite_house.closed}[state]
    ctx = sqlite_house.context()
    incident = incidents.get(ctx, make())
    for act in (relations.withdraw, relations.reassign):
        with pytest.raises(ConflictError, match=word):
            act(ctx, incident, "原因")


@pytest.mark.proves("R023")
def test_the_manager_takes_an_incident_back_to_the_desk(house: House) -> None:
    incident_id = house.accepted()
    ctx = house.context("事件经理A岗")
    found = relations.reassign(ctx, incidents.get(ctx, incident_id), "长时间无进展")
    assert (found["state"], found["responsible_group"], found["responsible_person"]) == ("to_dispatch", "desk", None)


@pytest.mark.proves("R260", "R265")
def test_a_slave_follows_its_master_and_there_is_no_slave_of_a_slave(house: House) -> None:
    master_id, slave_id, third_id = house.accepted(), house.dispatched(), house.dispatched()
    ctx = house.context()

    def get(incident_id: int) -> incidents.Incident:
        return incidents.get(ctx, incident_id)

    slave = relations.bind(ctx, get(slave_id), get(master_id), "同一故障")
    assert (slave["state"], relations.slaves_of(ctx, master_id)) == ("slave", [slave_id])
    assert relations.leading(ctx, slave)["responsible_person"] == SUPPORTER
    assert "本身是从事件" in str(relations.bind_refusal(ctx, get(third_id), slave))
    assert "自己有从事件" in str(relations.bind_refusal(ctx, get(master_id), get(third_id)))
    assert "自己" in str(relations.bind_refusal(ctx, slave, slave))
    resolved = get(house.resolved())
    assert "只能建立关联" in str(relations.bind_refusal(ctx, get(third_id), resolved))
    with pytest.raises(ConflictError):
        relations.bind(ctx, get(third_id), resolved, "同一故障")


@pytest.mark.proves("R147")
def test_a_resolved_master_tells_each_slave_once_and_is_credited_with_it(house: House) -> None:
    from engine.persistence import message

    master_id, slave_id = house.accepted(), house.dispatched()
    ctx = house.context()
    relations.bind(ctx, incidents.get(ctx, slave_id), incidents.get(ctx, master_id), "同一故障")
    house.work(master_id)
    for _ in range(2):
        house.step("incident.tell_slaves", master_id, "system")
    sent = house.connection.execute(select(message.c.name, message.c.key)).all()
    assert [tuple(row) for row in sent] == [("master_resolved", str(master_id))]
    house.step("closing.resolve", master_id, "system")
    house.step("closing.resolve", slave_id, "system")
    found = house.incident(slave_id)
    assert (found["state"], found["resolver"], found["resolving_group"]) == ("resolved", SUPPORTER, "crm")


@pytest.mark.proves("R269", "R277")
def test_a_recurrence_copies_the_content_and_links_the_original(house: House) -> None:
    original = house.incident(house.closed())
    house.wait(days=2)
    again = house.incident(relations.recur(house.context(), original))
    assert again["original_id"] == original["id"]
    assert (again["state"], again["number"], again["solution"]) == ("new", None, None)
    for name in ("customer_name", "phone", "summary", "details", "category", "type", "symptom", "impact"):
        assert again[name] == original[name]
    with pytest.raises(ConflictError, match="补充"):
        relations.recur(house.context(), again)


@pytest.mark.proves("R075", "R076")
def test_a_supplement_changes_no_state(house: House) -> None:
    incident_id = house.accepted()
    before = house.incident(incident_id)
    relations.comment(house.context(), incident_id, "用户补充：换机后仍报错", kind="supplement")
    assert house.incident(incident_id) == before


@pytest.mark.parametrize(
    ("text", "kind", "field"), [(" ", "note", "text"), ("已联系", "contact", "channel"), ("好", "joke", "kind")]
)
def test_an_empty_or_unclear_comment_is_refused(sqlite_house: House, text: str, kind: str, field: str) -> None:
    with pytest.raises(InvalidValuesError) as refused:
        relations.comment(sqlite_house.context(), 1, text, kind=kind)
    assert set(refused.value.problems) == {field}


@pytest.mark.proves("R241")
@pytest.mark.parametrize(("code", "days"), [("W03", 30), ("W04", 30), ("W05", 2)])
def test_what_the_system_waits_for_stops_the_clock_until_the_longest_of_its_code(
    house: House, code: str, days: int
) -> None:
    incident_id = house.accepted()
    ctx = house.context(SUPPORTER)
    waiting.hold_by_system(ctx, incidents.get(ctx, incident_id), code, "等待变更 BG261122-001", "s4_2_change")
    found = house.incident(incident_id)
    assert (found["state"], found["held_state"], found["waiting_code"]) == ("waiting", "in_progress", code)
    assert found["waiting_until"] == house.now + timedelta(days=days)
    assert clocks.current_due_at(found) is None


def test_the_system_sets_its_own_codes_only_and_refuses_what_already_waits(sqlite_house: House) -> None:
    incident_id = sqlite_house.accepted()
    ctx = sqlite_house.context(SUPPORTER)
    incident = incidents.get(ctx, incident_id)
    with pytest.raises(ValueError, match="W06"):
        waiting.hold_by_system(ctx, incident, "W06", "等厂商", "s4_2_change")
    waits = waiting.hold_by_system(ctx, incident, "W03", "等变更", "s4_2_change")
    with pytest.raises(ConflictError, match="等待"):
        waiting.hold_by_system(ctx, waits, "W04", "等需求", "s4_3_create")
