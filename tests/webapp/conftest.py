"""Fixtures of the doors: an application on a migrated database, its desk under a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import make_url, text

from engine.context import SYSTEM
from tests.offices import office, office_engine, office_url, postgres_office, sqlite_office
from webapp import auth, people
from webapp.app import create_app, desk_of
from webapp.database import make_engine
from webapp.desk import Desk
from webapp.settings import Settings

__all__ = ["office", "office_engine", "office_url", "postgres_office", "sqlite_office"]

SECRET = "0123456789abcdef0123456789abcdef"
MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
# Hashing is slow on purpose; these tests hash a hundred times and prove nothing about argon2 itself.
auth._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HASH = auth.hash_password(PASSWORD)


class Clock:
    """The tests' clock: stands still until it is moved."""

    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        """Let time pass (arguments of timedelta)."""
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server = request.getfixturevalue("postgres_server")
    name = f"lovem_empty_{request.node.name.split('[')[0][:30]}"
    engine = make_engine(server, pooled=False)
    autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
    with autocommit.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with autocommit.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    engine.dispose()


@pytest.fixture
def make_app(clock: Clock) -> Iterator[Callable[[str], Flask]]:
    """Make applications whose databases are closed afterwards."""
    made: list[Flask] = []

    def make(url: str, **settings: object) -> Flask:
        chosen = {"database_url": url, "secret_key": SECRET, "demo": True} | settings
        app = create_app(Settings(**chosen), clock=clock)  # type: ignore[arg-type]
        app.testing = True
        app.config["PROPAGATE_EXCEPTIONS"] = False
        made.append(app)
        return app

    yield make
    for app in made:
        desk_of(app).engine.dispose()


@pytest.fixture
def app(make_app: Callable[[str], Flask], sqlite_url: str) -> Flask:
    """The application on SQLite with one account: reception01, who is of the desk."""
    app = make_app(sqlite_url)
    add_account(desk_of(app), "reception01", "服务受理岗01", ("desk",), ("desk",))
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def add_account(desk: Desk, account: str, name: str, groups: tuple[str, ...] = (), roles: tuple[str, ...] = ()) -> None:
    """An account whose password is PASSWORD."""
    with desk.unit_of_work(SYSTEM) as ctx:
        people.add(ctx, account, name, HASH, posts=[(group, "") for group in groups], roles=roles)
