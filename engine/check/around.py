"""Where a node runs: the frames and calls around it."""

from __future__ import annotations

from collections.abc import Iterator

from engine.check.deployment import Deployment
from engine.check.model import Node


def around(node: Node, deployment: Deployment) -> Iterator[Node]:
    """The activities inside which ``node`` runs: frames, and the calls of its process, however deep."""
    todo, seen = [node.scope], {node.scope}
    while todo:
        scope = todo.pop()
        hosts = deployment.called.get(scope.id, []) if scope.frame is None else [scope.frame]
        for host in hosts:
            deployment.spend(1 + len(host.boundaries))
            yield host
            if host.scope not in seen:
                seen.add(host.scope)
                todo.append(host.scope)
