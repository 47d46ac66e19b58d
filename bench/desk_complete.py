"""``desk.complete`` of the reference process, in process and durable, beside the least that could do the same.

The peer runs the same process in memory with SpiffWorkflow alone and adds, for each completed task, five bare SQL
statements and a commit on a SQLite file of the same durability (WAL, synchronous=FULL). Both alternate in one run.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine
from SpiffWorkflow.spiff.parser import SpiffBpmnParser
from SpiffWorkflow.util.task import TaskState
from sqlalchemy import event

from bench._reference import ACTOR, FOLDER, NOTE, ROAD, complete_all, reference_desk, start
from webapp import desk as verbs
from webapp.desk import Desk

ROUNDS = 60
WARM_UP = 5
BAR = 4.0
STATE = b"x" * 600


class Peer:
    """SpiffWorkflow in memory, and five statements a task."""

    def __init__(self, folder: Path) -> None:
        parser = SpiffBpmnParser()
        parser.add_bpmn_str((FOLDER / "reference.bpmn").read_bytes())
        self._spec = parser.get_spec("reference")
        self._engine = PythonScriptEngine()
        self._db = sqlite3.connect(folder / "peer.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE instance (id INTEGER PRIMARY KEY, revision INTEGER, state BLOB)")
        self._db.execute("CREATE TABLE task (id TEXT PRIMARY KEY, instance_id INTEGER, element TEXT)")
        self._db.execute("CREATE TABLE history (id INTEGER PRIMARY KEY, instance_id INTEGER, element TEXT, at TEXT)")
        self._number = 0

    def complete_all(self) -> int:
        """The same road."""
        self._number += 1
        number = self._number
        workflow = BpmnWorkflow(self._spec, {}, script_engine=self._engine)
        workflow.do_engine_steps()
        self._db.execute("INSERT INTO instance VALUES (?, 1, ?)", (number, STATE))
        for element, values in ROAD:
            task = workflow.get_next_task(state=TaskState.READY, spec_name=element)
            task.data.update(values)
            task.run()
            workflow.do_engine_steps()
            self._write(number, element)
        return len(ROAD)

    def _write(self, number: int, element: str) -> None:
        run = self._db.execute
        run("BEGIN IMMEDIATE")
        run("SELECT revision, state FROM instance WHERE id = ?", (number,)).fetchone()
        run("UPDATE instance SET revision = revision + 1, state = ? WHERE id = ?", (STATE, number))
        run("DELETE FROM task WHERE instance_id = ?", (number,))
        run("INSERT INTO task VALUES (?, ?, ?)", (f"{number}-{element}", number, element))
        run("INSERT INTO history (instance_id, element, at) VALUES (?, ?, ?)", (number, element, "2026-03-02"))
        run("COMMIT")


def main() -> None:
    """Print the ratio of the medians, and what one completed task costs in statements and bytes."""
    with reference_desk() as desk, TemporaryDirectory(prefix="lovem-bench-") as folder:
        peer = Peer(Path(folder))
        ours, theirs = [], []
        for number in range(WARM_UP + ROUNDS):
            first = start(desk, number)
            began = time.perf_counter()
            done = complete_all(desk, first)
            middle = time.perf_counter()
            peer.complete_all()
            ended = time.perf_counter()
            if number >= WARM_UP:
                ours.append((middle - began) / done)
                theirs.append((ended - middle) / done)
        ratio = statistics.median(ours) / statistics.median(theirs)
        figures = {
            "benchmark": "desk_complete",
            "what": "wall time of one completed task: desk.complete on SQLite FULL / in memory + 5 statements + commit",
            "ratio": round(ratio, 2),
            "bar": BAR,
            "holds": ratio <= BAR,
            "ours_ms": round(statistics.median(ours) * 1000, 2),
            "peer_ms": round(statistics.median(theirs) * 1000, 2),
            **_cost(desk),
        }
        print(json.dumps(figures))


def _cost(desk: Desk) -> dict[str, Any]:
    """Statements and commits of one completion that reaches the next task; bytes of the database per completed task."""
    statements: list[str] = []
    commits: list[Any] = []

    def count(_c: Any, _cur: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    first = start(desk, 1_000_000)
    counters = {"before_cursor_execute": count, "commit": commits.append}
    for name, counter in counters.items():
        event.listen(desk.engine, name, counter)
    verbs.complete(desk, ACTOR, first, NOTE, 1)
    for name, counter in counters.items():
        event.remove(desk.engine, name, counter)
    before = _bytes(desk)
    for number in range(2_000_000, 2_000_100):
        complete_all(desk, start(desk, number))
    grown = _bytes(desk) - before
    return {
        "statements": len(statements),
        "commits": len(commits),
        "database_bytes_per_task": round(grown / (100 * len(ROAD))),
    }


def _bytes(desk: Desk) -> int:
    with desk.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    return int((pages - free) * size)


if __name__ == "__main__":
    main()
