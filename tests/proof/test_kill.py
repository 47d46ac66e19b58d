"""Kill −9 between any two statements of a step: afterwards the step is done wholly or not at all, and never twice.

Each fault point is a process of its own that runs one unit of work on a copy of the same database and kills itself
there. CI takes a sample of the points, ``LOVEM_PROVE=1`` all of them.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, make_url, select, text

from engine import instances, messages, timers
from engine import persistence as db
from engine.context import Context
from engine.errors import ConflictError, StepFailedError
from tests.engine.toys import LEASE, Toy
from webapp.database import make_engine

PROVE = bool(os.environ.get("LOVEM_PROVE"))
SAMPLE = 3  # fault points of each step and database in CI
SEED = 20260302
# What differs between two runs of one step: random ids, and numbers (a sequence of PostgreSQL does not roll back).
RANDOM_COLUMNS = {"id", "instance_id", "bundle_id", "receiver_id", "message_id", "task_id", "state", "leased_by"}
TABLES = [table for table in db.metadata.sorted_tables if table.name in {
    "instance", "user_task", "timer", "subscription", "message", "history", "stuck", "decision_log", "bundle",
}]  # fmt: skip

Prepare = Callable[[Toy], Any]
Verb = Callable[[Toy, Any], Any]
FORK = multiprocessing.get_context("fork")


def prepare_completion(toy: Toy) -> Any:
    toy.to_approval()
    row = toy.task("o_approve")
    return row.id, row.revision


def complete(toy: Toy, task: Any) -> None:
    toy.do(instances.complete, task[0], {"answer": "yes"}, task[1])


def start(toy: Toy, _nothing: Any) -> None:
    toy.do(instances.start, "order", "9", {"order_id": 9})


def prepare_timer(toy: Toy) -> Any:
    toy.start("reminder")
    toy.now += timedelta(days=7)
    (due,) = toy.do(timers.claim_due, "n1", 10, LEASE)
    return due


def fire(toy: Toy, due: Any) -> None:
    toy.now += timedelta(days=7)
    toy.do(instances.fire, due)


def prepare_message(toy: Toy) -> Any:
    toy.to_approval()
    toy.do(messages.send, "withdraw", 7, "不要了", "m-1")
    (due,) = toy.do(messages.claim_due, "n1", 10, LEASE)
    return due


def deliver(toy: Toy, due: Any) -> None:
    toy.do(messages.deliver, due)


def broken(_ctx: Context, _call: Any) -> Any:
    raise ZeroDivisionError


def prepare_retry(toy: Toy) -> Any:
    instance_id = toy.start()
    works, toy.handlers["order.price"] = toy.handlers["order.price"], broken
    with pytest.raises(Exception, match="ZeroDivisionError"):
        toy.complete("o_fill", amount=3)
    toy.handlers["order.price"] = works
    return instance_id


def retry(toy: Toy, instance_id: Any) -> None:
    toy.do(instances.retry, instance_id)


def prepare_failure(toy: Toy) -> Any:
    toy.start()
    row = toy.task("o_fill")
    return row.id, row.revision


def stick(toy: Toy, task: Any) -> None:
    """A step that fails, and its record in a second unit of work."""
    toy.handlers["order.price"] = broken
    with contextlib.suppress(StepFailedError):
        toy.do(instances.complete, task[0], {"amount": 3}, task[1])


STEPS: dict[str, tuple[Prepare, Verb]] = {
    "complete": (prepare_completion, complete),
    "start": (lambda toy: None, start),
    "fire": (prepare_timer, fire),
    "deliver": (prepare_message, deliver),
    "retry": (prepare_retry, retry),
    "stick": (prepare_failure, stick),
}


class Copies:
    """Copies of one prepared database, a new one for each fault point."""

    def __init__(self, url: str, folder: Path, server: str | None) -> None:
        self.url = url
        self.folder = folder
        self.server = server
        self.made: list[str] = []
        self.numbers = itertools.count(1)

    def copy(self) -> str:
        if self.server is None:
            path = self.folder / f"copy{next(self.numbers)}.db"
            shutil.copyfile(make_url(self.url).database or "", path)
            return f"sqlite:///{path}"
        name = f"kill_{os.getpid()}_{next(self.numbers)}"
        self._administer(f"CREATE DATABASE {name} TEMPLATE {make_url(self.url).database}")
        self.made.append(name)
        return make_url(self.server).set(database=name).render_as_string(hide_password=False)

    def drop(self) -> None:
        while self.made:
            self._administer(f"DROP DATABASE {self.made.pop()} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        engine = make_engine(self.server or "", pooled=False)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))


@pytest.fixture
def copies(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Copies]:
    server = request.getfixturevalue("postgres_server") if database_url.startswith("postgresql") else None
    made = Copies(database_url, tmp_path, server)
    yield made
    made.drop()


def door(url: str, now: Any = None) -> Toy:
    toy = Toy(make_engine(url, pooled=False))
    if now is not None:
        toy.now = now
    return toy


def snapshot(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Every row of the engine's tables that a step may touch."""
    with engine.connect() as connection:
        return {
            table.name: [dict(row._mapping) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in TABLES
        }


def shape(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    """The same without what is random, so that two runs of one step compare equal."""
    return {
        name: sorted(
            repr(sorted((key, value) for key, value in row.items() if key not in RANDOM_COLUMNS)) for row in table
        )
        for name, table in rows.items()
    }


def die_at(url: str, now: Any, verb: Verb, given: Any, point: int) -> None:
    """Run the step in this process and kill it at the ``point``-th event: around a statement, around the commit."""
    toy = door(url, now)
    events = itertools.count(1)

    def passed(*_anything: Any) -> None:
        if next(events) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(toy.engine, "before_cursor_execute", passed)
    event.listen(toy.engine, "after_cursor_execute", passed)
    event.listen(toy.engine, "commit", passed)
    verb(toy, given)
    passed()
    os._exit(0)


def killed_at(url: str, now: Any, verb: Verb, given: Any, point: int) -> bool:
    """Was the point reached?"""
    process = FORK.Process(target=die_at, args=(url, now, verb, given, point))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return process.exitcode != 0


@pytest.mark.parametrize("name", STEPS)
def test_a_step_killed_at_any_point_is_done_once_or_not_at_all(name: str, copies: Copies) -> None:
    prepare, verb = STEPS[name]
    toy = door(copies.url)
    toy.deploy()
    given = prepare(toy)
    if toy.engine.dialect.name == "sqlite":
        with toy.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
    before = snapshot(toy.engine)
    clean = door(copies.copy(), toy.now)
    verb(clean, given)
    done = shape(snapshot(clean.engine))
    points = points_of(copies, toy.now, verb, given)
    outcomes = set()
    for point in points:
        url = copies.copy()
        assert killed_at(url, toy.now, verb, given, point)
        survivor = door(url, toy.now)
        after = snapshot(survivor.engine)
        assert after == before or shape(after) == done, f"{name}: half done at point {point}"
        outcomes.add(after == before)
        try:
            verb(survivor, given)
        except ConflictError:
            assert shape(after) == done
        assert shape(snapshot(survivor.engine)) == done, f"{name}: not done once after point {point}"
    assert outcomes == {True, False}


def points_of(copies: Copies, now: Any, verb: Verb, given: Any) -> list[int]:
    """The fault points to try: all of them, or those around the commit and some others."""
    toy = door(copies.copy(), now)
    count = itertools.count()
    for kind in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(toy.engine, kind, lambda *_anything: next(count))
    verb(toy, given)
    total = next(count)
    every = range(1, total + 2)  # the last one is after the commit
    return list(every) if PROVE else sorted({total, total + 1, *random.Random(SEED).sample(every, SAMPLE)})
