"""Incidents like the one at hand, and former solutions, beside the step that asks for them (1.2, 2.3, 2.5, 3.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from flask import url_for
from flask_babel import gettext as _

from engine.forms import Form
from handlers.records import similar
from webapp.forms import input_name
from webapp.routes.reading import Reader

AT_MOST = 5
_RELATIONS = ("relation", "role")  # the fields that say how two incidents belong together
_BINDING = {"bind", "slave_of"}  # of these the other one becomes the master
_NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Take:
    """A button that fills fields: ``values`` is JSON, input name → text."""

    label: str
    values: str


@dataclass(frozen=True, slots=True)
class Alike:
    """One incident with what it has in common and what can be taken over from it."""

    number: str
    summary: str
    state: str
    why: str
    url: str
    takes: Sequence[Take] = ()
    solution: str = ""
    close_code: str = ""
    leads: bool = False  # it could be a master


@dataclass(frozen=True, slots=True)
class Panel:
    """The panel beside the form; ``nothing`` fills in that none of them is meant."""

    title: str
    empty: str
    rows: Sequence[Alike]
    nothing: Take | None = None


def panels(reader: Reader, forms: Mapping[str, Form], facts: Mapping[str, Any]) -> list[Panel]:
    """What the page's steps ask for: at most a list of similar incidents and one of solutions, a statement each."""
    found = []
    for element_id, form in forms.items():
        relation = next((name for name in _RELATIONS if name in form.fields and "other" in form.fields), None)
        if relation:
            found.append(_related(reader, element_id, form, relation, facts))
        elif {"found", "solution"} <= form.fields.keys():
            found.append(_solved(reader, element_id, form, facts))
        elif {"existing", "addition"} <= form.fields.keys():
            found.append(_reported(reader, element_id, facts))
    return found


def incidents_like(reader: Reader, facts: Mapping[str, Any]) -> list[Alike]:
    """Incidents like the one that is being reported; without anything to take over."""
    found = similar.candidates(reader.ctx, facts, AT_MOST)
    return [_alike(each) for each in found]


def _related(reader: Reader, element_id: str, form: Form, relation: str, facts: Mapping[str, Any]) -> Panel:
    choices = [(each["const"], each["title"]) for each in form.fields[relation].get("oneOf", ())]
    rows = []
    for each in similar.candidates(reader.ctx, facts, AT_MOST):
        possible = [
            (key, title)
            for key, title in choices
            if key != _NOTHING and (key not in _BINDING or similar.can_lead(each))
        ]
        fill = {"other": each.number, "reason": each.why}
        rows.append(_alike(each, [_take(element_id, title, {relation: key, **fill}) for key, title in possible]))
    none = next((title for key, title in choices if key == _NOTHING), None)
    return Panel(
        title=_("可能是同一件事"),
        empty=_("没有找到相似的事件；知道单号的可以直接填写。"),
        rows=rows,
        nothing=_take(element_id, none, {relation: _NOTHING}) if none else None,
    )


def _reported(reader: Reader, element_id: str, facts: Mapping[str, Any]) -> Panel:
    """1.2: what is open already may be what the user speaks of, and his words then add to it (1.3)."""
    rows = []
    for each in similar.candidates(reader.ctx, facts, AT_MOST):
        said = "\n".join(str(facts[name]) for name in ("summary", "details") if facts.get(name))
        fill = {"existing": each.number, "addition": said}
        over = each.state == "closed"
        rows.append(_alike(each, [] if over else [_take(element_id, _("是对它的补充"), fill)]))
    return Panel(_("可能是同一件事"), _("没有找到相似的事件。"), rows)


def _solved(reader: Reader, element_id: str, form: Form, facts: Mapping[str, Any]) -> Panel:
    yes = "true" if form.fields["found"].get("type") == "boolean" else "solution"
    rows = []
    for each in similar.solutions(reader.ctx, facts, AT_MOST):
        fill = {"found": yes, "solution": each.solution}
        if "used" in form.fields:
            fill["used"] = each.number
        rows.append(
            Alike(
                number=each.number,
                summary=each.summary,
                state="closed",
                why=each.why,
                url=url_for("pages.incident", key=each.number),
                takes=[_take(element_id, _("采用"), fill)],
                solution=each.solution,
                close_code=reader.value("close_code", each.close_code),
            )
        )
    return Panel(_("以往的解决方案"), _("以往的事件里没有找到可以参考的方案。"), rows)


def _alike(found: similar.Candidate, takes: Sequence[Take] = ()) -> Alike:
    url = url_for("pages.incident", key=found.number)
    leads = similar.can_lead(found)
    return Alike(found.number, found.summary, found.state, found.why, url, takes, leads=leads)


def _take(element_id: str, label: str, values: Mapping[str, str]) -> Take:
    named = {input_name(element_id, name): value for name, value in values.items()}
    return Take(label, orjson.dumps(named).decode())
