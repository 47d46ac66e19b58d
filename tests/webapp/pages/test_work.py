"""My work on both databases: every task once, in order, however the pages are cut and wherever nulls sort."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert

from engine.persistence import bundle, instance, user_task
from webapp.database import make_engine
from webapp.queries import keyset, work
from webapp.rights import Person

NOW = datetime(2026, 11, 23, 7, 40, tzinfo=UTC)
PERSON = Person("planning01", "规建部-需求协查岗01", frozenset({"planning", "change"}), frozenset({"planning"}))


def fill(engine: Engine, number: int) -> None:
    """So many free tasks of two groups, and as many that somebody has; priorities and due instants repeat or lack."""
    common = {
        "instance_id": 1,
        "business_key": "1",
        "element_id": "s",
        "name": "任务",
        "revision": 1,
        "suspended": False,
    }
    rows = [
        common
        | {
            "id": f"{owner}{place:030x}",
            "candidate_group": "planning" if place % 2 else "change",
            "assignee": None if owner == "f" else "planning01" if place % 3 else "change01",
            "priority": 1 + place % 3,
            "due_at": None if place % 7 == 0 else NOW + timedelta(minutes=place % 5),
            "created_at": NOW,
        }
        for owner in ("f", "a")
        for place in range(number)
    ]
    with engine.begin() as connection:
        connection.execute(insert(bundle).values(id=1, process_key="p", content_hash="h", definition_ids=[]))
        running = {"id": 1, "bundle_id": 1, "process_key": "p", "business_key": "1", "status": "running"}
        connection.execute(insert(instance).values(**running, revision=1, started_at=NOW))
        if rows:
            connection.execute(insert(user_task), rows)


@pytest.mark.proves("R194")
@pytest.mark.parametrize("number", [0, 1, 49, 50, 51, 99, 100, 101, 130])
def test_paging_shows_every_free_task_once_in_order(database: Engine, number: int) -> None:
    fill(database, number)
    seen: list[work.Task] = []
    place = ""
    with database.connect() as connection:
        for _ in range(10):
            page = work.pool(connection, PERSON, keyset.unpack_task(place))
            seen += page.rows
            if page.after is None:
                break
            assert len(page.rows) == keyset.PAGE
            place = page.after
        assert work.counts(connection, PERSON)["pool"] == min(number, work.COUNT_TO)
    assert len({task.id for task in seen}) == len(seen) == number
    assert all(task.assignee is None for task in seen)
    assert [task.priority for task in seen] == sorted(task.priority for task in seen)
    for priority in (1, 2, 3):
        due = [task.due_at for task in seen if task.priority == priority and task.due_at]
        assert due == sorted(due)


def test_my_own_tasks_are_mine_alone(database: Engine) -> None:
    fill(database, 30)
    with database.connect() as connection:
        page = work.mine(connection, PERSON)
        assert {task.assignee for task in page.rows} == {"planning01"}
        assert work.counts(connection, PERSON)["mine"] == len(page.rows) == 20


def test_the_first_page_reads_index_ranges_and_never_a_whole_group(sqlite_url: str) -> None:
    """A range of what is not due must name its priorities: else every due task of the group is read for it."""
    engine = make_engine(sqlite_url)
    asked: list[tuple[str, Any]] = []
    with engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", lambda _c, _x, sql, values, *_: asked.append((sql, values)))
        work.pool(connection, PERSON)
        sql, values = next(each for each in asked if "user_task" in each[0])
        plan = [str(row[-1]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
    engine.dispose()
    reads = [line for line in plan if "INDEX" in line and "AUTOMATIC" not in line]
    assert len(reads) == 2 * len(PERSON.groups), plan
    assert all("USING INDEX ix_user_task_candidate_group" in line for line in reads)
    assert sum("priority=? AND due_at=?" in line for line in reads) == len(PERSON.groups)
