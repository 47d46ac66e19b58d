"""What one completed task may cost in SQL: at most ten statements and one commit (docs/speed.md)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from tests.office import ROAD, Office
from tests.scenarios import companions
from webapp import desk as verbs

AT_MOST = 10
CHILD_STEP, LAST_CHILD, OPENS_A_CHILD = 12, 13, 16  # the last child ends its incident's waiting, too


class Counted:
    """Statements and commits while a block ran."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.commits = 0
        self.until_first: int | None = None

    @property
    def first(self) -> list[str]:
        """The statements of the step itself; what its messages lead to comes after its commit."""
        return self.statements[: self.until_first]


@contextmanager
def counting(engine: Engine) -> Iterator[Counted]:
    counted = Counted()

    def statement(_connection, _cursor, text, *_rest) -> None:
        if not text.startswith("BEGIN"):  # on PostgreSQL no statement of its own either
            counted.statements.append(" ".join(text.split())[:150])

    def commit(_connection) -> None:
        counted.commits += 1
        if counted.until_first is None:
            counted.until_first = len(counted.statements)

    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    try:
        yield counted
    finally:
        event.remove(engine, "before_cursor_execute", statement)
        event.remove(engine, "commit", commit)


@pytest.mark.parametrize("step", ROAD)
def test_a_completed_task_that_reaches_the_next_costs_ten_statements_and_one_commit(office: Office, step: str) -> None:
    _walk_the_road(office)  # tables and diagrams are in memory from now on
    incident_id = office.report()
    for before in ROAD:
        task = office.task(incident_id)
        actor = office["crm01" if task.candidate_group == "crm" else "reception01"]
        if before == step:
            break
        verbs.complete(office.desk, actor, task.id, ROAD[before], task.token)
    with counting(office.desk.engine) as counted:
        verbs.complete(office.desk, actor, task.id, ROAD[step], task.token)
    assert len(counted.statements) <= AT_MOST, "\n".join(counted.statements)
    assert counted.commits == 1


def _walk_the_road(office: Office) -> None:
    incident_id = office.report()
    for step in ROAD:
        task = office.task(incident_id)
        actor = office["crm01" if task.candidate_group == "crm" else "reception01"]
        verbs.complete(office.desk, actor, task.id, ROAD[step], task.token)


def test_steps_that_open_children_and_the_childrens_own_steps_have_their_budget(office: Office) -> None:
    incident_id, number = companions.change_wanted(office)  # everything is in memory from now on
    companions.do(office, number, "change_approve", "change_implement", "change_verify")
    incident_id = companions.at_agreement(office)
    companions.agree(office, incident_id, "change")
    task = office.task(incident_id)
    with counting(office.desk.engine) as counted:
        verbs.complete(office.desk, office["crm01"], task.id, companions.CHANGE, task.token)
    assert len(counted.first) <= OPENS_A_CHILD, "\n".join(counted.first)
    (number,) = companions.children_of(office, incident_id)
    for step, most in (("change_approve", CHILD_STEP), ("change_implement", CHILD_STEP), ("change_verify", LAST_CHILD)):
        task, (by, values) = companions.task_of(office, number), companions.STEPS[step]
        with counting(office.desk.engine) as counted:
            verbs.complete(office.desk, office[by], task.id, values, task.token)
        assert len(counted.first) <= most, "\n".join(counted.first)
