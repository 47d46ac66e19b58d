"""K0: what a file must be before its diagram is looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from engine.check.deployment import Deployment
from engine.check.findings import ERROR, Hit, Text, declare, rule
from engine.check.model import NODES, BpmnFile, local, own
from engine.spiff.facts import BPMN, booleans_of
from engine.xml import xml_bool

MALFORMED = declare(
    "K001",
    ERROR,
    what=Text("文件不能读取：{zh}", "The file cannot be read: {en}"),
    do=Text("请用建模工具重新保存此文件", "Save the file again with the editor"),
    why="Nothing can be read from it.",
)
DOCTYPE = declare(
    "K002",
    ERROR,
    what=Text("文件含有 DOCTYPE 声明", "The file has a DOCTYPE"),
    do=Text("请删除 DOCTYPE 声明", "Delete the DOCTYPE"),
    why="A document type can name other files and expand without end; BPMN and DMN need none.",
)
TOO_LARGE = declare(
    "K003",
    ERROR,
    what=Text("文件太大：{zh}", "The file is too large: {en}"),
    do=Text("请拆分成多个流程", "Split it into several processes"),
    why="Work and memory of the check stay bounded.",
)
TOO_DEEP = declare(
    "K004",
    ERROR,
    what=Text("元素嵌套太深：{zh}", "Elements are nested too deeply: {en}"),
    do=Text("请把内层子流程移到独立流程并调用", "Move inner sub-processes to called processes"),
    why="Work and memory of the check stay bounded; nobody can read such a diagram.",
)
TOO_MANY_ELEMENTS = declare(
    "K005",
    ERROR,
    what=Text("元素太多：{zh}", "There are too many elements: {en}"),
    do=Text("请拆分成多个流程", "Split it into several processes"),
    why="Work and memory of the check stay bounded.",
)
TOO_MUCH = declare(
    "K006",
    ERROR,
    what=Text(
        "本次部署有 {files} 个文件、{bytes} 字节，上限为 {most} 个、{room} 字节",
        "The deployment has {files} files and {bytes} bytes; at most {most} files and {room} bytes are taken",
    ),
    do=Text("请分批部署", "Deploy in parts"),
    why="Work and memory of the check stay bounded.",
)
UNKNOWN_KIND = declare(
    "K007",
    ERROR,
    what=Text("不认识的文件类型：{file}", "Unknown kind of file: {file}"),
    do=Text("只能部署 .bpmn、.dmn 和 .json（表单）文件", "Deploy .bpmn, .dmn and .json (forms) only"),
    why="What the engine does not execute must not look deployed.",
)
NOT_BPMN = declare(
    "K008",
    ERROR,
    what=Text("根元素是 {root}，不是 BPMN 2.0 的 definitions", "The root is {root}, not definitions of BPMN 2.0"),
    do=Text("请用 BPMN 2.0 建模工具绘制", "Draw it with an editor for BPMN 2.0"),
    why="Other versions and dialects would be read as an empty file.",
)
TOO_COMPLICATED = declare(
    "K014",
    ERROR,
    what=Text("这些流程互相牵连太多，无法查完", "The processes depend on each other in too many ways to be checked"),
    do=Text("请减少调用、边界事件和条件", "Use fewer calls, boundary events and conditions"),
    why="Work of the check stays bounded, and what was not checked is not deployed.",
)
TOO_MANY_FINDINGS = declare(
    "K009",
    ERROR,
    what=Text("另有 {more} 条未列出", "{more} more findings are not listed"),
    do=Text("请先改正已列出的问题", "Correct the listed ones first"),
    why="A list nobody reads helps nobody, and the answer stays bounded.",
)


@rule(
    "K010",
    ERROR,
    what=Text("文件中有 {count} 个流程", "The file has {count} processes"),
    do=Text("请让每个文件恰好包含一个流程", "Keep exactly one process in each file"),
    why="A process is versioned by the bytes of its file: a second one would change version with its neighbour.",
)
def one_process_per_file(deployment: Deployment) -> Iterator[Hit]:
    """Each file is one process."""
    for file in deployment.files:
        processes = list(own(file.root, "process"))
        if len(processes) != 1:
            yield file.at(processes[1] if processes else file.root, count=len(processes))


@rule(
    "K011",
    ERROR,
    what=Text("流程“{name}”不可执行", "Process {name} is not executable"),
    do=Text("请设置 isExecutable=true", "Set isExecutable=true"),
    why="A drawing that was never meant to run has no rules to run by.",
)
def executable(deployment: Deployment) -> Iterator[Hit]:
    """Each process says that it may be executed."""
    for process in deployment.processes.values():
        if not xml_bool(process.element, "isExecutable", default=False):
            yield process.at()


ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,119}")
NEEDS_ID = frozenset({"process", "sequenceFlow", "message", "error", "escalation", "lane"})
KEYS = frozenset({"dataInput", "dataOutput", "inputDataItem", "outputDataItem"})


def _model_elements(file: BpmnFile) -> Iterator[etree._Element]:
    for element in file.root.iter(f"{{{BPMN}}}*"):
        if element is not file.root and local(element) not in KEYS:
            yield element


@rule(
    "K012",
    ERROR,
    what=Text("{tag} 的标识“{id}”不合规", "The id {id} of this {tag} cannot stay for ever"),
    do=Text(
        "标识以字母开头，只含字母、数字、_ . -，不超过 120 个字符",
        "Begin with a letter, use letters, digits, _ . - only, at most 120 characters",
    ),
    why="Ids are kept in history, state and reports for ever.",
)
def stable_ids(deployment: Deployment) -> Iterator[Hit]:
    """Ids are plain names."""
    for file in deployment.files:
        for element in _model_elements(file):
            value = element.get("id")
            if value is None and local(element) not in NODES | NEEDS_ID:
                continue
            if value is None or not ID.fullmatch(value):
                yield file.at(element, id=value or "")


@rule(
    "K013",
    ERROR,
    what=Text("标识“{id}”已在 {first} 中使用", "The id {id} is already used in {first}"),
    do=Text("请改成整个部署中唯一的标识", "Give it an id that is unique in the whole deployment"),
    why="SpiffWorkflow keeps the last of two elements with one id and drops the other silently.",
)
def unique_ids(deployment: Deployment) -> Iterator[Hit]:
    """No id is used twice in the deployment; messages, errors and escalations may be declared alike in many files."""
    first: dict[str, tuple[BpmnFile, etree._Element]] = {}
    for file in deployment.files:
        for element in _model_elements(file):
            value = element.get("id")
            if value is None:
                continue
            if value not in first:
                first[value] = (file, element)
                continue
            where, other = first[value]
            if where is file or not _declared_alike(element, other):
                yield file.at(element, id=value, first=where.name)
    for place, key, earlier in deployment.again:
        yield Hit(place, {"id": key, "first": earlier})


@rule(
    "K015",
    ERROR,
    what=Text("“{name}”的 {attribute} 写作“{value}”", "{attribute} of {name} reads {value}"),
    do=Text("请写 true 或 false", "Write true or false"),
    why="XML knows true, false, 1 and 0; how another spelling is taken would differ from reader to reader.",
)
def booleans_are_spelt(deployment: Deployment) -> Iterator[Hit]:
    """Attributes that say true or false are spelt as XML spells it."""
    for file in deployment.files:
        for element, attribute in booleans_of(file.root):
            if xml_bool(element, attribute, default=False) is None:
                yield file.at(element, attribute=attribute, value=element.get(attribute))


def _declared_alike(element: etree._Element, other: etree._Element) -> bool:
    if local(element) not in ("message", "error", "escalation"):
        return False
    one, two = (etree.tostring(each, method="c14n", with_tail=False, exclusive=True) for each in (element, other))
    return b"".join(one.split()) == b"".join(two.split())
