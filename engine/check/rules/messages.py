"""K6: messages have a name, a key and one receiver."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lxml import etree

from engine.check.around import around
from engine.check.deployment import Deployment
from engine.check.findings import ERROR, Hit, Text, rule
from engine.check.model import B, Node, extension
from engine.check.texts import OUTCOME
from engine.expressions import ExpressionError, compile_expression
from engine.spiff.facts import properties


def _name(node: Node) -> str:
    return "" if node.message is None else node.message.get("name", "")


def _catching(deployment: Deployment) -> Iterator[Node]:
    return (node for node in deployment.nodes if node.event == "message" and not node.throws)


def _throwing(deployment: Deployment) -> Iterator[Node]:
    return (node for node in deployment.nodes if node.event == "message" and node.throws)


@rule(
    "K601",
    ERROR,
    what=Text("消息事件“{name}”没有指明消息", "The message event {name} names no message of its file"),
    do=Text("请选择一个消息", "Choose a message"),
    why="SpiffWorkflow takes the event's own name instead, and nobody sends that.",
)
def message_named(deployment: Deployment) -> Iterator[Hit]:
    """Each message event refers to a message."""
    return (node.at() for node in deployment.nodes if node.event == "message" and node.message is None)


@rule(
    "K602",
    ERROR,
    what=Text("消息 {id} 没有名称", "The message {id} has no name"),
    do=Text("请写上名称", "Give it a name"),
    why="Messages are matched by name.",
)
def messages_have_names(deployment: Deployment) -> Iterator[Hit]:
    """Each message has a name."""
    for file in deployment.files:
        for element in file.root.iterchildren(B + "message"):
            if not element.get("name", "").strip():
                yield file.at(element, id=element.get("id", "?"))


@rule(
    "K603",
    ERROR,
    what=Text("“{name}”等待消息，但没有 key", "{name} waits for a message without a key"),
    do=Text("请设置属性 key 为流程数据的键名", "Set its property key to the name of a key of process data"),
    why="Without a key nobody can say which instance is meant.",
)
def waits_have_keys(deployment: Deployment) -> Iterator[Hit]:
    """Each wait for a message says by which key it is addressed; a start, where the key goes."""
    return (n.at() for n in _catching(deployment) if not n.properties.get("key"))


def _addressed(text: str) -> bool:
    try:
        compile_expression(text)
        body = ast.parse(text, mode="eval").body
    except (ExpressionError, SyntaxError):
        return True  # K801 says so
    keys = {key.value for key in body.keys if isinstance(key, ast.Constant)} if isinstance(body, ast.Dict) else set()
    return keys == {"key", "value"}


@rule(
    "K604",
    ERROR,
    what=Text("“{name}”发出的消息没有收件人", "The message that {name} throws has no address"),
    do=Text(
        "请在消息上写 messagePayload：一个含 key 和 value 的字典",
        "Give the message a messagePayload: a dictionary with key and value",
    ),
    why="A message without a key reaches nobody.",
)
def throws_have_address(deployment: Deployment) -> Iterator[Hit]:
    """Each thrown message says its key and value."""
    for node in _throwing(deployment):
        payload = "" if node.message is None else extension(node.message, "messagePayload")
        if node.message is not None and (not payload or not _addressed(payload)):
            yield node.at()


def _family(deployment: Deployment, process_id: str) -> set[str]:
    """A process and everything that it calls, however deep."""
    seen, todo = {process_id}, [process_id]
    calls: dict[str, set[str]] = {}
    for called, callers in deployment.called.items():
        for call in callers:
            calls.setdefault(call.scope.process.id, set()).add(called)
    while todo:
        for called in calls.get(todo.pop(), ()):
            if called not in seen:
                seen.add(called)
                todo.append(called)
    return seen


@rule(
    "K605",
    ERROR,
    what=Text(
        "“{name}”发出的消息 {message} 又由同一流程接收", "{name} throws {message}, which the same process waits for"
    ),
    do=Text(
        "请改用两个名称；若收发双方总是不同的实例，请在消息上设属性 other_instance = true",
        "Use two names; if sender and receiver are never one instance, set other_instance = true on the message",
    ),
    why="The instance would answer itself.",
)
def not_to_itself(deployment: Deployment) -> Iterator[Hit]:
    """No message is thrown and caught within one top process, unless the message says that this is meant."""
    thrown: dict[str, list[Node]] = {}
    caught: dict[str, set[str]] = {}
    for node in _throwing(deployment):
        if node.message is not None and not _declared_other(node.message):
            thrown.setdefault(_name(node), []).append(node)
    for node in _catching(deployment):
        if _name(node) in thrown and node.type != "startEvent":
            caught.setdefault(_name(node), set()).add(node.scope.process.id)
    if not caught:
        return
    for top in (key for key in deployment.processes if key not in deployment.called):
        family = _family(deployment, top)
        for name, places in caught.items():
            if places & family:
                yield from (n.at(message=name) for n in thrown[name] if n.scope.process.id in family)


def _declared_other(message: etree._Element) -> bool:
    return properties(message).get("other_instance") == "true"


@rule(
    "K606",
    ERROR,
    what=Text(
        "“{name}”和“{other}”可能同时等待消息 {message}", "{name} and {other} can wait for {message} at the same time"
    ),
    do=Text("请用不同的消息名或不同的 key", "Use another message name or another key"),
    why="A message goes to one wait: which of the two would be chance.",
)
def one_wait_per_message(deployment: Deployment) -> Iterator[Hit]:
    """Two waits that are open together differ in name or key."""
    for node in _catching(deployment):
        if node.type != "startEvent" and _name(node):
            for other in _beside(node, deployment):
                same = other.event == "message" and _name(other) == _name(node)
                if same and other.properties.get("key") == node.properties.get("key"):
                    yield node.at(other=other.name, message=_name(node))
                    break


def _beside(node: Node, deployment: Deployment) -> Iterator[Node]:
    """Waits that are open while ``node`` waits: on the same activity, behind the same gateway, around it."""
    if node.host is not None:
        yield from (event for event in node.host.boundaries if event.id < node.id)
    for flow in node.incoming:
        if flow.source.type == "eventBasedGateway":
            yield from (other.target for other in flow.source.outgoing if other.target.id < node.id)
    for host in around(node, deployment):
        yield from host.boundaries


@rule(
    "K607",
    ERROR,
    what=Text("使用了 {tag}（“{name}”）", "{tag} ({name}) is used"),
    do=Text("请改用等待事件的属性 key", "Use the property key of the waiting event"),
    why="The engine addresses messages by one key; BPMN's correlation is not read.",
)
def no_correlation(deployment: Deployment) -> Iterator[Hit]:
    """No correlation keys and properties."""
    names = ("correlationKey", "correlationProperty", "correlationSubscription")
    for file in deployment.files:
        for element in file.root.iter(*(B + name for name in names)):
            yield file.at(element)


@rule(
    "K608",
    ERROR,
    what=Text("消息“{name}”的内容写入 {key}", "The payload of message {name} goes to {key}"),
    do=Text("请写一个普通的键名；结果由事件的属性 outcome 说明", "Name a plain key; outcomes are written by events"),
    why="A message without payload would silently choose the default way.",
)
def payload_key(deployment: Deployment) -> Iterator[Hit]:
    """The payload of a message goes to a plain key, never to outcome."""
    for file in deployment.files:
        for element in file.root.iterchildren(B + "message"):
            key = extension(element, "messageVariable")
            if key and (key == OUTCOME or not key.isidentifier()):
                yield file.at(element, key=key)


def _starting(deployment: Deployment) -> Iterator[Node]:
    return (node for node in _catching(deployment) if node.type == "startEvent")


@rule(
    "K609",
    ERROR,
    what=Text(
        "启动“{name}”的消息 {message} 也由“{other}”接收", "{message}, which starts {name}, is received by {other} too"
    ),
    do=Text("请让每条启动消息只启动一个流程", "Let each such message start one process and do nothing else"),
    why="A message has one receiver: whether it starts a process or is caught would be chance.",
)
def one_start_per_message(deployment: Deployment) -> Iterator[Hit]:
    """A message that starts a process is received nowhere else."""
    receivers: dict[str, list[Node]] = {}
    for node in _catching(deployment):
        receivers.setdefault(_name(node), []).append(node)
    for node in _starting(deployment):
        others = [other for other in receivers[_name(node)] if other is not node]
        if others and _name(node):
            yield node.at(other=others[0].name, message=_name(node))


@rule(
    "K610",
    ERROR,
    what=Text(
        "启动“{name}”的消息没有写明内容放在哪里", "The message that starts {name} does not say where its payload goes"
    ),
    do=Text("请在消息上写 messageVariable", "Give the message a messageVariable"),
    why="The new instance would know its key and nothing else: what was sent would be lost.",
)
def starts_take_payload(deployment: Deployment) -> Iterator[Hit]:
    """The payload of a message that starts a process goes into its data."""
    for node in _starting(deployment):
        if node.message is not None and not extension(node.message, "messageVariable"):
            yield node.at()


@rule(
    "K611",
    ERROR,
    what=Text("启动事件“{name}”把消息的键写入 {key}", "The start event {name} writes the message's key to {key}"),
    do=Text("请写一个普通的键名，且不同于消息内容的键名", "Name a plain key, and not the one of the payload"),
    why="The payload would replace the key, or the key would be taken for an outcome.",
)
def start_key(deployment: Deployment) -> Iterator[Hit]:
    """The key of a message that starts a process goes to a plain key of its own."""
    for node in _starting(deployment):
        key = node.properties.get("key", "")
        variable = "" if node.message is None else extension(node.message, "messageVariable")
        if key and (key in (OUTCOME, variable) or not key.isidentifier()):
            yield node.at(key=key)
