"""What one completed task may cost in SQL: at most ten statements and one commit (docs/speed.md)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from tests.office import ROAD, Office
from webapp import desk as verbs

AT_MOST = 10


class Counted:
    """Statements and commits while a block ran."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.commits = 0


@contextmanager
def counting(engine: Engine) -> Iterator[Counted]:
    counted = Counted()

    def statement(_connection, _cursor, text, *_rest) -> None:
        if not text.startswith("BEGIN"):  # on PostgreSQL no statement of its own either
            counted.statements.append(" ".join(text.split())[:150])

    def commit(_connection) -> None:
        counted.commits += 1

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
