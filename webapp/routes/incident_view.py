"""The incident page's process part: the five stages, and the live diagram of one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.bundles import Bundle
from webapp.queries.timeline import Event
from webapp.routes.reading import Reader
from webapp.routes.words import STAGES

ENDED = "closed"


@dataclass(frozen=True, slots=True)
class Stage:
    """One of the five stages; ``status`` is done, now or empty."""

    n: int
    name: str
    status: str
    since: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the process stands: an open step, who has it, since when."""

    name: str
    holder: str
    since: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """What the live diagram of a stage shows."""

    process_key: str
    took: Sequence[str]
    live: Sequence[str]
    here: str


def stage_of(bundle: Bundle | None, element_id: str | None) -> int | None:
    """The stage in whose diagram an element is drawn."""
    element = bundle.program.elements.get(element_id) if bundle and element_id else None
    return _number(element.process_id) if element else None


def _number(process_id: str) -> int | None:
    parts = process_id.split("_")
    return int(parts[1]) if parts[0] == "stage" and len(parts) > 1 and parts[1].isdigit() else None


def stages(
    reader: Reader,
    incident: Mapping[str, Any],
    bundle: Bundle | None,
    events: Sequence[Event],
    tasks: Sequence[Mapping[str, Any]],
) -> list[Stage]:
    """The strip: when each stage was first reached, which are done, which is the present one."""
    entered = [(event.element_id, event.row["entered_at"]) for event in events if event.kind == "step" and event.row]
    entered += [(task["element_id"], task["created_at"]) for task in tasks]
    first: dict[int, datetime] = {}
    for element_id, instant in entered if bundle else []:
        number = stage_of(bundle, element_id)
        if number:
            first[number] = min(first.get(number, instant), instant)
    present = incident["stage"]
    found = []
    for number, name in STAGES.items():
        closed = incident["state"] == ENDED
        passed = number in first and (closed or number < present)
        status = "done" if passed else "now" if number == present and not closed else ""
        since = reader.moment(first[number]) if number in first else ""
        found.append(Stage(number, name, status, f"{since} 起" if status == "now" and since else since))
    return found


def diagram(bundle: Bundle, shown: int, history: Sequence[str], tasks: Sequence[Mapping[str, Any]]) -> Diagram | None:
    """The diagram of stage ``shown`` with the path taken and the steps that are open now."""
    keys = {element.process_id for element in bundle.program.elements.values() if _number(element.process_id) == shown}
    if not keys:
        return None
    inside = {id_ for id_, element in bundle.program.elements.items() if element.process_id in keys}
    live = [task["element_id"] for task in tasks if task["element_id"] in inside]
    took = [id_ for id_ in history if id_ in inside]
    return Diagram(min(keys), took, live, "现在在这里")


def standing(reader: Reader, tasks: Sequence[Mapping[str, Any]], accounts: Mapping[str, str]) -> list[Standing]:
    """当前: each open step."""
    return [
        Standing(
            name=task["name"],
            holder=reader.holder(task["candidate_group"], task["assignee"], accounts),
            since=reader.moment(task["created_at"]),
        )
        for task in tasks
    ]
