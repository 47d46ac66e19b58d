"""The SQL of "my work", first page with its counts, beside the merged index ranges that nothing can do without.

For a person in three groups with tasks of his own among 1,000, 10,000 and 100,000 open tasks. The peer reads, in raw
SQL, one page from the index range of each group and of the person, merges them, and counts each range up to the same
limit. Both alternate in one run; medians of wall time inside one connection.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, event, insert

from engine.persistence import bundle, instance, user_task
from webapp.database import create_schema, make_engine
from webapp.queries import work
from webapp.queries.keyset import PAGE
from webapp.rights import Person

SIZES = (1_000, 10_000, 100_000)
GROUPS = [f"group{n}" for n in range(12)]
PERSON = Person("me", "me", frozenset(GROUPS[:3]), frozenset({"support"}))
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SAMPLES = 60
BAR = 1.5
COLUMNS = (
    "id, name, element_id, candidate_group, assignee, priority, due_at, created_at, revision, suspended, business_key"
)
RANGE = f"SELECT * FROM (SELECT {COLUMNS} FROM user_task WHERE {{}} ORDER BY priority, due_at, id LIMIT {PAGE + 1})"
FREE = "candidate_group = ? AND assignee IS NULL"
MERGED = " UNION ALL ".join([RANGE.format(FREE)] * 3) + f" ORDER BY priority, due_at, id LIMIT {PAGE + 1}"
COUNTED = f"(SELECT count(*) FROM (SELECT 1 FROM user_task WHERE {{}} LIMIT {work.COUNT_TO}))"
COUNTS = f"SELECT {COUNTED.format('assignee = ?')}, {' + '.join([COUNTED.format(FREE)] * 3)}"


def main() -> None:
    """Print the ratio for each number of open tasks."""
    figures = {size: _measure(size) for size in SIZES}
    print(
        json.dumps(
            {
                "benchmark": "my_work",
                "what": "first page of the pool and the counts / a merged index range for each group, raw SQL",
                "ratios": {str(size): round(ratio, 2) for size, (ratio, _, _) in figures.items()},
                "ours_ms": {str(size): round(ms, 3) for size, (_, ms, _) in figures.items()},
                "sql_ratios": {str(size): round(sql, 2) for size, (_, _, sql) in figures.items()},
                "bar": BAR,
                "holds": all(sql <= BAR for _, _, sql in figures.values()),
            }
        )
    )


def _measure(size: int) -> tuple[float, float, float]:
    with TemporaryDirectory(prefix="lovem-bench-") as folder:
        engine = make_engine(f"sqlite:///{folder}/desk.db")
        create_schema(engine)
        with engine.begin() as connection:
            _fill(connection, size)
            connection.exec_driver_sql("ANALYZE")
        with engine.connect().execution_options(read_only=True) as connection:
            statements = _statements(connection)
            ours = _samples(lambda: _ours(connection), lambda: _raw(connection, statements), lambda: _peer(connection))
        engine.dispose()
    whole, raw, peer = (statistics.median(times) for times in ours)
    return whole / peer, whole * 1000, raw / peer


def _samples(*runs: Callable[[], Any]) -> list[list[float]]:
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(SAMPLES):
        for taken, run in zip(times, runs, strict=True):
            began = time.perf_counter()
            run()
            taken.append(time.perf_counter() - began)
    return times


def _ours(connection: Connection) -> None:
    work.pool(connection, PERSON)
    work.counts(connection, PERSON)


def _statements(connection: Connection) -> list[tuple[str, Any]]:
    """The statements that the page sends, as the database gets them."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    _ours(connection)
    event.remove(connection, "before_cursor_execute", note)
    return seen


def _raw(connection: Connection, statements: list[tuple[str, Any]]) -> None:
    cursor = connection.connection.cursor()
    for statement, parameters in statements:
        cursor.execute(statement, parameters).fetchall()


def _peer(connection: Connection) -> None:
    cursor = connection.connection.cursor()
    cursor.execute(MERGED, GROUPS[:3]).fetchall()
    cursor.execute(COUNTS, ["me", *GROUPS[:3]]).fetchone()


def _fill(connection: Connection, size: int) -> None:
    dice = random.Random(size)
    connection.execute(insert(bundle).values(id=1, process_key="p", content_hash="h", definition_ids=[]))
    alike = {"bundle_id": 1, "process_key": "p", "status": "running", "revision": 1, "started_at": NOW}
    connection.execute(insert(instance), [{**alike, "id": n, "business_key": str(n)} for n in range(size)])
    connection.execute(insert(user_task), [_task(dice, n) for n in range(size)])


def _task(dice: random.Random, number: int) -> dict[str, Any]:
    return {
        "id": f"{number:032x}",
        "instance_id": number,
        "business_key": str(number),
        "element_id": "s2_9_accept",
        "name": "2.9 进行事件分析",
        "lane": "支持人员",
        "candidate_group": dice.choice(GROUPS),
        "assignee": dice.choice([None, None, "me" if dice.random() < 0.01 else f"person{dice.randrange(200)}"]),
        "priority": dice.randrange(1, 5),
        "due_at": NOW + timedelta(minutes=dice.randrange(10_000)),
        "revision": 1,
        "created_at": NOW,
        "suspended": False,
    }


if __name__ == "__main__":
    main()
