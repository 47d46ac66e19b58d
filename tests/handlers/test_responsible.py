"""Who answers for an incident: the record follows the task, and stage 5 finds somebody who is there."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from handlers.records import incidents
from handlers.records.tables import field_change
from tests.handlers.conftest import SUPPORTER, House

COLLEAGUE = "CRM组-支持岗01"


def responsible(house: House, incident_id: int) -> tuple[str | None, ...]:
    found = house.incident(incident_id)
    return tuple(found[name] for name in incidents.RESPONSIBLE)


@pytest.mark.proves("R203", "R221")
def test_the_record_follows_its_task_to_the_pool_and_to_a_colleague(house: House) -> None:
    incident_id = house.accepted()
    ctx = house.context(SUPPORTER)
    incidents.given_back(ctx, incidents.get(ctx, incident_id, lock=True), "交回本组")
    assert responsible(house, incident_id) == ("support", "crm", None)
    ctx = house.context(COLLEAGUE)
    incidents.taken_by(ctx, incidents.get(ctx, incident_id, lock=True), COLLEAGUE, "认领")
    assert responsible(house, incident_id) == ("support", "crm", COLLEAGUE)
    c = field_change.c
    rows = select(c.actor, c.old, c.new, c.reason).where(c.incident_id == incident_id, c.field == "responsible_person")
    assert [tuple(row) for row in house.connection.execute(rows.order_by(c.id))] == [
        (SUPPORTER, None, SUPPORTER, None),
        (SUPPORTER, SUPPORTER, None, "交回本组"),
        (COLLEAGUE, None, COLLEAGUE, "认领"),
    ]


@pytest.mark.proves("R203")
def test_before_dispatch_the_desk_answers_whoever_has_taken_the_task(house: House) -> None:
    incident_id = house.report()
    ctx = house.context()
    before = incidents.get(ctx, incident_id)
    assert incidents.taken_by(ctx, before, "服务受理岗02", "认领") is before
    assert incidents.given_back(ctx, before, "交回本组") is before
    assert responsible(house, incident_id) == ("desk", "desk", None)
