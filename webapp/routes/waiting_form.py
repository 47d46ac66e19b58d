"""The two small forms around waiting: putting an incident on hold, and going on (§5.1.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handlers import reference
from webapp.forms import Option, Post, read_time
from webapp.routes.clock import task_clock
from webapp.routes.reading import Reader

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class WaitingForm:
    """The codes that this person may set, and what holding does to the clock that runs."""

    codes: Sequence[Option]
    consequence: str
    revision: int


def build(reader: Reader, incident: Mapping[str, Any]) -> WaitingForm:
    """The form for an incident as it stands."""
    rows = reference.rows(reader.ctx, "waiting_codes")
    mine = [row for row in rows if set(row.get("set_by", "").split()) & (reader.person.roles - {SYSTEM})]
    codes = [Option(row["key"], f"{row['key']} {row['name']}") for row in mine]
    clock = task_clock(incident, reader.ctx.now)
    known = clock.due_at is not None
    consequence = f"{clock.name}时钟将暂停，{clock.text}。" if known else "等待的时间不计入目标时间。"
    return WaitingForm(codes, consequence, incident["revision"])


def read_until(reader: Reader, post: Post) -> datetime | None:
    """The expected end that was typed, or None where it is no time."""
    try:
        return datetime.fromisoformat(read_time(post.get("until") or "", zone=reader.zone, now=reader.ctx.now))
    except ValueError:
        return None
