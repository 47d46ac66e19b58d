"""The expressions of a diagram, compiled once: what they read, what they compare, or why they do not compile."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from engine.check.deployment import Deployment
from engine.check.model import B, BpmnFile, Node, S, extension, local, text_of
from engine.expressions import Expression, ExpressionError, compile_expression

OUTCOME = "outcome"
TIMES = ("timeDate", "timeDuration", "timeCycle")


@dataclass(frozen=True, slots=True)
class Written:
    """An expression as written; ``kind`` is ``condition``, ``payload`` or the kind of time."""

    file: BpmnFile
    element: etree._Element
    kind: str

    @property
    def text(self) -> str:
        """The source."""
        return text_of(self.element)

    def compiled(self) -> Expression | None:
        """The expression, or None where it does not compile (K801 says so)."""
        try:
            return compile_expression(self.text)
        except ExpressionError:
            return None

    def trouble(self) -> str | None:
        """Why it does not compile."""
        if not self.text or len(self.element):
            return "没有内容，或夹有其他元素"
        try:
            compile_expression(self.text)
        except ExpressionError as error:
            return error.why
        return None


def conditions(deployment: Deployment) -> Iterator[tuple[Node, Written]]:
    """The conditions behind exclusive gateways."""
    for node in deployment.of("exclusiveGateway"):
        for flow in node.outgoing:
            if flow.condition is not None:
                yield node, Written(node.file, flow.condition, "condition")


def times(deployment: Deployment) -> Iterator[tuple[Node, Written]]:
    """The times of timer events."""
    for node in deployment.nodes:
        if node.event == "timer":
            for child in node.definitions[0]:
                if local(child) in TIMES:
                    yield node, Written(node.file, child, local(child))


def payloads(deployment: Deployment) -> Iterator[Written]:
    """The payloads of declared messages."""
    for file in deployment.files:
        for element in file.root.iterfind(f"{B}message/{B}extensionElements/{S}messagePayload"):
            yield Written(file, element, "payload")


def asked_outcomes(expression: Expression) -> frozenset[str]:
    """The texts that ``expression`` compares the key ``outcome`` with."""
    if OUTCOME not in expression.names:
        return frozenset()
    found: set[str] = set()
    for compare in ast.walk(ast.parse(expression.text.strip(), mode="eval")):
        if isinstance(compare, ast.Compare):
            parts = [compare.left, *compare.comparators]
            if any(isinstance(part, ast.Name) and part.id == OUTCOME for part in parts):
                found.update(text for part in parts for text in _texts(part))
    return frozenset(found)


def _texts(part: ast.expr) -> Iterator[str]:
    items = part.elts if isinstance(part, ast.List | ast.Tuple) else [part]
    for item in items:
        if isinstance(item, ast.Constant) and isinstance(item.value, str):
            yield item.value


def comparisons(expression: Expression) -> int:
    """How many comparisons ``expression`` makes."""
    tree = ast.parse(expression.text.strip(), mode="eval")
    return sum(len(node.ops) for node in ast.walk(tree) if isinstance(node, ast.Compare))


def keys_written(deployment: Deployment) -> set[str]:
    """The keys of process data that some element writes, or that a wait is addressed by (the start data bring them)."""
    keys = {OUTCOME}
    for node in deployment.nodes:
        keys.update(value for name, value in node.properties.items() if name in ("result", "key"))
        if node.loop is not None:
            keys.update(item.get("id", "") for item in node.loop.iter(B + "inputDataItem", B + "outputDataItem"))
            keys.update(ref.text or "" for ref in node.loop if local(ref) in ("loopDataInputRef", "loopDataOutputRef"))
    for process in deployment.processes.values():
        keys.update(process.inputs)
    for file in deployment.files:
        keys.update(extension(message, "messageVariable") for message in file.root.iterchildren(B + "message"))
    return keys
