"""Random walks through the shipped diagrams: saving and loading after every step changes nothing that can be seen.

The seeds are fixed; ``LOVEM_PROVE=1`` walks many more. A failure names its seed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import spiff
from webapp.shipped import PROCESSES, definition_files

WALKS = 400 if os.environ.get("LOVEM_PROVE") else 60
STEPS = 200
BEGIN = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
# What each deciding element may answer; all other operations answer a fixed text.
ANSWERS: Mapping[str, tuple[Any, ...]] = {
    "scope": ("in",),
    "accepted": ("accept", "accept", "transfer", "return"),
    "found": ("solution", "solution", "none", "transfer"),
    "agreed": (True, True, False),
    "restored": (True, True, False),
    "confirm": (True, True, False),
    "satisfied": (True, False),
}
# From outside: a message to whoever waits for it, with its payload.
MESSAGES: Mapping[str, tuple[Any, ...]] = {
    "reassign": (None,),
    "withdraw": (None,),
    "become_slave": (7,),
    "master_resolved": ("restored", "withdrawn"),
}


@pytest.fixture(scope="module")
def program() -> spiff.Program:
    """The shipped incident process with all that it calls."""
    diagrams = {name: data for name, data in definition_files(PROCESSES).items() if name.endswith(".bpmn")}
    return spiff.compile_program(diagrams, "incident")


class Walker:
    """One instance, kept in memory or saved and loaded after every step; what it shows has no ids of its own."""

    def __init__(self, program: spiff.Program, *, saved: bool) -> None:
        self.program, self.saved, self.now = program, saved, BEGIN
        self.answers: list[Any] = []
        self.visited: set[str] = set()
        self.workflow = spiff.start(program, {"incident_id": 1, "outcome": "reported"}, self.run())
        self.shown: list[Any] = []
        self._settle()

    def run(self) -> spiff.Run:
        return spiff.Run(now=self.now, operate=self._operate, decide=lambda _element, _data: "decided")

    def _operate(self, element: spiff.Element, _data: Mapping[str, Any]) -> Any:
        return ANSWERS.get(element.properties.get("result", ""), ("done",))[0]

    def choices(self) -> list[tuple[str, int]]:
        """What could happen next: the n-th user task, timer or subscription of what it waits for."""
        waits = spiff.waits(self.workflow)
        counted = (("task", waits.user_tasks), ("timer", waits.timers), ("message", waits.subscriptions))
        return [(kind, number) for kind, found in counted for number in range(len(found))]

    def step(self, kind: str, number: int, dice: random.Random) -> None:
        """Let it happen."""
        if self.saved:
            self.workflow = spiff.load(self.program, spiff.dump(self.workflow), self.run())
        waits = spiff.waits(self.workflow)
        if kind == "task":
            task = sorted(waits.user_tasks, key=lambda one: one.element_id)[number]
            key = self.program.elements[task.element_id].properties.get("result")
            written = {key: dice.choice(ANSWERS.get(key, ("done",)))} if key else {}
            spiff.complete(self.workflow, task.task_id, written)
        elif kind == "timer":
            timer = sorted(waits.timers, key=lambda one: one.element_id)[number]
            spiff.fire_timer(self.workflow, timer.task_id)
        else:
            wait = sorted(waits.subscriptions, key=lambda one: (one.name, one.key))[number]
            spiff.deliver(self.workflow, wait.task_id, wait.name, dice.choice(MESSAGES[wait.name]))
        self._settle()

    def _settle(self) -> None:
        spiff.advance(self.workflow)
        left = spiff.left(self.workflow)
        self.visited |= {one.element_id for one in left}
        waits = spiff.waits(self.workflow)
        self.shown = [
            sorted((task.element_id, sorted(task.data.items(), key=str)) for task in waits.user_tasks),
            sorted((timer.element_id, timer.due_at) for timer in waits.timers),
            sorted((wait.element_id, wait.name, wait.key) for wait in waits.subscriptions),
            spiff.is_completed(self.workflow),
        ]


def walk(program: spiff.Program, seed: int) -> set[str]:
    """One random walk, twice at once; returns the elements it came through."""
    dice = random.Random(seed)
    walkers = [Walker(program, saved=False), Walker(program, saved=True)]
    for _ in range(STEPS):
        choices = walkers[0].choices()
        if not choices:
            break
        # People act far more often than anything interrupts them.
        kind, number = dice.choices(choices, weights=[40 if choice[0] == "task" else 1 for choice in choices])[0]
        now = walkers[0].now + timedelta(days=40 if kind == "timer" else 0, minutes=dice.randrange(1, 300))
        state = dice.getstate()
        for walker in walkers:
            walker.now = now
            if not walker.saved:  # the clock of a workflow in memory is the one that it was started with
                walker.workflow = _at(walker)
            dice.setstate(state)
            walker.step(kind, number, dice)
        assert walkers[0].shown == walkers[1].shown, f"seed {seed}"
    assert walkers[0].shown[-1] or walkers[0].choices(), f"seed {seed}: neither ended nor waiting"
    return walkers[0].visited


def _at(walker: Walker) -> spiff.Workflow:
    walker.workflow.run = walker.run()
    return walker.workflow


@pytest.mark.proves("R101", "R125", "R133", "R136", "R150", "R152", "R165", "R174")
def test_saving_after_every_step_changes_nothing_on_walks_through_the_shipped_diagrams(program: spiff.Program) -> None:
    visited: set[str] = set()
    for seed in range(WALKS):
        visited |= walk(program, seed)
    steps = {
        id_ for id_, element in program.elements.items() if element.type in ("userTask", "serviceTask", "endEvent")
    }
    assert steps - visited == set(), "steps that no walk came through"


def test_the_state_of_a_running_incident_stays_small_however_often_it_loops(program: spiff.Program) -> None:
    walker, sizes = Walker(program, saved=True), []
    loop = ["s2_8_dispatch", "s2_9_accept", "s3_1_analyse", "s3_3_confirm", "s3_5_diagnose", "s3_6_try"]
    road = ["s1_2_identify", "s1_4_record", "s2_1_type", "s2_2_classify", *loop * 60]
    for element in road:
        walker.workflow = spiff.load(program, spiff.dump(walker.workflow), walker.run())
        task = spiff.waits(walker.workflow).user_tasks[0]
        assert task.element_id == element
        key = program.elements[element].properties.get("result")
        given = {"s3_6_try": "none", "s2_9_accept": "accept"}.get(element, "done")
        spiff.complete(walker.workflow, task.task_id, {key: given} if key else {})
        spiff.advance(walker.workflow)
        sizes.append(len(spiff.dump(walker.workflow)))
    assert max(sizes) <= 2000  # bytes: the bar of the state of a running instance
    first, last = sizes[4 : 4 + len(loop)], sizes[-len(loop) :]
    assert max(last) <= 1.1 * max(first)
