"""K5: what a called process hands back, and who relies on it."""

from __future__ import annotations

from collections.abc import Iterator

from engine.check.deployment import Deployment
from engine.check.findings import ERROR, Hit, Text, rule
from engine.check.graph import loops
from engine.check.model import B, Node, Scope
from engine.check.outcomes import ANY, ENTRY, Walk, ends, spoken
from engine.check.texts import OUTCOME, Written, asked_outcomes


@rule(
    "K501",
    ERROR,
    what=Text("“{name}”调用的流程“{called}”不存在", "{name} calls {called}, which does not exist"),
    do=Text("请写对流程标识，或把该流程一起部署", "Correct the id, or deploy that process too"),
    why="The instance would be stuck when it arrives there.",
)
def called_exists(deployment: Deployment) -> Iterator[Hit]:
    """Each call activity calls a process that is at hand."""
    for node in deployment.of("callActivity"):
        if node.called not in deployment.processes and node.called not in deployment.known.processes:
            yield node.at(called=node.called or "?")


@rule(
    "K502",
    ERROR,
    what=Text("被调用的流程“{name}”没有声明输出", "The called process {name} declares no outputs"),
    do=Text("请在 ioSpecification 中声明 dataOutput", "Declare its dataOutputs in an ioSpecification"),
    why="All its data would leak into the caller, and an old outcome could decide.",
)
def called_has_outputs(deployment: Deployment) -> Iterator[Hit]:
    """A called process declares outputs."""
    for key, process in deployment.processes.items():
        if key in deployment.called and not process.outputs:
            yield process.at()


@rule(
    "K503",
    ERROR,
    what=Text("流程“{name}”把 {key} 同时声明为输入和输出", "{name} declares {key} as input and as output"),
    do=Text("请只声明为输出", "Declare it as output only"),
    why="The id would stand twice in one file.",
)
def not_in_and_out(deployment: Deployment) -> Iterator[Hit]:
    """No key is data input and data output."""
    for process in deployment.processes.values():
        for key in sorted(set(process.inputs) & set(process.outputs)):
            yield process.at(key=key)


@rule(
    "K504",
    ERROR,
    what=Text("流程“{name}”声明了输入", "The process {name} declares inputs"),
    do=Text("请只声明输出；输入只用于多实例", "Declare outputs only; inputs are for multi-instance"),
    why="A declared input that the caller lacks raises when the process is called.",
)
def inputs_for_multi_instance(deployment: Deployment) -> Iterator[Hit]:
    """Inputs are declared only where multi-instance needs them."""
    for key, process in deployment.processes.items():
        own = any(node.loop is not None for node in process.nodes.values())
        as_item = any(call.loop is not None for call in deployment.called.get(key, []))
        if process.inputs and not own and not as_item:
            yield process.at()


@rule(
    "K505",
    ERROR,
    what=Text("结束事件“{name}”没有说明结果", "The end event {name} says no outcome"),
    do=Text("请设置属性 outcome", "Set its property outcome"),
    why="The outcome of an earlier stage would decide what comes next.",
)
def ends_say_outcome(deployment: Deployment) -> Iterator[Hit]:
    """Each end event of a process that hands back an outcome says one."""
    for process in deployment.processes.values():
        if OUTCOME in process.outputs:
            for node in ends(process):
                if not node.properties.get(OUTCOME):
                    yield node.at()


@rule(
    "K506",
    ERROR,
    what=Text("输出 {key} 没有列入 outputSet", "The output {key} is not in the outputSet"),
    do=Text("请在 outputSet 中列出每个 dataOutput", "List each dataOutput in the outputSet, and nothing else"),
    why="SpiffWorkflow hands back only what the set lists.",
)
def outputs_are_listed(deployment: Deployment) -> Iterator[Hit]:
    """Inputs and outputs are those of their sets."""
    for process in deployment.processes.values():
        for way, keys in (("Input", process.inputs), ("Output", process.outputs)):
            path = f"{B}ioSpecification/{B}{way.lower()}Set/{B}data{way}Refs"
            listed = [ref.text or "" for ref in process.element.iterfind(path)]
            for key in sorted(set(keys) ^ set(listed)):
                yield process.at(key=key)


@rule(
    "K507",
    ERROR,
    what=Text("“{name}”说明的结果 {outcome} 会丢失", "The outcome {outcome} of {name} is lost"),
    do=Text("请把 outcome 声明为流程的输出", "Declare outcome as an output of the process"),
    why="A called process hands back only what it declares.",
)
def outcomes_are_handed_back(deployment: Deployment) -> Iterator[Hit]:
    """A called process whose ends say an outcome declares it."""
    for key, process in deployment.processes.items():
        if key in deployment.called and process.outputs and OUTCOME not in process.outputs:
            for node in ends(process):
                if OUTCOME in node.properties:
                    yield node.at(outcome=node.properties[OUTCOME])


