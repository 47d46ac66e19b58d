"""K9: the drawing is there, fits its page and can be read; only a wrong number is an error."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator

from lxml import etree

from engine.check.deployment import Deployment
from engine.check.findings import ERROR, WARNING, Hit, Text, rule
from engine.check.model import ACTIVITIES, BPMNDI, DC, TASKS, B, BpmnFile, Node, local

MIN_WIDTH, MIN_HEIGHT = 118, 48
MAX_SHAPES = 16
MAX_PAGE = 1160
LABEL_LINES = 2
LETTER = 12.0
"""Width of a Chinese character of a label in diagram units; a Latin letter takes half."""

_BOUNDS = f"{{{DC}}}Bounds"
Box = tuple[float, float, float, float]


def _box(shape: etree._Element) -> Box | None:
    """x, y, width and height of a shape; None where it has none or they are no numbers."""
    bounds = shape.find(_BOUNDS)
    if bounds is None:
        return None
    try:
        x, y, width, height = (float(bounds.get(name, "0")) for name in ("x", "y", "width", "height"))
    except ValueError:
        return None
    return (x, y, width, height) if all(map(math.isfinite, (x, y, width, height))) else None


def _boxes(file: BpmnFile) -> dict[str, Box]:
    return {key: box for key, shape in file.shapes.items() if (box := _box(shape)) is not None}


def _visible(node: Node, file: BpmnFile) -> bool:
    """Whether the node is drawn on the page: not inside a collapsed frame."""
    frame = node.scope.frame
    while frame is not None:
        shape = file.shapes.get(frame.id)
        if shape is not None and shape.get("isExpanded") == "false":
            return False
        frame = frame.scope.frame
    return True


@rule(
    "K901",
    ERROR,
    what=Text("图形的位置不是数字（{name}）", "The position of a shape is no number ({name})"),
    do=Text("请用建模工具重新保存", "Save it again with the editor"),
    why="SpiffWorkflow orders flows by the height of shapes and fails on it.",
)
def bounds_are_numbers(deployment: Deployment) -> Iterator[Hit]:
    """Bounds are finite numbers."""
    for file in deployment.files:
        for bounds in file.root.iter(_BOUNDS):
            shape = bounds.getparent()
            if shape is not None and local(shape) == "BPMNShape" and _box(shape) is None:
                yield file.at(shape)


@rule(
    "K902",
    WARNING,
    what=Text("“{name}”没有画在图上", "{name} is not drawn"),
    do=Text("请在建模工具中补画", "Draw it with the editor"),
    why="Whoever looks at the diagram does not see it.",
)
def everything_is_drawn(deployment: Deployment) -> Iterator[Hit]:
    """Every node and flow has a shape or an edge."""
    for scope in deployment.scopes:
        file = scope.file
        for node in scope.nodes.values():
            if node.id not in file.shapes:
                yield node.at()
        for flow in scope.flows:
            if flow.id not in file.shapes:
                yield file.at(flow.element)


@rule(
    "K903",
    WARNING,
    what=Text("图形 {name} 所画的元素 {drawn} 不存在", "The shape {name} draws {drawn}, which does not exist"),
    do=Text("请删除该图形", "Delete the shape"),
    why="The reader sees what is not executed.",
)
def shapes_draw_something(deployment: Deployment) -> Iterator[Hit]:
    """Every shape draws an element of the file."""
    for file in deployment.files:
        known = {element.get("id") for element in file.root.iter(B + "*")}
        for key, shape in file.shapes.items():
            if key not in known:
                yield file.at(shape, drawn=key)


@rule(
    "K904",
    WARNING,
    what=Text("“{name}”小于 118×48", "{name} is smaller than 118×48"),
    do=Text("请放大到至少 118×48", "Make it at least 118×48"),
    why="Its name cannot be read on a laptop.",
)
def tasks_are_large(deployment: Deployment) -> Iterator[Hit]:
    """Tasks and calls are large enough for their names."""
    for file in deployment.files:
        boxes = _boxes(file)
        for scope in file.scopes:
            for node in scope.nodes.values():
                box = boxes.get(node.id)
                if node.type in ACTIVITIES and box and (box[2] < MIN_WIDTH or box[3] < MIN_HEIGHT):
                    yield node.at()


@rule(
    "K905",
    WARNING,
    what=Text("“{name}”画了 {count} 个图形，多于 16 个", "{name} shows {count} shapes, more than 16"),
    do=Text("请把一部分移到被调用的流程", "Move a part to a called process"),
    why="A page with more cannot be taken in at a glance.",
)
def few_shapes(deployment: Deployment) -> Iterator[Hit]:
    """A page shows at most 16 tasks, calls, gateways and events; events on a border belong to their task."""
    for file in deployment.files:
        for process in file.processes:
            nodes = [node for scope in file.scopes if scope.process is process for node in scope.nodes.values()]
            shown = [n for n in nodes if n.type != "boundaryEvent" and n.inner is None and _visible(n, file)]
            if len(shown) > MAX_SHAPES:
                yield process.at(count=len(shown))


@rule(
    "K906",
    WARNING,
    what=Text("“{name}”的图宽 {width}，大于 1160", "The drawing of {name} is {width} wide, more than 1160"),
    do=Text("请收窄，或把一部分移到被调用的流程", "Narrow it, or move a part to a called process"),
    why="On a page it would be scaled below readable type.",
)
def narrow_page(deployment: Deployment) -> Iterator[Hit]:
    """The drawing fits the page."""
    for file in deployment.files:
        boxes = _boxes(file).values()
        if boxes and file.processes:
            width = max(x + w for x, _, w, _ in boxes) - min(x for x, _, _, _ in boxes)
            if width > MAX_PAGE:
                yield file.processes[0].at(width=round(width))


def _letters(text: str) -> float:
    """The width of a label in Chinese characters."""
    return sum(1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.5 for letter in text)


@rule(
    "K907",
    WARNING,
    what=Text("“{name}”超过两行", "The label {name} takes more than two lines"),
    do=Text("请改短，或把图形加宽", "Shorten it, or widen the shape"),
    why="Long labels run over the border of their shape.",
)
def labels_are_short(deployment: Deployment) -> Iterator[Hit]:
    """The names of tasks and calls fit on two lines."""
    for file in deployment.files:
        boxes = _boxes(file)
        for scope in file.scopes:
            for node in scope.nodes.values():
                box = boxes.get(node.id)
                labelled = node.type in TASKS or node.type == "callActivity"
                if labelled and box and _letters(node.name) * LETTER > LABEL_LINES * (box[2] - LETTER):
                    yield node.at()


@rule(
    "K908",
    WARNING,
    what=Text("“{name}”没有说明", "{name} has no documentation"),
    do=Text(
        "请写明这一步做什么、须记录什么，并注明手册章节",
        "Say what it is for and what must be recorded, with the section",
    ),
    why="The person who does the step reads it beside the form.",
)
def steps_are_documented(deployment: Deployment) -> Iterator[Hit]:
    """Every step says what it is for."""
    for node in deployment.of(*TASKS, "callActivity"):
        text = node.element.findtext(B + "documentation")
        if not (text or "").strip():
            yield node.at()


@rule(
    "K909",
    WARNING,
    what=Text("{tag}“{id}”没有名称", "The {tag} {id} has no name"),
    do=Text("请按手册写上编号和名称", "Name it as the handbook does"),
    why="Staff see the name in their worklist.",
)
def steps_have_names(deployment: Deployment) -> Iterator[Hit]:
    """Every step has a name."""
    for node in deployment.of(*TASKS, "callActivity"):
        if not (node.element.get("name") or "").strip():
            yield node.at(tag=node.type, id=node.id)


def _planes(file: BpmnFile) -> int:
    return sum(1 for _ in file.root.iter(f"{{{BPMNDI}}}BPMNPlane"))


@rule(
    "K910",
    WARNING,
    what=Text("文件中有 {count} 张图", "The file has {count} drawings"),
    do=Text("请让每个文件恰好一张图", "Keep one drawing in each file"),
    why="Pages show the first one.",
)
def one_drawing(deployment: Deployment) -> Iterator[Hit]:
    """A file has one drawing."""
    return (file.at(file.root, count=_planes(file)) for file in deployment.files if _planes(file) > 1)
