"""Which outcomes can arrive where: a walk of the possible values of the key ``outcome`` along the flows.

A value is a text that some event writes; ``ANY`` stands for what nobody can know (start data, a process that is not
at hand); ``ENTRY`` for what the caller had; a boundary event stands for "the old value, because it says none".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Literal

from engine.check.deployment import Deployment
from engine.check.model import Node, Scope
from engine.check.texts import OUTCOME

ANY: Literal["*"] = "*"
ENTRY: Literal["^"] = "^"
Value = str | Node
Values = frozenset[Value]

MOST = 60
"""More values than this at one place are as good as any: the walk stays short."""

_ANY: Values = frozenset({ANY})


def said(node: Node) -> str | None:
    """The outcome that an event writes."""
    return f"={node.properties[OUTCOME]}" if OUTCOME in node.properties else None


def spoken(values: Values) -> set[str]:
    """The outcomes among ``values``, without their mark."""
    return {value[1:] for value in values if isinstance(value, str) and value.startswith("=")}


def finishes(node: Node) -> bool:
    """Whether ``node`` is an end event that hands the data on: no reminder's end, no fault."""
    return node.type == "endEvent" and node.properties.get("side") != "true" and node.event != "error"


def ends(scope: Scope) -> Iterator[Node]:
    """The end events that finish ``scope``."""
    return (node for node in scope.nodes.values() if finishes(node))


def given(process: Scope) -> Values | None:
    """The outcomes that a called process hands back; None where it leaves the key as it is."""
    if OUTCOME not in process.outputs:
        return None
    return frozenset(said(node) or ANY for node in ends(process))


class Walk:
    """The values of ``outcome`` before each node of one process, frames included."""

    def __init__(self, process: Scope, deployment: Deployment) -> None:
        """Walk ``process`` to the end; each node is visited at most :data:`MOST` times a way in."""
        self.deployment = deployment
        self.before: dict[Node, Values] = {}
        self.todo: deque[Node] = deque()
        for start in process.starts:
            self._arrive(start, frozenset({ANY, ENTRY}))
        while self.todo:
            self._leave(self.todo.popleft())

    def _arrive(self, node: Node, values: Values) -> None:
        self.deployment.spend(len(values))
        old = self.before.get(node)
        new = values if old is None else old | values
        if len(new) > MOST:
            new = _ANY
        if new != old and old != _ANY:
            self.before[node] = new
            self.todo.append(node)

    def _leave(self, node: Node) -> None:
        values = self.before[node]
        for event in node.boundaries:
            stale: Values = values | {event} if event.interrupting else values
            own = said(event)
            self._arrive(event, stale if own is None else frozenset({own}))
        if node.inner is not None:
            for start in node.inner.starts:
                self._arrive(start, values)
            return
        own = said(node)
        after = values if own is None else frozenset({own})
        if node.type == "callActivity":
            called = self.deployment.target(node)
            after = _ANY if called is None else given(called) or after
        self._go_on(node, after)

    def _go_on(self, node: Node, values: Values) -> None:
        leaving: Node | None = node
        while leaving is not None:
            for flow in leaving.outgoing:
                self._arrive(flow.target, values)
            leaving = leaving.scope.frame if finishes(leaving) else None
