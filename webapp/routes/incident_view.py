"""The incident page's process part: the five stages, and the live diagram of one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

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
class Tab:
    """One diagram of a stage: its own, or that of a process that it calls."""

    process_key: str
    name: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """What a live diagram shows: the path taken, the open steps, and by whom each is done (its lane).

    ``waits``: nobody has a step to do, and what follows the path's end is waited for.
    """

    process_key: str
    took: Sequence[str]
    live: Sequence[str]
    lanes: Mapping[str, str]
    waits: bool


class Drawn:
    """The diagrams of a bundle by stage; a process belongs to the stage that calls it, directly or through others."""

    def __init__(self, bundle: Bundle) -> None:
        """Read once who calls whom."""
        self.elements = bundle.program.elements
        self.callers: dict[str, list[str]] = {}  # process → ids of the call activities that call it
        for id_, element in self.elements.items():
            if element.calls:
                self.callers.setdefault(element.calls, []).append(id_)

    def stage_of(self, element_id: str | None) -> int | None:
        """The stage in whose diagrams an element is drawn."""
        element = self.elements.get(element_id or "")
        return self._stage_of_process(element.process_id) if element else None

    def _stage_of_process(self, process_id: str) -> int | None:
        number = _number(process_id)
        if number is not None:
            return number
        callers = self.callers.get(process_id, [])
        return next((found for each in callers if (found := self.stage_of(each)) is not None), None)

    def tabs(self, stage: int, took: Sequence[str] = ()) -> list[Tab]:
        """The stage's own diagram first, then those of what it calls in the order of drawing.

        A process that several call is named after the one by which the path ``took`` came to it last.
        """
        keys = dict.fromkeys(element.process_id for element in self.elements.values())
        own = [key for key in keys if self._stage_of_process(key) == stage]
        return sorted(
            (Tab(key, self._name(key, took)) for key in own), key=lambda tab: _number(tab.process_key) is None
        )

    def _name(self, process_key: str, took: Sequence[str]) -> str:
        number = _number(process_key)
        if number is not None:
            return f"{number} {_(STAGES[number])}"
        return self.elements[self._caller(process_key, took)].name

    def _caller(self, process_key: str, took: Sequence[str]) -> str:
        """Which call of a process the path came to last: the one that it left, or the first one after where it stands.

        A call is left after all that it calls, so while it runs the path ends before it. Calls of one process follow
        each other in the order of drawing.
        """
        callers = self.callers[process_key]
        for passed, element_id in enumerate(reversed(took)):
            if element_id in callers:
                return element_id
            element = self.elements.get(element_id)
            inside = [each for each in callers if element and self.elements[each].process_id == element.process_id]
            if inside:
                before = self._lately(element.process_id, took[: len(took) - passed]) if element else set()
                return next((each for each in inside if each not in before), inside[-1])
        return callers[0]

    def _lately(self, process_id: str, took: Sequence[str]) -> set[str]:
        """What the path left inside a process since it entered it last."""
        found: set[str] = set()
        for element_id in reversed(took):
            element = self.elements.get(element_id)
            if element is not None and element.process_id == process_id:
                found.add(element_id)
                if element.type == "startEvent":
                    break
        return found

    def calling(self, element_id: str) -> list[str]:
        """The call activities inside which an element is, the nearest first; of a process with several callers all."""
        found: list[str] = []
        for each in self.callers.get(self.elements[element_id].process_id, []):
            found += [each, *self.calling(each)]
        return found


def _number(process_id: str) -> int | None:
    parts = process_id.split("_")
    return int(parts[1]) if parts[0] == "stage" and len(parts) > 1 and parts[1].isdigit() else None


def stages(
    reader: Reader,
    incident: Mapping[str, Any],
    drawn: Drawn | None,
    events: Sequence[Event],
    tasks: Sequence[Mapping[str, Any]],
) -> list[Stage]:
    """The strip: when each stage was first reached, which are done, which is the present one."""
    entered = [(event.element_id, event.row["entered_at"]) for event in events if event.kind == "step" and event.row]
    entered += [(task["element_id"], task["created_at"]) for task in tasks]
    first: dict[int, datetime] = {}
    for element_id, instant in entered if drawn else []:
        number = drawn.stage_of(element_id) if drawn else None
        if number:
            first[number] = min(first.get(number, instant), instant)
    present = incident["stage"]
    found = []
    for number, name in STAGES.items():
        closed = incident["state"] == ENDED
        passed = number in first and (closed or number < present)
        status = "done" if passed else "now" if number == present and not closed else ""
        since = reader.moment(first[number]) if number in first else ""
        found.append(Stage(number, name, status, _("%(time)s 起", time=since) if status == "now" and since else since))
    return found


def where(drawn: Drawn, stage: int, took: Sequence[str], tasks: Sequence[Mapping[str, Any]]) -> str | None:
    """The diagram of a stage in which the incident stands: of its open step, else where its path ends."""
    keys = {tab.process_key for tab in drawn.tabs(stage)}
    present = [task["element_id"] for task in tasks] or list(reversed(took))
    for element_id in present:
        element = drawn.elements.get(element_id)
        shared = element is not None and len(drawn.callers.get(element.process_id, ())) > 1
        if element is not None and element.process_id in keys and not shared:
            return element.process_id
    return next((tab.process_key for tab in drawn.tabs(stage)), None)


def diagram(
    drawn: Drawn, process_key: str, took: Sequence[str], tasks: Sequence[Mapping[str, Any]], *, ended: bool
) -> Diagram:
    """One diagram with the path taken and the steps that are open now, or the calls inside which they are."""
    inside = {id_: element for id_, element in drawn.elements.items() if element.process_id == process_key}
    open_steps = [task["element_id"] for task in tasks if task["element_id"] in drawn.elements]
    live = [each for step in open_steps for each in (step, *drawn.calling(step)) if each in inside]
    path = [each for each in took if each in inside]
    lanes = {each: inside[each].lane or "" for each in live}
    last = drawn.elements.get(took[-1]) if took else None
    here = last is not None and (last.process_id == process_key or len(drawn.callers.get(last.process_id, ())) > 1)
    return Diagram(process_key, path, list(dict.fromkeys(live)), lanes, not ended and not open_steps and here)


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
