"""What a task is about: an incident, or a child record and the incident for which it was opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select

from engine.bundles import Bundle
from engine.errors import NotFoundError
from handlers.records.children import KINDS
from handlers.records.tables import child as child_table
from webapp.queries import incidents
from webapp.queries.rows import Record, first
from webapp.routes import child_words, facts
from webapp.routes.facts import Fact
from webapp.routes.labels import LABELS
from webapp.routes.reading import Reader


@dataclass(frozen=True, slots=True)
class Subject:
    """The records behind a task; ``child`` is None for a task of the incident itself."""

    incident: Record
    child: Record | None = None

    @property
    def kind(self) -> str:
        """What a child record is called; empty for an incident."""
        return KINDS[self.child["kind"]].name if self.child else ""


def subject_of(reader: Reader, business_key: str) -> Subject:
    """The records of a process by its business key; raises NotFoundError."""
    connection = reader.ctx.connection
    if business_key.isdigit():
        return Subject(incidents.get(connection, business_key))
    child = first(connection.execute(select(child_table).where(child_table.c.number == business_key)))
    if child is None:
        raise NotFoundError(_("没有编号为 %(number)s 的子单。", number=business_key))
    return Subject(incidents.get(connection, str(child["incident_id"])), child)


def facts_beside(
    reader: Reader, subject: Subject, accounts: Mapping[str, str], bundle: Bundle
) -> tuple[list[Fact], list[Fact]]:
    """What stands beside the form: of the child record (none for an incident), and of the incident."""
    of_incident = facts.beside_form(reader, subject.incident, accounts)
    return (_of_child(reader, subject.child, accounts, bundle) if subject.child else [], of_incident)


def _of_child(reader: Reader, child: Record, accounts: Mapping[str, str], bundle: Bundle) -> list[Fact]:
    """Title, details, who asked for it and when, and what its kind knows under the titles of its forms' fields."""
    titles = {name: form.form.title_of(name) for form in bundle.forms.values() for name in form.form.fields}
    chosen = child_words.choices(bundle)
    found: list[Fact] = [(str(_("内容")), child["title"]), (str(_("详细信息")), child["details"])]
    who = accounts.get(child["created_by"], child["created_by"])
    found.append((str(_("提出")), f"{who} {reader.moment(child['created_at'])}"))
    for name, value in child["facts"].items():
        label = titles.get(name) or child_words.OWN_LABELS.get(name) or LABELS.get(name)
        if label:
            found.append((str(_(label)), chosen.get((name, str(value))) or reader.value(name, value, accounts)))
    found.append((str(_("结果")), child["result"]))
    return [(label, facts.folded(words)) for label, words in found if words]