def _questions(node: Node) -> Iterator[tuple[Written, frozenset[str]]]:
    """The conditions of a gateway that ask for an outcome, with the outcomes they ask for."""
    for flow in node.outgoing:
        if flow.condition is not None:
            written = Written(node.file, flow.condition, "condition")
            expression = written.compiled()
            if expression is not None and OUTCOME in expression.names:
                yield written, asked_outcomes(expression)


def _walks(deployment: Deployment) -> dict[Scope, Walk]:
    return {process: Walk(process, deployment) for process in deployment.processes.values()}


@rule(
    "K508",
    ERROR,
    what=Text("流向“{name}”等待的结果 {outcome} 不会出现", "The flow {name} asks for {outcome}, which never comes"),
    do=Text("请核对被调用流程的结束事件和边界事件", "Compare it with the end and boundary events before it"),
    why="The flow is never taken: a typing error sends the work the default way.",
)
def asked_outcomes_come(deployment: Deployment) -> Iterator[Hit]:
    """A gateway asks only for outcomes that can arrive."""
    for walk in deployment.once(_walks).values():
        for node, values in walk.before.items():
            if node.type == "exclusiveGateway" and ANY not in values:
                for written, asked in _questions(node):
                    for outcome in sorted(asked - spoken(values)):
                        flow = written.element.getparent()
                        yield node.file.at(written.element if flow is None else flow, outcome=outcome)


def _asking_at_entry(deployment: Deployment, walks: dict[Scope, Walk]) -> set[str]:
    """The processes whose gateways ask for the outcome with which they were called."""
    asking: set[str] = set()
    todo = list(deployment.processes)
    while todo:
        key = todo.pop()
        process = deployment.processes[key]
        if key not in asking and any(
            ENTRY in values and _asks(node, asking) for node, values in walks[process].before.items()
        ):
            asking.add(key)
            todo += [call.scope.process.id for call in deployment.called.get(key, [])]
    return asking & set(deployment.processes)


def _asks(node: Node, asking: set[str]) -> bool:
    if node.type == "exclusiveGateway":
        return any(True for _ in _questions(node))
    return node.type == "callActivity" and node.called in asking


@rule(
    "K509",
    ERROR,
    what=Text(
        "中断事件“{name}”没有说明结果，其后却要看结果",
        "{name} interrupts, says no outcome, and one is asked for after it",
    ),
    do=Text("请给它设置属性 outcome", "Set its property outcome"),
    why="The outcome from before the interrupted work would decide.",
)
def interrupts_say_outcome(deployment: Deployment) -> Iterator[Hit]:
    """An interrupting event behind which an outcome is asked for says one."""
    walks = deployment.once(_walks)
    asking = _asking_at_entry(deployment, walks)
    silent: dict[Node, None] = {}
    for walk in walks.values():
        for node, values in walk.before.items():
            if _asks(node, asking):
                silent.update((value, None) for value in values if isinstance(value, Node))
    return (event.at() for event in silent)


@rule(
    "K510",
    ERROR,
    what=Text("“{name}”使流程调用自己", "Through {name} a process calls itself"),
    do=Text("请用返回的流向画出循环", "Draw the loop with a flow back"),
    why="Each call starts another one: it never comes to an end.",
)
def no_recursion(deployment: Deployment) -> Iterator[Hit]:
    """No process calls itself, directly or through others."""
    calls: dict[str, list[Node]] = {}
    for node in deployment.of("callActivity"):
        calls.setdefault(node.scope.process.id, []).append(node)
    for group in loops(deployment.processes, lambda key: [node.called for node in calls.get(key, [])]):
        inside = set(group)
        yield from (node.at() for key in group for node in calls.get(key, []) if node.called in inside)


@rule(
    "K511",
    ERROR,
    what=Text("被调用的流程“{name}”由消息启动", "The called process {name} is started by a message"),
    do=Text("请画无类型的开始事件，或不要调用它", "Give it a start event without a type, or do not call it"),
    why="The call would wait for a message that nobody sends to it.",
)
def called_starts_plainly(deployment: Deployment) -> Iterator[Hit]:
    """A called process has a plain start."""
    for key, process in deployment.processes.items():
        if key in deployment.called and any(start.event for start in process.starts):
            yield process.at()
