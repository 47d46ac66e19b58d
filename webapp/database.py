"""Opening the one database: SQLite for one machine, PostgreSQL beyond (design §8)."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from engine.persistence import metadata
from handlers.records import tables as _record_tables  # noqa: F401  (puts the records' tables into the metadata)
from webapp import tables as _web_tables  # noqa: F401  (and the doors' own)

SQLITE_BUSY_MS = 15_000


def make_engine(url: str, *, pooled: bool = True) -> Engine:
    """Open ``url``; SQLite in WAL mode with ``synchronous=FULL`` and write transactions that lock when they begin.

    A connection with the execution option ``read_only=True`` begins without the write lock. ``pooled=False`` closes
    each connection after use (tests, short commands).
    """
    sqlite = make_url(url).get_backend_name() == "sqlite"
    options: dict[str, Any] = {} if pooled else {"poolclass": NullPool}
    if not sqlite:
        return create_engine(url, pool_pre_ping=True, **options)
    engine = create_engine(url, **options)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


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
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A write lock taken late can fail in the middle of a step; taken first, it only waits.
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
