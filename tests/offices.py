"""Fixtures: offices on SQLite and PostgreSQL, each a copy of one that was furnished once. Import them in a conftest."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text

from tests.office import Office, furnish
from webapp.database import create_schema, make_engine


def administer(server: str, *statements: str) -> None:
    """Run statements that PostgreSQL takes outside of transactions only."""
    engine = make_engine(server, pooled=False)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def database_of(server: str, name: str) -> str:
    """The URL of a database on a server."""
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _furnished(url: str) -> None:
    engine = make_engine(url, pooled=False)
    create_schema(engine)
    furnish(engine)
    if engine.dialect.name == "sqlite":  # everything into the one file, so that it can be copied
        with engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A furnished SQLite file to copy."""
    path = tmp_path_factory.mktemp("office") / "office.db"
    _furnished(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_office(postgres_server: str) -> str:
    """The name of a furnished database to copy."""
    name = f"lovem_office_{os.getpid()}"
    administer(postgres_server, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
    _furnished(database_of(postgres_server, name))
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def office_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A furnished database of the test's own, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_office"), tmp_path / "office.db")
        yield f"sqlite:///{tmp_path / 'office.db'}"
        return
    server, template = request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_office")
    name = f"lovem_office_{os.getpid()}_{abs(hash(request.node.nodeid))}"
    administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield database_of(server, name)
    administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def office_engine(office_url: str) -> Iterator[Engine]:
    """An engine on ``office_url``."""
    engine = make_engine(office_url)
    yield engine
    engine.dispose()


@pytest.fixture
def office(office_engine: Engine) -> Office:
    """An office on SQLite and on PostgreSQL."""
    return Office(office_engine)
