"""Fixtures for all tests: real databases (SQLite and PostgreSQL), the real input of ../shared, a real Chromium."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text

from tests import postgres
from webapp.database import create_schema, make_engine

pytest_plugins = ["tests.flows.plugin"]
ROOT = Path(__file__).resolve().parent.parent
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server."""
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.db"
    engine = make_engine(f"sqlite:///{path}", pooled=False)
    create_schema(engine)
    with engine.connect() as connection:  # everything into the one file, so that it can be copied
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def _postgres_template(postgres_server: str) -> str:
    name = f"lovem_template_{os.getpid()}"
    _administer(postgres_server, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
    engine = make_engine(_database_url(postgres_server, name), pooled=False)
    create_schema(engine)
    engine.dispose()
    return name


def _administer(server: str, *statements: str) -> None:
    engine = make_engine(server, pooled=False)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _database_url(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    """A new SQLite file with the whole schema."""
    path = tmp_path / f"desk-{next(_numbers)}.db"
    shutil.copyfile(_sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: str, _postgres_template: str) -> Iterator[str]:
    """A new PostgreSQL database with the whole schema."""
    name = f"lovem_{os.getpid()}_{next(_numbers)}"
    _administer(postgres_server, f"CREATE DATABASE {name} TEMPLATE {_postgres_template}")
    yield _database_url(postgres_server, name)
    _administer(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A new database with the whole schema; each test that asks for it runs on SQLite and on PostgreSQL."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    """An engine on ``database_url``."""
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Engine]:
    """An engine on SQLite alone, for what does not depend on the database."""
    engine = make_engine(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def shared() -> Path | None:
    """The folder of real input beside the project, or None on a machine that does not have it."""
    folder = ROOT.parent / "shared"
    return folder if (folder / "data").is_dir() else None


def chromium_path() -> str:
    """A real Chromium: the machine's, else Playwright's own; fails with one plain sentence if there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache/ms-playwright"))
    for found_path in sorted(cache.glob("chromium-*/chrome-linux*/chrome"), reverse=True):
        return str(found_path)
    pytest.fail("No Chromium found: install Debian's packages chromium and fonts-noto-cjk.")
