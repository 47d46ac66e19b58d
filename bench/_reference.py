"""The reference process of the speed figures: seven tasks, nine completions, because it is not restored once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine import definitions, instances
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
ACTOR = Person("bench", "bench", frozenset({"desk"}), frozenset({"desk"}))  # the lane of the diagram


@contextmanager
def reference_desk(url: str | None = None) -> Iterator[Desk]:
    """A desk on a new SQLite file (WAL, synchronous=FULL) with the reference process deployed."""
    with TemporaryDirectory(prefix="lovem-bench-") as folder:
        engine = make_engine(url or f"sqlite:///{folder}/desk.db")
        create_schema(engine)
        desk = Desk(engine, lambda: NOW, {}, "bench")
        deploy(desk)
        yield desk
        engine.dispose()


def deploy(desk: Desk) -> None:
    """Deploy the reference process and its forms."""
    files = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir())}
    with desk.unit_of_work("bench") as ctx:
        definitions.deploy(ctx, files, reason="bench")


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
