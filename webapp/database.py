"""Opening the one database: SQLite for one machine, PostgreSQL beyond (design §8)."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from engine.persistence import metadata
from handlers.records import tables as _record_tables  # noqa: F401  (puts the records' tables into the metadata)
from webapp import tables as _web_tables  # noqa: F401  (and the doors' own)

SQLITE_BUSY_MS = 15_000
PRIVATE = {"hide_parameters": True}
"""For every engine: what people typed must not stand in logs, nor in the cause of a stuck step."""
PREPARING = 0x10_7E_3E  # the advisory lock; any number that no other use takes


def make_engine(url: str, *, pooled: bool = True) -> Engine:
    """Open ``url``; SQLite in WAL mode with ``synchronous=FULL`` and write transactions that lock when they begin.

    A connection with the execution option ``read_only=True`` begins without the write lock. ``pooled=False`` closes
    each connection after use (tests, short commands).
    """
    options: dict[str, Any] = {} if pooled else {"poolclass": NullPool}
    return configure(create_engine(url, pool_pre_ping=not url.startswith("sqlite"), **PRIVATE, **options))


def configure(engine: Engine) -> Engine:
    """Give an engine that was opened elsewhere the same behaviour; once only."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def prepare_folder(url: str) -> None:
    """Make the folder of a SQLite file, for its owner only; nothing for other databases."""
    path = make_url(absolute_url(url)).database
    if url.startswith("sqlite") and path and Path(path).is_absolute():
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def absolute_url(url: str) -> str:
    """``url`` with a relative SQLite path taken from the present folder, whoever opens it later from wherever."""
    parsed = make_url(url)
    path = parsed.database
    if parsed.get_backend_name() != "sqlite" or not path or path == ":memory:" or path.startswith("file:"):
        return url
    return parsed.set(database=str(Path(path).resolve())).render_as_string(hide_password=False)


@contextmanager
def one_at_a_time(engine: Engine) -> Iterator[None]:
    """Keep every other node out of the block, as long as it takes; a node that dies lets the next one in."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": PREPARING})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": PREPARING})
        return
    with Path(f"{engine.url.database}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def create_schema(engine: Engine) -> None:
    """Make every table and trigger in an empty database (tests; installations migrate instead)."""
    metadata.create_all(engine)


def _configure_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # Without it INSERT OR REPLACE deletes a row of the history and its trigger does not see that.
    cursor.execute("PRAGMA recursive_triggers=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A write lock taken late can fail in the middle of a step; taken first, it only waits.
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
