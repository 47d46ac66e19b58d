"""Tasks that change hands: the record follows, and nobody who has left locks a task; on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from engine.errors import ConflictError, NotAllowedError
from engine.persistence import history
from handlers.records.tables import membership, person
from tests.office import Office
from webapp import desk as verbs


def answers_for(office: Office, incident_id: int) -> tuple[str | None, str | None]:
    """Group and person who answer for an incident."""
    found = office.incident(incident_id)
    return found["responsible_group"], found["responsible_person"]


def disable(office: Office, account: str) -> None:
    with office.desk.unit_of_work("test") as ctx:
        ctx.connection.execute(update(person).where(person.c.account == account).values(active=False))


def leave(office: Office, account: str) -> None:
    with office.desk.unit_of_work("test") as ctx:
        ctx.connection.execute(delete(membership).where(membership.c.account == account))


@pytest.mark.proves("R203")
def test_who_gives_a_task_back_no_longer_answers_for_the_incident_and_who_claims_it_does(office: Office):
    incident_id = office.accept("crm01")
    task = office.task(incident_id)
    token = verbs.release(office.desk, office["crm01"], task.id, task.token)
    assert answers_for(office, incident_id) == ("crm", None)
    verbs.claim(office.desk, office["crm02"], task.id, token)
    assert answers_for(office, incident_id) == ("crm", "crm02")
    office.do(incident_id, "crm02", "s3_1_analyse")
    assert office.task(incident_id).assignee == "crm02"  # and so the next step is his, too


@pytest.mark.proves("R203")
def test_the_record_follows_an_assignment_before_and_after_acceptance(office: Office):
    incident_id = office.dispatch()
    verbs.assign(office.desk, office["crm-lead"], office.task(incident_id).id, "crm02")
    assert answers_for(office, incident_id) == ("crm", "crm02")
    office.do(incident_id, "crm02", "s2_9_accept")
    verbs.assign(office.desk, office["manager01"], office.task(incident_id).id, "crm01")
    assert answers_for(office, incident_id) == ("crm", "crm01")


@pytest.mark.proves("R219")
def test_a_delegation_outlasts_a_waiting(office: Office):
    incident_id = office.accept("crm01")
    task = office.task(incident_id)
    verbs.delegate(office.desk, office["crm01"], task.id, "crm02")
    verbs.hold(office.desk, office["crm02"], incident_id, "W06", office.now + timedelta(hours=1), "等备件")
    verbs.resume(office.desk, office["crm02"], incident_id, "备件到了")
    held = office.task(incident_id)
    assert (held.assignee, held.on_behalf_of) == ("crm02", "crm01")
    office.do(incident_id, "crm02", "s3_1_analyse")
    with office.desk.reading() as connection:
        row = connection.execute(history.select().where(history.c.task_id == task.id)).one()
    assert (row.actor, row.on_behalf_of) == ("crm02", "crm01")


def test_a_desk_task_that_somebody_has_claimed_stays_his_while_the_incident_waits(office: Office):
    incident_id = office.report()
    task = office.task(incident_id)
    verbs.claim(office.desk, office["reception02"], task.id, task.token)
    verbs.hold(office.desk, office["reception02"], incident_id, "W01", office.now + timedelta(hours=1), "等用户补充")
    assert office.task(incident_id).assignee == "reception02"
    assert answers_for(office, incident_id) == ("desk", None)  # before dispatch the whole desk answers (T-8)


@pytest.mark.proves("R203")
@pytest.mark.parametrize("gone", [disable, leave])
def test_a_colleague_takes_over_what_somebody_who_has_left_had(office: Office, gone):
    incident_id = office.accept("crm01")
    task = office.task(incident_id)
    with pytest.raises(NotAllowedError, match="crm01"):
        verbs.claim(office.desk, office["crm02"], task.id, task.token)
    gone(office, "crm01")
    with pytest.raises(NotAllowedError):
        verbs.claim(office.desk, office["billing01"], task.id, task.token)
    verbs.claim(office.desk, office["crm02"], task.id, task.token)
    assert (office.task(incident_id).assignee, answers_for(office, incident_id)) == ("crm02", ("crm", "crm02"))
    with pytest.raises(ConflictError):
        verbs.release(office.desk, office["crm02"], task.id, task.token)


def test_the_stage_of_a_recorder_who_has_left_is_finished_by_a_colleague(office: Office):
    incident_id = office.resolve()
    disable(office, "reception01")
    task = office.task(incident_id)
    assert (task.element.id, task.assignee) == ("s5_1_check", "reception01")
    verbs.claim(office.desk, office["reception02"], task.id, task.token)
    for step in ("s5_1_check", "s5_3_ask", "s5_5_close"):
        office.do(incident_id, "reception02", step)
    assert office.incident(incident_id)["state"] == "closed"


def test_the_manager_gives_the_task_of_somebody_who_has_left_to_a_colleague(office: Office):
    incident_id = office.resolve()
    disable(office, "reception01")
    verbs.assign(office.desk, office["manager01"], office.task(incident_id).id, "reception02")
    assert office.task(incident_id).assignee == "reception02"
    assert answers_for(office, incident_id) == ("desk", "reception02")


def test_the_process_of_an_incident_is_not_cancelled_but_withdrawn(office: Office):
    incident_id = office.dispatch()
    with pytest.raises(ConflictError, match="用户撤销"):
        verbs.cancel_instance(office.desk, office["owner01"], office.task(incident_id).instance_id, "重来")
    assert office.status(incident_id) == "running"
