"""K3: events that SpiffWorkflow executes, in positions where it executes them."""

from __future__ import annotations

from collections.abc import Iterator

from engine.check.around import around
from engine.check.findings import ERROR, WARNING, Hit, Text, rule
from engine.check.graph import after, reach
from engine.check.model import ACTIVITIES, B, Deployment, Node, Scope, local

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
    yield from (n.at() for n in deployment.nodes if n.element.get("isForCompensation") in ("true", "1"))


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
        if len(node.definitions) > 1 or node.element.get("parallelMultiple") in ("true", "1"):
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
    return (node.at() for node in deployment.nodes if node.element.get("triggeredByEvent") in ("true", "1"))


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


def _sides(scope: Scope) -> Iterator[tuple[Node, set[Node]]]:
    for node in scope.nodes.values():
        if node.type == "boundaryEvent" and not node.interrupting:
            yield node, after(node)


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
        for event, side in _sides(scope):
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
        beside = {node for _, side in _sides(scope) for node in side} - main
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
        beside = {node for _, side in _sides(scope) for node in side}
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
