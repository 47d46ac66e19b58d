"""What time does: closing after thirty days, waitings that end by themselves, a recorder who has left."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from handlers.records import people, waiting
from handlers.records.tables import comment, waiting_period
from tests.office import ROAD, Office
from webapp import desk as verbs
from webapp.desk import Desk

THIRTY_DAYS = timedelta(days=30)
ONE_MICROSECOND = timedelta(microseconds=1)


def pass_to(office: Office, instant) -> None:
    office.now = instant
    verbs.tick(office.desk)


def notes(office: Office, incident_id: int) -> list[str]:
    with office.desk.reading() as connection:
        return list(connection.scalars(select(comment.c.text).where(comment.c.incident_id == incident_id)))


def expire(desk: Desk) -> int | None:
    with desk.unit_of_work("system") as ctx:
        return waiting.expire(ctx)


def held(office: Office, code: str, days: int) -> int:
    incident_id = office.accept()
    verbs.hold(office.desk, office["crm01"], incident_id, code, office.now + timedelta(days=days), "看一看")
    return incident_id


@pytest.mark.proves("R275", "R276")
def test_an_incident_that_only_has_to_be_closed_is_closed_after_thirty_days(office: Office):
    incident_id = office.resolve()
    resolved = office.now
    office.do(incident_id, "reception01", "s5_1_check", "s5_3_ask")
    pass_to(office, resolved + THIRTY_DAYS - ONE_MICROSECOND)
    assert office.task(incident_id).element.id == "s5_5_close"
    pass_to(office, resolved + THIRTY_DAYS)
    assert (office.incident(incident_id)["close_code"], office.status(incident_id)) == ("C11", "completed")


@pytest.mark.proves("R275", "R276")
def test_a_withdrawn_incident_that_nobody_closes_is_closed_after_thirty_days(office: Office):
    incident_id = office.accept()
    verbs.withdraw(office.desk, office["reception01"], incident_id, "用户自己解决了")
    pass_to(office, office.now + THIRTY_DAYS)
    assert (office.incident(incident_id)["close_code"], office.status(incident_id)) == ("C06", "completed")


@pytest.mark.proves("R274", "R275")
def test_a_workaround_without_problem_is_left_to_people_with_a_note(office: Office):
    incident_id = office.accept()
    office.do(incident_id, "crm01", *[step for step in ROAD if step.startswith("s3")])
    found = {"s4_6_verify": {**ROAD["s4_6_verify"], "close_code": "C02"}}
    office.do(incident_id, "crm01", "s4_1_agree", "s4_5_recover", **found)
    for _ in range(2):
        pass_to(office, office.now + THIRTY_DAYS)
        assert (office.status(incident_id), office.task(incident_id).element.id) == ("running", "s5_5_close")
    assert len(notes(office, incident_id)) == 2 and "问题单" in notes(office, incident_id)[0]
    number = verbs.open_problem(office.desk, office["reception01"], incident_id, "链路中断", "只能切换备用链路")
    closing = {"close_code": "C02", "solution": "切换备用链路", "problem_ref": number}
    office.do(incident_id, "reception01", s5_5_close=closing)
    assert office.status(incident_id) == "completed"


@pytest.mark.proves("R244", "R275")
def test_an_incident_held_while_resolved_is_not_closed_in_the_middle_of_its_waiting(office: Office):
    incident_id = office.resolve()
    resolved = office.now
    office.pass_(days=28)
    until = office.now + timedelta(days=4)
    verbs.hold(office.desk, office["reception01"], incident_id, "W02", until, "用户出差")
    pass_to(office, resolved + THIRTY_DAYS)
    task = office.task(incident_id)
    assert (office.incident(incident_id)["state"], task.element.id, task.due_at) == ("waiting", "s5_1_check", None)
    verbs.resume(office.desk, office["reception01"], incident_id, "用户回来了")
    pass_to(office, resolved + 2 * THIRTY_DAYS - ONE_MICROSECOND)
    assert office.incident(incident_id)["state"] == "resolved"
    pass_to(office, resolved + 2 * THIRTY_DAYS)
    assert office.incident(incident_id)["state"] == "closed"


@pytest.mark.proves("R203")
def test_stage_5_of_a_recorder_who_has_left_goes_to_the_desk(office: Office):
    incident_id = office.accept()
    with office.desk.unit_of_work("system") as ctx:
        people.set_active(ctx, "reception01", False)
    office.do(incident_id, "crm01", *[step for step in ROAD if step.startswith(("s3", "s4"))])
    task = office.task(incident_id)
    assert (task.candidate_group, task.assignee) == ("desk", None)
    found = office.incident(incident_id)
    assert (found["recorder"], found["responsible_group"], found["responsible_person"]) == ("reception01", "desk", None)
    office.do(incident_id, "reception02", "s5_1_check", "s5_3_ask")
    office.do(incident_id, "reception02", "s5_5_close")
    assert office.status(incident_id) == "completed"


@pytest.mark.proves("R245")
@pytest.mark.parametrize(("after", "state"), [(-ONE_MICROSECOND, "waiting"), (timedelta(), "in_progress")])
def test_an_observation_ends_by_itself_at_its_expected_end(office: Office, after: timedelta, state: str):
    incident_id = held(office, "W08", 2)
    office.pass_(days=2)
    office.now += after
    expire(office.desk)
    assert office.incident(incident_id)["state"] == state
    with office.desk.reading() as connection:
        ended = connection.execute(select(waiting_period.c.ended_by, waiting_period.c.end_reason)).one()
    assert ended == (("system", "“观察期”到期，自动恢复处理") if state == "in_progress" else (None, None))
    assert (office.task(incident_id).due_at is None) == (state == "waiting")


@pytest.mark.proves("R240")
def test_other_waitings_only_become_late(office: Office):
    incident_id = held(office, "W06", 2)
    office.pass_(days=2)
    assert expire(office.desk) is None
    assert waiting.is_late(office.incident(incident_id), office.now)


def test_nodes_that_tick_at_once_resume_each_waiting_once(office: Office):
    incidents = [held(office, "W08", 2) for _ in range(3)]
    office.pass_(days=2)

    def node(_number: int) -> list[int]:
        resumed = []
        while (incident_id := expire(office.desk)) is not None:
            resumed.append(incident_id)
        return resumed

    with ThreadPoolExecutor(2) as pool:
        resumed = [incident_id for found in pool.map(node, range(2)) for incident_id in found]
    assert sorted(resumed) == incidents
