"""Incidents that support people raise: straight to 3.1, in their own hands, with the clocks that they need."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from engine.errors import InvalidValuesError, NotAllowedError
from engine.persistence import decision_log
from tests.office import TREE, Office
from webapp import desk as verbs


def found(office: Office, **changed: Any) -> dict[str, Any]:
    values = {
        "source": "support",
        "occurred_at": (office.now - timedelta(minutes=5)).isoformat(),
        "summary": "巡检发现号码库表空间将满",
        "details": "使用率 96%，按目前的增长今晚写满。",
        **TREE,
        "impact": 2,
    }
    return values | changed


@pytest.mark.proves("R048", "R138")
def test_what_support_people_find_goes_straight_to_the_analysis_and_stays_in_their_hands(office: Office) -> None:
    done = verbs.raise_incident(office.desk, office["crm01"], found(office))
    task = office.task(done.incident_id)
    assert (task.element.id, task.assignee, task.id) == ("s3_1_analyse", "crm01", done.next_task)
    incident = office.incident(done.incident_id)
    assert (incident["number"], incident["state"], incident["stage"]) == (done.number, "in_progress", 3)
    assert (incident["responsible_group"], incident["responsible_person"]) == ("crm", "crm01")
    assert office.steps(done.incident_id) == []


@pytest.mark.proves("R088")
def test_the_system_fills_in_who_raised_it(office: Office) -> None:
    done = verbs.raise_incident(office.desk, office["crm01"], found(office))
    incident = office.incident(done.incident_id)
    assert incident["customer_name"] == office["crm01"].name
    assert (incident["recorder"], incident["recorder_group"]) == ("crm01", "crm")
    assert incident["source"] == "support"


@pytest.mark.proves("R376")
def test_its_restoration_runs_at_once_and_response_and_acceptance_take_no_time(office: Office) -> None:
    incident = office.incident(verbs.raise_incident(office.desk, office["crm01"], found(office)).incident_id)
    for name in ("response", "acceptance"):
        assert incident[f"{name}_started_at"] == incident[f"{name}_stopped_at"] == office.now
    assert (incident["restoration_started_at"], incident["restoration_stopped_at"]) == (office.now, None)


@pytest.mark.proves("R109", "R111")
def test_its_priority_is_computed_logged_and_seen_in_the_task(office: Office) -> None:
    done = verbs.raise_incident(office.desk, office["crm01"], found(office))
    incident = office.incident(done.incident_id)
    assert incident["priority"] is not None
    assert not incident["priority_provisional"]
    task = office.task(done.incident_id)
    assert task.priority == incident["priority"]
    assert task.due_at == office.now + incident["restoration_for"]
    with office.desk.reading() as connection:
        logged = connection.scalars(select(decision_log.c.element_id).order_by(decision_log.c.id)).all()
    assert logged[-3:] == ["s3_1_analyse"] * 3


@pytest.mark.proves("R177")
def test_whoever_raised_it_closes_it(office: Office) -> None:
    incident_id = verbs.raise_incident(office.desk, office["crm01"], found(office)).incident_id
    steps = ["s3_1_analyse", "s3_3_confirm", "s3_5_diagnose", "s3_6_try", "s4_1_agree", "s4_5_recover", "s4_6_verify"]
    office.do(incident_id, "crm01", *steps, s3_3_confirm={**TREE, "impact": 2})
    task = office.task(incident_id)
    assert (task.element.id, task.assignee, task.candidate_group) == ("s5_1_check", "crm01", "crm")


def test_only_support_people_raise_incidents(office: Office) -> None:
    with pytest.raises(NotAllowedError):
        verbs.raise_incident(office.desk, office["reception01"], found(office))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"summary": ""}, "summary"),
        ({"type": "billing.app"}, "type"),
        ({"source": "failed_change"}, "failed_change"),  # R090
        ({"occurred_at": "2027-01-01T00:00:00+08:00"}, "occurred_at"),
    ],
)
def test_what_is_missing_or_does_not_hang_together_is_refused_by_its_field(
    office: Office, changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidValuesError) as refused:
        verbs.raise_incident(office.desk, office["crm01"], found(office, **changed))
    assert field in refused.value.problems


def test_a_second_arrival_gets_the_first_ones_incident(office: Office) -> None:
    first = verbs.raise_incident(office.desk, office["crm01"], found(office), key="k")
    assert verbs.raise_incident(office.desk, office["crm01"], found(office), key="k") == first


def test_whoever_stands_in_several_groups_says_for_which_he_raises_it(office: Office) -> None:
    actor = office["crm01"]
    several = type(actor)(actor.account, actor.name, actor.groups | {"billing_apps"}, actor.roles)
    with pytest.raises(InvalidValuesError) as refused:
        verbs.raise_incident(office.desk, several, found(office))
    assert "group" in refused.value.problems
    done = verbs.raise_incident(office.desk, several, found(office), group="crm")
    assert office.incident(done.incident_id)["recorder_group"] == "crm"
    with pytest.raises(InvalidValuesError):
        verbs.raise_incident(office.desk, several, found(office), group="desk")
