"""Reading an incident log in the column layout of UCI 498 (one row per change of an incident, ServiceNow audit)."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

MISSING = "?"
CLOSED, RESOLVED = "Closed", "Resolved"
WAITING_CODES = {
    "Awaiting User Info": "W01",
    "Awaiting Vendor": "W06",
    "Awaiting Problem": "W04",
    "Awaiting Evidence": "W07",
}
STATES = frozenset({"New", "Active", RESOLVED, CLOSED, *WAITING_CODES})
COLUMNS = [
    "number",
    "incident_state",
    "reassignment_count",
    "sys_mod_count",
    "opened_at",
    "sys_updated_at",
    "caller_id",
    "contact_type",
    "location",
    "category",
    "subcategory",
    "u_symptom",
    "impact",
    "urgency",
    "priority",
    "assignment_group",
    "closed_code",
    "resolved_at",
    "closed_at",
]


class LogError(Exception):
    """The file is not such a log; the message names the line and the column."""


@dataclass(frozen=True, slots=True)
class Event:
    """One logged change of one incident. ``group`` and ``symptom`` are None where the log has none.

    ``state`` is None for a state that the log got wrong (``-100``): the event counts, its state does not.
    """

    number: str
    position: int  # 0, 1, 2 … within its incident
    at: datetime
    state: str | None
    moves: int  # reassignment_count
    group: str | None
    caller: str | None
    contact: str
    category: str
    subcategory: str
    symptom: str | None
    location: str
    impact: int  # 1 high … 3 low
    urgency: int  # 1 high … 3 low
    priority: int  # 1 … 4
    close_code: str | None
    resolved_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Log:
    """All events in the order in which they happened, and a fingerprint of the file."""

    events: tuple[Event, ...]
    by_incident: dict[str, tuple[Event, ...]]
    fingerprint: str
    disordered: int  # incidents whose rows did not stand in the order of their times


def read_log(path: Path, *, incidents: int | None = None) -> Log:
    """Read ``path`` (.csv or .csv.gz); ``incidents`` keeps the first so many. Raises LogError."""
    raw = path.read_bytes()
    try:
        data = gzip.decompress(raw) if path.suffix == ".gz" else raw
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
        grouped = _group(rows, incidents)
    except (gzip.BadGzipFile, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise LogError(f"{path.name}: not a readable CSV file ({error})") from error
    ordered = {number: tuple(_in_order(events)) for number, events in grouped.items()}
    disordered = sum([e.at for e in grouped[number]] != sorted(e.at for e in grouped[number]) for number in grouped)
    # Stable: within one instant incidents keep the order of the file, and an incident's events their own.
    events = sorted((event for incident in ordered.values() for event in incident), key=lambda event: event.at)
    return Log(tuple(events), ordered, hashlib.sha256(raw).hexdigest(), disordered)


def _group(rows: csv.DictReader[str], incidents: int | None) -> dict[str, list[Event]]:
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise LogError(f"line 1: missing columns {', '.join(missing)}")
    grouped: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for row in rows:
        if incidents is not None and row["number"] not in grouped and len(grouped) == incidents:
            continue
        grouped.setdefault(row["number"], []).append((rows.line_num, row))
    return {number: _events(lines) for number, lines in grouped.items()}


def _events(lines: list[tuple[int, dict[str, str]]]) -> list[Event]:
    # The audit counter is the order in which the changes were made; the file's order is not always.
    lines.sort(key=lambda line: (_number(line, "sys_mod_count"), _instant(line, "sys_updated_at")))
    return [_event(line, position) for position, line in enumerate(lines)]


def _in_order(events: Iterable[Event]) -> Iterable[Event]:
    """An event never happens before the one that the audit counter puts before it."""
    latest: datetime | None = None
    for event in events:
        latest = event.at if latest is None else max(latest, event.at)
        yield event if event.at == latest else replace(event, at=latest)


def _event(line: tuple[int, dict[str, str]], position: int) -> Event:
    row = line[1]
    state = row["incident_state"]
    return Event(
        number=row["number"],
        position=position,
        at=_instant(line, "sys_updated_at"),
        state=state if state in STATES else None,
        moves=_number(line, "reassignment_count"),
        group=_known(row["assignment_group"]),
        caller=_known(row["caller_id"]),
        contact=row["contact_type"],
        category=row["category"],
        subcategory=row["subcategory"],
        symptom=_known(row["u_symptom"]),
        location=row["location"],
        impact=_level(line, "impact"),
        urgency=_level(line, "urgency"),
        priority=_level(line, "priority"),
        close_code=_known(row["closed_code"]),
        resolved_at=_optional_instant(line, "resolved_at"),
        closed_at=_optional_instant(line, "closed_at"),
    )


def _known(text: str) -> str | None:
    return None if text == MISSING else text


def _number(line: tuple[int, dict[str, str]], column: str) -> int:
    try:
        return int(line[1][column])
    except ValueError as error:
        raise LogError(f"line {line[0]}, column {column}: {line[1][column]!r} is not a number") from error


def _level(line: tuple[int, dict[str, str]], column: str) -> int:
    """``2 - Medium`` is 2."""
    text = line[1][column].split(" ")[0]
    if text not in {"1", "2", "3", "4"}:
        raise LogError(f"line {line[0]}, column {column}: {line[1][column]!r} is not a level")
    return int(text)


def _instant(line: tuple[int, dict[str, str]], column: str) -> datetime:
    """``29/2/2016 01:16``; the log names no zone, so its clock is taken as UTC."""
    try:
        return datetime.strptime(line[1][column], "%d/%m/%Y %H:%M").replace(tzinfo=UTC)
    except ValueError as error:
        raise LogError(f"line {line[0]}, column {column}: {line[1][column]!r} is not d/m/Y H:M") from error


def _optional_instant(line: tuple[int, dict[str, str]], column: str) -> datetime | None:
    return None if line[1][column] == MISSING else _instant(line, column)
