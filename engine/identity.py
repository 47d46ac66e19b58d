"""What a definition file is: its kind, key and name, and what a process needs beside its own file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lxml import etree

from engine.forms import parse_form
from engine.spiff.facts import properties
from engine.xml import parse_xml

Kind = Literal["process", "decision", "form"]

_BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
_SPIFF = "{http://spiffworkflow.org/bpmn/schema/1.0/core}"
_KINDS: dict[str, Kind] = {"bpmn": "process", "dmn": "decision", "json": "form"}


class UnclearIdentityError(Exception):
    """A file that does not say what it is; the sentences are for the checker's reader."""

    def __init__(self, zh: str, en: str) -> None:
        """Keep both languages."""
        super().__init__(en)
        self.zh = zh
        self.en = en


@dataclass(frozen=True, slots=True)
class StartMessage:
    """The message that starts a process: where its key and its payload go in the data of the new instance."""

    name: str
    key: str
    variable: str


@dataclass(frozen=True, slots=True)
class Identity:
    """``calls`` and ``forms`` are the keys of the processes and forms that a process file names.

    ``start`` is the message that starts it, where it is one and is complete.
    """

    kind: Kind
    key: str
    name: str
    calls: frozenset[str] = frozenset()
    forms: frozenset[str] = frozenset()
    start: StartMessage | None = None


def identify(filename: str, content: bytes) -> Identity:
    """Say what a file is. Raises :class:`UnclearIdentityError`, ``FormRefusedError`` or ``XmlRefused``."""
    kind = _KINDS.get(filename.rpartition(".")[2].lower())
    if kind is None:
        raise UnclearIdentityError("不是 .bpmn、.dmn 或 .json 文件", "not a .bpmn, .dmn or .json file")
    if kind == "form":
        form = parse_form(content)
        return Identity(kind, form.key, form.title)
    root = parse_xml(content)
    return _process(root) if kind == "process" else _decision(root)


def _process(root: etree._Element) -> Identity:
    processes = root.findall(f"{_BPMN}process")
    if len(processes) != 1:
        raise UnclearIdentityError(
            f"一个文件应只有一个流程，这里有 {len(processes)} 个",
            f"a file holds one process, this one {len(processes)}",
        )
    key = processes[0].get("id", "")
    calls = {call.get("calledElement", "") for call in processes[0].iter(f"{_BPMN}callActivity")}
    forms = {
        item.get("value", "")
        for task in processes[0].iter(f"{_BPMN}userTask")
        for item in task.iterfind(f"{_BPMN}extensionElements/{_SPIFF}properties/{_SPIFF}property")
        if item.get("name") == "form"
    }
    name = processes[0].get("name") or key
    return Identity("process", key, name, frozenset(calls), frozenset(forms), _start(root, processes[0]))


def _start(root: etree._Element, process: etree._Element) -> StartMessage | None:
    """What starts the process; the check says what is missing (K601 to K603, K610)."""
    event = process.find(f"{_BPMN}startEvent")
    definition = None if event is None else event.find(f"{_BPMN}messageEventDefinition")
    if event is None or definition is None:
        return None
    message = root.find(f"{_BPMN}message[@id='{definition.get('messageRef', '').replace(chr(39), '')}']")
    key = properties(event).get("key", "")
    name = "" if message is None else message.get("name", "")
    variable = "" if message is None else message.findtext(f"{_BPMN}extensionElements/{_SPIFF}messageVariable", "")
    return StartMessage(name, key, variable.strip()) if name and key and variable.strip() else None


def _decision(root: etree._Element) -> Identity:
    """A decision file is known by the decision that no other one in it requires (the first such)."""
    decisions = root.findall("{*}decision")
    required = {link.get("href", "").rpartition("#")[2] for link in root.iter("{*}requiredDecision")}
    top = [element for element in decisions if element.get("id") not in required]
    if not top:
        raise UnclearIdentityError("文件里没有决策", "no decision in the file")
    key = top[0].get("id", "")
    return Identity("decision", key, top[0].get("name") or key)
