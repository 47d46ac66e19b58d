"""K3: errors and escalations find who catches them."""

from __future__ import annotations

from collections.abc import Iterator

from engine.check.around import around
from engine.check.deployment import Deployment
from engine.check.findings import ERROR, WARNING, Hit, Text, rule
from engine.check.model import Node


def _code(node: Node) -> str | None:
    """The code of an error or escalation event; None where it names none."""
    declared = node.file.declared.get(node.definitions[0].get(f"{node.event}Ref", ""))
    return None if declared is None else declared.get(f"{node.event}Code")


@rule(
    "K322",
    ERROR,
    what=Text("“{name}”抛出的错误或升级没有代码", "{name} throws without a code"),
    do=Text("请选择一个带代码的错误或升级定义", "Choose an error or escalation with a code"),
    why="A boundary event finds its fault by the code.",
)
def faults_have_codes(deployment: Deployment) -> Iterator[Hit]:
    """Who throws an error or escalation names its code."""
    for node in deployment.nodes:
        if node.throws and node.event in ("error", "escalation") and len(node.definitions) == 1 and not _code(node):
            yield node.at()


@rule(
    "K323",
    ERROR,
    what=Text("没有边界事件接住“{name}”抛出的 {code}", "No boundary event catches {code}, thrown by {name}"),
    do=Text("请在外层的子流程或调用上画出边界事件", "Draw a boundary event for it on the frame or call around it"),
    why="An uncaught fault makes the instance stuck.",
)
def faults_are_caught(deployment: Deployment) -> Iterator[Hit]:
    """What is thrown is caught somewhere around."""
    for node in deployment.of("endEvent", "intermediateThrowEvent"):
        if node.event in ("error", "escalation") and (code := _code(node)):
            catchers = (event for host in around(node, deployment) for event in host.boundaries)
            if not any(event.event == node.event and _code(event) in (code, None) for event in catchers):
                yield node.at(code=code)


@rule(
    "K324",
    WARNING,
    what=Text("边界事件“{name}”等待的 {code} 没有人抛出", "Nothing throws {code}, which {name} waits for"),
    do=Text("请核对代码，或删除此事件", "Check the code, or delete the event"),
    why="A way that is never taken hides a typing error.",
)
def faults_are_thrown(deployment: Deployment) -> Iterator[Hit]:
    """A caught fault can be thrown: by an end event inside, or by an operation."""
    thrown = {
        (host, node.event, _code(node))
        for node in deployment.of("endEvent", "intermediateThrowEvent")
        if node.event in ("error", "escalation")
        for host in around(node, deployment)
    }
    operating = {host for node in deployment.of("userTask", "serviceTask") for host in around(node, deployment)}
    for node in deployment.of("boundaryEvent"):
        if node.host is None or node.event not in ("error", "escalation") or not (code := _code(node)):
            continue
        asked = node.event == "error" and (
            "operation" in node.host.properties or node.host in operating or deployment.unseen(node.host)
        )
        if not asked and (node.host, node.event, code) not in thrown:
            yield node.at(code=code)
