"""A real incident log goes through the deployed diagrams, and what comes out is what was logged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, func, select

from engine.persistence import instance
from handlers.records.tables import incident
from tests.replay.made_log import write_log
from webapp.cli import main
from webapp.replay.log import LogError, read_log
from webapp.replay.oracles import UNEXPLAINED
from webapp.replay.progress import ReplayRefusedError
from webapp.replay.run import replay

WHOLE = bool(os.environ.get("LOVEM_PROVE"))
SEED = 498


@pytest.fixture(scope="session")
def log_file(shared: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real log where the machine has it, else a generated one of the same shape; which of the two is printed."""
    if shared is not None:
        print("replaying the real log of UCI 498")
        return shared / "data" / "uci498" / "incidents_first_15000.csv.gz"
    path = tmp_path_factory.mktemp("log") / "made.csv"
    write_log(path, 400, SEED)
    print(f"replaying a generated log, seed {SEED}")
    return path


def unexplained(report: dict[str, Any]) -> list[Any]:
    """Every difference that has no class."""
    oracles = report["oracles"]
    compared = [*(value for name, value in oracles.items() if name != "closing"), *oracles["closing"].values()]
    return [
        difference
        for oracle in compared
        for difference in oracle.get("differences", ())
        if difference["class"] == UNEXPLAINED
    ]


@pytest.mark.proves("R008", "R203", "R211", "R216", "R244", "R269", "R275", "R277")
def test_every_oracle_of_the_log_is_equal_or_its_difference_is_explained(log_file: Path, tmp_path: Path) -> None:
    count = None if WHOLE else 300
    report = replay(log_file, f"sqlite:///{tmp_path / 'desk.db'}", incidents=count, quiet=not WHOLE)
    if WHOLE:
        print(json.dumps(report, ensure_ascii=False, indent=1))
    assert report["applied"] == report["events"]
    assert unexplained(report) == []
    assert report["oracles"]["priority"]["equal"] == report["events"]
    assert report["oracles"]["waiting_seconds"]["equal"] == report["incidents"]
    assert report["oracles"]["moves"]["compared"] == report["incidents"]


def test_a_closed_incident_that_goes_on_in_the_log_is_refused_and_recurs(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    write_log(path, 3, SEED)
    report = replay(path, f"sqlite:///{tmp_path / 'desk.db'}", quiet=True)
    assert report["refused"] == [{"rule": "R277", "count": 1}]
    assert report["oracles"]["recurrences"]["got"] == 1


def test_a_replay_killed_at_any_event_goes_on_and_ends_as_if_it_had_not_been(log_file: Path, tmp_path: Path) -> None:
    undisturbed = replay(log_file, f"sqlite:///{tmp_path / 'whole.db'}", incidents=12, quiet=True)
    url = f"sqlite:///{tmp_path / 'killed.db'}"
    command = [sys.executable, "-m", "tests.replay.killed", str(log_file), url]
    # Each run dies at another statement, inside a unit of work or between two of them.
    for statements in (600, 911, 1307):
        died = subprocess.run([*command, str(statements)], check=False, capture_output=True)
        assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    resumed = replay(log_file, url, incidents=12, quiet=True)
    timing = {"seconds", "events_per_second"}
    assert {k: v for k, v in resumed.items() if k not in timing} == {
        k: v for k, v in undisturbed.items() if k not in timing
    }
    assert counts(url) == counts(f"sqlite:///{tmp_path / 'whole.db'}")


def counts(url: str) -> tuple[int, ...]:
    """How many incidents and instances there are: none twice, none lost."""
    engine: Engine = create_engine(url)
    with engine.connect() as connection:
        found = [connection.scalar(select(func.count()).select_from(table)) for table in (incident, instance)]
    engine.dispose()
    return tuple(int(number or 0) for number in found)


def test_a_database_that_is_not_empty_is_refused(log_file: Path, sqlite_url: str) -> None:
    with pytest.raises(ReplayRefusedError, match="不是空的"):
        replay(log_file, sqlite_url, incidents=1, quiet=True)


def test_another_log_than_the_one_begun_is_refused(tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    write_log(first, 1, 1)
    write_log(second, 1, 2)
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    replay(first, url, quiet=True)
    with pytest.raises(ReplayRefusedError, match="另一份日志"):
        replay(second, url, quiet=True)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("sys_updated_at", "2016-03-01", "line 2, column sys_updated_at"),
        ("reassignment_count", "many", "line 2, column reassignment_count"),
        ("impact", "?", "line 2, column impact"),
    ],
)
def test_a_wrong_cell_is_named_by_line_and_column(tmp_path: Path, column: str, value: str, message: str) -> None:
    path = tmp_path / "log.csv"
    write_log(path, 1, SEED)
    header, first, *rest = path.read_text().splitlines()
    cells = first.split(",")
    cells[header.split(",").index(column)] = value
    path.write_text("\n".join([header, ",".join(cells), *rest]) + "\n")
    with pytest.raises(LogError, match=message):
        read_log(path)


def test_a_file_without_the_columns_says_which_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("number,incident_state\nINC1,New\n")
    with pytest.raises(LogError, match="missing columns reassignment_count"):
        read_log(path)


def test_the_command_writes_the_report_and_refuses_what_it_cannot_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, out, url = tmp_path / "log.csv", tmp_path / "out.json", f"sqlite:///{tmp_path / 'desk.db'}"
    write_log(log, 2, SEED)
    assert main(["replay", str(log), "--database", url, "--report", str(out)]) == 0
    report = json.loads(out.read_text())
    assert list(report) == [
        "incidents", "events", "applied", "refused", "fillers", "oracles", "seconds", "events_per_second"
    ]  # fmt: skip
    assert main(["replay", str(tmp_path / "none.csv"), "--database", url, "--report", str(out)]) == 1
    assert "none.csv" in capsys.readouterr().err
