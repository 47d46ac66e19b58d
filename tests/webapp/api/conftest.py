"""Fixtures of the API: the application on a furnished office, and callers with tokens."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from engine.context import SYSTEM
from handlers.records.tables import person
from tests.office import CUSTOMER, Office
from tests.webapp.conftest import Clock
from webapp import people, tokens
from webapp.app import desk_of
from webapp.database import make_engine

MONITORING = "platform"
SECRET = "b7f1c02e9d4a5566778899aabbccddee"


class Caller:
    """A program with a token of an account; ``account`` None sends none."""

    def __init__(self, app: Flask, account: str | None) -> None:
        self.client = app.test_client()
        self.headers: dict[str, str] = {}
        if account is not None:
            self.token = tokens.issue(desk_of(app), "test", account, "test").token
            self.headers["Authorization"] = f"Bearer {self.token}"

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.client.get(f"/api{path}", query_string=query, headers=self.headers)

    def post(self, path: str, body: Any, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"/api{path}", json=body, headers={**self.headers, **named})


class Api:
    """The application with its office: verbs to set the scene, callers to ask."""

    def __init__(self, app: Flask, office: Office, clock: Clock) -> None:
        self.app, self.office, self.clock = app, office, clock
        self.url = str(app.config["SQLALCHEMY_DATABASE_URI"])
        self.desk = desk_of(app)

    def caller(self, account: str | None) -> Caller:
        return Caller(self.app, account)

    def new_incident(self, **changed: Any) -> dict[str, Any]:
        """The body of POST /api/incidents."""
        return {"customer": dict(CUSTOMER), "incident": self.office.record(**changed)}

    def add_monitoring(self, account: str = MONITORING, phone: str | None = "0731-85550199") -> None:
        """A machine's account that may report alarms."""
        with self.desk.unit_of_work(SYSTEM) as ctx:
            people.add(ctx, account, "监控平台", None, roles=["monitoring"])
            ctx.connection.execute(update(person).where(person.c.account == account).values(phone=phone))

    def number(self, incident_id: int) -> str:
        return str(self.office.incident(incident_id)["number"])


@pytest.fixture
def api(make_app: Callable[..., Flask], sqlite_office: Path, tmp_path: Path, clock: Clock) -> Iterator[Api]:
    """On SQLite; ``both`` is for what a database could do differently."""
    shutil.copyfile(sqlite_office, tmp_path / "office.db")
    yield from _opened(make_app, f"sqlite:///{tmp_path / 'office.db'}", clock)


@pytest.fixture
def both(make_app: Callable[..., Flask], office_url: str, clock: Clock) -> Iterator[Api]:
    """On SQLite and on PostgreSQL."""
    yield from _opened(make_app, office_url, clock)


def _opened(make_app: Callable[..., Flask], url: str, clock: Clock) -> Iterator[Api]:
    engine = make_engine(url)
    yield Api(make_app(url, alarm_secret=SECRET, alarm_account=MONITORING), Office(engine), clock)
    engine.dispose()
