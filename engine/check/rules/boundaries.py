"""K3: events on the border of an activity, and the side ways behind those that do not interrupt."""

from __future__ import annotations

from collections.abc import Iterator

from engine.check.deployment import Deployment
from engine.check.findings import ERROR, Hit, Text, rule
from engine.check.graph import after, reach
from engine.check.model import ACTIVITIES, Node, Scope


@rule(
    "K310",
    ERROR,
    what=Text("边界事件“{name}”没有附在活动上", "The boundary event {name} is not attached to an activity"),
    do=Text("请把它附在同一图中的任务、子流程或调用上", "Attach it to a task, sub-process or call of this diagram"),
    why="SpiffWorkflow drops it silently.",
)
def attached(deployment: Deployment) -> Iterator[Hit]:
    """Boundary events have a host."""
    for node in deployment.of("boundaryEvent"):
        if node.host is None or node.host.type not in ACTIVITIES:
            yield node.at()


@rule(
    "K311",
    ERROR,
    what=Text("边界事件“{name}”有进入的流向", "A flow leads into the boundary event {name}"),
    do=Text("请删除该流向", "Delete the flow"),
    why="A boundary event begins when its activity does; nothing else starts it.",
)
def nothing_into_boundary(deployment: Deployment) -> Iterator[Hit]:
    """Nothing flows into a boundary event."""
    return (node.at() for node in deployment.of("boundaryEvent") if node.incoming)


@rule(
    "K312",
    ERROR,
    what=Text("非中断边界事件“{name}”不是定时器", "The non-interrupting boundary event {name} is not a timer"),
    do=Text("请改用由消息启动的独立流程", "Start a process of its own by message instead"),
    why="It is caught once only; the second message of its kind is refused.",
)
def only_timers_beside(deployment: Deployment) -> Iterator[Hit]:
    """Non-interrupting boundary events are timers."""
    for node in deployment.of("boundaryEvent"):
        if not node.interrupting and node.event != "timer":
            yield node.at()


def _sides(scope: Scope, deployment: Deployment) -> Iterator[tuple[Node, set[Node]]]:
    """The events of ``scope`` that do not interrupt, each with what lies behind it."""
    for node in scope.nodes.values():
        if node.type == "boundaryEvent" and not node.interrupting:
            side = after(node)
            deployment.spend(len(scope.nodes))
            yield node, side


@rule(
    "K313",
    ERROR,
    what=Text(
        "“{name}”在非中断边界事件“{event}”之后等待", "{name} waits behind the non-interrupting boundary event {event}"
    ),
    do=Text("旁路上只画服务任务和侧结束事件", "Draw only service tasks and a side end event there"),
    why="It holds up the end of the process and stays open when the work beside it is done.",
)
def nothing_waits_beside(deployment: Deployment) -> Iterator[Hit]:
    """Nothing waits on a side way."""
    for scope in deployment.scopes:
        for event, side in _sides(scope, deployment):
            for node in scope.nodes.values():
                if node in side and (node.waits or node.type in ("callActivity", "subProcess")):
                    yield node.at(event=event.name)


def _main(scope: Scope) -> set[Node]:
    def onward(node: Node) -> Iterator[Node]:
        yield from (flow.target for flow in node.outgoing)
        yield from (event for event in node.boundaries if event.interrupting)

    return reach(scope.starts, onward)


@rule(
    "K314",
    ERROR,
    what=Text("旁路的结束事件“{name}”没有标记 side", "The end event {name} of a side way is not marked as side"),
    do=Text("请设置属性 side = true", "Set its property side = true"),
    why="It ends a reminder, not the process: it must not be asked for an outcome.",
)
def side_ends_say_so(deployment: Deployment) -> Iterator[Hit]:
    """End events of side ways carry side = true."""
    for scope in deployment.scopes:
        main = _main(scope)
        beside = {node for _, side in _sides(scope, deployment) for node in side} - main
        for node in scope.nodes.values():
            if node in beside and node.type == "endEvent" and node.properties.get("side") != "true":
                yield node.at()


@rule(
    "K315",
    ERROR,
    what=Text("旁路与主路在“{name}”会合", "A side way and the main way meet at {name}"),
    do=Text("请让旁路以自己的侧结束事件收尾", "End the side way with a side end event of its own"),
    why="The main way would go on twice.",
)
def sides_stay_beside(deployment: Deployment) -> Iterator[Hit]:
    """A side way never flows back into the main way, and no end of the main way is marked as side."""
    for scope in deployment.scopes:
        main = _main(scope)
        beside = {node for _, side in _sides(scope, deployment) for node in side}
        for node in scope.nodes.values():
            if node in main and any(flow.source not in main for flow in node.incoming if flow.source in beside):
                yield node.at()


@rule(
    "K316",
    ERROR,
    what=Text("主路的结束事件“{name}”标记了 side", "The end event {name} of the main way is marked as side"),
    do=Text("请删除属性 side", "Delete its property side"),
    why="The process would end without an outcome.",
)
def main_ends_are_not_side(deployment: Deployment) -> Iterator[Hit]:
    """Only side ways have side ends."""
    for scope in deployment.scopes:
        main = _main(scope)
        for node in scope.nodes.values():
            if node in main and node.type == "endEvent" and "side" in node.properties:
                yield node.at()


@rule(
    "K317",
    ERROR,
    what=Text(
        "中断事件“{name}”直接附在多实例活动上", "The interrupting event {name} sits on a multi-instance activity"
    ),
    do=Text("请附在包含它的子流程或调用上", "Attach it to the sub-process or call around it"),
    why="The instances stay open beside the new way, or the whole instance fails for ever.",
)
def no_interrupt_on_multi_instance(deployment: Deployment) -> Iterator[Hit]:
    """No interrupting event directly on a multi-instance activity."""
    for node in deployment.of("boundaryEvent"):
        if node.interrupting and node.host is not None and node.host.loop is not None:
            yield node.at()


@rule(
    "K321",
    ERROR,
    what=Text("“{name}”上的 {event} 永远不会发生", "The {event} on {name} can never happen"),
    do=Text("请附在会等待的活动上", "Attach it to an activity that waits"),
    why="Its host is left in the same step in which it was entered.",
)
def boundary_can_happen(deployment: Deployment) -> Iterator[Hit]:
    """Messages and timers stand on activities that wait."""
    for node in deployment.of("boundaryEvent"):
        host = node.host
        if host is not None and node.event in ("message", "timer") and host.type in ("serviceTask", "businessRuleTask"):
            yield Hit(node.place, {"name": host.name, "event": node.event})
