"""K5: how deep processes and frames lie inside each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from engine.check.deployment import Deployment
from engine.check.findings import ERROR, Hit, Text, rule
from engine.check.model import Node, Scope
from engine.spiff.workflow import MAX_NESTING


def _inside(deployment: Deployment) -> dict[Scope, list[tuple[Node, Scope]]]:
    """The frames and calls of each scope, each with the scope that runs inside it."""
    found: dict[Scope, list[tuple[Node, Scope]]] = {scope: [] for scope in deployment.scopes}
    for node in deployment.nodes:
        inner = node.inner or deployment.target(node)
        if inner is not None and inner in found:
            found[node.scope].append((node, inner))
    return found


def _levels(inside: dict[Scope, list[tuple[Node, Scope]]]) -> dict[Scope, int]:
    """How deep each scope lies at most, 0 at the top; scopes that call themselves are left out (K510 says so)."""
    waiting = Counter(inner for hosts in inside.values() for _, inner in hosts)
    levels = {scope: 0 for scope in inside if not waiting[scope]}
    todo = list(levels)
    while todo:
        scope = todo.pop()
        for _, inner in inside[scope]:
            levels[inner] = max(levels.get(inner, 0), levels[scope] + 1)
            waiting[inner] -= 1
            if not waiting[inner]:
                todo.append(inner)
    return {scope: level for scope, level in levels.items() if waiting[scope] <= 0}


@rule(
    "K512",
    ERROR,
    what=Text("从“{name}”往里超过 {most} 层", "At {name} calls and frames lie more than {most} deep in each other"),
    do=Text("请减少调用和子流程的层数", "Use fewer levels of calls and sub-processes"),
    why="The engine stops at that depth: an instance that comes here is stuck.",
)
def nesting_is_bounded(deployment: Deployment) -> Iterator[Hit]:
    """No call or frame lies deeper than the engine runs; the place is the first that does."""
    inside = _inside(deployment)
    levels = _levels(inside)
    for scope, hosts in inside.items():
        if levels.get(scope) == MAX_NESTING:
            yield from (node.at(most=MAX_NESTING) for node, _ in hosts)
