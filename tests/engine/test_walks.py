"""Random walks over the toy processes: after every unit of work the rows say exactly what the saved state waits for."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from engine import instances, messages, spiff, tasks
from engine import persistence as db
from engine.context import Call, Context
from engine.definitions import load_bundle
from engine.errors import ConflictError, StepFailedError
from tests.engine.toys import Toy

WALKS = 4
LENGTH = 40
ACTIONS = [
    *("start", "complete", "complete", "complete", "claim", "send", "command"),
    *("tick", "suspend", "resume", "cancel", "break_", "retry", "reopen"),
]


def inconsistent(toy: Toy) -> list[str]:
    """Where rows and saved states disagree."""
    troubles = []
    for row in toy.rows(db.instance):
        rows = {name: toy.rows(db.metadata.tables[name], instance_id=row.id) for name in ("user_task", "timer")}
        subscriptions = toy.rows(db.subscription, instance_id=row.id)
        if row.ended_at is not None:
            if row.state is not None or subscriptions or any(rows.values()) or toy.rows(db.stuck, instance_id=row.id):
                troubles.append(f"{row.id} ended but waits")
            continue
        if row.state is None:
            continue
        with toy.unit() as ctx:
            program = load_bundle(ctx, row.bundle_id).program
        run = spiff.Run(toy.now, lambda element, data: None, lambda element, data: None)
        waits = spiff.waits(spiff.load(program, row.state, run))
        parked = row.status != "running"
        expected: list[Any] = [
            {task.task_id for task in waits.user_tasks},
            set() if parked else {(one.task_id, one.due_at) for one in waits.timers},
            set() if parked else {(one.task_id, one.name, one.key) for one in waits.subscriptions},
        ]
        found: list[Any] = [
            {task.id for task in rows["user_task"]},
            {(one.task_id, one.due_at) for one in rows["timer"]},
            {(one.task_id, one.name, one.key) for one in subscriptions},
        ]
        if expected != found:
            troubles.append(f"{row.id} {row.status}: rows {found}, state {expected}")
        if {task.suspended for task in rows["user_task"]} - {parked}:
            troubles.append(f"{row.id} {row.status}: tasks not marked")
        if bool(toy.rows(db.stuck, instance_id=row.id)) != (row.status == "stuck"):
            troubles.append(f"{row.id} {row.status}: stuck row")
    return troubles


class Walker:
    """One random walk; refusals are answers, not errors."""

    def __init__(self, toy: Toy, seed: int) -> None:
        self.toy = toy
        self.random = random.Random(seed)
        self.works = toy.handlers["order.price"]

    def act(self) -> str:
        action = self.random.choice(ACTIONS)
        try:
            getattr(self, action)()
        except ConflictError:
            return f"{action} refused"
        except StepFailedError:
            return f"{action} failed"
        return action

    def start(self) -> None:
        process = self.random.choice(["order", "pair", "reminder"])
        self.toy.start(process, str(self.random.randint(1, 3)))

    def complete(self) -> None:
        if rows := self.toy.rows(db.user_task):
            row = self.random.choice(rows)
            values = {"o_fill": {"amount": 3}, "o_approve": {"answer": self.random.choice(["yes", "no"])}}
            self.toy.do(instances.complete, row.id, values.get(row.element_id, {}), row.revision)

    def claim(self) -> None:
        if rows := self.toy.rows(db.user_task):
            row = self.random.choice(rows)
            self.toy.do(tasks.claim, row.id, row.revision, actor=self.random.choice(["岗01", "岗02"]))

    def send(self) -> None:
        self.toy.do(messages.send, self.random.choice(["withdraw", "paid"]), self.random.randint(1, 3))

    def command(self) -> None:
        self.toy.do(messages.command, "withdraw", self.random.randint(1, 3))

    def tick(self) -> None:
        self.toy.now += timedelta(hours=self.random.choice([1, 30, 200]))
        self.toy.tick()

    def _instance(self) -> int:
        rows = self.toy.rows(db.instance, ended_at=None) or self.toy.rows(db.instance)
        return int(self.random.choice(rows).id) if rows else self.toy.start()

    def suspend(self) -> None:
        self.toy.do(instances.suspend, self._instance(), "等待")

    def resume(self) -> None:
        rows = self.toy.rows(db.instance, status="suspended")
        self.toy.do(instances.resume, rows[0].id if rows else self._instance(), "继续")

    def cancel(self) -> None:
        self.toy.do(instances.cancel, self._instance(), "取消")

    def break_(self) -> None:
        def broken(_ctx: Context, _call: Call) -> Any:
            raise ZeroDivisionError

        name = self.random.choice(["order.price", "remind"])
        self.toy.handlers[name] = broken if self.random.random() < 0.5 else lambda ctx, call: 1

    def retry(self) -> None:
        rows = self.toy.rows(db.instance, status="stuck")
        self.toy.do(instances.retry, rows[0].id if rows else self._instance())

    def reopen(self) -> None:
        rows = self.toy.rows(db.instance, status="stuck")
        self.toy.do(instances.reopen, rows[0].id if rows else self._instance(), "退回")


@pytest.mark.parametrize("seed", range(WALKS))
def test_rows_and_states_agree_after_every_action_of_a_random_walk(lite: Toy, seed: int) -> None:
    walker = Walker(lite, seed)
    taken: list[str] = []
    for _ in range(LENGTH):
        taken.append(walker.act())
        assert inconsistent(lite) == [], f"seed {seed}: {taken}"
    assert lite.count(db.history) > 10
