"""K2: gateways say clearly which way is taken."""

from __future__ import annotations

from collections.abc import Iterator

from engine.check.deployment import Deployment
from engine.check.findings import ERROR, Hit, Text, rule
from engine.check.graph import loops, onward
from engine.check.tokens import forks


@rule(
    "K201",
    ERROR,
    what=Text("排他网关“{name}”没有默认流向", "The exclusive gateway {name} has no default flow"),
    do=Text("请把其中一条流向设为默认", "Make one of its flows the default"),
    why="Where no condition holds, SpiffWorkflow raises after the user task before it was completed.",
)
def has_default(deployment: Deployment) -> Iterator[Hit]:
    """An exclusive gateway that decides has a default."""
    for node in deployment.of("exclusiveGateway"):
        conditional = any(flow.condition is not None for flow in node.outgoing)
        if (len(node.outgoing) > 1 or conditional) and not node.default:
            yield node.at()


@rule(
    "K202",
    ERROR,
    what=Text("默认流向“{name}”带有条件", "The default flow {name} has a condition"),
    do=Text("请删除条件，或另设默认流向", "Delete the condition, or make another flow the default"),
    why="The condition of a default flow is ignored.",
)
def default_is_unconditional(deployment: Deployment) -> Iterator[Hit]:
    """The default flow has no condition."""
    for node in deployment.of("exclusiveGateway"):
        for flow in node.outgoing:
            if flow.id == node.default and flow.condition is not None:
                yield node.file.at(flow.element)


@rule(
    "K203",
    ERROR,
    what=Text("流向“{name}”既无条件也不是默认", "The flow {name} has no condition and is not the default"),
    do=Text("请写条件，或设为默认流向", "Give it a condition, or make it the default"),
    why="Which flow is asked first depends on the height of the shapes: an open one may hide the others.",
)
def flows_have_conditions(deployment: Deployment) -> Iterator[Hit]:
    """Each way of a deciding gateway has a condition or is the default."""
    for node in deployment.of("exclusiveGateway"):
        if len(node.outgoing) > 1 and node.default:
            for flow in node.outgoing:
                if flow.id != node.default and flow.condition is None:
                    yield node.file.at(flow.element)


@rule(
    "K204",
    ERROR,
    what=Text("流向“{name}”的条件会被忽略", "The condition on the flow {name} is ignored"),
    do=Text("请在它前面放一个排他网关", "Put an exclusive gateway before it"),
    why="SpiffWorkflow reads conditions only behind exclusive gateways.",
)
def conditions_behind_gateways(deployment: Deployment) -> Iterator[Hit]:
    """Conditions stand only on flows that leave an exclusive gateway."""
    for node in deployment.nodes:
        if node.type not in ("exclusiveGateway", "inclusiveGateway", "complexGateway"):
            for flow in node.outgoing:
                if flow.condition is not None:
                    yield node.file.at(flow.element)


@rule(
    "K205",
    ERROR,
    what=Text("“{name}”的默认流向 {flow} 不是从它离开的", "The default flow {flow} does not leave {name}"),
    do=Text("请在它的流向中选一条设为默认", "Choose one of its own flows as the default"),
    why="The gateway has no default in truth.",
)
def default_exists(deployment: Deployment) -> Iterator[Hit]:
    """The default is one of the gateway's flows; only exclusive gateways have one."""
    for node in deployment.nodes:
        if node.default and (
            node.type != "exclusiveGateway" or node.default not in {flow.id for flow in node.outgoing}
        ):
            yield node.at(flow=node.default)


@rule(
    "K206",
    ERROR,
    what=Text("“{name}”是包容网关", "{name} is an inclusive gateway"),
    do=Text("请改用排他网关，或并行网关加排他网关", "Use an exclusive gateway, or a parallel one with exclusive ones"),
    why="Its join was tried in one case only; we cannot vouch for it.",
)
def no_inclusive(deployment: Deployment) -> Iterator[Hit]:
    """No inclusive gateways."""
    return (node.at() for node in deployment.of("inclusiveGateway"))


