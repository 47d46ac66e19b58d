"""Ways through a diagram. Everything here visits each node and flow a bounded number of times."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Generic, TypeVar

from engine.check.model import Node

Step = Callable[[Node], Iterable[Node]]
Item = TypeVar("Item", bound=Hashable)


def onward(node: Node) -> Iterator[Node]:
    """Where a token at ``node`` can go next: along its flows, or out through an event on its border."""
    for flow in node.outgoing:
        yield flow.target
    yield from node.boundaries


def backward(node: Node) -> Iterator[Node]:
    """Where a token at ``node`` can have come from."""
    for flow in node.incoming:
        yield flow.source
    if node.host is not None:
        yield node.host


def reach(starts: Iterable[Node], step: Step = onward) -> set[Node]:
    """``starts`` and everything that can be reached from them."""
    seen = set(starts)
    todo = list(seen)
    while todo:
        for node in step(todo.pop()):
            if node not in seen:
                seen.add(node)
                todo.append(node)
    return seen


def after(node: Node, step: Step = onward) -> set[Node]:
    """What can be reached from ``node`` in one step or more; ``node`` itself only if it lies on a loop."""
    return reach(step(node), step)


def loops(items: Iterable[Item], step: Callable[[Item], Iterable[Item]]) -> list[list[Item]]:
    """The loops among ``items``: groups in which each reaches every other (Tarjan, without recursion)."""
    search = _Search(list(items), step)
    for item in search.members:
        if item not in search.index:
            search.from_root(item)
    return search.found


class _Search(Generic[Item]):
    """The bookkeeping of one search for loops."""

    def __init__(self, items: list[Item], step: Callable[[Item], Iterable[Item]]) -> None:
        self.members = dict.fromkeys(items)
        self.step = step
        self.index: dict[Item, int] = {}
        self.low: dict[Item, int] = {}
        self.open: dict[Item, None] = {}
        self.work: list[tuple[Item, Iterator[Item]]] = []
        self.found: list[list[Item]] = []

    def from_root(self, root: Item) -> None:
        self._enter(root)
        while self.work:
            item, others = self.work[-1]
            other = next(others, None)
            if other is None:
                self._leave(item)
            elif other not in self.index:
                self._enter(other)
            elif other in self.open:
                self.low[item] = min(self.low[item], self.index[other])

    def _enter(self, item: Item) -> None:
        self.index[item] = self.low[item] = len(self.index)
        self.open[item] = None
        self.work.append((item, iter([other for other in self.step(item) if other in self.members])))

    def _leave(self, item: Item) -> None:
        self.work.pop()
        if self.work:
            above = self.work[-1][0]
            self.low[above] = min(self.low[above], self.low[item])
        if self.low[item] == self.index[item]:
            group: list[Item] = []
            while not group or group[-1] != item:
                group.append(self.open.popitem()[0])
            if len(group) > 1 or item in self.step(item):
                self.found.append(group[::-1])
