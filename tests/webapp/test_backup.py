"""A backup is the whole database of one moment, and work goes on from it."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import Engine, MetaData, insert, inspect, select

from engine import messages
from engine.persistence import message, metadata
from handlers.records.tables import attachment, attachment_content
from tests.office import MONDAY, Office
from tests.webapp.conftest import SECRET
from webapp import backup, ready
from webapp import desk as verbs
from webapp.app import desk_of
from webapp.backup import BackupRefusedError
from webapp.cli import main
from webapp.database import make_engine

CONTENT = bytes(range(256)) * 5000


@pytest.fixture
def live(office: Office, office_url: str, make_app: Callable[..., Flask]) -> Office:
    """Incidents at work, a timer, a buffered message and an attachment."""
    with make_app(office_url).app_context():
        flask_migrate.stamp()
    office.dispatch()
    first = office.accept()
    office.resolve()
    with office.desk.unit_of_work(office["crm01"]) as ctx:
        messages.send(ctx, "later", "还没有人", {"内容": [1, 2.5, None, True]}, "m-1")
        facts = {"at": ctx.now, "actor": ctx.actor, "name": "截图.png", "content_type": "image/png"}
        digest = hashlib.sha256(CONTENT).hexdigest()
        row = insert(attachment).values(incident_id=first, size=len(CONTENT), content_hash=digest, **facts)
        number = ctx.connection.execute(row.returning(attachment.c.id)).scalar_one()
        ctx.connection.execute(insert(attachment_content).values(attachment_id=number, content=CONTENT))
    return office


def everything(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in metadata.sorted_tables
        }


@pytest.fixture
def kept(live: Office, tmp_path: Path) -> Path:
    path = tmp_path / "desk.backup"
    backup.make(live.desk, path)
    return path


def test_work_goes_on_in_either_database_after_one_was_lost(
    live: Office, kept: Path, empty_url: str, make_app: Callable[[str], Flask]
) -> None:
    app = make_app(empty_url)
    with app.app_context():
        manifest = backup.restore(desk_of(app), kept)
    engine = desk_of(app).engine
    assert everything(engine) == everything(live.desk.engine)
    assert manifest.rows == sum(len(rows) for rows in everything(engine).values())
    after = Office(engine)
    dispatched, _, resolved = after_ids(after)
    after.do(dispatched, "crm01", "s2_9_accept")
    assert after.task(dispatched).element.id == "s3_1_analyse"
    waiting = after.timers()
    assert waiting == live.timers()
    after.pass_(days=31)
    verbs.tick(after.desk)
    assert after.timers() < waiting
    assert after.report() == resolved + 1  # numbering goes on, and what was kept is not touched


def after_ids(office: Office) -> list[int]:
    with office.desk.reading() as connection:
        return list(connection.scalars(select(metadata.tables["incident"].c.id).order_by("id")))


def test_what_must_be_kept_is_protected_again(kept: Path, empty_url: str, make_app: Callable[[str], Flask]) -> None:
    app = make_app(empty_url)
    with app.app_context():
        backup.restore(desk_of(app), kept)
    with pytest.raises(Exception, match="append-only"), desk_of(app).engine.begin() as connection:
        connection.execute(metadata.tables["history"].delete())


def test_a_backup_is_of_one_moment_though_others_work_on(
    live: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(live.desk.engine)
    write = backup._write_table

    def disturbed(connection: Any, archive: Any, table: Any) -> Any:
        part = write(connection, archive, table)
        if table.name == "api_token":  # the first: what others commit now is no part of the picture
            live.report()
        return part

    monkeypatch.setattr(backup, "_write_table", disturbed)
    manifest = backup.make(live.desk, tmp_path / "desk.backup")
    assert {part.name: part.rows for part in manifest.tables} == {name: len(rows) for name, rows in before.items()}
    assert len(everything(live.desk.engine)["incident"]) == len(before["incident"]) + 1


def test_only_its_owner_reads_a_backup_and_nothing_overwrites_it(live: Office, kept: Path) -> None:
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    with zipfile.ZipFile(kept) as archive:
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_DEFLATED}
    content = kept.read_bytes()
    with pytest.raises(BackupRefusedError, match="exists already"):
        backup.make(live.desk, kept)
    assert kept.read_bytes() == content
    assert [path.name for path in kept.parent.glob("*desk.backup*")] == [kept.name]


def test_no_file_is_left_of_a_backup_that_failed(live: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_write_table", full)
    with pytest.raises(OSError, match="No space left"):
        backup.make(live.desk, tmp_path / "desk.backup")
    assert list(tmp_path.glob("*desk.backup*")) == []


def changed(content: bytes, name: str, change: Callable[[bytes], bytes | None]) -> bytes:
    """The zip with one member changed, or left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.namelist():
            data = old.read(member)
            if member == name and (data := change(data)) is None:  # type: ignore[assignment]
                continue
            new.writestr(member, data)
    return out.getvalue()


