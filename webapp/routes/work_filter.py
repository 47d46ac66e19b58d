"""The filters of my work as they stand in the address, and what there is to choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import request
from flask_babel import gettext as _

from handlers import reference
from webapp.forms import Option
from webapp.queries import work_filter
from webapp.queries.work_filter import Filter
from webapp.routes.reading import Reader
from webapp.routes.words import PRIORITIES

OF_TASKS = ("mine", "pool")  # tabs of tasks; the others list incidents, which have neither step nor one due instant


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What is wanted, and the same as the address says it (only what is set)."""

    wanted: Filter
    query: Mapping[str, str]

    def __bool__(self) -> bool:
        """Whether anything is narrowed."""
        return bool(self.query)


@dataclass(frozen=True, slots=True)
class Choice:
    """One filter of the form."""

    name: str
    label: str
    value: str
    options: Sequence[Option]


def narrowed(reader: Reader, tab: str) -> Narrowed:
    """The filters of the address; what no filter could be is left out."""
    given = {name: request.args.get(name, "")[:60] for name in ("step", "priority", "overdue", "source", "group")}
    if tab not in OF_TASKS:
        given |= {"step": "", "overdue": ""}
    if given["priority"] not in {str(level) for level in PRIORITIES}:
        given["priority"] = ""
    if given["group"] not in reader.person.groups:
        given["group"] = ""
    wanted = Filter(
        step=given["step"],
        priority=int(given["priority"]) if given["priority"] else None,
        overdue_at=reader.ctx.now if given["overdue"] else None,
        source=given["source"],
        group=given["group"],
    )
    return Narrowed(wanted, {name: text for name, text in given.items() if text})


def choices(reader: Reader, tab: str, narrowed: Narrowed) -> list[Choice]:
    """The selects of the form: steps that occur, priorities, sources, and groups of who stands in several."""
    found = []
    if tab in OF_TASKS:
        steps = work_filter.steps(reader.ctx.connection, reader.person, tab)
        options = [Option(element_id, f"{name}（{number}）") for element_id, name, number in steps]
        found.append(Choice("step", _("步骤"), narrowed.wanted.step, options))
    levels = [Option(str(level), f"{level} {name}") for level, name in PRIORITIES.items()]
    found.append(Choice("priority", _("优先级"), narrowed.query.get("priority", ""), levels))
    sources = [Option(row["key"], row["name"]) for row in reference.rows(reader.ctx, "sources")]
    found.append(Choice("source", _("来源"), narrowed.wanted.source, sources))
    if len(reader.person.groups) > 1:
        groups = [Option(group, reader.name("groups", group)) for group in sorted(reader.person.groups)]
        found.append(Choice("group", _("本人所在组"), narrowed.wanted.group, groups))
    return found
