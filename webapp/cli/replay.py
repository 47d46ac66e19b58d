"""``lovem replay``: drive an empty desk with a real incident log and compare what comes out with what was logged."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from webapp.cli.common import OK, CommandRefusedError, Commands, command
from webapp.replay.log import LogError
from webapp.replay.progress import ReplayRefusedError
from webapp.replay.run import replay


def register(commands: Commands) -> None:
    """Add the command."""
    parser = command(commands, "replay", run, "replay an incident log (UCI 498's columns) into an empty database")
    parser.add_argument("log", type=Path, metavar="FILE", help="a .csv or .csv.gz file")
    parser.add_argument("--database", required=True, metavar="URL", help="an empty database, or an interrupted replay")
    parser.add_argument("--report", required=True, type=Path, metavar="OUT.json", help="where the report goes")
    parser.add_argument("--incidents", type=_count, metavar="N", help="only the first N incidents of the file")


def run(arguments: argparse.Namespace) -> int:
    """0 when the whole log was replayed, 1 when it cannot be; differences are for the reader of the report."""
    if not arguments.report.parent.is_dir():
        raise CommandRefusedError(f"{arguments.report.parent}: no such folder for the report")
    try:
        report = replay(arguments.log, arguments.database, incidents=arguments.incidents)
    except OSError as error:
        raise CommandRefusedError(f"{arguments.log}: {error.strerror or error}") from error
    except (LogError, ReplayRefusedError) as error:
        raise CommandRefusedError(str(error)) from error
    arguments.report.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return OK


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
