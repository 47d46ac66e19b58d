"""K3: events that SpiffWorkflow executes, in positions where it executes them."""

from __future__ import annotations

from collections.abc import Iterator

from engine.check.deployment import Deployment
from engine.check.findings import ERROR, Hit, Text, rule
from engine.check.model import B, local
from engine.xml import xml_bool

_OWN_RULE = frozenset({"signal", "link", "compensate", "conditional", "cancel"})
_FITS = {
    "startEvent": frozenset({"", "message"}),
    "endEvent": frozenset({"", "message", "error", "escalation", "terminate"}),
    "intermediateCatchEvent": frozenset({"message", "timer"}),
    "intermediateThrowEvent": frozenset({"", "message", "escalation"}),
    "boundaryEvent": frozenset({"message", "timer", "error", "escalation"}),
}


def _events(deployment: Deployment, kind: str) -> Iterator[Hit]:
    for node in deployment.nodes:
        if any(local(definition) == f"{kind}EventDefinition" for definition in node.definitions):
            yield node.at()


@rule(
    "K301",
    ERROR,
    what=Text("“{name}”是信号事件", "{name} is a signal event"),
    do=Text("请改用消息，写明发给谁", "Use a message and say whom it is for"),
    why="A signal end event does nothing, and signals reach every instance: we do not vouch for them.",
)
def no_signals(deployment: Deployment) -> Iterator[Hit]:
    """No signals."""
    return _events(deployment, "signal")


@rule(
    "K302",
    ERROR,
    what=Text("“{name}”是链接事件", "{name} is a link event"),
    do=Text("请直接画流向", "Draw the flow itself"),
    why="SpiffWorkflow reads it as an event without meaning: the way ends there.",
)
def no_links(deployment: Deployment) -> Iterator[Hit]:
    """No links."""
    return _events(deployment, "link")


@rule(
    "K303",
    ERROR,
    what=Text("“{name}”是补偿事件或补偿活动", "{name} is about compensation"),
    do=Text("请把要撤销的步骤画成普通步骤", "Draw what must be undone as ordinary steps"),
    why="SpiffWorkflow passes over compensation silently.",
)
def no_compensation(deployment: Deployment) -> Iterator[Hit]:
    """No compensation."""
    yield from _events(deployment, "compensate")
    yield from (n.at() for n in deployment.nodes if xml_bool(n.element, "isForCompensation", default=False))


@rule(
    "K304",
    ERROR,
    what=Text("“{name}”是条件事件", "{name} is a conditional event"),
    do=Text("请改用消息，或用网关判断", "Use a message, or ask with a gateway"),
    why="It sees old data and is not asked again when timers are.",
)
def no_conditional(deployment: Deployment) -> Iterator[Hit]:
    """No conditional events."""
    return _events(deployment, "conditional")


@rule(
    "K305",
    ERROR,
    what=Text("“{name}”是取消事件", "{name} is a cancel event"),
    do=Text("请改用带结果的结束事件", "Use an end event with an outcome"),
    why="It belongs to transactions, which are not supported.",
)
def no_cancel(deployment: Deployment) -> Iterator[Hit]:
    """No cancel events."""
    return _events(deployment, "cancel")


@rule(
    "K306",
    ERROR,
    what=Text("“{name}”有多个事件定义", "{name} has several event definitions"),
    do=Text("请每个事件只留一个定义，用事件网关等待多件事", "Keep one; wait for several with an event-based gateway"),
    why="Which of them happened is not in the data, and their timers share one due time.",
)
def one_definition(deployment: Deployment) -> Iterator[Hit]:
    """An event has one definition."""
    for node in deployment.nodes:
        if len(node.definitions) > 1 or xml_bool(node.element, "parallelMultiple", default=False):
            yield node.at()


@rule(
    "K307",
    ERROR,
    what=Text("“{name}”：{type} 上的 {event} 事件不会执行", "{name}: {event} on {type} is not executed"),
    do=Text("请查看文档中每种位置可用的事件", "See the documentation for the events that each position may have"),
    why="SpiffWorkflow reads it as an event without definition and passes on.",
)
def event_in_place(deployment: Deployment) -> Iterator[Hit]:
    """Each kind of event stands where it is executed."""
    for node in deployment.nodes:
        fits = _FITS.get(node.type)
        if fits is None or (node.definitions and node.event in _OWN_RULE) or len(node.definitions) > 1:
            continue
        inside = node.type == "startEvent" and node.event and node.scope.parent is not None
        if node.event not in fits or inside:
            yield node.at(type=node.type, event=node.event or "none")


@rule(
    "K308",
    ERROR,
    what=Text("“{name}”用引用代替了事件定义", "{name} refers to an event definition elsewhere"),
    do=Text("请把事件定义画在事件里", "Put the definition into the event"),
    why="SpiffWorkflow does not follow the reference: the event does nothing.",
)
def definitions_inside(deployment: Deployment) -> Iterator[Hit]:
    """No eventDefinitionRef."""
    for node in deployment.nodes:
        if node.element.find(B + "eventDefinitionRef") is not None:
            yield node.at()


@rule(
    "K309",
    ERROR,
    what=Text("“{name}”是事件子流程", "{name} is an event sub-process"),
    do=Text("请改为由消息启动的独立流程", "Make it a process of its own that a message starts"),
    why="One use changes the shared definition: later instances never complete.",
)
def no_event_subprocess(deployment: Deployment) -> Iterator[Hit]:
    """No event sub-processes."""
    return (node.at() for node in deployment.nodes if node.triggered)


@rule(
    "K318",
    ERROR,
    what=Text("声明了输出的流程中有终止结束事件“{name}”", "{name} terminates a process that declares outputs"),
    do=Text("请改用带结果的普通结束事件", "Use a plain end event with an outcome"),
    why="SpiffWorkflow raises AttributeError when it collects the outputs.",
)
def no_terminate_with_outputs(deployment: Deployment) -> Iterator[Hit]:
    """No terminate end event where outputs are declared."""
    for node in deployment.of("endEvent"):
        if node.event == "terminate" and node.scope.process.outputs:
            yield node.at()


@rule(
    "K319",
    ERROR,
    what=Text(
        "定时器“{name}”须恰好有一个 timeDate、timeDuration 或 timeCycle",
        "The timer {name} needs exactly one of timeDate, timeDuration and timeCycle",
    ),
    do=Text("请只写一种时间", "Write one kind of time"),
    why="SpiffWorkflow takes the first it finds and forgets the others.",
)
def one_time(deployment: Deployment) -> Iterator[Hit]:
    """A timer has one time."""
    for node in deployment.nodes:
        if node.event == "timer":
            times = [child for child in node.definitions[0] if local(child).startswith("time")]
            if len(times) != 1:
                yield node.at()


@rule(
    "K320",
    ERROR,
    what=Text("周期定时器“{name}”不是非中断边界事件", "The cycle {name} is not on a non-interrupting boundary event"),
    do=Text("请改用 timeDuration 或 timeDate", "Use timeDuration or timeDate"),
    why="A wait ends once: its repetitions would never come.",
)
def cycles_beside(deployment: Deployment) -> Iterator[Hit]:
    """Cycles stand on non-interrupting boundary events only."""
    for node in deployment.nodes:
        cycle = node.event == "timer" and node.definitions[0].find(B + "timeCycle") is not None
        if cycle and (node.type != "boundaryEvent" or node.interrupting):
            yield node.at()
