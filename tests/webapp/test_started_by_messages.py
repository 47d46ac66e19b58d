"""A process that a message should have started, and could not, is found, repeated and never tried for ever."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import event, select

from engine.context import SYSTEM, Call, Context
from engine.persistence import instance, user_task
from handlers.records import children, incidents
from tests.office import Office
from tests.webapp.conftest import SECRET
from webapp import desk as verbs
from webapp.cli import main
from webapp.desk import Desk


def wants_a_task(desk: Desk, incident_id: int) -> str:
    """A child record is opened; its process is started by the message that goes with it."""
    with desk.unit_of_work(SYSTEM) as ctx:
        record = incidents.get(ctx, incident_id, lock=True)
        return children.open_child(
            ctx, record, "task", "查锁", "请查", "settlement", {}, waits=False, element="s4_4_split"
        )


def tasks_of(office: Office, number: str) -> list[str]:
    with office.desk.reading() as connection:
        return list(connection.scalars(select(user_task.c.element_id).where(user_task.c.business_key == number)))


def test_a_start_that_failed_is_listed_and_retried_from_the_command_line(
    office: Office, office_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_ctx: Context, _call: Call) -> Any:
        raise ZeroDivisionError("除以零")

    incident_id = office.accept()
    number = wants_a_task(office.with_handlers(child__offer=broken), incident_id)
    verbs.tick(office.desk)  # the row was given to the stuck start: nobody tries it again
    assert tasks_of(office, number) == []
    monkeypatch.setenv("LOVEM_DATABASE_URL", office_url)
    monkeypatch.setenv("LOVEM_SECRET_KEY", SECRET)
    assert main(["stuck", "list"]) == 0
    (found,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (found["business_key"], "ZeroDivisionError" in found["cause"]) == (number, True)
    assert main(["stuck", "retry", str(found["instance_id"])]) == 0
    assert len(tasks_of(office, number)) == 1


def test_a_start_by_a_message_needs_ten_statements_at_most(office: Office) -> None:
    incident_id = office.accept()
    wants_a_task(office.desk, incident_id)  # compiles the process
    units: list[list[str]] = [[]]

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            units[-1].append(statement)

    event.listen(office.desk.engine, "before_cursor_execute", note)
    event.listen(office.desk.engine, "commit", lambda _: units.append([]))
    wants_a_task(office.desk, incident_id)
    started = [unit for unit in units if any(one.startswith("INSERT INTO instance") for one in unit)]
    assert [len(unit) <= 10 for unit in started] == [True]


def test_a_start_that_a_person_asked_for_leaves_no_trace_when_it_fails(office: Office) -> None:
    def broken(_ctx: Context, _call: Call) -> Any:
        raise ZeroDivisionError("除以零")

    with pytest.raises(Exception, match="除以零"):
        verbs.report(
            office.with_handlers(incident__offer=broken),
            office["reception01"],
            {verbs.IDENTIFY: {}, verbs.RECORD: office.record()},
        )
    with office.desk.reading() as connection:
        assert connection.execute(select(instance)).all() == []
