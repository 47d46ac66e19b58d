"""What the bar for several tasks offers: colleagues, other groups, reasons; and how its results are said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handlers import reference
from handlers.records.catalogue import DISPATCH_KINDS
from webapp.forms import Option
from webapp.queries import people
from webapp.routes.reading import Reader

WRONG_CLASSIFICATION = "T2"  # asks for a new classification of each incident: not for several at once


@dataclass(frozen=True, slots=True)
class BulkChoices:
    """``people`` stand under their groups; ``causes`` are those that belong to every type of incident."""

    people: Sequence[Option]
    groups: Sequence[Option]
    reasons: Sequence[Option]
    causes: Sequence[Option]

    @property
    def by_group(self) -> bool:
        """Whether the people are of several groups."""
        return len({option.group for option in self.people}) > 1


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one task: its row's words and address, and the refusal if there was one."""

    title: str
    number: str
    url: str
    refusal: str


def bulk_choices(reader: Reader) -> BulkChoices:
    """The choices of this person: one statement, beside the reference tables in memory."""
    ctx, own = reader.ctx, reader.person.groups
    colleagues = people.colleagues_of(ctx.connection, sorted(own))
    groups = [row for row in reference.rows(ctx, "groups") if row["kind"] in DISPATCH_KINDS and row["key"] not in own]
    reasons = [row for row in reference.rows(ctx, "transfer_reasons") if row["key"] != WRONG_CLASSIFICATION]
    causes = [row for row in reference.rows(ctx, "causes") if not row["type"]]
    return BulkChoices(
        people=[Option(account, name, group=reader.name("groups", group)) for group, account, name in colleagues],
        groups=_options(groups),
        reasons=_options(reasons),
        causes=_options(causes),
    )


def _options(rows: Sequence[reference.Row]) -> list[Option]:
    return [Option(row["key"], row["name"]) for row in rows]