@rule(
    "K207",
    ERROR,
    what=Text("“{name}”是复杂网关", "{name} is a complex gateway"),
    do=Text("请改用排他网关或决策表", "Use an exclusive gateway or a decision table"),
    why="SpiffWorkflow has no such gateway.",
)
def no_complex(deployment: Deployment) -> Iterator[Hit]:
    """No complex gateways."""
    return (node.at() for node in deployment.of("complexGateway"))


@rule(
    "K208",
    ERROR,
    what=Text(
        "事件网关“{name}”之后是“{next}”，不是消息或定时器捕获事件",
        "After the event-based gateway {name} comes {next}, which is no catch event for a message or timer",
    ),
    do=Text("事件网关之后只画消息或定时器捕获事件", "Draw only catch events for messages and timers after it"),
    why="Anything else is not waited for.",
)
def events_after_event_gateway(deployment: Deployment) -> Iterator[Hit]:
    """An event-based gateway is followed by message and timer catch events only."""
    for node in deployment.of("eventBasedGateway"):
        for flow in node.outgoing:
            after = flow.target
            if after.type != "intermediateCatchEvent" or after.event not in ("message", "timer"):
                yield node.at(next=after.name)


@rule(
    "K209",
    ERROR,
    what=Text("事件网关“{name}”之后有 {count} 个定时器", "The event-based gateway {name} has {count} timers"),
    do=Text("请只留一个定时器", "Keep one timer"),
    why="SpiffWorkflow gives them one due time: the first listed wins.",
)
def one_timer_after_event_gateway(deployment: Deployment) -> Iterator[Hit]:
    """At most one timer behind an event-based gateway."""
    for node in deployment.of("eventBasedGateway"):
        count = sum(flow.target.event == "timer" for flow in node.outgoing)
        if count > 1:
            yield node.at(count=count)


@rule(
    "K216",
    ERROR,
    what=Text(
        "事件网关“{name}”之后有两个事件等待消息 {message}",
        "Two events behind the event-based gateway {name} wait for the message {message}",
    ),
    do=Text("请用不同的消息名", "Use different messages"),
    why="The gateway waits for a message by its name: the second wait cannot be kept beside the first.",
)
def one_event_for_a_message(deployment: Deployment) -> Iterator[Hit]:
    """The messages behind an event-based gateway differ by name."""
    for node in deployment.of("eventBasedGateway"):
        seen: set[str] = set()
        for flow in node.outgoing:
            message = flow.target.message
            name = "" if message is None else message.get("name", "")
            if name and name in seen:
                yield node.at(message=name)
            seen.add(name)


@rule(
    "K210",
    ERROR,
    what=Text(
        "“{name}”既在事件网关之后，又有别的进入流向",
        "{name} stands behind an event-based gateway and has another way in",
    ),
    do=Text("请为另一条路另画一个事件", "Draw a second event for the other way"),
    why="The gateway waits in the event's place; another way in would wait differently.",
)
def gateway_events_have_one_way_in(deployment: Deployment) -> Iterator[Hit]:
    """An event behind an event-based gateway is entered from there only."""
    for node in deployment.of("intermediateCatchEvent"):
        if len(node.incoming) > 1 and any(flow.source.type == "eventBasedGateway" for flow in node.incoming):
            yield node.at()


@rule(
    "K211",
    ERROR,
    what=Text("有循环的图中有并行分支“{name}”", "{name} forks in a diagram that has a loop"),
    do=Text("请把分支与汇合放进单独的被调用流程", "Put fork and join into a called process of their own"),
    why="A join in a loop fires too early on the second pass, and history behind a fork is not pruned.",
)
def no_fork_beside_loop(deployment: Deployment) -> Iterator[Hit]:
    """A diagram with a loop has no parallel fork."""
    for scope in deployment.scopes:
        if forks(scope) and loops(scope.nodes.values(), onward):
            yield from (fork.at() for fork in forks(scope))