def said(**facts: Any) -> Callable[[bytes], bytes]:
    return lambda data: json.dumps({**json.loads(data), **facts}).encode()


PERSONS = "tables/person.jsonl"
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda content: b"",
    "no zip": lambda content: b"SELECT 1;" * 100,
    "truncated": lambda content: content[: len(content) // 2],
    "end missing": lambda content: content[:-1],
    "bit flipped": lambda content: content[:3000] + bytes([content[3000] ^ 64]) + content[3001:],
    "row changed": lambda content: changed(content, PERSONS, lambda data: data.replace(b"crm01", b"crm02")),
    "row missing": lambda content: changed(content, PERSONS, lambda data: data[data.index(b"\n") + 1 :]),
    "table missing": lambda content: changed(content, PERSONS, lambda data: None),
    "no manifest": lambda content: changed(content, "manifest.json", lambda data: None),
    "manifest of another": lambda content: changed(content, "manifest.json", said(format="other")),
    "later version": lambda content: changed(content, "manifest.json", said(version=2)),
    "later schema": lambda content: changed(content, "manifest.json", said(revision="9999")),
    "strange manifest": lambda content: changed(content, "manifest.json", said(tables=[{"name": "person"}])),
    "list as manifest": lambda content: changed(content, "manifest.json", lambda data: b"[]"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_and_changes_nothing(
    sqlite_kept: bytes, tmp_path: Path, damage: str, make_app: Callable[[str], Flask]
) -> None:
    (tmp_path / "bad").write_bytes(DAMAGES[damage](sqlite_kept))
    app = make_app(f"sqlite:///{tmp_path / 'target.db'}")
    with app.app_context():
        ready.migrate()
        before = everything(desk_of(app).engine)
        with pytest.raises(BackupRefusedError, match=str(tmp_path / "bad")):
            backup.restore(desk_of(app), tmp_path / "bad", replace=True)
    assert everything(desk_of(app).engine) == before


@pytest.fixture(scope="module")
def sqlite_kept(sqlite_office: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("kept")
    (folder / "office.db").write_bytes(sqlite_office.read_bytes())
    engine = make_engine(f"sqlite:///{folder / 'office.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('0002')")
    backup.make(Office(engine).desk, folder / "kept")
    engine.dispose()
    return (folder / "kept").read_bytes()


def test_a_backup_that_does_not_fit_its_schema_is_rolled_back(
    sqlite_kept: bytes, empty_url: str, tmp_path: Path, make_app: Callable[[str], Flask]
) -> None:
    def narrower(data: bytes) -> bytes:
        manifest = json.loads(data)
        manifest["tables"][-1]["columns"].pop()
        return json.dumps(manifest).encode()

    (tmp_path / "bad").write_bytes(changed(sqlite_kept, "manifest.json", narrower))
    app = make_app(empty_url)
    with app.app_context(), pytest.raises(BackupRefusedError, match="does not fit"):
        backup.restore(desk_of(app), tmp_path / "bad")
    assert inspect(desk_of(app).engine).get_table_names() == []


@pytest.fixture
def at_the_shell(live: Office, office_url: str, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("LOVEM_DATABASE_URL", office_url)
    monkeypatch.setenv("LOVEM_SECRET_KEY", SECRET)
    monkeypatch.setenv("LOVEM_DEMO", "1")
    return live


def test_the_commands_keep_and_bring_back_a_database_in_use_only_when_told_to(
    at_the_shell: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(tmp_path / "desk.backup")
    assert main(["backup", file]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["revision"], report["tables"]["incident"]) == ("0002", 3)
    before = everything(at_the_shell.desk.engine)
    at_the_shell.report()
    later = everything(at_the_shell.desk.engine)
    assert main(["restore", file]) == 1
    assert "has rows, and was not touched" in capsys.readouterr().err
    assert main(["restore", file, "--replace"]) == 1
    assert "--yes" in capsys.readouterr().err
    terminal = io.StringIO("no\n")
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", terminal)
    assert main(["restore", file, "--replace"]) == 1
    assert everything(at_the_shell.desk.engine) == later
    terminal.seek(0)
    terminal.write("replace\n")
    terminal.seek(0)
    assert main(["restore", file, "--replace"]) == 0
    assert everything(at_the_shell.desk.engine) == before
    assert json.loads(capsys.readouterr().out)["made_at"] >= MONDAY.isoformat()[:4]


def test_a_database_without_tables_has_no_backup(
    empty_url: str, tmp_path: Path, make_app: Callable[[str], Flask]
) -> None:
    with pytest.raises(BackupRefusedError, match="nothing to keep"):
        backup.make(desk_of(make_app(empty_url)), tmp_path / "none")


def test_every_table_of_the_product_is_kept(live: Office, kept: Path) -> None:
    with backup.opened(kept) as (_, manifest):
        assert {part.name for part in manifest.tables} == set(metadata.tables)
    found = MetaData()
    found.reflect(live.desk.engine)
    assert set(found.tables) - {"alembic_version"} == set(metadata.tables)
    assert message.name in found.tables
