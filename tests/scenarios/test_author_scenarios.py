"""The authors' examples in ``processes/scenarios`` run through the shipped diagrams, forms, tables and operations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select

from engine import instances, messages
from engine import persistence as db
from engine.context import Context
from engine.decisions.temporal import parse_duration
from engine.definitions import deploy
from engine.timers import DueTimer
from handlers import HANDLERS
from handlers.records import incidents
from handlers.reference import load_reference

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
EXAMPLES = sorted((PROCESSES / "scenarios").glob("*.json"))


class Play:
    """One example under way: the step's instant, and the incident that it is about."""

    def __init__(self, connection: Connection, example: Mapping[str, Any]) -> None:
        self.connection = connection
        self.now = datetime.fromisoformat(example["at"])
        definitions = {
            path.name: path.read_bytes() for kind in ("bpmn", "dmn") for path in PROCESSES.rglob(f"*.{kind}")
        }
        definitions |= {path.name: path.read_bytes() for path in (PROCESSES / "forms").glob("*.json")}
        reference = {path.stem: path.read_text("utf-8") for path in (PROCESSES / "reference").glob("*.csv")}
        deploy(self.context(), definitions, reason="首次部署")
        load_reference(self.context(), reference)
        by = example["steps"][0]["by"]
        self.incident_id = incidents.create(self.context(by))
        data = {**example["start"], "incident_id": self.incident_id}
        started = instances.start(self.context(by), example["process"], str(self.incident_id), data)
        self.instance_id = started.instance_id

    def context(self, actor: str = "system") -> Context:
        return Context(self.connection, self.now, actor, HANDLERS)

    def take(self, step: Mapping[str, Any]) -> None:
        waited = parse_duration(step.get("after", "PT0S"))
        assert isinstance(waited, timedelta)
        self.now += waited
        if "task" in step:
            opened = {row.element_id: row for row in self.open()}
            assert step["task"] in opened, f"{step['task']} is not open but {sorted(opened)}"
            task = opened[step["task"]]
            instances.complete(self.context(step["by"]), task.id, step["values"], task.revision)
        elif "timer" in step:
            t = db.timer.c
            due = self.connection.execute(select(t.task_id, t.due_at).where(t.element_id == step["timer"])).one()
            assert due.due_at <= self.now
            fired = instances.fire(self.context(), DueTimer(due.task_id, self.instance_id, step["timer"], due.due_at))
            assert fired is not None
        else:
            messages.command(self.context(), step["message"], self.incident_id, step.get("payload"))

    def open(self) -> list[Any]:
        t = db.user_task.c
        query = select(t.id, t.element_id, t.revision).where(t.instance_id == self.instance_id)
        return list(self.connection.execute(query.order_by(t.element_id)))

    def check(self, expected: Mapping[str, Any]) -> None:
        if "open" in expected:
            assert [row.element_id for row in self.open()] == sorted(expected["open"])
        incident = incidents.get(self.context(), self.incident_id)
        facts = expected.get("record", {})
        assert {name: incident[name] for name in facts} == facts


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_authors_example_comes_out_as_he_expects(sqlite_database: Engine, path: Path) -> None:
    example = json.loads(path.read_text(encoding="utf-8"))
    with sqlite_database.connect() as connection:
        play = Play(connection, example)
        for step in example["steps"]:
            play.take(step)
            play.check(step.get("expect", {}))
        play.check(example["expect"])
        ended = connection.execute(
            select(db.instance.c.status).where(db.instance.c.id == play.instance_id)
        ).scalar_one()
        assert ended == "completed"
        connection.rollback()
