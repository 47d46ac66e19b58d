"""A process with all that it calls, parsed once; immutable and shared by all instances and threads."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException

from engine.spiff import specs
from engine.spiff.errors import ProgramError
from engine.spiff.facts import NAMESPACES, Element, booleans_of, elements_of, properties
from engine.spiff.parsing import DeskParser
from engine.xml import XmlRefused, line_of, parse_xml, xml_bool

FINGERPRINT_SIZE = 8  # bytes


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """What an instance executes.

    ``elements`` maps the id of every flow node to its facts, ``process_properties`` the id of every process to its
    properties. ``fingerprint`` tells two programs apart; saved state carries it. ``spec`` and ``callees`` are
    SpiffWorkflow's and are for this package only.
    """

    process_key: str
    elements: Mapping[str, Element]
    process_properties: Mapping[str, Mapping[str, str]]
    fingerprint: bytes
    spec: Any
    callees: Mapping[str, Any]


def compile_program(files: Mapping[str, bytes], process_key: str) -> Program:
    """Parse the ``.bpmn`` files among ``files``; raises ProgramError with file, line and element."""
    diagrams = {name: content for name, content in sorted(files.items()) if name.endswith(".bpmn")}
    roots = {name: _parse(name, content) for name, content in diagrams.items()}
    parser = DeskParser()
    try:
        for name, root in roots.items():
            parser.add_bpmn_xml(root, name)
        if process_key not in parser.process_parsers:
            raise ProgramError(f"文件里没有流程 {process_key!r}：{'、'.join(diagrams) or '没有文件'}")
        spec = parser.get_spec(process_key)
        callees = parser.get_subprocess_specs(process_key)
    except ValidationException as error:
        raise _located(error, roots) from error
    except RecursionError:
        raise ProgramError("流程图太长或嵌套太深", element=process_key) from None
    for process in (spec, *callees.values()):
        _connect_instances(process)
    return Program(
        process_key,
        MappingProxyType(_elements(roots)),
        MappingProxyType(
            {
                process.get("id", ""): properties(process)
                for root in roots.values()
                for process in root.iterfind("bpmn:process", NAMESPACES)
            }
        ),
        _fingerprint(process_key, diagrams),
        spec,
        MappingProxyType(callees),
    )


def _parse(name: str, content: bytes) -> etree._Element:
    """The file as XML (:mod:`engine.xml` says what is refused), with every boolean in the library's spelling."""
    try:
        root = parse_xml(content)
    except XmlRefused as error:
        raise ProgramError(error.why_zh, file=name, line=error.line) from error
    for element, attribute in booleans_of(root):
        value = xml_bool(element, attribute, default=False)
        if value is None:
            raise ProgramError(
                f"{attribute} 不是 true 或 false", file=name, line=line_of(element), element=element.get("id")
            )
        element.set(attribute, "true" if value else "false")
    return root


def _elements(roots: Mapping[str, etree._Element]) -> dict[str, Element]:
    elements: dict[str, Element] = {}
    for name, root in roots.items():
        for element in elements_of(root):
            if element.id in elements or not element.id:
                raise ProgramError("id 缺失或重复", file=name, line=element.line, element=element.id)
            elements[element.id] = element
    return elements


def _connect_instances(process: Any) -> None:
    """Connect multi-instance activities to their instances now: the library would do so at run time, unguarded."""
    for spec in process.task_specs.values():
        if isinstance(spec, specs.INSTANCES):
            process.task_specs[spec.task_spec].completed_event.connect(spec.merge_child)


def _located(error: ValidationException, roots: Mapping[str, etree._Element]) -> ProgramError:
    """The library's refusal with file and line, which it does not keep."""
    why = str(error.args[0]) if error.args else type(error).__name__
    for name, root in roots.items():
        for node in root.iterfind(".//*[@id]"):
            if error.id and node.get("id") == error.id:
                return ProgramError(why, file=name, line=line_of(node), element=error.id)
    return ProgramError(why, file=error.file_name or None, element=error.id or None)


def _fingerprint(process_key: str, diagrams: Mapping[str, bytes]) -> bytes:
    digest = hashlib.sha256(process_key.encode())
    for content in diagrams.values():
        digest.update(hashlib.sha256(content).digest())
    return digest.digest()[:FINGERPRINT_SIZE]
