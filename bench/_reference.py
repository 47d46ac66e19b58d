"""The reference process of the speed figures: seven tasks, nine completions, because it is not restored once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import select

from engine import definitions, instances, tasks
from engine.context import Call, Context
from engine.persistence import user_task
from webapp import desk as verbs
from webapp.database import create_schema, make_engine
from webapp.desk import Desk
from webapp.rights import Person

FOLDER = Path(__file__).parent / "reference"
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
NOTE: dict[str, Any] = {"note": "done"}
# What is completed, in order, with its values.
ROAD: list[tuple[str, dict[str, Any]]] = [
    ("record", NOTE),
    ("classify", NOTE),
    ("major", NOTE),
    ("first_line", NOTE),
    ("investigate", NOTE),
    ("resolve", {"is_restored": False}),
    ("investigate", NOTE),
    ("resolve", {"is_restored": True}),
    ("close", NOTE),
]
ACTOR = Person("bench", "bench", frozenset({"bench"}), frozenset({"support"}))


def offer(_ctx: Context, _call: Call) -> tasks.Offer:
    """Everything to the one group."""
    return tasks.Offer(candidate_group="bench", priority=3)


@contextmanager
def reference_desk(url: str | None = None) -> Iterator[Desk]:
    """A desk on a new SQLite file (WAL, synchronous=FULL) with the reference process deployed."""
    with TemporaryDirectory(prefix="lovem-bench-") as folder:
        engine = make_engine(url or f"sqlite:///{folder}/desk.db")
        create_schema(engine)
        desk = Desk(engine, lambda: NOW, {"bench.offer": offer}, "bench")
        files = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir())}
        with desk.unit_of_work("bench") as ctx:
            definitions.deploy(ctx, files, reason="bench")
        yield desk
        engine.dispose()


def start(desk: Desk, number: int) -> str:
    """Start one instance; returns its first task's id."""
    with desk.unit_of_work(ACTOR) as ctx:
        return instances.start(ctx, "reference", f"R{number}", {}).opened[0]


def complete_all(desk: Desk, first: str) -> int:
    """Complete the whole road from the task ``first``; returns the number of completions."""
    task = first
    for _element, values in ROAD:
        opened = verbs.complete(desk, ACTOR, task, values, 1).opened
        task = opened[0] if opened else ""
    return len(ROAD)


def open_task(desk: Desk, business_key: str) -> str:
    """The one open task of an instance."""
    with desk.reading() as connection:
        return str(
            connection.execute(select(user_task.c.id).where(user_task.c.business_key == business_key)).scalar_one()
        )
