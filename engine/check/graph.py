"""Ways through a diagram. Everything here visits each node and flow a bounded number of times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from engine.check.model import Node

Step = Callable[[Node], Iterable[Node]]


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


def loops(nodes: Iterable[Node], step: Step = onward) -> list[list[Node]]:
    """The loops among ``nodes``: each a group in which every node reaches every other (Tarjan, without recursion)."""
    inside = list(nodes)
    members = set(inside)
    index: dict[Node, int] = {}
    low: dict[Node, int] = {}
    stack: list[Node] = []
    on_stack: set[Node] = set()
    found: list[list[Node]] = []
    for root in inside:
        if root in index:
            continue
        work: list[tuple[Node, Iterator[Node]]] = []

        def enter(node: Node, work: list[tuple[Node, Iterator[Node]]] = work) -> None:
            index[node] = low[node] = len(index)
            stack.append(node)
            on_stack.add(node)
            work.append((node, iter([other for other in step(node) if other in members])))

        enter(root)
        while work:
            node, others = work[-1]
            other = next(others, None)
            if other is not None:
                if other not in index:
                    enter(other)
                elif other in on_stack:
                    low[node] = min(low[node], index[other])
                continue
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[node])
            if low[node] == index[node]:
                group = _pop_group(node, stack, on_stack)
                if len(group) > 1 or node in step(node):
                    found.append(group)
    return found


def _pop_group(last: Node, stack: list[Node], on_stack: set[Node]) -> list[Node]:
    group: list[Node] = []
    while True:
        node = stack.pop()
        on_stack.discard(node)
        group.append(node)
        if node is last:
            return group[::-1]
