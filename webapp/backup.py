"""Backups: the whole database in one file, made while it is in use, and read back into SQLite or PostgreSQL.

The file is a zip with a manifest and one file of JSON lines a table, whatever database it came from. The manifest
says the revision of the schema, and of each table its columns, its number of rows and a SHA-256 over them.
"""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import orjson
from alembic.migration import MigrationContext
from sqlalchemy import Connection, DateTime, LargeBinary, MetaData, Table, event, func, insert, inspect, select, text
from sqlalchemy.types import TypeEngine

from engine.persistence import Instant, metadata
from webapp import ready
from webapp.database import one_at_a_time
from webapp.desk import Desk

FORMAT, VERSION = "lovem-backup", 1
MANIFEST = "manifest.json"
READ_ROWS = 100  # at a time from the database
WRITE_BYTES = 1_000_000  # of JSON at a time into it
# What reading a file that is not as it was written may raise.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, LookupError, TypeError, ValueError, NotImplementedError)


class BackupRefusedError(Exception):
    """There is no backup, or it was not restored; the message says why, and nothing was changed."""


@dataclass(frozen=True, slots=True)
class Part:
    """One table in a backup."""

    name: str
    columns: list[str]
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself; ``made_at`` is the instant, in ISO 8601, of which it is a picture."""

    revision: str
    made_at: str
    tables: list[Part]

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(part.rows for part in self.tables)


def make(desk: Desk, path: Path) -> Manifest:
    """Write the database of one moment to the new file ``path``, readable by its owner only, while others work on.

    Raises BackupRefusedError if the file exists or the database was never migrated, OSError as the disk does; then
    no file is left.
    """
    if path.exists():
        raise BackupRefusedError(f"{path} exists already and is not overwritten")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with desk.reading() as connection:
                manifest = _write(connection, file, desk.clock())
            file.flush()
            os.fsync(file.fileno())
        os.link(unfinished, path)  # unlike a renaming, it never replaces what came meanwhile
    finally:
        unfinished.unlink()
    return manifest


def _write(connection: Connection, file: IO[bytes], now: datetime) -> Manifest:
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        raise BackupRefusedError("The database has no tables of this product: there is nothing to keep")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        parts = [_write_table(connection, archive, table) for table in _tables(connection).sorted_tables]
        manifest = Manifest(revision, now.isoformat(), parts)
        archive.writestr(MANIFEST, orjson.dumps({"format": FORMAT, "version": VERSION, **asdict(manifest)}))
    return manifest


def _write_table(connection: Connection, archive: zipfile.ZipFile, table: Table) -> Part:
    rows, digest = 0, hashlib.sha256()
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=READ_ROWS)
    member = zipfile.ZipInfo(_member(table.name))
    member.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(member, "w", force_zip64=True) as file:
        for row in connection.execute(query):
            line = orjson.dumps([_written(value) for value in row]) + b"\n"
            digest.update(line)
            file.write(line)
            rows += 1
    return Part(table.name, list(table.columns.keys()), rows, digest.hexdigest())


def _written(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, datetime) else value


def _read(value: Any, kind: TypeEngine[Any]) -> Any:
    if value is None:
        return None
    if isinstance(kind, LargeBinary):
        return base64.b64decode(value, validate=True)
    return datetime.fromisoformat(value) if isinstance(kind, Instant) else value


def _member(table: str) -> str:
    return f"tables/{table}.jsonl"


def _tables(connection: Connection) -> MetaData:
    """The product's tables as the database has them, of whatever revision; JSON stays the text that it is."""
    found = MetaData()

    @event.listens_for(found, "column_reflect")
    def aware(_inspector: object, _table: Table, column: dict[str, Any]) -> None:
        if isinstance(column["type"], DateTime):
            column["type"] = Instant()

    there = set(inspect(connection).get_table_names())
    found.reflect(connection, only=sorted(there & set(metadata.tables)))
    return found


