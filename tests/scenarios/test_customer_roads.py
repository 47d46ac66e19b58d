"""What the customer does on the road of his incident, by his account or by a signed link, in every state of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from engine.context import SYSTEM
from engine.errors import ConflictError, NotAllowedError
from tests.office import ROAD, Office
from webapp import desk as verbs
from webapp import people
from webapp.rights import Person

ASKED = {"scope": "more", "needed": "报错的台席号和时间"}


def by_account(office: Office, incident_id: int) -> Person:
    """The reporter's own account."""
    customer_id = office.incident(incident_id)["customer_id"]
    with office.desk.unit_of_work(SYSTEM) as ctx:
        people.link_customer(ctx, "customer01", customer_id)
    with office.desk.reading() as connection:
        return people.find(connection, "customer01")


def by_link(office: Office, incident_id: int) -> Person:
    """The reporter as the signed link lets him in."""
    return verbs.by_link(office.incident(incident_id)["customer_id"])


COMES = pytest.mark.parametrize("comes", [by_account, by_link])
Comes = Callable[[Office, int], Person]


def at(office: Office, step: str) -> int:
    """An incident whose open task is ``step`` of the road."""
    incident_id = office.report()
    for before in ROAD:
        task = office.task(incident_id)
        if task.element.id == step:
            break
        actor = office["crm01" if task.candidate_group == "crm" else "reception01"]
        verbs.complete(office.desk, actor, task.id, ROAD[before], task.token)
    return incident_id


@COMES
@pytest.mark.proves("R091")
def test_the_customers_answer_completes_the_step_that_waits_for_it(office: Office, comes: Comes) -> None:
    incident_id = office.report(**ASKED)
    me = comes(office, incident_id)
    assert verbs.answer(office.desk, me, incident_id, "台席 03，九点整")
    found = office.incident(incident_id)
    assert (found["state"], found["waiting_code"]) == ("new", None)
    assert found["details"].endswith("台席 03，九点整")
    assert office.task(incident_id).element.id == "s1_4_scope"


@COMES
def test_an_answer_that_comes_twice_or_too_late_is_kept_and_moves_nothing(office: Office, comes: Comes) -> None:
    incident_id = office.report(**ASKED)
    me = comes(office, incident_id)
    for _again in range(2):
        assert verbs.answer(office.desk, me, incident_id, "台席 03", key="one-click")
    assert not verbs.answer(office.desk, me, incident_id, "还有台席 04")
    assert office.task(incident_id).element.id == "s1_4_scope"
    assert office.incident(incident_id)["details"].count("台席 03") == 1


@COMES
@pytest.mark.parametrize("satisfied", [True, False])
def test_confirming_and_rejecting_answer_5_3(office: Office, comes: Comes, satisfied: bool) -> None:
    incident_id = at(office, "s5_3_ask")
    assert verbs.confirm(office.desk, comes(office, incident_id), incident_id, satisfied, "看过了")
    found = office.incident(incident_id)
    assert (found["satisfied"], found["opinion"]) == (satisfied, "看过了")
    assert (found["rejections"], found["state"]) == ((0, "resolved") if satisfied else (1, "to_dispatch"))


@COMES
def test_before_the_resolution_there_is_nothing_to_confirm(office: Office, comes: Comes) -> None:
    incident_id = at(office, "s4_6_verify")
    with pytest.raises(NotAllowedError):
        verbs.confirm(office.desk, comes(office, incident_id), incident_id, True, "好了")


@COMES
def test_before_5_3_is_open_an_opinion_is_a_remark(office: Office, comes: Comes) -> None:
    incident_id = at(office, "s5_1_check")
    assert not verbs.confirm(office.desk, comes(office, incident_id), incident_id, True, "好了")
    assert office.task(incident_id).element.id == "s5_1_check"


@COMES
@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("step", ["s2_1_type", "s2_9_accept", "s3_1_analyse", "s4_6_verify"])
def test_the_customer_withdraws_in_stages_2_to_4(office: Office, comes: Comes, step: str, held: bool) -> None:
    incident_id = at(office, step)
    if held:
        who = office["crm01" if step.startswith(("s3", "s4")) else "reception01"]
        verbs.hold(office.desk, who, incident_id, "W02", office.now + timedelta(hours=2), "等待用户回复")
    verbs.withdraw(office.desk, comes(office, incident_id), incident_id, "自己好了", himself=True)
    found = office.incident(incident_id)
    assert found["withdrawn"] and found["waiting_code"] is None
    assert office.task(incident_id).element.id == "s5_5_close"


@COMES
@pytest.mark.parametrize("answered", [False, True])
def test_before_it_is_in_scope_the_customer_answers_instead_of_withdrawing(
    office: Office, comes: Comes, answered: bool
) -> None:
    incident_id = office.report(**ASKED)
    me = comes(office, incident_id)
    if answered:
        verbs.answer(office.desk, me, incident_id, "不用了，自己好了")
    with pytest.raises((ConflictError, NotAllowedError)):
        verbs.withdraw(office.desk, me, incident_id, "自己好了", himself=True)


@COMES
@pytest.mark.parametrize("step", ["s5_1_check", "s5_3_ask", "s5_5_close"])
def test_what_is_resolved_is_not_withdrawn_any_more(office: Office, comes: Comes, step: str) -> None:
    incident_id = at(office, step)
    with pytest.raises(NotAllowedError):
        verbs.withdraw(office.desk, comes(office, incident_id), incident_id, "自己好了", himself=True)
