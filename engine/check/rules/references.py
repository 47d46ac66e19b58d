"""K7: properties, and the names of forms, operations, decisions and lanes that they refer to."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from engine.check.deployment import Deployment
from engine.check.findings import ERROR, Hit, Text, rule
from engine.check.graph import after
from engine.check.model import B, BpmnFile, Node, S, local
from engine.check.texts import OUTCOME
from engine.spiff.facts import properties

_WORDS = {
    "process": frozenset({"offer"}),
    "userTask": frozenset({"form", "operation", "result", "section", "joined"}),
    "serviceTask": frozenset({"operation", "result", "section"}),
    "businessRuleTask": frozenset({"decision", "result", "section"}),
    "callActivity": frozenset({"section"}),
    "subProcess": frozenset({"section"}),
    "startEvent": frozenset({"section", "key"}),
    "endEvent": frozenset({"section", "outcome", "side"}),
    "intermediateCatchEvent": frozenset({"section", "key"}),
    "intermediateThrowEvent": frozenset({"section"}),
    "boundaryEvent": frozenset({"section", "key", "outcome"}),
    "message": frozenset({"other_instance"}),
}


def _propertied(deployment: Deployment) -> Iterator[tuple[BpmnFile, etree._Element, etree._Element]]:
    """Each property with its file and the element that it stands on: itself where it stands in no extension."""
    for file in deployment.files:
        for item in file.root.iter(S + "property"):
            box = item.getparent()
            extensions = None if box is None or box.tag != S + "properties" else box.getparent()
            placed = extensions is not None and extensions.tag == B + "extensionElements"
            owner = extensions.getparent() if placed and extensions is not None else None
            yield file, item if owner is None else owner, item


@rule(
    "K701",
    ERROR,
    what=Text("“{name}”的属性 {key} 无人读取", "Nothing reads the property {key} of {name}"),
    do=Text("此处可用：{known}", "Here you may use: {known}"),
    why="A typing error in a property would silently do nothing.",
)
def known_properties(deployment: Deployment) -> Iterator[Hit]:
    """Only properties of our dialect, on the elements that have them."""
    for file, owner, item in _propertied(deployment):
        words = _WORDS.get(local(owner), frozenset())
        if item.get("name", "") not in words:
            yield Hit(
                file.place(item),
                {
                    "name": owner.get("name") or owner.get("id") or local(owner),
                    "key": item.get("name", ""),
                    "known": " ".join(sorted(words)) or "—",
                },
            )


@rule(
    "K702",
    ERROR,
    what=Text("属性 {key} 写了两次", "The property {key} is given twice"),
    do=Text("请只保留一个", "Keep one"),
    why="Which of the two holds would be chance.",
)
def properties_once(deployment: Deployment) -> Iterator[Hit]:
    """No property stands twice on one element."""
    seen: dict[etree._Element, set[str]] = {}
    for file, owner, item in _propertied(deployment):
        names = seen.setdefault(owner, set())
        if item.get("name", "") in names:
            yield file.at(item, key=item.get("name", ""))
        names.add(item.get("name", ""))


def _bad_value(key: str, value: str) -> bool:
    if key in ("side", "other_instance"):
        return value != "true"
    if key in ("result", "key"):
        return not value.isidentifier() or value.startswith("_")
    return not value.strip() or value != value.strip()


@rule(
    "K703",
    ERROR,
    what=Text("属性 {key} 的值“{value}”不合规", "The property {key} cannot be {value}"),
    do=Text(
        "side 只能是 true；result 和 key 是键名；其余不能为空，前后无空格",
        "side is true; result and key are names of keys; nothing is empty or has spaces around it",
    ),
    why="The engine would look for something that cannot exist.",
)
def property_values(deployment: Deployment) -> Iterator[Hit]:
    """Values have the form that the property needs."""
    for file, owner, item in _propertied(deployment):
        key, value = item.get("name", ""), item.get("value", "")
        if key in _WORDS.get(local(owner), frozenset()) and _bad_value(key, value):
            yield file.at(item, key=key, value=value)


@rule(
    "K704",
    ERROR,
    what=Text("用户任务“{name}”没有表单", "The user task {name} has no form"),
    do=Text("请设置属性 form", "Set its property form"),
    why="Nobody could complete it.",
)
def user_tasks_have_forms(deployment: Deployment) -> Iterator[Hit]:
    """Each user task names a form."""
    return (node.at() for node in deployment.of("userTask") if not node.properties.get("form"))


@rule(
    "K705",
    ERROR,
    what=Text("“{name}”的表单“{form}”不存在", "{name} uses the form {form}, which does not exist"),
    do=Text("请写对表单标识，或把表单一起部署", "Correct the key, or deploy the form too"),
    why="Nobody could complete the task.",
)
def forms_exist(deployment: Deployment) -> Iterator[Hit]:
    """Each form is at hand."""
    for node in deployment.of("userTask"):
        form = node.properties.get("form")
        if form and form not in deployment.forms and form not in deployment.known.forms:
            yield node.at(form=form)


@rule(
    "K710",
    ERROR,
    what=Text("服务任务“{name}”没有操作", "The service task {name} has no operation"),
    do=Text("请设置属性 operation", "Set its property operation"),
    why="It would do nothing.",
)
def service_tasks_have_operations(deployment: Deployment) -> Iterator[Hit]:
    """Each service task names an operation."""
    return (node.at() for node in deployment.of("serviceTask") if not node.properties.get("operation"))


@rule(
    "K711",
    ERROR,
    what=Text("没有名为“{operation}”的操作（“{name}”）", "There is no operation {operation} ({name})"),
    do=Text("请写对名称，或先发布带有该操作的版本", "Correct the name, or release the operation first"),
    why="The instance would be stuck when it arrives there.",
)
def operations_exist(deployment: Deployment) -> Iterator[Hit]:
    """Each operation is one that handlers answer to."""
    if deployment.operations is None:
        return
    for node in deployment.of("userTask", "serviceTask"):
        operation = node.properties.get("operation")
        if operation and operation not in deployment.operations:
            yield node.at(operation=operation)
    for process in deployment.processes.values():
        offer = properties(process.element).get("offer")
        if offer and offer not in deployment.operations:
            yield process.at(operation=offer)


@rule(
    "K712",
    ERROR,
    what=Text("业务规则任务“{name}”缺少 {missing}", "The business rule task {name} lacks {missing}"),
    do=Text("请设置属性 decision 和 result", "Set its properties decision and result"),
    why="Nothing would be decided, or the answer would go nowhere.",
)
def rules_name_decision(deployment: Deployment) -> Iterator[Hit]:
    """Each business rule task names its decision and the key of the answer."""
    for node in deployment.of("businessRuleTask"):
        missing = [key for key in ("decision", "result") if not node.properties.get(key)]
        if missing:
            yield node.at(missing=" ".join(missing))


@rule(
    "K713",
    ERROR,
    what=Text("“{name}”的决策“{decision}”不存在", "{name} asks for the decision {decision}, which does not exist"),
    do=Text("请写对决策标识，或把决策一起部署", "Correct the id, or deploy the decision too"),
    why="The instance would be stuck when it arrives there.",
)
def decisions_exist(deployment: Deployment) -> Iterator[Hit]:
    """Each decision is at hand."""
    for node in deployment.of("businessRuleTask"):
        decision = node.properties.get("decision")
        if decision and decision not in deployment.decisions and decision not in deployment.known.decisions:
            yield node.at(decision=decision)


@rule(
    "K714",
    ERROR,
    what=Text(
        "“{name}”的 joined 中的 {task} 不是其后同一泳道的用户任务",
        "{name} joins {task}, no later user task of its lane",
    ),
    do=Text("joined 只列同一执行人其后的用户任务", "List later user tasks of the same performer only"),
    why="Their forms are offered on one page to one person.",
)
def joined_tasks_follow(deployment: Deployment) -> Iterator[Hit]:
    """Joined tasks are later user tasks of the same lane, in this diagram or in one that calls it."""
    for node in deployment.of("userTask"):
        names = node.properties.get("joined", "").split()
        process = node.scope.process
        if not names or (process.id not in deployment.called and process.id in deployment.known.processes):
            continue
        deployment.spend(len(names))
        later = {each.id for each in _later(deployment, node) if each.type == "userTask" and each.lane == node.lane}
        yield from (node.at(task=name) for name in names if name not in later or name == node.id)


def _later(deployment: Deployment, node: Node) -> set[Node]:
    """What can come after ``node``: in its own diagram, and after its process in the diagrams that call it."""
    found: set[Node] = set()
    todo, seen = [node], {node}
    while todo:
        each = todo.pop()
        deployment.spend(len(each.scope.nodes))
        found |= after(each)
        callers = [caller for caller in deployment.called.get(each.scope.process.id, ()) if caller not in seen]
        seen.update(callers)
        todo += callers
    return found


def _written_by_steps(deployment: Deployment) -> Iterator[Node]:
    for node in deployment.of("userTask", "serviceTask", "businessRuleTask"):
        if node.properties.get("result") == OUTCOME:
            yield node


@rule(
    "K715",
    ERROR,
    what=Text("“{name}”把结果写入 outcome", "{name} writes its result to outcome"),
    do=Text("请换一个键名，用网关引到各自的结束事件", "Use another key, and lead to end events by a gateway"),
    why="The outcome is written by events, so that the drawing shows every one of them.",
)
def steps_leave_outcome(deployment: Deployment) -> Iterator[Hit]:
    """Only events write the outcome."""
    return (node.at() for node in _written_by_steps(deployment))
