"""How far a replay has come, noted with each event, so that a killed one goes on where it was."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, insert, inspect, select, update

from engine.persistence import Json
from webapp.replay.driver import Tally, Track

# Not part of the product's schema: these exist only in a database made by a replay.
_metadata = MetaData()
_progress = Table(
    "replay_progress",
    _metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("fingerprint", String(64), nullable=False),  # of the log
    Column("events", Integer, nullable=False),  # how many are carried out
    Column("tally", Json, nullable=False),
    Column("milliseconds", Integer, nullable=False),
)
_track = Table(
    "replay_track",
    _metadata,
    Column("number", String(40), primary_key=True),
    Column("track", Json, nullable=False),
)


class ReplayRefusedError(Exception):
    """The replay cannot run in this database; the message says why and what to do."""


class Progress:
    """The notes of one replay; ``events`` of the log are carried out, in ``milliseconds`` so far."""

    def __init__(self, engine: Engine, fingerprint: str) -> None:
        """Open the notes of an interrupted replay of this log, or begin anew in an empty database."""
        self._engine = engine
        self.tracks: dict[str, Track] = {}
        self.tally = Tally()
        self.events = self.milliseconds = 0
        tables = set(inspect(engine).get_table_names())
        if _progress.name in tables:
            self._go_on(fingerprint)
        elif tables:
            raise ReplayRefusedError("数据库不是空的：重放只写入空数据库，请换一个新的 (the database is not empty)")
        else:
            self._begin(fingerprint)

    def note(self, number: str, track: Track, milliseconds: int) -> None:
        """One more event is carried out; ``milliseconds`` is the total so far."""
        known = number in self.tracks
        self.tracks[number] = track
        self.events += 1
        self.milliseconds = milliseconds
        values = {"number": number, "track": asdict(track)}
        change = update(_track).where(_track.c.number == number) if known else insert(_track)
        with self._engine.begin() as connection:
            connection.execute(change.values(values))
            connection.execute(
                update(_progress).values(events=self.events, milliseconds=milliseconds, tally=_as_json(self.tally))
            )

    def _begin(self, fingerprint: str) -> None:
        with self._engine.begin() as connection:
            _metadata.create_all(connection)
            row = {"id": 1, "fingerprint": fingerprint, "events": 0, "tally": _as_json(self.tally), "milliseconds": 0}
            connection.execute(insert(_progress).values(row))

    def _go_on(self, fingerprint: str) -> None:
        with self._engine.connect() as connection:
            row = connection.execute(select(_progress)).one()
            stored = connection.execute(select(_track)).all()
        if row.fingerprint != fingerprint:
            raise ReplayRefusedError("数据库里是另一份日志的重放，请换一个新的数据库 (another log was replayed here)")
        self.events, self.milliseconds = row.events, row.milliseconds
        self.tally = Tally(row.tally["applied"], Counter(row.tally["refused"]), Counter(row.tally["fillers"]))
        self.tracks = {entry.number: Track(**entry.track) for entry in stored}


def _as_json(tally: Tally) -> dict[str, object]:
    return {"applied": tally.applied, "refused": dict(tally.refused), "fillers": dict(tally.fillers)}
