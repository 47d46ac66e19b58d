"""The due scan with 1,000, 10,000 and 100,000 waiting timers: answered from one index alone, and flat.

Prints JSON. Fifty timers are due, or none; the figures are medians of the statement (idle: is anything due?) and of
leasing the fifty due ones, measured in turns over the sizes; ``ratio`` is 100,000 against 1,000. On PostgreSQL the
scan is measured after a VACUUM, as autovacuum leaves the table.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, insert, make_url, text

from engine import persistence as db
from engine import timers
from engine.context import Context
from tests import postgres
from webapp.database import create_schema, make_engine

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SIZES = (1_000, 10_000, 100_000)
DUE = 50
LEASE = timedelta(minutes=5)
BAR = 1.5


def main(sizes: tuple[int, ...] = SIZES, rounds: int = 60) -> dict[str, Any]:
    """The figures of both databases, in microseconds."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = stack.enter_context(postgres.server())
        engines = {
            "sqlite": [make_engine(f"sqlite:///{folder}/{size}.db") for size in sizes],
            "postgresql": [_database(server, f"due_{size}") for size in sizes],
        }
        figures = {name: _measured(made, sizes, rounds) for name, made in engines.items()}
        for engine in (engine for made in engines.values() for engine in made):
            engine.dispose()
    return {
        "benchmark": "due_scan",
        "bar": f"index only; time with {sizes[-1]} timers at most {BAR} times the time with {sizes[0]}",
        "holds": all(one["index_only"] and max(one["ratio"].values()) <= BAR for one in figures.values()),
        **figures,
    }


def _measured(engines: list[Engine], sizes: tuple[int, ...], rounds: int) -> dict[str, Any]:
    for engine, size in zip(engines, sizes, strict=True):
        _fill(engine, size)
    kinds: dict[str, Callable[[Engine], None]] = {"idle": _idle, "scan": _scan, "claim": _claim}
    medians: dict[str, dict[int, float]] = {}
    for kind, run in kinds.items():
        times: dict[int, list[float]] = {size: [] for size in sizes}
        for _ in range(rounds):
            for engine, size in zip(engines, sizes, strict=True):
                times[size].append(_timed(run, engine))
        medians[kind] = {size: round(statistics.median(taken), 1) for size, taken in times.items()}
    plan = _plan(engines[-1])
    return {
        "index_only": "COVERING INDEX ix_timer_due_at" in plan or "Index Only Scan using ix_timer_due_at" in plan,
        "plan": plan,
        "microseconds": medians,
        "ratio": {kind: round(by_size[sizes[-1]] / by_size[sizes[0]], 2) for kind, by_size in medians.items()},
    }


def _timed(run: Callable[[Engine], None], engine: Engine) -> float:
    start = time.perf_counter()
    run(engine)
    return (time.perf_counter() - start) * 1e6


def _scan(engine: Engine) -> None:
    """The scan alone: fifty ids, in the order of falling due."""
    with engine.connect() as connection:
        assert len(connection.execute(timers.due_scan(NOW, DUE)).all()) == DUE


def _idle(engine: Engine) -> None:
    """A tick of the clock with nothing due."""
    with engine.connect() as connection:
        assert not timers.claim_due(Context(connection, NOW - LEASE, "system", {}), "n1", DUE, LEASE)


def _claim(engine: Engine) -> None:
    """Lease the fifty due ones, and roll back."""
    with engine.connect() as connection:
        assert len(timers.claim_due(Context(connection, NOW, "system", {}), "n1", DUE, LEASE)) == DUE
        connection.rollback()


def _plan(engine: Engine) -> str:
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with engine.connect() as connection:
        statement = timers.due_scan(NOW, DUE).compile(connection, compile_kwargs={"literal_binds": True})
        return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + str(statement)))


def _fill(engine: Engine, size: int) -> None:
    """One instance with ``size`` waiting timers, the first fifty due within the last fifty seconds."""
    create_schema(engine)
    with engine.begin() as connection:
        connection.execute(insert(db.bundle).values(id=1, process_key="p", content_hash="x", definition_ids=[]))
        connection.execute(
            insert(db.instance).values(
                id=1, bundle_id=1, process_key="p", business_key="1", status="running", revision=1, started_at=NOW
            )
        )
        rows = [
            {
                "task_id": f"{number:032x}",
                "instance_id": 1,
                "element_id": "wait",
                "due_at": NOW + timedelta(seconds=number - DUE + 1),
            }
            for number in range(size)
        ]
        connection.execute(insert(db.timer), rows)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("VACUUM ANALYZE timer"))


def _database(server: str, name: str) -> Engine:
    """A new database on the server."""
    with make_engine(server, pooled=False).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    return make_engine(make_url(server).set(database=name).render_as_string(hide_password=False))


if __name__ == "__main__":
    print(json.dumps(main(), indent=2))
