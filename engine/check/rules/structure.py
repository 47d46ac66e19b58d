"""K1: the ways through a diagram: every node is reached, every way ends, nothing turns without waiting."""

from __future__ import annotations

from collections.abc import Iterator

from engine.check.deployment import Deployment
from engine.check.findings import ERROR, WARNING, Hit, Text, rule
from engine.check.graph import backward, loops, reach
from engine.check.model import ACTIVITIES, NODES, B, Node, Scope, local

_QUIET = frozenset(
    {
        "artifact",
        "association",
        "auditing",
        "correlationSubscription",
        "documentation",
        "extensionElements",
        "group",
        "incoming",
        "ioSpecification",
        "laneSet",
        "monitoring",
        "multiInstanceLoopCharacteristics",
        "outgoing",
        "sequenceFlow",
        "standardLoopCharacteristics",
        "textAnnotation",
    }
)
_OTHER_RULES = frozenset(
    {
        "dataObject",
        "dataObjectReference",
        "dataStoreReference",
        "dataInputAssociation",
        "dataOutputAssociation",
        "property",
        "completionCondition",
    }
)


@rule(
    "K101",
    ERROR,
    what=Text("“{name}”没有开始事件", "{name} has no start event"),
    do=Text("请画一个无类型的开始事件", "Draw one start event without a type"),
    why="Nothing says where a token begins.",
)
def has_start(deployment: Deployment) -> Iterator[Hit]:
    """Each process and sub-process has a start event."""
    return (scope.at() for scope in deployment.scopes if not scope.starts)


@rule(
    "K102",
    ERROR,
    what=Text("“{name}”是第二个开始事件", "{name} is a second start event"),
    do=Text("请只保留一个开始事件，用网关分支", "Keep one start event and branch with a gateway"),
    why="SpiffWorkflow joins several start events with a race of its own; which one began is not in the data.",
)
def one_start(deployment: Deployment) -> Iterator[Hit]:
    """A process does not begin in two places."""
    return (node.at() for scope in deployment.scopes for node in scope.starts[1:])


@rule(
    "K103",
    ERROR,
    what=Text("开始事件“{name}”有进入的流向", "A flow leads into the start event {name}"),
    do=Text("请把流向接到开始事件之后的节点", "Lead the flow to the node after it"),
    why="BPMN does not allow it, and a second start would run.",
)
def start_without_incoming(deployment: Deployment) -> Iterator[Hit]:
    """Nothing flows into a start event."""
    return (node.at() for node in deployment.of("startEvent") if node.incoming)


@rule(
    "K104",
    ERROR,
    what=Text("从开始事件到不了“{name}”", "{name} cannot be reached from the start event"),
    do=Text("请画上通向它的流向，或删除它", "Draw a flow to it, or delete it"),
    why="SpiffWorkflow drops unreachable nodes without a word.",
)
def reachable(deployment: Deployment) -> Iterator[Hit]:
    """Every node can be reached."""
    for scope in deployment.scopes:
        if scope.starts:
            reached = reach(scope.starts)
            for node in scope.nodes.values():
                orphan = node.type == "boundaryEvent" and node.host is None
                if node not in reached and not orphan and not node.triggered:
                    yield node.at()


@rule(
    "K105",
    ERROR,
    what=Text("“{name}”之后没有流向", "No flow leaves {name}"),
    do=Text("请画上流向，或以结束事件收尾", "Draw a flow from it, or end with an end event"),
    why="The way would end silently, without an outcome.",
)
def leads_on(deployment: Deployment) -> Iterator[Hit]:
    """Only end events end a way."""
    for node in deployment.nodes:
        if node.type != "endEvent" and not node.outgoing and not node.triggered:
            yield node.at()


@rule(
    "K106",
    ERROR,
    what=Text("结束事件“{name}”有离开的流向", "A flow leaves the end event {name}"),
    do=Text("请删除该流向，或改用中间事件", "Delete the flow, or use an intermediate event"),
    why="An end event ends the way; what follows is not BPMN.",
)
def end_ends(deployment: Deployment) -> Iterator[Hit]:
    """Nothing flows out of an end event."""
    return (node.at() for node in deployment.of("endEvent") if node.outgoing)


@rule(
    "K107",
    ERROR,
    what=Text(
        "流向“{name}”的起点 {source} 或终点 {target} 不在同一流程图中",
        "The flow {name} leads from {source} to {target}, which are not both nodes of this diagram",
    ),
    do=Text("请重新连接两端", "Connect both ends again"),
    why="SpiffWorkflow ignores or misreads flows that dangle or cross a border.",
)
def connected_flows(deployment: Deployment) -> Iterator[Hit]:
    """Flows connect two nodes of one process or sub-process."""
    for scope in deployment.scopes:
        for element in scope.loose:
            source, target = element.get("sourceRef") or "?", element.get("targetRef") or "?"
            yield scope.file.at(element, source=source, target=target)


