"""K0: names and keys fit into the columns in which they are kept (``engine/persistence.py``)."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from engine.check.deployment import Deployment
from engine.check.findings import ERROR, Hit, Text, rule
from engine.check.model import NODES, B, BpmnFile, local

NAME = 200
"""Characters in the name of a process, node or decision."""

LANE = 60
MESSAGE = 120
KEY = 120
"""Characters in the key of a decision; ids of diagrams have a rule of their own, and so have forms."""

_MOST = {"process": NAME, "lane": LANE, "message": MESSAGE} | dict.fromkeys(NODES, NAME)


def _named(file: BpmnFile) -> Iterator[tuple[etree._Element, str, int]]:
    for element in file.root.iter(*(B + tag for tag in _MOST)):
        yield element, element.get("name", ""), _MOST[local(element)]


@rule(
    "K016",
    ERROR,
    what=Text(
        "名称“{name}”有 {count} 个字符，多于 {most} 个", "The name {name} has {count} characters, more than {most}"
    ),
    do=Text("请改短", "Shorten it"),
    why="A longer name has no room in the database: no instance could be started.",
)
def names_fit(deployment: Deployment) -> Iterator[Hit]:
    """Names fit into their columns."""
    for file in deployment.files:
        for element, name, most in _named(file):
            if len(name) > most:
                yield file.at(element, count=len(name), most=most)
    for key, decision in deployment.decisions.items():
        name = decision.model.find(key).name
        if len(name) > NAME:
            yield Hit(decision.place, {"name": name, "count": len(name), "most": NAME})


@rule(
    "K017",
    ERROR,
    what=Text("标识“{key}”有 {count} 个字符，多于 {most} 个", "The key {key} has {count} characters, more than {most}"),
    do=Text("请改短", "Shorten it"),
    why="A longer key has no room in the database.",
)
def keys_fit(deployment: Deployment) -> Iterator[Hit]:
    """Keys of decisions fit into their column."""
    for key, decision in deployment.decisions.items():
        if len(key) > KEY:
            yield Hit(decision.place, {"key": key, "count": len(key), "most": KEY})
