"""What a definition file is: its kind, key and name, and what a process needs beside its own file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lxml import etree

from engine.forms import parse_form
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
class Identity:
    """``calls`` and ``forms`` are the keys of the processes and forms that a process file names."""

    kind: Kind
    key: str
    name: str
    calls: frozenset[str] = frozenset()
    forms: frozenset[str] = frozenset()


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
    return Identity("process", key, processes[0].get("name") or key, frozenset(calls), frozenset(forms))


def _decision(root: etree._Element) -> Identity:
    """A decision file is known by the decision that no other one in it requires (the first such)."""
    decisions = root.findall("{*}decision")
    required = {link.get("href", "").rpartition("#")[2] for link in root.iter("{*}requiredDecision")}
    top = [element for element in decisions if element.get("id") not in required]
    if not top:
        raise UnclearIdentityError("文件里没有决策", "no decision in the file")
    key = top[0].get("id", "")
    return Identity("decision", key, top[0].get("name") or key)
