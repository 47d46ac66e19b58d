"""Nothing of the product opens a connection to anywhere: not the server on a whole road, not a page in a browser."""

from __future__ import annotations

import re
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.office import Office
from tests.webapp.conftest import PASSWORD
from webapp import auth, people, tokens
from webapp import desk as verbs
from webapp.app import create_app
from webapp.clock import tidy
from webapp.database import make_engine
from webapp.settings import Settings

HOME = "'self'"
PATHS = ("/work", "/report", "/incidents", "/board", "/rules", "/processes", "/tokens", "/api/openapi.json")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was tried to be reached; every attempt fails."""
    found: list[str] = []

    def refuse(name: str) -> Any:
        def attempt(*given: Any, **_named: Any) -> Any:
            found.append(f"{name} {given[-1:]}")
            raise OSError("no connection in this test")

        return attempt

    for name in ("connect", "connect_ex", "sendto", "sendmsg"):
        monkeypatch.setattr(socket.socket, name, refuse(name))
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse(name))
    return found


def test_the_guard_sees_an_attempt(called: list[str]) -> None:
    with pytest.raises(OSError, match="no connection"):
        socket.create_connection(("192.0.2.1", 80))
    assert called


def test_a_whole_road_reaches_out_to_nobody(sqlite_office: Path, tmp_path: Path, called: list[str]) -> None:
    shutil.copyfile(sqlite_office, tmp_path / "office.db")
    url = f"sqlite:///{tmp_path / 'office.db'}"
    office = Office(make_engine(url))
    app = create_app(Settings(database_url=url, demo=True), clock=lambda: office.now)
    app.config["WTF_CSRF_ENABLED"] = False
    with office.desk.unit_of_work("test") as ctx:
        people.set_password(ctx, "reception01", auth.hash_password(PASSWORD))
    client = app.test_client()
    assert client.post("/sign-in", data={"account": "reception01", "password": PASSWORD}).status_code == 303
    incident_id = office.resolve()
    office.do(incident_id, "reception01", "s5_1_check")
    office.do(incident_id, "reception01", "s5_3_ask", "s5_5_close")
    assert office.incident(incident_id)["state"] == "closed"
    other = office.dispatch()
    link = re.search(r"/follow/[\w.-]+", client.post(f"/incidents/{other}/customer-link").text)
    assert link
    token = tokens.issue(office.desk, "test", "reception01", "test").token
    program = {"Authorization": f"Bearer {token}"}
    for path in (*PATHS, f"/incidents/{other}", f"/tasks/{office.task(other).id}", link[0], "/api/tasks"):
        assert client.get(path, headers=program).status_code in (200, 403), path
    office.pass_(days=1)
    verbs.tick(office.desk)
    tidy(office.desk)
    office.desk.engine.dispose()
    assert called == []


def test_the_product_imports_nothing_that_speaks_to_other_machines() -> None:
    """One door for outgoing addresses will be needed with the first of them, and not before."""
    clients = re.compile(
        r"^\s*(?:import|from) (http\.client|urllib\.request|smtplib|ftplib|imaplib|poplib|telnetlib|xmlrpc|requests|"
        r"httpx|aiohttp|urllib3|ssl)\b",
        re.MULTILINE,
    )
    for folder in ("engine", "handlers", "webapp"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not clients.search(path.read_text(encoding="utf-8")), path


def test_pages_may_load_from_and_send_to_this_site_alone(sqlite_url: str) -> None:
    client = create_app(Settings(database_url=sqlite_url, demo=True)).test_client()
    policy = client.get("/sign-in").headers["Content-Security-Policy"]
    rules = {name: set(sources) for name, *sources in (part.split() for part in policy.split(";"))}
    assert rules["default-src"] == {"'none'"}
    assert rules["connect-src"] == rules["form-action"] == rules["script-src"] == {HOME}
    assert all(sources <= {HOME, "'none'", "data:"} for sources in rules.values())
    assert "data:" not in rules["script-src"] | rules["style-src"] | rules["connect-src"]