@contextmanager
def opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """A backup that is whole: every line of it was compared with its manifest. Raises BackupRefusedError."""
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGE as error:
        raise BackupRefusedError(f"{path} is no backup, or not a whole one: {error}") from error
    with archive:
        try:
            manifest = _manifest(archive, path)
            for part in manifest.tables:
                _verify(archive, part, path)
        except _DAMAGE as error:
            raise BackupRefusedError(f"{path} is damaged: {error}") from error
        yield archive, manifest


def _manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    said = orjson.loads(archive.read(MANIFEST))
    if (said["format"], said["version"]) != (FORMAT, VERSION):
        raise BackupRefusedError(f"{path} is no backup that this version can read")
    return Manifest(said["revision"], said["made_at"], [Part(**part) for part in said["tables"]])


def _verify(archive: zipfile.ZipFile, part: Part, path: Path) -> None:
    rows, digest = 0, hashlib.sha256()
    with archive.open(_member(part.name)) as file:
        for line in file:
            digest.update(line)
            rows += 1
    if (rows, digest.hexdigest()) != (part.rows, part.sha256):
        raise BackupRefusedError(f"{path} is damaged: the table {part.name} is not the one that was written")


def restore(desk: Desk, path: Path, *, replace: bool = False) -> Manifest:
    """Make the database what it was: schema, rows and numbering, in one transaction; needs an application context.

    What is in the way is thrown away if ``replace`` says so. The schema is that of the backup: migrate after it.
    Raises BackupRefusedError for a damaged file, one of an unknown revision, or a database with rows in it.
    """
    with opened(path) as (archive, manifest), one_at_a_time(desk.engine), desk.engine.begin() as connection:
        if manifest.revision not in ready.revisions():
            raise BackupRefusedError(f"{path} is of revision {manifest.revision}, which this version does not know")
        _clear(connection, replace=replace)
        ready.migrate(connection, manifest.revision)
        tables = _tables(connection)
        for part in manifest.tables:
            _fill(connection, archive, part, tables)
        _count_on(connection, tables)
    return manifest


def _clear(connection: Connection, *, replace: bool) -> None:
    """Drop the product's tables, of which none may have a row unless it is to be replaced."""
    tables = _tables(connection).sorted_tables
    for table in tables:
        if not replace and connection.execute(select(text("1")).select_from(table).limit(1)).first() is not None:
            raise BackupRefusedError(f"The database is in use: its table {table.name} has rows, and was not touched")
    quote = connection.dialect.identifier_preparer.quote
    for name in [*(table.name for table in reversed(tables)), "alembic_version"]:
        connection.execute(text(f"DROP TABLE IF EXISTS {quote(name)}"))


def _fill(connection: Connection, archive: zipfile.ZipFile, part: Part, tables: MetaData) -> None:
    table = tables.tables.get(part.name)
    if table is None or set(table.columns.keys()) != set(part.columns):
        raise BackupRefusedError(f"The table {part.name} of the backup does not fit the schema of its revision")
    kinds = [table.columns[name].type for name in part.columns]
    with archive.open(_member(part.name)) as file:
        for lines in _portions(file):
            rows = [map(_read, orjson.loads(line), kinds) for line in lines]
            connection.execute(insert(table), [dict(zip(part.columns, row, strict=True)) for row in rows])


def _portions(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """``lines`` in lists of about ``WRITE_BYTES``."""
    portion: list[bytes] = []
    size = 0
    for line in lines:
        portion.append(line)
        size += len(line)
        if size >= WRITE_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _count_on(connection: Connection, tables: MetaData) -> None:
    """Let new rows be numbered after the restored ones. SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables.sorted_tables:
        for column in table.primary_key.columns:
            name = connection.dialect.identifier_preparer.quote(table.name)
            sequence = connection.execute(select(func.pg_get_serial_sequence(name, column.name))).scalar()
            last = connection.execute(select(func.max(column))).scalar() if sequence else None
            if last is not None:
                connection.execute(select(func.setval(sequence, last)))
