"""K4: activities and data that the engine executes, in the form in which it executes them."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from engine.check.deployment import Deployment
from engine.check.findings import ERROR, WARNING, Hit, Text, rule
from engine.check.model import ACTIVITIES, B, Node, local
from engine.spiff.facts import BPMN, SPIFF

_PREFIXES = {
    "http://camunda.org/schema/1.0/bpmn": "camunda",
    "http://camunda.org/schema/zeebe/1.0": "zeebe",
    "http://flowable.org/bpmn": "flowable",
    "http://activiti.org/bpmn": "activiti",
}


def _typed(deployment: Deployment, *types: str) -> Iterator[Hit]:
    return (node.at() for node in deployment.of(*types))


@rule(
    "K401",
    ERROR,
    what=Text("“{name}”是没有类型的任务", "{name} is a task without a type"),
    do=Text("请改为用户任务、服务任务或业务规则任务", "Make it a user, service or business rule task"),
    why="SpiffWorkflow waits there for somebody, and nobody is told.",
)
def no_plain_task(deployment: Deployment) -> Iterator[Hit]:
    """No plain tasks."""
    return _typed(deployment, "task")


@rule(
    "K402",
    ERROR,
    what=Text("“{name}”是手工任务", "{name} is a manual task"),
    do=Text("请改为带表单的用户任务", "Make it a user task with a form"),
    why="Nobody could say that it is done.",
)
def no_manual_task(deployment: Deployment) -> Iterator[Hit]:
    """No manual tasks."""
    return _typed(deployment, "manualTask")


@rule(
    "K403",
    ERROR,
    what=Text("“{name}”是脚本任务", "{name} is a script task"),
    do=Text("请改为指定操作的服务任务，或决策表", "Make it a service task with an operation, or a decision table"),
    why="A script in a diagram can run anything on the server.",
)
def no_script_task(deployment: Deployment) -> Iterator[Hit]:
    """No script tasks."""
    return _typed(deployment, "scriptTask")


@rule(
    "K404",
    ERROR,
    what=Text("“{name}”是发送或接收任务", "{name} is a send or receive task"),
    do=Text("请改用消息事件", "Use a message event"),
    why="The engine addresses messages by the properties of events only.",
)
def no_send_receive(deployment: Deployment) -> Iterator[Hit]:
    """No send or receive tasks."""
    return _typed(deployment, "sendTask", "receiveTask")


@rule(
    "K405",
    ERROR,
    what=Text("“{name}”带有前置或后置脚本", "{name} has a script before or after it"),
    do=Text("请删除脚本，改用服务任务", "Delete the script and use a service task"),
    why="A script in a diagram can run anything on the server.",
)
def no_hidden_scripts(deployment: Deployment) -> Iterator[Hit]:
    """No preScript, no postScript."""
    for file in deployment.files:
        for element in file.root.iter("{*}preScript", "{*}postScript"):
            yield file.at(element)


@rule(
    "K406",
    ERROR,
    what=Text("“{name}”是临时子流程", "{name} is an ad-hoc sub-process"),
    do=Text("请画出步骤的顺序，或用多实例", "Draw the order of the steps, or use multi-instance"),
    why="SpiffWorkflow fails with KeyError when it runs.",
)
def no_ad_hoc(deployment: Deployment) -> Iterator[Hit]:
    """No ad-hoc sub-processes."""
    return _typed(deployment, "adHocSubProcess")


@rule(
    "K407",
    ERROR,
    what=Text("“{name}”是事务", "{name} is a transaction"),
    do=Text("请改用子流程", "Use a sub-process"),
    why="Its cancelling and compensation are not executed.",
)
def no_transaction(deployment: Deployment) -> Iterator[Hit]:
    """No transactions."""
    return _typed(deployment, "transaction")


@rule(
    "K408",
    ERROR,
    what=Text("“{name}”带有标准循环", "{name} has a standard loop"),
    do=Text("请用网关和返回的流向画出循环", "Draw the loop with a gateway and a flow back"),
    why="A reader cannot see its condition, and its passes are not in the history.",
)
def no_standard_loop(deployment: Deployment) -> Iterator[Hit]:
    """No standard loops."""
    for node in deployment.nodes:
        if node.element.find(B + "standardLoopCharacteristics") is not None:
            yield node.at()


_LISTS = ("loopDataInputRef", "loopDataOutputRef", "inputDataItem", "outputDataItem")


@rule(
    "K409",
    ERROR,
    what=Text("多实例“{name}”缺少 {missing}", "The multi-instance {name} lacks {missing}"),
    do=Text("请写明输入列表、输出列表、输入项和输出项", "Name list in, list out, item in and item out"),
    why="Without all four the second pass or an added instance fails.",
)
def multi_instance_complete(deployment: Deployment) -> Iterator[Hit]:
    """Multi-instance names both lists and both items."""
    for node in deployment.nodes:
        loop = node.loop
        if loop is not None:
            missing = [name for name in _LISTS if loop.find(B + name) is None]
            if missing:
                yield node.at(missing=" ".join(missing))


def _alone(node: Node) -> bool:
    others = [each for each in node.scope.nodes.values() if each.type in ACTIVITIES and each is not node]
    return node.scope.parent is None and not others


@rule(
    "K410",
    ERROR,
    what=Text(
        "多实例“{name}”没有单独放在声明了输入输出的流程中",
        "The multi-instance {name} is not alone in a process with declared inputs and outputs",
    ),
    do=Text("请把它单独放进一个被调用的流程，声明输入和输出", "Put it alone into a called process and declare both"),
    why="On a second pass its items would already exist in the data.",
)
def multi_instance_alone(deployment: Deployment) -> Iterator[Hit]:
    """Multi-instance stands alone in a process of its own."""
    for node in deployment.nodes:
        if node.loop is not None and not (_alone(node) and node.scope.inputs and node.scope.outputs):
            yield node.at()


@rule(
    "K411",
    ERROR,
    what=Text("多实例“{name}”使用了次数或完成条件", "The multi-instance {name} uses a count or a completion condition"),
    do=Text("请用列表，并等待所有实例", "Use a list and wait for all instances"),
    why="A count with outputs raises NameError; a completion condition fails on a missing key.",
)
def multi_instance_by_list(deployment: Deployment) -> Iterator[Hit]:
    """Multi-instance runs over a list and waits for all."""
    for node in deployment.nodes:
        loop = node.loop
        if loop is not None and any(
            loop.find(B + name) is not None for name in ("loopCardinality", "completionCondition")
        ):
            yield node.at()


@rule(
    "K412",
    ERROR,
    what=Text("“{name}”的开始或完成数量不是 1", "{name} has a start or completion quantity other than 1"),
    do=Text("请删除 startQuantity 和 completionQuantity", "Delete startQuantity and completionQuantity"),
    why="SpiffWorkflow ignores them.",
)
def quantities_are_one(deployment: Deployment) -> Iterator[Hit]:
    """No token arithmetic."""
    for node in deployment.nodes:
        if any(node.element.get(name, "1").strip() != "1" for name in ("startQuantity", "completionQuantity")):
            yield node.at()


@rule(
    "K413",
    ERROR,
    what=Text("使用了 {tag}（“{name}”）", "{tag} ({name}) is used"),
    do=Text("请改用流程数据和记录", "Use process data and records"),
    why="The engine keeps no data objects and stores: what is drawn there would be lost.",
)
def no_data_objects(deployment: Deployment) -> Iterator[Hit]:
    """No data objects, stores and associations."""
    names = ("dataObject", "dataObjectReference", "dataStore", "dataStoreReference")
    links = ("dataInputAssociation", "dataOutputAssociation", "property")
    for file in deployment.files:
        for element in file.root.iter(*(B + name for name in (*names, *links))):
            yield file.at(element)


@rule(
    "K414",
    ERROR,
    what=Text(
        "协作图中有消息流或其他参与者（“{name}”）", "The collaboration has message flows or other pools ({name})"
    ),
    do=Text("请只保留一个泳池作为泳道的外框", "Keep one pool, as the frame of the lanes"),
    why="SpiffWorkflow does not execute message flows, and pools change its definitions while running.",
)
def one_pool(deployment: Deployment) -> Iterator[Hit]:
    """A collaboration is one pool around the lanes."""
    for file in deployment.files:
        for collaboration in file.root.iterchildren(B + "collaboration"):
            yield from (file.at(flow) for flow in collaboration.iterchildren(B + "messageFlow"))
            pools = list(collaboration.iterchildren(B + "participant"))
            keys = {process.id for process in file.processes}
            yield from (file.at(pool) for n, pool in enumerate(pools) if n or pool.get("processRef") not in keys)


def _foreign(element: etree._Element) -> Iterator[str]:
    """The namespaces in which an element of the diagram says something that the engine does not read."""
    names = [*element.attrib]
    for box in element.iterchildren(B + "extensionElements"):
        names += [child.tag for child in box if isinstance(child.tag, str)]
    for name in names:
        text = name if isinstance(name, str) else ""
        space = text[1:].partition("}")[0] if text.startswith("{") else ""
        if space and space not in (BPMN, SPIFF, "http://www.w3.org/2001/XMLSchema-instance"):
            yield _PREFIXES.get(space, space)


@rule(
    "K415",
    WARNING,
    what=Text("“{name}”带有不会执行的扩展：{space}", "{name} has extensions that are not executed: {space}"),
    do=Text("请删除，并改用本系统的属性", "Delete them and use the properties of this system"),
    why="What another engine would do with them does not happen here.",
)
def no_foreign_extensions(deployment: Deployment) -> Iterator[Hit]:
    """Extensions of other engines are pointed out."""
    for file in deployment.files:
        for scope in file.scopes:
            elements = [scope.element, *(node.element for node in scope.nodes.values() if node.inner is None)]
            for element in elements:
                spaces = sorted(set(_foreign(element)))
                if spaces:
                    yield file.at(element, space=" ".join(spaces))


_READ = frozenset({"properties", "messagePayload", "messageVariable"})


@rule(
    "K416",
    ERROR,
    what=Text("“{name}”中的 spiffworkflow:{tag} 不会执行", "spiffworkflow:{tag} in {name} is not executed"),
    do=Text("请改用属性（operation、decision、form 等）", "Use the properties operation, decision, form …"),
    why="The engine reads properties, message payload and message variable only.",
)
def only_our_extensions(deployment: Deployment) -> Iterator[Hit]:
    """No extension of SpiffWorkflow beyond those of our dialect; scripts have their own rule."""
    for file in deployment.files:
        for box in file.root.iter(B + "extensionElements"):
            for child in box:
                name = local(child)
                if name and child.tag.startswith(f"{{{SPIFF}}}") and name not in _READ | {"preScript", "postScript"}:
                    owner = box.getparent()
                    called = "" if owner is None else owner.get("name") or owner.get("id") or local(owner)
                    yield Hit(file.place(child), {"name": called, "tag": name})
