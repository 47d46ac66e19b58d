"""The token game of one diagram: can a join wait for ever, can one way be walked twice, can two ends both speak?

Only diagrams with a parallel fork are played; elsewhere there is one token. A frame or call counts as one step. Side
ways behind events that do not interrupt have rules of their own and are left out. Every marking is visited once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.check.deployment import Deployment
from engine.check.model import Flow, Node, Scope
from engine.check.texts import OUTCOME

MOST_MARKINGS = 3000
"""Markings of one diagram that are looked at; a diagram within the page limit has far fewer."""

Marking = frozenset[Flow]


@dataclass(slots=True)
class Game:
    """What playing found: joins that wait for ever, nodes left by two tokens, ends that speak after another."""

    dead_joins: dict[Node, None] = field(default_factory=dict)
    doubled: dict[Node, None] = field(default_factory=dict)
    second_ends: dict[Node, None] = field(default_factory=dict)
    unfinished: bool = False


def forks(scope: Scope) -> list[Node]:
    """The parallel gateways of ``scope`` that make several tokens of one."""
    return [node for node in scope.nodes.values() if node.type == "parallelGateway" and len(node.outgoing) > 1]


def played(deployment: Deployment) -> dict[Scope, Game]:
    """The games of all diagrams that fork."""
    return {scope: play(scope, deployment) for scope in deployment.scopes if forks(scope)}


def play(scope: Scope, deployment: Deployment) -> Game:
    """Every marking that can be reached, with whether an end has spoken already."""
    game = Game()
    first = frozenset(flow for start in scope.starts[:1] for flow in start.outgoing)
    seen: set[tuple[Marking, bool]] = {(first, False)}
    todo = list(seen)
    while todo:
        marking, spoken = todo.pop()
        moves = list(_moves(marking, spoken, game))
        deployment.spend(1 + len(moves) * len(marking))
        if marking and not moves:
            game.dead_joins.update((flow.target, None) for flow in marking if flow.target.type == "parallelGateway")
        for state in moves:
            if state not in seen:
                seen.add(state)
                todo.append(state)
        if len(seen) > MOST_MARKINGS:
            game.unfinished = True
            return game
    return game


def _moves(marking: Marking, spoken: bool, game: Game) -> Iterator[tuple[Marking, bool]]:
    """The markings one step after ``marking``."""
    for flow in marking:
        node = flow.target
        if node.type == "parallelGateway":
            if marking.issuperset(node.incoming):
                yield _put(marking - set(node.incoming), node.outgoing, node, game), spoken
        elif node.type == "endEvent":
            if OUTCOME in node.properties and spoken:
                game.second_ends[node] = None
            stops = node.event in ("terminate", "error")
            yield frozenset() if stops else marking - {flow}, spoken or OUTCOME in node.properties
        else:
            yield from ((after, spoken) for after in _steps(marking - {flow}, node, game))


def _steps(rest: Marking, node: Node, game: Game) -> Iterator[Marking]:
    """Leaving a node by one of its flows, or by an event that interrupts it."""
    for flow in node.outgoing:
        yield _put(rest, [flow], node, game)
    for event in node.boundaries:
        if event.interrupting:
            yield _put(rest, event.outgoing, event, game)


def _put(rest: Marking, flows: list[Flow], node: Node, game: Game) -> Marking:
    if any(flow in rest for flow in flows):
        game.doubled[node] = None
    return rest | frozenset(flows)
