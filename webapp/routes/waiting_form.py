"""The two small forms around waiting: putting an incident on hold, and going on (§5.1.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _

from handlers.records import waiting
from webapp.forms import BELIEVABLE, Option, Post, read_time
from webapp.routes.clock import task_clock
from webapp.routes.reading import Reader


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet that was refused and is shown open again: its ``name``, what was typed, and what is wrong by input."""

    name: str
    values: Mapping[str, str]
    problems: Mapping[str, str]

    @property
    def other(self) -> str:
        """What is wrong with no single input."""
        inputs = {"code", "until", "reason", "other", "title"}
        return "；".join(text for name, text in self.problems.items() if name not in inputs)


@dataclass(frozen=True, slots=True)
class WaitingForm:
    """The codes that this person may set, and what holding does to the clock that runs."""

    codes: Sequence[Option]
    consequence: str
    revision: int


def build(reader: Reader, incident: Mapping[str, Any]) -> WaitingForm:
    """The form for an incident as it stands."""
    mine = waiting.settable_codes(reader.ctx, reader.person.roles)
    codes = [Option(row["key"], f"{row['key']} {row['name']}") for row in mine]
    clock = task_clock(incident, reader.ctx.now)
    known = clock.due_at is not None
    consequence = (
        _("%(name)s时钟将暂停，%(text)s。", name=clock.name, text=clock.text)
        if known
        else _("等待的时间不计入目标时间。")
    )
    return WaitingForm(codes, consequence, incident["revision"])


def read_until(reader: Reader, post: Post) -> datetime | None:
    """The expected end that was typed, or None where it is no time."""
    try:
        until = datetime.fromisoformat(
            read_time(post.get("until") or "", zone=reader.zone, now=reader.ctx.now, ahead=True)
        )
        return until.astimezone(UTC) if until.tzinfo and abs(until - reader.ctx.now) < BELIEVABLE else None
    except (ValueError, OverflowError):
        return None
