"""The company behind the log: its groups, classification, priority table and five-day closing, as data of the desk.

Everything is a version of its own beside the shipped one, deployed before the first event.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from lxml import etree
from sqlalchemy import select

from engine import definitions
from engine.context import SYSTEM
from handlers.records.tables import person
from handlers.reference import load_reference
from webapp import people
from webapp.desk import Desk
from webapp.replay.log import Event, Log
from webapp.rights import Person
from webapp.shipped import PROCESSES, deploy_shipped, reference_files

DMN = "https://www.omg.org/spec/DMN/20191111/MODEL/"
PRIORITY_TABLE = Path(__file__).parent / "definitions" / "priority.dmn"
SHIPPED_CLOSING, COMPANY_CLOSING = b"'P30D'", b"'P5D'"
UNKNOWN_SYMPTOM = "未知"
URGENCY_WORDS = {1: "高", 2: "中", 3: "低"}
# How the log's contact types were reported: all by persons, who are asked before closing.
SOURCES = {"Phone": "phone", "Email": "email", "Self service": "portal"}
DESK_ACCOUNT, MANAGER_ACCOUNT = "replay.desk", "replay.manager"
REASON = "重放真实事件日志：该公司的规则"


def key(text: str) -> str:
    """A reference key for a name of the log: ``Category 55`` → ``category_55``."""
    return "_".join(text.lower().split())


def type_key(event: Event) -> str:
    """The key of the event's sub-category."""
    return f"{key(event.category)}.{key(event.subcategory)}"


def symptom_key(event: Event) -> str:
    """The key of the event's symptom, or of the unknown one of its type."""
    return f"{type_key(event)}.{key(event.symptom) if event.symptom else 'unknown'}"


def cause_key(type_: str) -> str:
    """The log has no root causes: each type has the one that says so."""
    return f"{type_}.unknown"


def found(desk: Desk, log: Log, at: datetime) -> None:
    """Fill an empty database with the shipped processes and this company's rules, data and accounts."""
    deploy_shipped(desk, update=False)
    with desk.unit_of_work(SYSTEM) as ctx:
        if ctx.connection.scalar(select(person.c.account).where(person.c.account == DESK_ACCOUNT)):
            return  # an interrupted replay goes on
        load_reference(ctx, _reference(log), at)
        definitions.deploy(ctx, _definitions(log), reason=REASON, effective_from=at)
        for somebody in everybody(log).values():
            posts = [(group, "") for group in sorted(somebody.groups)]
            people.add(ctx, somebody.account, somebody.name, None, posts=posts, roles=sorted(somebody.roles))


def everybody(log: Log) -> Mapping[str, Person]:
    """Who acts in the replay, by the group for which he acts: one desk, one manager, one person for each group."""
    groups = sorted({key(event.group) for event in log.events if event.group})
    acting = {
        "desk": Person(DESK_ACCOUNT, "重放：服务台", frozenset({"desk"}), frozenset({"desk"})),
        "manager": Person(MANAGER_ACCOUNT, "重放：事件经理", frozenset({"manager"}), frozenset({"manager"})),
    }
    return acting | {
        group: Person(f"replay.{group}", f"重放：{group}", frozenset({group}), frozenset({"support"}))
        for group in groups
    }


def _definitions(log: Log) -> dict[str, bytes]:
    closing = next(PROCESSES.glob("*/5_close.bpmn"))
    name, content = closing.relative_to(PROCESSES).as_posix(), closing.read_bytes()
    if content.count(SHIPPED_CLOSING) != 1:
        raise ValueError(f"{name}: expected exactly one timer {SHIPPED_CLOSING.decode()}")
    return {
        name: content.replace(SHIPPED_CLOSING, COMPANY_CLOSING),
        "decisions/priority.dmn": PRIORITY_TABLE.read_bytes(),
        "decisions/dispatch.dmn": _dispatch_table(log),
    }


def _dispatch_table(log: Log) -> bytes:
    """This company's rule: the group that each category went to first, most often; a last row for what is new."""
    first: dict[str, Counter[str]] = {}
    overall: Counter[str] = Counter()
    for events in log.by_incident.values():
        group = next((event.group for event in events if event.group), None)
        if group:
            first.setdefault(events[0].category, Counter())[group] += 1
            overall[group] += 1
    root = _node(None, "definitions", id="replay_dispatch", name="分派", namespace="lovem-desk/replay")
    decision = _node(root, "decision", id="dispatch", name="分派")
    table = _node(decision, "decisionTable", id="dispatch_table", hitPolicy="FIRST")
    for name, label in (("category", "类别"), ("type", "子类"), ("location", "地点")):
        column = _node(table, "input", id=name, label=label)
        _node(_node(column, "inputExpression", id=f"{name}_text", typeRef="string"), "text", name)
    _node(table, "output", id="group", name="group", typeRef="string")
    rows = [(key(category), groups.most_common(1)[0][0]) for category, groups in sorted(first.items())]
    for number, (category, group) in enumerate([*rows, (None, overall.most_common(1)[0][0])]):
        rule = _node(table, "rule", id=f"r{number}")
        for column_number, cell in enumerate([f'"{category}"' if category else "-", "-", "-"]):
            _node(_node(rule, "inputEntry", id=f"r{number}_{column_number}"), "text", cell)
        _node(_node(rule, "outputEntry", id=f"r{number}_out"), "text", f'"{key(group)}"')
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _node(parent: etree._Element | None, tag: str, text: str | None = None, **attributes: str) -> etree._Element:
    name = f"{{{DMN}}}{tag}"
    if parent is None:
        return etree.Element(name, attributes, nsmap={None: DMN})  # type: ignore[dict-item]  # the default namespace
    node = etree.SubElement(parent, name, attributes)
    node.text = text
    return node


def _reference(log: Log) -> dict[str, str]:
    """The shipped tables with this company's groups and classification added."""
    shipped = reference_files(PROCESSES)
    kind = next(row["kind"] for row in csv.DictReader(io.StringIO(shipped["groups"])) if row["key"] == "crm")
    groups = sorted({event.group for event in log.events if event.group})
    categories = sorted({event.category for event in log.events})
    types = {type_key(event): (key(event.category), event.subcategory) for event in log.events}
    symptoms = {symptom_key(e): (type_key(e), e.symptom or UNKNOWN_SYMPTOM) for e in log.events}
    added: dict[str, Iterable[Mapping[str, str]]] = {
        "groups": [{"key": key(name), "name": name, "kind": kind} for name in groups],
        "categories": [{"key": key(name), "name": name, "class": "B", "scope": "in"} for name in categories],
        "types": [{"key": k, "category": category, "name": name} for k, (category, name) in sorted(types.items())],
        "symptoms": [{"key": k, "type": type_, "name": name} for k, (type_, name) in sorted(symptoms.items())],
        "causes": [{"key": f"{k}.unknown", "type": k, "name": "原因未查清"} for k in sorted(types)],
    }
    return {table: _extended(shipped[table], rows) for table, rows in added.items()}


def _extended(text: str, rows: Iterable[Mapping[str, str]]) -> str:
    header = next(csv.reader(io.StringIO(text)))
    out = io.StringIO()
    writer = csv.DictWriter(out, header, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writerows(rows)
    return text.rstrip("\n") + "\n" + out.getvalue()