@rule(
    "K108",
    ERROR,
    what=Text("“{name}”有 {count} 条离开的流向", "{count} flows leave {name}"),
    do=Text("请在其后加一个网关来分支", "Branch with a gateway after it"),
    why="Only a gateway says whether one way is taken or all.",
)
def one_way_out(deployment: Deployment) -> Iterator[Hit]:
    """Tasks and events have one outgoing flow."""
    for node in deployment.nodes:
        if node.type not in ("endEvent",) and not node.type.endswith("Gateway") and len(node.outgoing) > 1:
            yield node.at(count=len(node.outgoing))


@rule(
    "K109",
    ERROR,
    what=Text("从“{name}”出发到不了任何结束事件", "No end event can be reached from {name}"),
    do=Text("请画一条通向结束事件的路", "Draw a way to an end event"),
    why="An instance that comes here never completes.",
)
def can_end(deployment: Deployment) -> Iterator[Hit]:
    """From every reachable node there is a way to an end event."""
    for scope in deployment.scopes:
        ends = [node for node in scope.nodes.values() if node.type == "endEvent"]
        finishing = reach(ends, backward)
        for node in reach(scope.starts):
            if node not in finishing and node.outgoing:
                yield node.at()


def _passes(scope: Scope, deployment: Deployment, trail: tuple[Scope, ...], known: dict[Scope, bool]) -> bool:
    """Whether a token can run through ``scope`` from start to end without waiting."""
    if scope in trail or len(trail) > 30:
        return False
    if scope not in known:
        inside = _instant(scope, deployment, (*trail, scope), known)
        reached = reach(scope.starts, lambda node: (f.target for f in node.outgoing if node in inside))
        known[scope] = any(node.type == "endEvent" for node in reached)
    return known[scope]


def _instant(scope: Scope, deployment: Deployment, trail: tuple[Scope, ...], known: dict[Scope, bool]) -> set[Node]:
    """The nodes of ``scope`` that a token leaves without waiting."""
    through: set[Node] = set()
    for node in scope.nodes.values():
        inner = node.inner or deployment.target(node)
        if inner is not None:
            if _passes(inner, deployment, trail, known):
                through.add(node)
        elif not node.waits and node.type != "callActivity":
            through.add(node)
    return through


def _turning(deployment: Deployment) -> Iterator[list[Node]]:
    known: dict[Scope, bool] = {}
    for scope in deployment.scopes:
        instant = _instant(scope, deployment, (scope,), known)
        for group in loops(instant, lambda node: (flow.target for flow in node.outgoing)):
            members = set(group)
            yield [node for node in scope.nodes.values() if node in members]


@rule(
    "K110",
    ERROR,
    what=Text("从“{name}”开始的循环不等待任何人和事", "The loop at {name} turns without waiting for anything"),
    do=Text("请在循环中放一个用户任务、定时器或消息", "Put a user task, a timer or a message into the loop"),
    why="Nothing in it changes the data: it turns until its budget is spent and the instance is stuck.",
)
def no_idle_loop(deployment: Deployment) -> Iterator[Hit]:
    """No loop of gateways and events alone."""
    for group in _turning(deployment):
        if not any(node.type in ACTIVITIES for node in group):
            yield group[0].at()


@rule(
    "K111",
    WARNING,
    what=Text("从“{name}”开始的循环只含系统步骤", "The loop at {name} consists of system steps that do not wait"),
    do=Text("请确认它必会结束，或在其中加一个等待", "Make sure that it ends, or put a wait into it"),
    why="If its condition never changes, the instance is stuck when the budget of steps is spent.",
)
def careful_loop(deployment: Deployment) -> Iterator[Hit]:
    """A loop of system steps deserves a look."""
    for group in _turning(deployment):
        if any(node.type in ACTIVITIES for node in group):
            yield group[0].at()


@rule(
    "K112",
    ERROR,
    what=Text("“{name}”中的节点太多", "{name} has too many nodes"),
    do=Text("请按阶段拆成被调用的流程", "Split it into called processes"),
    why="Nobody can read such a page, and the rules are not applied to it.",
)
def few_nodes(deployment: Deployment) -> Iterator[Hit]:
    """A process has no more nodes than can be checked."""
    return (scope.at() for file in deployment.files for scope in file.scopes if scope.too_many)


@rule(
    "K113",
    ERROR,
    what=Text("不支持元素 {tag}（“{name}”）", "The element {tag} ({name}) is not supported"),
    do=Text("请用文档中列出的元素代替", "Use one of the documented elements"),
    why="SpiffWorkflow ignores or refuses it while running.",
)
def known_elements(deployment: Deployment) -> Iterator[Hit]:
    """A process contains only elements that are executed."""
    for scope in deployment.scopes:
        for child in scope.element:
            name = local(child)
            if name and (child.tag != B + name or name not in NODES | _QUIET | _OTHER_RULES):
                yield scope.file.at(child)
