"""``lovem backup`` and ``lovem restore``: the whole database in one file, and back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from webapp import backup, ready
from webapp.backup import BackupRefusedError, Manifest
from webapp.cli.common import OK, CommandRefusedError, Commands, command, opened, print_json
from webapp.database import prepare_folder

CONFIRM = "replace"


def register(commands: Commands) -> None:
    """Add both commands."""
    parser = command(commands, "backup", run_backup, "write the whole database to one file, while it is in use")
    parser.add_argument("file", type=Path, help="the file to make; it must not exist yet")
    parser = command(commands, "restore", run_restore, "read a backup into an empty database")
    parser.add_argument("file", type=Path, help="a file that `lovem backup` made, from SQLite or PostgreSQL")
    parser.add_argument("--replace", action="store_true", help="first throw away what the database holds")
    parser.add_argument("--yes", action="store_true", help="with --replace: do not ask")


def run_backup(arguments: argparse.Namespace) -> int:
    """Make the file; prints what is in it as one line of JSON."""
    with opened() as o:
        try:
            manifest = backup.make(o.desk, arguments.file)
        except BackupRefusedError as error:
            raise CommandRefusedError(str(error)) from error
    _report(arguments.file, manifest)
    return OK


def run_restore(arguments: argparse.Namespace) -> int:
    """Restore; a backup of an older schema has to be migrated afterwards, and the command says so."""
    with opened() as o:
        try:
            if arguments.replace and not arguments.yes:
                _confirm(o.desk.engine.url.render_as_string(hide_password=True))
            prepare_folder(o.settings.database_url)
            manifest = backup.restore(o.desk, arguments.file, replace=arguments.replace)
        except BackupRefusedError as error:
            raise CommandRefusedError(str(error)) from error
        if manifest.revision not in ready.heads():
            print("The backup is of an older version: run `lovem migrate` before serving.", file=sys.stderr)
    _report(arguments.file, manifest)
    return OK


def _confirm(database: str) -> None:
    if not sys.stdin.isatty():
        raise CommandRefusedError("--replace throws away what the database holds: confirm it with --yes")
    print(f"Everything in {database} is thrown away. Type {CONFIRM} to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != CONFIRM:
        raise CommandRefusedError("Nothing was changed.")


def _report(path: Path, manifest: Manifest) -> None:
    tables = {part.name: part.rows for part in manifest.tables if part.rows}
    said = {"file": str(path), "made_at": manifest.made_at, "revision": manifest.revision}
    print_json({**said, "rows": manifest.rows, "tables": tables})
