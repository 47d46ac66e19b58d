"""Saving and loading after every step changes nothing: random walks through randomly drawn processes.

The same walk runs twice, once in memory only and once saved and loaded after every command; all that can be seen from
outside is compared after each. A failure prints the seed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from engine import spiff
from tests.engine.spiff.diagrams import (
    Desk,
    Message,
    boundary,
    call,
    catch,
    end,
    flow,
    flows,
    fork,
    instances,
    message,
    node,
    outputs,
    process,
    program,
    rule,
    service,
    start,
    throw,
    timer,
    user,
    xor,
)

MESSAGES = (
    Message("stop", variable="stopped_by"),
    Message("result", variable="result"),
    Message("told", payload="{'key': incident_id, 'value': [incident_id, 'x']}"),
)
MAX_DEPTH = 3


class Drawing:
    """A process drawn at random from blocks with one way in and one way out."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.serial = 0
        self.called: list[bytes] = []
        self.kinds: set[str] = set()

    def program(self) -> spiff.Program:
        main = self.process("p", 0)
        return program(main, *self.called)

    def name(self, kind: str) -> str:
        self.serial += 1
        return f"{kind}_{self.serial}"

    def process(self, id: str, depth: int, head: str = "", outcome: str | None = None) -> bytes:
        body, first, last = self.sequence(depth)
        edges = flows(f"{id}_start", first) + flows(last, f"{id}_end")
        return process(id, head, start(f"{id}_start"), body, end(f"{id}_end", outcome), edges, messages=MESSAGES)

    def sequence(self, depth: int) -> tuple[str, str, str]:
        blocks = [
            self.block(depth)
            for _ in range(self.random.randint(*((5, 8) if depth == 0 else (1, 3) if depth == 1 else (1, 2))))
        ]
        body = "".join(block[0] for block in blocks)
        body += "".join(flow(before[2], after[1]) for before, after in pairwise(blocks))
        return body, blocks[0][1], blocks[-1][2]

    def block(self, depth: int) -> tuple[str, str, str]:
        simple: list[Callable[[int], tuple[str, str, str]]] = [
            self.user,
            self.user,
            self.service,
            self.rule,
            self.throw,
        ]
        nested = [self.choice, self.parallel, self.loop, self.call, self.embedded, self.many, self.events, self.catch]
        drawn = self.random.choice(nested if depth < MAX_DEPTH and self.random.random() < 0.6 else simple)
        self.kinds.add(drawn.__name__)
        return drawn(depth + 1)

    def user(self, depth: int) -> tuple[str, str, str]:
        id = self.name("user")
        return user(id, f"w_{id}"), id, id

    def service(self, depth: int) -> tuple[str, str, str]:
        id = self.name("service")
        return service(id, f"w_{id}"), id, id

    def rule(self, depth: int) -> tuple[str, str, str]:
        id = self.name("rule")
        return rule(id, f"w_{id}"), id, id

    def throw(self, depth: int) -> tuple[str, str, str]:
        id = self.name("throw")
        return throw(id, message("told")), id, id

    def catch(self, depth: int) -> tuple[str, str, str]:
        id = self.name("catch")
        waits = self.random.choice(
            [message("result"), timer("'PT3H'"), timer("'2026-03-02T09:00:00+08:00'", "timeDate")]
        )
        return catch(id, waits, key="incident_id"), id, id

    def choice(self, depth: int) -> tuple[str, str, str]:
        split, merge = self.name("xor"), self.name("merge")
        one, two = self.sequence(depth), self.sequence(depth)
        ask = self.user(depth)
        default = f"f_{split}_{two[1]}"
        body = ask[0] + xor(split, default) + xor(merge) + one[0] + two[0]
        body += flow(ask[2], split) + flow(split, one[1], f"w_{ask[1]} == True") + flow(split, two[1])
        return body + flow(one[2], merge) + flow(two[2], merge), ask[1], merge

    def parallel(self, depth: int) -> tuple[str, str, str]:
        split, join = self.name("fork"), self.name("join")
        branches = [self.sequence(depth) for _ in range(self.random.randint(2, 3))]
        body = fork(split) + fork(join)
        for branch in branches:
            body += branch[0] + flow(split, branch[1]) + flow(branch[2], join)
        return body, split, join

    def loop(self, depth: int) -> tuple[str, str, str]:
        merge, split = self.name("merge"), self.name("xor")
        inner, ask, after = self.sequence(depth), self.user(depth), self.service(depth)
        body = xor(merge) + inner[0] + ask[0] + after[0] + xor(split, f"f_{split}_{after[1]}")
        body += flows(merge, inner[1]) + flows(inner[2], ask[1], split, after[1])
        return body + flow(split, merge, f"w_{ask[1]} == True"), merge, after[2]

    def call(self, depth: int) -> tuple[str, str, str]:
        id, called = self.name("call"), self.name("called")
        self.called.append(self.process(called, depth, outputs("outcome"), f"out_of_{called}"))
        return self.guarded(depth, id, call(id, called))

    def embedded(self, depth: int) -> tuple[str, str, str]:
        id = self.name("embedded")
        body, first, last = self.sequence(depth)
        inside = start(f"{id}_start") + body + end(f"{id}_end") + flows(f"{id}_start", first) + flows(last, f"{id}_end")
        return self.guarded(depth, id, node("subProcess", id, inside))

    def guarded(self, depth: int, id: str, body: str) -> tuple[str, str, str]:
        """An activity with boundary events: an interrupting one leads past a user task to the common way out."""
        merge, last = self.name("merge"), id
        kind = self.random.choice(["none", "message", "timer", "cycle", "both"])
        if kind in ("message", "timer", "both"):
            body += xor(merge) + flow(id, merge)
            last = merge
        for interrupting in (["message"] if kind in ("message", "both") else []) + (
            ["timer"] if kind == "timer" else []
        ):
            border, after = self.name("border"), self.user(depth)
            waits = message("stop") if interrupting == "message" else timer("'PT5H'")
            body += boundary(border, id, waits, outcome="interrupted", key="incident_id")
            body += after[0] + flows(border, after[1]) + flow(after[2], merge)
        if kind in ("cycle", "both"):
            border, after, side = self.name("border"), self.service(depth), self.name("side")
            waits = timer("'R3/PT2H'", "timeCycle") if kind == "cycle" else timer("'PT4H'")
            body += boundary(border, id, waits, interrupting=False)
            body += after[0] + end(side, side="true") + flows(border, after[1]) + flow(after[2], side)
        return body, id, last

    def many(self, depth: int) -> tuple[str, str, str]:
        id, wrapper, called, many = self.name("call"), self.name("wrapper"), self.name("called"), self.name("many")
        self.called.append(self.process(called, MAX_DEPTH, outputs("outcome"), f"out_of_{called}"))
        inner = instances(
            "items", "item", output="results", output_item="outcome", sequential=self.random.random() < 0.4
        )
        begin, stop = start(f"{wrapper}_start"), end(f"{wrapper}_end", "all_done")
        head = outputs("outcome", inputs=("incident_id", "items"))
        edges = flows(f"{wrapper}_start", many, f"{wrapper}_end")
        self.called.append(process(wrapper, head, begin, call(many, called, inner), stop, edges))
        return self.guarded(depth, id, call(id, wrapper))

    def events(self, depth: int) -> tuple[str, str, str]:
        gateway, merge = self.name("events"), self.name("merge")
        body = node("eventBasedGateway", gateway) + xor(merge)
        for waits in (message("result"), message("stop"), timer("'PT6H'")):
            event, after = self.name("catch"), self.user(depth)
            body += catch(event, waits, key="incident_id") + after[0]
            body += flows(gateway, event, after[1]) + flow(after[2], merge)
        return body, gateway, merge


