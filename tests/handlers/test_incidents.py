"""The incident record: changes, conflicts, numbers, one responsible, closed stays closed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.exc import DBAPIError

from engine.context import Call, Context
from engine.errors import ConflictError, NotFoundError
from handlers import HANDLERS, handlers_in
from handlers.records import attachments, children, incidents, numbers, relations
from handlers.records.tables import APPEND_ONLY, field_change
from handlers.records.tables import incident as table
from tests.handlers.conftest import DESK_PERSON, REQUEST, START, SUPPORTER, House


@pytest.mark.proves("R221", "R312")
def test_every_changed_field_keeps_old_value_new_value_person_and_reason(house: House) -> None:
    incident_id = house.report(summary="旧")
    house.wait(minutes=5)
    ctx = house.context(SUPPORTER, on_behalf_of="CRM组-支持岗01")
    incidents.change(ctx, incidents.get(ctx, incident_id), {"summary": "新", "impact": 2, "stage": 1}, reason="更正")
    rows = house.connection.execute(
        select(field_change).where(field_change.c.incident_id == incident_id, field_change.c.at == house.now)
    ).all()
    assert [(r.field, r.old, r.new, r.actor, r.on_behalf_of, r.reason) for r in rows] == [
        ("summary", "旧", "新", SUPPORTER, "CRM组-支持岗01", "更正"),
        ("impact", None, 2, SUPPORTER, "CRM组-支持岗01", "更正"),
    ]


def test_a_change_of_nothing_writes_nothing(house: House) -> None:
    incident_id = house.report(summary="同")
    ctx = house.context()
    before = incidents.get(ctx, incident_id)
    house.statements.clear()
    assert incidents.change(ctx, before, {"summary": "同"}) is before
    assert house.statements == []


def test_a_stale_writer_gets_a_conflict_with_who_and_when(house: House) -> None:
    incident_id = house.report()
    slow, quick = house.context(DESK_PERSON), house.context(SUPPORTER)
    stale = incidents.get(slow, incident_id)
    incidents.change(quick, incidents.get(quick, incident_id), {"summary": "先到"})
    quick.settle()
    incidents.change(slow, stale, {"summary": "后到"})
    with pytest.raises(ConflictError) as refused:
        slow.settle()
    assert (refused.value.by, refused.value.at) == (SUPPORTER, house.now)
    assert house.incident(incident_id)["summary"] == "先到"


def test_an_unknown_incident_is_not_found(sqlite_house: House) -> None:
    with pytest.raises(NotFoundError):
        sqlite_house.incident(4711)


@pytest.mark.proves("R277")
def test_a_closed_incident_can_be_corrected_but_never_opened(house: House) -> None:
    incident_id = house.closed()
    ctx = house.context()
    closed = incidents.change(ctx, incidents.get(ctx, incident_id), {"cause": "crm.app.code"}, reason="更正")
    with pytest.raises(ConflictError, match="复发"):
        incidents.change(ctx, closed, {"state": "to_dispatch", **incidents.responsible("desk", "desk")})


@pytest.mark.proves("R277")
def test_the_database_itself_keeps_a_closed_incident_closed(house: House) -> None:
    incident_id = house.closed()
    with pytest.raises(DBAPIError, match="closed"):
        house.connection.execute(update(table).where(table.c.id == incident_id).values(state="new"))


@pytest.mark.proves("R014")
def test_the_database_itself_refuses_to_delete_an_incident(house: House) -> None:
    house.report()
    with pytest.raises(DBAPIError, match="never deleted"):
        house.connection.execute(delete(table))


@pytest.mark.proves("R014")
@pytest.mark.parametrize("name", [each.name for each in APPEND_ONLY])
def test_the_database_itself_keeps_what_happened(house: House, name: str) -> None:
    incident_id, other_id = house.report(summary="旧"), house.report(summary="另一件")
    house.identify(incident_id)
    ctx = house.context()
    incident = incidents.get(ctx, incident_id)
    relations.comment(ctx, incident_id, "已电话联系")
    relations.link(ctx, incident, incidents.get(ctx, other_id), "同一台席")
    attachments.add(ctx, incident_id, attachments.checked([("说明.txt", "屏幕文字".encode())]))
    children.open_child(ctx, incident, "change", "改配置", None, None, {}, waits=False, element=None)
    with pytest.raises(DBAPIError, match="append-only"):
        house.connection.execute(delete(next(each for each in APPEND_ONLY if each.name == name)))


@pytest.mark.proves("R203")
@pytest.mark.parametrize(
    "fields",
    [
        {"responsible_group": None},
        {"responsible_role": None},
        {"state": "closed"},
        {"state": "lost"},
    ],
)
def test_a_change_that_leaves_none_or_one_too_many_responsible_is_a_fault(
    sqlite_house: House, fields: dict[str, object]
) -> None:
    incident_id = sqlite_house.report()
    ctx = sqlite_house.context()
    with pytest.raises(ValueError, match=r"responsible|unknown state"):
        incidents.change(ctx, incidents.get(ctx, incident_id), fields)


@pytest.mark.proves("R008")
def test_numbers_count_per_local_day_and_grow_past_three_digits(house: House) -> None:
    house.now = datetime(2026, 11, 22, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    assert [numbers.next_number(house.context()) for _ in range(2)] == ["SJ261122-001", "SJ261122-002"]
    house.wait(minutes=1)
    assert numbers.next_number(house.context()) == "SJ261123-001"
    last = [numbers.next_number(house.context()) for _ in range(999)][-1]
    assert last == "SJ261123-1000"


@pytest.mark.proves("R008", "R077")
def test_the_number_is_given_once_at_1_4(house: House) -> None:
    incident_id = house.report()
    assert house.incident(incident_id)["number"] is None
    house.identify(incident_id)
    house.record(incident_id)
    assert house.incident(incident_id)["number"] == "SJ261122-001"
    house.record(incident_id)
    assert house.incident(incident_id)["number"] == "SJ261122-001"


@pytest.mark.proves("R008")
@pytest.mark.parametrize(("zone", "day"), [("Asia/Shanghai", "261123"), ("Asia/Urumqi", "261122"), ("UTC", "261122")])
def test_the_day_of_a_number_is_the_day_of_the_house(sqlite_house: House, zone: str, day: str) -> None:
    sqlite_house.now = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)  # midnight in Shanghai
    incident_id = sqlite_house.report()
    sqlite_house.identify(incident_id)
    ctx = sqlite_house.context()
    values = {**REQUEST, "occurred_at": sqlite_house.now.isoformat()}
    call = Call("s1_4_record", 1, str(incident_id), {"incident_id": incident_id}, values)
    handlers_in(ZoneInfo(zone))["intake.record"](ctx, call)
    assert sqlite_house.incident(incident_id)["number"] == f"SJ{day}-001"


@pytest.mark.proves("R008")
def test_people_who_record_at_the_same_time_never_get_the_same_number(database: Engine) -> None:
    given: list[str] = []

    def record_five() -> None:
        for _ in range(5):
            with database.begin() as connection:
                given.append(numbers.next_number(Context(connection, START, DESK_PERSON, HANDLERS)))

    threads = [threading.Thread(target=record_five) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == [f"SJ261122-{n:03d}" for n in range(1, 21)]


@pytest.mark.parametrize(
    ("operation", "values"),
    [
        ("investigation.analyse", {"analysis": "台账与日志不一致"}),
        ("investigation.diagnose", {"diagnosis": "配置被覆盖"}),
        ("resolution.recover", {"action": "恢复配置"}),
    ],
)
def test_a_step_that_only_changes_the_incident_costs_three_statements(
    house: House, operation: str, values: dict[str, str]
) -> None:
    incident_id = house.accepted()
    house.step(operation, incident_id, SUPPORTER, **values)
    assert [statement.split()[0] for statement in house.statements] == ["SELECT", "UPDATE", "INSERT"]


def test_the_offer_of_a_task_after_a_step_costs_nothing(house: House) -> None:
    from engine.context import Call

    incident_id = house.accepted()
    ctx = house.context(SUPPORTER)
    incidents.get(ctx, incident_id)
    house.statements.clear()
    offer = HANDLERS["incident.offer"](ctx, Call("s3_1_analyse", 1, str(incident_id), {"incident_id": incident_id}))
    assert house.statements == []
    assert (offer.assignee, offer.candidate_group, offer.priority) == (SUPPORTER, "crm", 3)
    assert offer.due_at == START + timedelta(days=2)
