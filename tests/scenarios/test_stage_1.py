"""Stage 1 through the shipped diagram: supplements, missing information, scope, announcements (§4.3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from engine.persistence import decision_log
from handlers.records.tables import child, comment
from tests.office import CUSTOMER, Office
from webapp import desk as verbs
from webapp.desk import InvalidStepError
from webapp.desk.incidents import Reported

ADDITION = {"addition": "第四个台席也报错了"}
ASKED = {"scope": "more", "needed": "报错的台席号和时间"}


def told(office: Office, **identify: Any) -> Reported:
    """A call that names an incident that exists."""
    values = {verbs.IDENTIFY: {**CUSTOMER, **identify}}
    return verbs.report(office.desk, office["reception02"], values)


def rows(office: Office, query: Any) -> list[Mapping[str, Any]]:
    with office.desk.reading() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def children(office: Office, incident_id: int) -> list[str]:
    query = select(child.c.kind, child.c.number).where(child.c.incident_id == incident_id)
    return [row["kind"] for row in rows(office, query)]


@pytest.mark.proves("R075", "R076")
def test_a_call_about_an_open_incident_adds_to_it_and_is_over(office: Office):
    first = office.accept()
    before = office.incident(first)
    done = told(office, existing=before["number"], **ADDITION)
    assert (done.number, done.supplemented, done.next_task) == (before["number"], first, None)
    call = office.incident(done.incident_id)
    assert (call["state"], call["number"], call["supplement_of"]) == ("closed", None, first)
    assert (call["responsible_group"], call["closed_at"], call["response_stopped_at"]) == (None, office.now, office.now)
    assert office.status(done.incident_id) == "completed"
    said = rows(office, select(comment.c.kind, comment.c.text, comment.c.actor).where(comment.c.incident_id == first))
    assert said == [{"kind": "supplement", "text": ADDITION["addition"], "actor": "reception02"}]
    assert office.incident(first) == before  # state, revision and all
    assert office.task(first).element.id == "s3_1_analyse"


def test_a_supplement_that_arrives_twice_is_one(office: Office):
    number = office.incident(office.report())["number"]
    values = {verbs.IDENTIFY: {**CUSTOMER, "existing": number, **ADDITION}}
    first = verbs.report(office.desk, office["reception01"], values, key="once")
    assert verbs.report(office.desk, office["reception01"], values, key="once") == first
    assert len(rows(office, select(comment.c.id))) == 1


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"existing": "SJ990101-999", **ADDITION}, "existing"),  # no such incident
        ({"existing": "{number}"}, "addition"),  # nothing is added
        (ADDITION, "existing"),  # added to what?
        ({"existing": "{closed}", **ADDITION}, "existing"),  # that one recurs
    ],
)
def test_what_cannot_be_supplemented_is_refused_at_its_field(office: Office, said: dict[str, str], problem: str):
    closed = office.resolve()
    office.do(closed, "reception01", "s5_1_check", "s5_3_ask", "s5_5_close")
    numbers = {"number": office.incident(office.report())["number"], "closed": office.incident(closed)["number"]}
    with pytest.raises(InvalidStepError) as refused:
        told(office, **{name: value.format(**numbers) for name, value in said.items()})
    assert (refused.value.element_id, set(refused.value.problems)) == (verbs.IDENTIFY, {problem})


@pytest.mark.proves("R091", "R094", "R373")
def test_missing_information_is_waited_for_without_a_running_clock(office: Office):
    incident_id = office.report(**ASKED)
    found = office.incident(incident_id)
    assert (found["state"], found["stage"], found["waiting_code"], found["recorder"]) == (
        "waiting",
        1,
        "W01",
        "reception01",
    )
    assert found["number"] and found["waiting_until"] == office.now + timedelta(days=3)
    task = office.task(incident_id)
    assert (task.element.id, task.due_at) == ("s1_5_wait", None)
    office.pass_(hours=5)
    office.do(incident_id, "reception01", s1_5_wait={"answer": "台席 03，九点整"})
    found = office.incident(incident_id)
    assert (found["state"], found["response_paused"]) == ("new", timedelta(hours=5))
    assert found["details"].endswith("1.5 补充：台席 03，九点整")
    assert office.task(incident_id).element.id == "s1_4_scope"
    office.do(incident_id, "reception01", s1_4_scope={**ASKED, "needed": "还缺截图"})
    assert office.incident(incident_id)["state"] == "waiting"
    office.do(incident_id, "reception01", s1_5_wait={"answer": "截图已发"}, s1_4_scope={"scope": "in"})
    assert (office.incident(incident_id)["state"], office.task(incident_id).element.id) == ("to_dispatch", "s2_1_type")


@pytest.mark.proves("R091")
def test_whoever_asks_for_more_says_what(office: Office):
    with pytest.raises(InvalidStepError) as refused:
        office.report(scope="more")
    assert (refused.value.element_id, set(refused.value.problems)) == (verbs.RECORD, {"needed"})


@pytest.mark.proves("R061", "R073", "R093", "R099", "R100", "R376")
@pytest.mark.parametrize(("served", "record"), [(False, {}), (True, {"scope": "out"})])
def test_what_is_not_ours_is_explained_and_closed(office: Office, served: bool, record: dict[str, str]):
    values = {verbs.IDENTIFY: {**CUSTOMER, "served": served}, verbs.RECORD: office.record(**record)}
    incident_id = verbs.report(office.desk, office["reception01"], values).incident_id
    assert office.task(incident_id).element.id == "s1_7_notify"
    assert office.incident(incident_id)["state"] == "new"
    office.pass_(minutes=4)
    office.do(incident_id, "reception01", s1_7_notify={"means": "mail", "text": "请联系省公司政企部门"})
    found = office.incident(incident_id)
    assert (found["state"], found["close_code"], found["stage"]) == ("closed", "C08", 1)
    assert found["response_stopped_at"] == found["closed_at"] == office.now
    assert office.status(incident_id) == "completed" and office.timers() == 0
    told = rows(office, select(comment.c.kind, comment.c.channel, comment.c.text))
    assert told == [{"kind": "contact", "channel": "mail", "text": "请联系省公司政企部门"}]


@pytest.mark.proves("R094", "R099")
@pytest.mark.parametrize(("judged", "code"), [("no_answer", "C07"), ("out", "C08"), ("taken_back", "C06")])
def test_who_does_not_answer_is_not_ours_or_takes_it_back_is_told_and_closed(office: Office, judged: str, code: str):
    incident_id = office.report(**ASKED)
    office.pass_(days=3)
    office.do(incident_id, "reception01", s1_5_wait={"answer": "三次联系未果"}, s1_4_scope={"scope": judged})
    office.do(incident_id, "reception01", s1_7_notify={"means": "sms", "text": "长时间没有答复，先行关闭"})
    found = office.incident(incident_id)
    assert (found["state"], found["close_code"]) == ("closed", code)


@pytest.mark.proves("R092", "R095", "R096", "R097", "R098")
@pytest.mark.parametrize(
    ("record", "announced"),
    [
        ({}, False),
        ({"affected_departments": "市场部"}, False),
        ({"affected_departments": "市场部、财务部"}, True),
        ({"announce": True}, True),
    ],
)
def test_an_announcement_is_opened_beside_the_work_where_the_table_says_so(
    office: Office, record: dict[str, Any], announced: bool
):
    incident_id = office.report(**record)
    assert children(office, incident_id) == ["announcement"] * announced
    assert office.task(incident_id).element.id == "s2_1_type"  # the work goes on at once
    asked = rows(office, select(decision_log.c.outputs).where(decision_log.c.element_id == "s1_6_rule"))
    assert [row["outputs"] for row in asked] == [announced]


@pytest.mark.proves("R098")
def test_an_announcement_can_be_asked_for_when_the_information_is_complete(office: Office):
    incident_id = office.report(**ASKED)
    office.do(
        incident_id, "reception01", s1_5_wait={"answer": "全省都这样"}, s1_4_scope={"scope": "in", "announce": True}
    )
    assert children(office, incident_id) == ["announcement"]


@pytest.mark.proves("R083", "R177")
def test_the_recorder_is_whoever_of_the_desk_records(office: Office):
    incident_id = office.report(by="monitoring01")
    assert office.incident(incident_id)["recorder"] == "monitoring01"
