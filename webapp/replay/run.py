"""A whole replay: a database filled, every event applied once however often it is interrupted, and the report."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select
from tqdm import tqdm

from engine import decisions
from engine.persistence import definition
from handlers import HANDLERS
from handlers.records.tables import incident, waiting_period
from webapp.database import create_schema, make_engine
from webapp.desk import Desk
from webapp.replay import company
from webapp.replay.driver import Clock, Driver, Track
from webapp.replay.log import Log, read_log
from webapp.replay.oracles import AUTOMATIC_CLOSING, Comparison, Outcome, compare
from webapp.replay.progress import Progress

NODE = "replay"


def replay(path: Path, database_url: str, *, incidents: int | None = None, quiet: bool = False) -> dict[str, Any]:
    """Replay the log at ``path`` into ``database_url`` and return the report of docs/replay.md.

    The database must be empty, or hold an interrupted replay of the same file, which goes on. ``incidents`` takes the
    first so many only. Raises LogError and ReplayRefusedError.
    """
    log = read_log(path, incidents=incidents)
    engine = make_engine(database_url)
    try:
        progress = Progress(engine, f"{log.fingerprint[:56]}:{incidents or 'all'}")
        create_schema(engine)
        start = log.events[0].at
        clock = Clock(start)
        desk = Desk(engine, clock, HANDLERS, NODE)
        company.found(desk, log, start)
        _drive(desk, clock, log, progress, quiet=quiet)
        return _report(engine, log, progress)
    finally:
        engine.dispose()


def _drive(desk: Desk, clock: Clock, log: Log, progress: Progress, *, quiet: bool) -> None:
    driver = Driver(desk, clock, company.everybody(log))
    before_ms = progress.milliseconds
    began = time.monotonic()
    if progress.events:
        clock.now = log.events[progress.events - 1].at
    remaining = log.events[progress.events :]
    for event in tqdm(remaining, total=len(log.events), initial=progress.events, disable=quiet, unit=" events"):
        track = progress.tracks.get(event.number) or Track()
        driver.apply(event, track, progress.tally)
        progress.note(event.number, track, before_ms + round((time.monotonic() - began) * 1000))
    driver.finish(log.events[-1].at + 2 * AUTOMATIC_CLOSING)


def _report(engine: Engine, log: Log, progress: Progress) -> dict[str, Any]:
    seconds = progress.milliseconds / 1000
    tally = progress.tally
    return {
        "incidents": len(log.by_incident),
        "events": len(log.events),
        "applied": tally.applied,
        "refused": [{"rule": rule, "count": count} for rule, count in sorted(tally.refused.items())],
        "fillers": {name: count for name, count in sorted(tally.fillers.items()) if count},
        "oracles": compare(log, _outcomes(engine, progress.tracks), _priorities(engine, log)),
        "seconds": round(seconds, 1),
        "events_per_second": round(len(log.events) / seconds, 1) if seconds else None,
    }


def _outcomes(engine: Engine, tracks: Mapping[str, Track]) -> dict[str, Outcome]:
    """What the records say of each logged incident, summed over the recurrences that went on with it."""
    columns = (incident.c.id, incident.c.transfers, incident.c.rejections, incident.c.closed_at, incident.c.original_id)
    periods = select(waiting_period.c.incident_id, waiting_period.c.began_at, waiting_period.c.ended_at)
    with engine.connect() as connection:
        records = {row.id: row for row in connection.execute(select(*columns))}
        waited: dict[int, float] = {}
        for period in connection.execute(periods.where(waiting_period.c.ended_at.is_not(None))):
            lasted = (period.ended_at - period.began_at).total_seconds()
            waited[period.incident_id] = waited.get(period.incident_id, 0.0) + lasted
    return {number: _outcome([records[id_] for id_ in track.incident_ids], waited) for number, track in tracks.items()}


def _outcome(chain: Sequence[Any], waited: Mapping[int, float]) -> Outcome:
    last_closed: datetime | None = chain[-1].closed_at
    return Outcome(
        moves=sum(record.transfers for record in chain),
        rejections=sum(record.rejections for record in chain),
        waited_s=round(sum(waited.get(record.id, 0.0) for record in chain)),
        closed_at=last_closed,
        recurrences=sum(record.original_id is not None for record in chain),
    )


def _priorities(engine: Engine, log: Log) -> Comparison:
    """The deployed table of that company, asked with the impact and urgency of every event."""
    newest = select(func.max(definition.c.id)).where(definition.c.kind == "decision", definition.c.key == "priority")
    with engine.connect() as connection:
        query = select(definition.c.content).where(definition.c.id == newest.scalar_subquery())
        content = connection.execute(query).scalar_one()
    model = decisions.load_model(content)
    comparison = Comparison()
    for event in log.events:
        answer = model.decide("priority", {"impact": event.impact, "urgency": company.URGENCY_WORDS[event.urgency]})
        comparison.add(event.number, event.priority, int(answer.result))
    return comparison
