"""Wrong calls of ``lovem``: one clear sentence on stderr, exit status 1 or 2, never a traceback."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from sqlalchemy import select

from handlers import reference
from tests.office import Office
from tests.webapp.conftest import SECRET
from webapp import people
from webapp.cli import main
from webapp.shipped import PROCESSES
from webapp.tables import reference_load

NOWHERE = "postgresql+psycopg://lovem:secret@127.0.0.1:1/lovem"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.setenv("LOVEM_DATABASE_URL", f"sqlite:///{tmp_path / 'desk.db'}")
    monkeypatch.setenv("LOVEM_SECRET_KEY", SECRET)
    monkeypatch.delenv("LOVEM_DEMO", raising=False)
    return monkeypatch


@pytest.fixture
def in_office(office: Office, office_url: str, environment: pytest.MonkeyPatch) -> Office:
    environment.setenv("LOVEM_DATABASE_URL", office_url)
    return office


def status(*arguments: str) -> int:
    """The exit status, whether argparse or the command refuses."""
    try:
        return main(arguments)
    except SystemExit as end:
        return int(str(end.code))


@pytest.mark.parametrize(
    ("arguments", "expected", "said"),
    [
        (["stuck", "retry", "9" * 23], 2, "no number of an instance"),
        (["stuck", "retry", "-1"], 2, ""),
        (["deploy", str(PROCESSES), "--reason", "x", "--effective-from", "0001-01-01T00:00"], 2, "no date and time"),
        (["deploy", str(PROCESSES), "--reason", "x", "--effective-from", "soon"], 2, "2026-12-01T08:00"),
        (["deploy", str(PROCESSES), "--reason", " "], 2, "printable"),
        (["export", "/dev/null/x"], 1, "/dev/null"),
        (["user", "add", "aa", " "], 1, "姓名"),
        (["user", "add", "aa", "长" * 201], 1, "姓名"),
        (["user", "add", "system", "系统"], 1, "system"),
        (["user", "grant", "crm01"], 1, "--group"),
        (["user", "grant", "nobody", "--role", "desk"], 1, "nobody"),
        (["user", "grant", "crm01", "--role", "king"], 1, "king"),
        (["user", "revoke", "crm01", "--group", "crm:crm_support"], 1, "whole group"),
        (["reference", "load", "/dev/null", "--reason", "x"], 1, "no folder"),
    ],
)
def test_a_wrong_call_is_told_in_one_sentence(
    in_office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str],
    expected: int, said: str,
):  # fmt: skip
    monkeypatch.setattr("sys.stdin", io.StringIO("a good password\n"))
    assert status(*arguments) == expected
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error


@pytest.mark.parametrize("arguments", [["migrate"], ["serve", "--prepare"], ["user", "list"], ["stuck", "list"]])
def test_a_database_that_cannot_be_reached_is_told(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
):
    environment.setenv("LOVEM_DATABASE_URL", NOWHERE)
    assert status(*arguments) == 1
    error = capsys.readouterr().err
    assert "database cannot be used" in error and "Traceback" not in error and "secret" not in error


def test_a_file_that_is_no_database_is_told(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "desk.db").write_text("hello, I am no database, and I am long enough to be looked at" * 20)
    assert status("migrate") == 1
    assert "database" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_told(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    environment.setenv("LOVEM_DATABASE_URL", "sqlite:////dev/null/x/desk.db")
    assert status("migrate") == 1
    assert "/dev/null" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_no_installation(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
):
    environment.setenv("LOVEM_DATABASE_URL", url)
    assert status("migrate") == 2
    assert "memory" in capsys.readouterr().err


@pytest.mark.parametrize("listen", ["192.0.2.1:8000", "no.such.host.invalid:8000"])
def test_an_address_of_another_machine_cannot_be_listened_on(
    in_office: Office, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], listen: str
):
    monkey = environment
    monkey.setenv("LOVEM_LISTEN", listen)
    monkey.setattr("webapp.cli.serve.ready.require_ready", lambda *_: None)
    assert status("serve") == 1
    assert "cannot listen" in capsys.readouterr().err


def test_groups_and_roles_are_granted_and_revoked(in_office: Office):
    def now() -> tuple[frozenset[str], frozenset[str]]:
        with in_office.desk.reading() as connection:
            found = people.find(connection, "crm01")
        return found.groups, found.roles

    assert now() == ({"crm"}, {"support"})
    for _ in range(2):
        assert status("user", "grant", "crm01", "--group", "billing_apps", "--role", "desk") == 0
    assert now() == ({"crm", "billing_apps"}, {"support", "desk"})
    assert status("user", "revoke", "crm01", "--group", "crm", "--role", "support") == 0
    assert now() == ({"billing_apps"}, {"desk"})


def test_reference_data_are_loaded_with_a_reason_from_now_on(in_office: Office, tmp_path: Path):
    text = (PROCESSES / "reference" / "locations.csv").read_text(encoding="utf-8")
    header = text.splitlines()[0].split(",")
    (tmp_path / "locations.csv").write_text(text + ",".join(["moon", "月球营业厅", *[""] * (len(header) - 2)]) + "\n")
    assert status("reference", "load", str(tmp_path), "--reason", "新开营业厅", "--author", "owner01") == 0
    with in_office.desk.reading() as connection:
        row = connection.execute(select(reference_load)).one()
    assert (row.author, row.reason, row.changed_rows) == ("owner01", "新开营业厅", 1)
    in_office.pass_(days=400)
    with in_office.desk.unit_of_work("test") as ctx:
        assert reference.name(ctx, "locations", "moon") == "月球营业厅"
    (tmp_path / "locations.csv").write_bytes(b"\xff\xfe")
    assert status("reference", "load", str(tmp_path), "--reason", "x") == 1