def as_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def seen(desk: Desk) -> dict[str, Any]:
    """Everything that can be told of an instance from outside, without ids."""
    waits = desk.waits
    return {
        "user tasks": sorted((one.element_id, one.entered_at, as_text(one.data)) for one in waits.user_tasks),
        "timers": sorted((one.element_id, one.due_at) for one in waits.timers),
        "subscriptions": sorted((one.element_id, one.name, one.key) for one in waits.subscriptions),
        "completed": desk.completed,
        "history": [(one.element_id, one.type, one.entered_at, one.left_at, one.outcome) for one in desk.history],
        "sent": [(one.name, one.key, as_text(one.payload)) for one in desk.sent],
        "data": desk.completed and desk.final,
    }


def act(desk: Desk, choice: random.Random, rounds: int) -> str:
    """One random action, chosen without looking at ids."""
    waits = desk.waits
    actions: list[tuple[str, str, Any]] = []
    actions += [("do", f"{one.element_id} {as_text(one.data)}", one) for one in waits.user_tasks] * 3
    actions += [("fire", f"{one.element_id} {one.due_at}", one) for one in waits.timers]
    actions += [("send", f"{one.element_id} {one.name} {one.key}", one) for one in waits.subscriptions]
    kind, text, wait = choice.choice(sorted(actions, key=lambda action: action[:2]))
    desk.move(minutes=choice.randint(1, 90))
    if kind == "do":
        written = choice.choice([True, False, 0, 1, None, "text", 1.5, ["a", 1], {"k": [True]}])
        if rounds > 40:
            written = False  # leave every loop
        both = {f"w_{wait.element_id}": written} | ({"shared": rounds} if choice.random() < 0.5 else {})
        spiff.complete(desk.workflow, wait.task_id, both)
    elif kind == "fire":
        if wait.due_at > desk.now:
            desk.move(seconds=(wait.due_at - desk.now).total_seconds())
        spiff.fire_timer(desk.workflow, wait.task_id)
    else:
        spiff.deliver(desk.workflow, wait.task_id, wait.name, choice.choice([None, "x", 7, {"a": [1]}]))
    desk._advance()
    return f"{kind} {text}"


def walk(seed: int) -> tuple[int, set[str]]:
    drawing = Drawing(seed)
    drawn = drawing.program()
    data = {"incident_id": 7, "outcome": "new", "items": ["A", "B", "C"], "notes": {"deep": [1, {"x": None}]}}
    answers = {id: (lambda given, id=id: len(given) % 3) for id in drawn.elements}
    plain, saved = (Desk(drawn, data, answers, saved=kept) for kept in (False, True))
    one, other = random.Random(seed), random.Random(seed)
    log: list[str] = []
    for rounds in range(90):
        assert seen(saved) == seen(plain), (seed, log[-3:])
        if plain.completed:
            return rounds, drawing.kinds
        log.append(act(plain, one, rounds))
        assert act(saved, other, rounds) == log[-1], (seed, log[-3:])
    return 90, drawing.kinds


@pytest.mark.parametrize("batch", range(10))
def test_saving_after_every_step_equals_never_saving(batch: int) -> None:
    kinds: set[str] = set()
    steps = 0
    for seed in range(batch * 12, batch * 12 + 12):
        try:
            taken, met = walk(seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}") from error
        steps += taken
        kinds |= met
    assert steps > 20
    assert len(kinds) > 8
