"""What the sheets of an incident's acts offer: reasons to escalate, what others can be asked to do, numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from engine.bundles import Bundle
from handlers.records import catalogue
from webapp.forms import Option
from webapp.queries import incidents
from webapp.routes.reading import Reader

ESCALATE = "s2_10_escalate"
# The fields of the verbs → the inputs of the sheets.
INPUTS: Mapping[str, str] = {"note": "reason", "details": "reason", "kind": "code", "group": "code"}


@dataclass(frozen=True, slots=True)
class Sheets:
    """The choices of the sheets."""

    reasons: Sequence[Option]
    addable: Sequence[Option]


def build(reader: Reader, bundle: Bundle | None) -> Sheets:
    """The choices for an incident; the reasons are those of the form of 2.10 to which it is pinned."""
    groups = catalogue.task_groups(reader.ctx)
    tasks = [Option(f"task:{row['key']}", _("任务：%(group)s", group=row["name"])) for row in groups]
    return Sheets(_reasons(bundle) if bundle else [], [Option("change", _("变更")), *tasks])


def _reasons(bundle: Bundle) -> list[Option]:
    element = bundle.program.elements.get(ESCALATE)
    form = bundle.forms.get(element.properties.get("form", "")) if element else None
    choices = form.form.fields["reason"].get("oneOf", []) if form else []
    return [Option(each["const"], each["title"]) for each in choices]


def number_of(reader: Reader, typed: str) -> str:
    """The number that somebody typed; the last three digits alone mean one of today."""
    plain = typed.strip()
    if plain.isascii() and plain.isdigit() and len(plain) <= 4:
        return f"SJ{reader.ctx.now.astimezone(reader.zone):%y%m%d}-{int(plain):03d}"
    return incidents.as_number(plain) or "?"
