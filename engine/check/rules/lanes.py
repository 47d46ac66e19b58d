"""K7: lanes name the performer of every step."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from engine.check.deployment import Deployment
from engine.check.findings import ERROR, Hit, Text, rule
from engine.check.model import B, BpmnFile, own


@rule(
    "K706",
    ERROR,
    what=Text("用户任务“{name}”不在任何泳道中", "The user task {name} lies in no lane"),
    do=Text("请把它放进执行人的泳道", "Draw it in the lane of its performer"),
    why="The lane says who may do it.",
)
def user_tasks_have_lanes(deployment: Deployment) -> Iterator[Hit]:
    """Each user task lies in a lane with a name."""
    return (node.at() for node in deployment.of("userTask") if not node.lane)


@rule(
    "K707",
    ERROR,
    what=Text("没有名为“{name}”的角色泳道", "There is no role for the lane {name}"),
    do=Text("请使用角色表中的名称", "Use a name of the table of roles"),
    why="Nobody would be offered its tasks.",
)
def lanes_are_roles(deployment: Deployment) -> Iterator[Hit]:
    """Lane names are known roles."""
    lanes = deployment.known.lanes
    if lanes is not None:
        for file in deployment.files:
            yield from (file.at(lane) for lane in file.root.iter(B + "lane") if lane.get("name", "") not in lanes)


def _listed(file: BpmnFile) -> Iterator[tuple[etree._Element, str]]:
    for lane in file.root.iter(B + "lane"):
        yield from ((ref, ref.text or "") for ref in own(lane, "flowNodeRef"))


@rule(
    "K708",
    ERROR,
    what=Text(
        "泳道“{name}”中的 {node} 不是本图的节点，或已在别的泳道中",
        "The lane {name} lists {node}, no node or in another lane",
    ),
    do=Text("请在建模工具中把节点重新拖进泳道", "Move the node into its lane again with the editor"),
    why="SpiffWorkflow takes the last lane that lists a node, and does not miss one that does not exist.",
)
def lanes_list_nodes(deployment: Deployment) -> Iterator[Hit]:
    """Lanes list nodes of the diagram, each once."""
    for file in deployment.files:
        nodes = {key for scope in file.scopes for key in scope.nodes}
        seen: set[str] = set()
        for ref, key in _listed(file):
            lane = ref.getparent()
            if (key not in nodes or key in seen) and lane is not None:
                yield Hit(file.place(ref), {"name": lane.get("name") or lane.get("id"), "node": key})
            seen.add(key)


@rule(
    "K709",
    ERROR,
    what=Text("“{name}”不在任何泳道中", "{name} lies in no lane"),
    do=Text("有泳道的图中，每个节点都要放进泳道", "Where a diagram has lanes, put every node into one"),
    why="A node outside is drawn beside the picture that the reader trusts.",
)
def lanes_hold_all(deployment: Deployment) -> Iterator[Hit]:
    """Where a diagram has lanes, they list every node; user tasks have their own rule."""
    for scope in deployment.scopes:
        if scope.file.lane_of:
            for node in scope.nodes.values():
                if not node.lane and node.type != "userTask":
                    yield node.at()


@rule(
    "K716",
    ERROR,
    what=Text("泳道“{name}”中还有泳道", "The lane {name} contains lanes"),
    do=Text("请只用一层泳道", "Use one level of lanes"),
    why="A node would lie in two lanes, and SpiffWorkflow takes one by chance of order.",
)
def lanes_are_flat(deployment: Deployment) -> Iterator[Hit]:
    """Lanes do not nest."""
    for file in deployment.files:
        for inner in file.root.iter(B + "childLaneSet"):
            lane = inner.getparent()
            yield file.at(inner if lane is None else lane)
