"""What runs beside the pages: the ticker, and the application as a WSGI server loads it."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine

from tests.office import Office
from tests.webapp.conftest import SECRET
from webapp import security
from webapp.app import desk_of, node_name
from webapp.cli import serve
from webapp.clock import Ticker, system_now
from webapp.database import absolute_url
from webapp.settings import Settings, SettingsError


def test_the_clock_says_aware_utc():
    assert system_now().utcoffset() is not None and not system_now().utcoffset()


def test_no_two_processes_have_one_name():
    assert node_name() != node_name()
    assert len(node_name()) <= 80


def test_the_ticker_goes_on_after_a_failure(office: Office, monkeypatch: pytest.MonkeyPatch):
    calls, twice = [], threading.Event()

    def failing(desk: object) -> None:
        calls.append(desk)
        if len(calls) == 2:
            twice.set()
        raise RuntimeError("the database went away")

    monkeypatch.setattr("webapp.desk.tick", failing)
    ticker = Ticker(office.desk, 1)
    ticker.start()
    assert twice.wait(30)
    ticker.stop()
    assert set(map(id, calls)) == {id(office.desk)}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, office_url: str) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("LOVEM_DATABASE_URL", office_url)
    monkeypatch.setenv("LOVEM_SECRET_KEY", SECRET)
    monkeypatch.setenv("LOVEM_TICK_SECONDS", "300")
    monkeypatch.delenv("LOVEM_DEMO", raising=False)
    yield monkeypatch
    sys.modules.pop("webapp.wsgi", None)


def test_a_wsgi_server_gets_an_application_that_answers(environment: pytest.MonkeyPatch, office_engine: Engine):
    environment.setattr("webapp.ready.require_ready", lambda *_: None)
    started: list[Ticker] = []
    environment.setattr(Ticker, "start", lambda ticker: started.append(ticker))
    application = importlib.import_module("webapp.wsgi").application
    assert len(started) == 1
    assert application.test_client().get("/sign-in").status_code == 200
    desk_of(application).engine.dispose()


def test_a_wsgi_server_is_refused_where_the_schema_is_not_migrated(environment: pytest.MonkeyPatch):
    with pytest.raises(SettingsError, match="lovem migrate"):
        importlib.import_module("webapp.wsgi")


@pytest.mark.parametrize("url", ["postgresql+psycopg://u:p@h/d", "sqlite://", "sqlite:////var/lib/desk.db"])
def test_addresses_that_are_absolute_stay_as_they_are(url: str):
    assert absolute_url(url) == url


def test_a_relative_sqlite_path_is_taken_from_the_present_folder(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert absolute_url("sqlite:///var/desk.db") == f"sqlite:///{tmp_path}/var/desk.db"


def test_what_is_too_large_is_refused_by_our_own_page_and_not_by_the_server(monkeypatch: pytest.MonkeyPatch):
    given: dict[str, object] = {}

    def create_server(_app: object, **options: object) -> SimpleNamespace:
        given.update(options)
        return SimpleNamespace(run=lambda: None)

    monkeypatch.setattr("waitress.create_server", create_server)
    settings = Settings(database_url="sqlite://", demo=True)
    serve._serve(SimpleNamespace(app=None, settings=settings))  # type: ignore[arg-type]
    assert int(str(given["max_request_body_size"])) > security.REQUEST_BYTES
