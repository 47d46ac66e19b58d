"""The demo's incidents behind Flask's test client, and a count of the statements that a page needs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from webapp import demo
from webapp.app import create_app, desk_of
from webapp.settings import Settings
from webapp.shipped import deploy_shipped

NOW = datetime(2026, 11, 23, 7, 40, tzinfo=UTC)


def make(path: Path) -> Flask:
    app = create_app(Settings(database_url=f"sqlite:///{path}", demo=True), clock=lambda: NOW)
    app.config["WTF_CSRF_ENABLED"] = False
    return app


@pytest.fixture(scope="session")
def demo_template(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    shutil.copyfile(_sqlite_template, path)
    desk = desk_of(make(path))
    deploy_shipped(desk, update=True)
    demo.load(desk)
    with desk.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    desk.engine.dispose()
    return path


@pytest.fixture
def desk_app(demo_template: Path, tmp_path: Path) -> Iterator[Flask]:
    path = tmp_path / "desk.db"
    shutil.copyfile(demo_template, path)
    app = make(path)
    yield app
    desk_of(app).engine.dispose()


@pytest.fixture
def signed_in(desk_app: Flask) -> Callable[[str], FlaskClient]:
    """A client in which an account is signed in."""

    def sign_in(account: str) -> FlaskClient:
        client = desk_app.test_client()
        answer = client.post("/sign-in", data={"account": account, "password": demo.PASSWORD})
        assert answer.status_code == 303
        return client

    return sign_in


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """The SELECTs and writes that run inside the block; BEGIN and the like are not counted."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if re.match(r"(SELECT|INSERT|UPDATE|DELETE|WITH)\b", statement.lstrip()):
            found.append(statement)

    engine = desk_of(app).engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def links(html: str, pattern: str) -> list[str]:
    """The addresses on a page that match."""
    return list(dict.fromkeys(re.findall(rf'href="({pattern})"', html)))
