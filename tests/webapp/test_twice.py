"""Commands that arrive twice: the key belongs to an actor, a verb and a subject; on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from engine.errors import ConflictError, InvalidValuesError, StepFailedError
from handlers.records.tables import comment, incident
from tests.office import CUSTOMER, DESK_PAGE, ROAD, Office
from webapp import desk as verbs

PAGE = {step: ROAD[step] for step in DESK_PAGE}


def fails(_ctx: object, _call: object) -> None:
    raise ZeroDivisionError("the table has a hole")


def count(office: Office, table: Any) -> int:
    with office.desk.reading() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def test_a_key_of_one_task_is_refused_for_another(office: Office):
    first, second = office.task(office.dispatch()), office.task(office.dispatch())
    verbs.complete(office.desk, office["crm01"], first.id, ROAD["s2_9_accept"], first.token, key="k")
    with pytest.raises(ConflictError, match="幂等键"):
        verbs.complete(office.desk, office["crm01"], second.id, ROAD["s2_9_accept"], second.token, key="k")
    assert office.task(int(second.business_key)).id == second.id


def test_a_report_whose_later_step_fails_is_one_incident_however_often_it_arrives(office: Office):
    broken = office.with_handlers(classification__set_type=fails)
    values = {verbs.IDENTIFY: CUSTOMER, verbs.RECORD: office.record(), **PAGE}
    with pytest.raises(StepFailedError):
        verbs.report(broken, office["reception01"], values, key="k")
    again = verbs.report(broken, office["reception01"], values, key="k")
    assert count(office, incident) == 1
    assert (again.incident_id, again.number) == (office.incident(again.incident_id)["id"], "SJ261123-001")


def test_a_report_that_is_stuck_before_its_number_says_that_it_arrived(office: Office):
    broken = office.with_handlers(intake__record=fails)
    values = {verbs.IDENTIFY: CUSTOMER, verbs.RECORD: office.record()}
    with pytest.raises(StepFailedError):
        verbs.report(broken, office["reception01"], values, key="k")
    with pytest.raises(ConflictError, match="已经收到"):
        verbs.report(office.desk, office["reception01"], values, key="k")
    assert count(office, incident) == 1


def test_a_page_whose_later_step_fails_tells_what_was_done_when_it_arrives_again(office: Office):
    incident_id = office.report()
    task = office.task(incident_id)
    broken = office.with_handlers(dispatch__dispatch=fails)
    with pytest.raises(StepFailedError):
        verbs.complete_joined(broken, office["reception01"], task.id, PAGE, task.token, key="k")
    again = verbs.complete_joined(broken, office["reception01"], task.id, PAGE, task.token, key="k")
    assert again.steps == ("s2_1_type",)
    assert office.status(incident_id) == "stuck"


def test_a_remark_that_arrives_twice_is_kept_once_and_another_text_is_another_remark(office: Office):
    incident_id = office.accept()
    for text in ("已联系厂商", "已联系厂商", "厂商已回复"):
        verbs.comment(office.desk, office["crm01"], incident_id, text, key="k")
    assert count(office, comment) == 2


def test_acts_on_an_incident_that_arrive_twice_are_done_once_and_not_refused(office: Office):
    incident_id, desk, crm, until = office.accept(), office.desk, office["crm01"], office.now + timedelta(hours=1)
    for _ in range(2):
        verbs.hold(desk, crm, incident_id, "W06", until, "等备件", key="k")
    for _ in range(2):
        verbs.resume(desk, crm, incident_id, "备件到了", key="k")
    for _ in range(2):
        verbs.withdraw(desk, office["reception01"], incident_id, "用户说好了", key="k")
    assert office.incident(incident_id)["withdrawn"]


@pytest.mark.parametrize(("length", "good"), [(1, True), (4000, True), (4001, False)])
def test_a_remark_has_up_to_4000_characters(office: Office, length: int, good: bool):
    incident_id = office.accept()
    if good:
        verbs.comment(office.desk, office["crm01"], incident_id, "长" * length)
    else:
        with pytest.raises(InvalidValuesError):
            verbs.comment(office.desk, office["crm01"], incident_id, "长" * length)


@pytest.mark.parametrize("channel", ["fax", "A" * 6000, "", "phone "])
def test_a_contact_goes_by_a_channel_that_exists(office: Office, channel: str):
    incident_id = office.accept()
    with pytest.raises(InvalidValuesError):
        verbs.comment(office.desk, office["crm01"], incident_id, "说过了", kind="contact", channel=channel)


@pytest.mark.parametrize(("length", "good"), [(1000, True), (1001, False)])
def test_a_reason_has_up_to_1000_characters(office: Office, length: int, good: bool):
    incident_id, until = office.accept(), office.now + timedelta(hours=1)
    if good:
        verbs.hold(office.desk, office["crm01"], incident_id, "W06", until, "等" * length)
    else:
        with pytest.raises(InvalidValuesError):
            verbs.hold(office.desk, office["crm01"], incident_id, "W06", until, "等" * length)
