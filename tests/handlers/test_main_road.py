"""The steps of the main road, called in the order of the diagrams."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.errors import InvalidValuesError
from tests.handlers.conftest import DESK_PERSON, SUPPORTER, House


@pytest.mark.proves("R058", "R198", "R199", "R203")
def test_an_incident_runs_from_report_to_closure_with_one_responsible_at_each_step(house: House) -> None:
    incident_id = house.report()
    seen = []

    def look() -> None:
        found = house.incident(incident_id)
        seen.append(
            (
                found["state"],
                found["stage"],
                found["responsible_role"],
                found["responsible_group"],
                found["responsible_person"],
            )
        )

    look()
    house.identify(incident_id)
    house.record(incident_id)
    look()
    house.classify(incident_id)
    assert house.step("dispatch.propose", incident_id, "system") == "crm"
    assert house.step("dispatch.dispatch", incident_id, group="crm") == "crm"
    look()
    assert house.step("dispatch.answer", incident_id, SUPPORTER, answer="accept") == "accept"
    look()
    house.work(incident_id)
    look()
    house.step("closing.resolve", incident_id, "system")
    look()
    assert house.step("closing.check", incident_id, complete=True) is True
    assert house.step("closing.ask", incident_id, satisfied=True, opinion="可以了") is True
    house.step("closing.close", incident_id, close_code="C01", solution="恢复配置")
    look()
    assert seen == [
        ("new", 1, "desk", "desk", None),
        ("to_dispatch", 2, "desk", "desk", None),
        ("to_accept", 2, "support", "crm", None),
        ("in_progress", 3, "support", "crm", SUPPORTER),
        ("in_progress", 4, "support", "crm", SUPPORTER),
        ("resolved", 5, "recorder", "desk", DESK_PERSON),
        ("closed", 5, None, None, None),
    ]
    found = house.incident(incident_id)
    assert (found["resolver"], found["resolving_group"]) == (SUPPORTER, "crm")
    assert (found["dispatches"], found["transfers"], found["rejections"]) == (1, 0, 0)


@pytest.mark.proves("R067")
def test_a_customer_without_any_telephone_is_refused(sqlite_house: House) -> None:
    incident_id = sqlite_house.report()
    with pytest.raises(InvalidValuesError) as refused:
        sqlite_house.identify(incident_id, phone="")
    assert set(refused.value.problems) == {"phone"}
    sqlite_house.identify(incident_id, phone="", mobile="13907310000")


@pytest.mark.proves("R081")
def test_an_occurrence_may_be_now_but_not_later(sqlite_house: House) -> None:
    incident_id = sqlite_house.report()
    with pytest.raises(InvalidValuesError):
        sqlite_house.record(incident_id, occurred_at=(sqlite_house.now + timedelta(seconds=1)).isoformat())
    sqlite_house.record(incident_id, occurred_at=sqlite_house.now.isoformat())
    assert sqlite_house.incident(incident_id)["occurred_at"] == sqlite_house.now
