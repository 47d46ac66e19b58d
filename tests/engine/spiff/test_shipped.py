"""Random walks through the shipped diagrams: saved equals never saved, and every way out of a gateway is taken.

``LOVEM_PROVE=1`` walks many more.
"""

from __future__ import annotations

import ast
import os
import random
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from lxml import etree

from engine import spiff
from engine.identity import identify
from engine.spiff.facts import NAMESPACES
from tests.engine.spiff.diagrams import Desk
from tests.engine.spiff.test_equivalence import as_text, seen

FOLDER = Path(__file__).resolve().parents[3] / "processes"
INCIDENT = "incident"
BEGINNINGS = ("reported", "raised_by_support", "reassigned")  # how an incident begins, or goes on after an upgrade
DATA = {"incident_id": 4711, "master_id": 17, "wait_id": "4711.1"}
WALKS = 1_000 if os.environ.get("LOVEM_PROVE") else 60
MOST = max(WALKS, 1_000)  # walks, where some way is still missing after these
STEPS = 120


@cache
def files() -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(FOLDER.rglob("*.bpmn"))}


@cache
def starts() -> dict[str, Mapping[str, Any]]:
    """Every process, the called ones too, with what an instance of it is given when it starts."""
    found: dict[str, Mapping[str, Any]] = {}
    for name, content in files().items():
        identity = identify(name, content)
        begun = {} if identity.start is None else {identity.start.key: "BG26030001", identity.start.variable: 4711}
        found[identity.key] = {**DATA, **begun}
    return dict(sorted(found.items()))


@cache
def called() -> set[str]:
    """The processes that another one calls, and that find what it has written."""
    return set().union(*(identify(name, content).calls for name, content in files().items()))


@cache
def program(top: str) -> spiff.Program:
    return spiff.compile_program(files(), top)


@cache
def payloads() -> dict[str, list[Any]]:
    """By message name: what it may bring, as the conditions ask for it; else a number of a record."""
    found: dict[str, list[Any]] = {}
    for content in files().values():
        for message in etree.fromstring(content).iterfind("bpmn:message", NAMESPACES):
            variable = message.findtext("bpmn:extensionElements/spiffworkflow:messageVariable", "", NAMESPACES)
            found.setdefault(message.get("name", ""), []).extend(options().get(variable.strip(), []))
    return {name: values or [17] for name, values in found.items()}


@cache
def options() -> dict[str, list[Any]]:
    """By key of process data: the values that the conditions of the diagrams compare it with, and one other."""
    found: dict[str, list[Any]] = {}
    for content in files().values():
        for condition in etree.fromstring(content).iterfind(".//bpmn:conditionExpression", NAMESPACES):
            for node in ast.walk(ast.parse((condition.text or "").strip(), mode="eval")):
                if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name):
                    compared = ast.literal_eval(node.comparators[0])
                    values = compared if isinstance(compared, list) else [compared]
                    found.setdefault(node.left.id, ["another"]).extend(values)
    return found


def gateway_flows(top: str) -> set[str]:
    """Every flow out of an exclusive gateway with a choice, in the process ``top`` and its frames."""
    flows: set[str] = set()
    for content in files().values():
        for process in etree.fromstring(content).iterfind("bpmn:process", NAMESPACES):
            if process.get("id") == top:
                gateways = {node.get("id") for node in process.iterfind(".//bpmn:exclusiveGateway", NAMESPACES)}
                flows |= {
                    flow.get("id", "")
                    for flow in process.iterfind(".//bpmn:sequenceFlow", NAMESPACES)
                    if flow.get("sourceRef") in gateways
                }
    return flows


def act(desk: Desk, top: str, choice: random.Random) -> str:
    """One random action: mostly what is waited for, sometimes what interrupts it; a due timer after its wait."""
    waits = desk.waits
    actions: list[tuple[str, str, Any]] = [
        ("do", as_text([one.element_id, one.data]), one) for one in waits.user_tasks
    ] * 40
    actions += [("fire", one.element_id, one) for one in waits.timers]
    for one in waits.subscriptions:
        beside = program(top).elements[one.element_id].type == "boundaryEvent"
        actions += [("send", f"{one.element_id} {one.name}", one)] * (1 if beside else 40)
    kind, text, wait = choice.choice(sorted(actions, key=lambda action: action[:2]))
    desk.move(minutes=choice.randint(1, 200))
    if kind == "do":
        result = program(top).elements[wait.element_id].properties.get("result")
        written = {result: choice.choice(options().get(result, ["value", "other", 7]))} if result else {}
        spiff.complete(desk.workflow, wait.task_id, written)
    elif kind == "fire":
        desk.move(seconds=max(0.0, (wait.due_at - desk.now).total_seconds()))
        spiff.fire_timer(desk.workflow, wait.task_id)
    else:
        spiff.deliver(desk.workflow, wait.task_id, wait.name, choice.choice(payloads()[wait.name]))
    desk._advance()
    return f"{kind} {text}"


def some_answer(element: spiff.Element, seed: int) -> Any:
    """What an operation or decision gives back: the same for the same data in the same walk."""
    values = options().get(element.properties.get("result", ""), ["value"])
    return lambda data: values[crc32(f"{seed} {as_text(data)}".encode()) % len(values)]


def walk(top: str, seed: int) -> tuple[bool, int, set[str]]:
    """Whether the process ended, the largest state, and the flows taken."""
    chance = random.Random(seed)
    start = chance.choice(BEGINNINGS if top == INCIDENT else options()["outcome"])
    answers = {id: some_answer(element, seed) for id, element in program(top).elements.items()}
    caller = {key: chance.choice(values) for key, values in options().items()} if top in called() else {}
    data = {**caller, **starts()[top], "outcome": start}
    plain, saved = (Desk(program(top), data, answers, saved=kept) for kept in (False, True))
    one, other = random.Random(seed), random.Random(seed)
    largest, log = 0, [start]
    for _ in range(STEPS):
        assert seen(saved) == seen(plain), (seed, log[-4:])
        largest = max(largest, saved.size)
        if plain.completed:
            break
        log.append(act(plain, top, one))
        assert act(saved, top, other) == log[-1], (seed, log[-4:])
    return plain.completed, largest, {one.outcome or "" for one in plain.history if one.type == "exclusiveGateway"}


def test_the_shipped_incident_diagrams_compile() -> None:
    assert program(INCIDENT).elements["s2_8_dispatch"].type == "userTask"
    assert program(INCIDENT).process_properties["incident"]["offer"] == "incident.offer"


@pytest.mark.parametrize("top", starts())
def test_walks_through_the_shipped_diagrams_are_the_same_saved_and_take_every_way(top: str) -> None:
    ended = 0
    walks = 0
    missing = gateway_flows(top)
    for seed in range(MOST):
        if seed >= WALKS and not missing:
            break
        walks += 1
        try:
            completed, largest, flows = walk(top, seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}") from error
        assert largest <= 2000, seed
        ended += completed
        missing -= flows
    assert ended > walks / 2
    assert missing == set()
