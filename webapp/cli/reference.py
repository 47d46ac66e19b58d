"""``lovem reference``: groups, posts, classification trees and codes, loaded from a folder of CSV files."""

from __future__ import annotations

import argparse
from pathlib import Path

from sqlalchemy import insert

from handlers.reference import load_reference
from webapp.cli.common import OK, CommandRefusedError, Commands, command, opened, print_json, text_argument
from webapp.shipped import tables_in
from webapp.tables import reference_load

ACTOR = "command line"


def register(commands: Commands) -> None:
    """Add the command and its own commands."""
    parser = command(commands, "reference", None, "load reference data")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    load = command(actions, "load", run_load, "make the CSV files of a folder the tables in force from now on")
    load.add_argument("folder", type=Path, metavar="FOLDER")
    load.add_argument("--reason", required=True, type=text_argument, help="why; kept with the load")
    load.add_argument("--author", default=ACTOR, type=text_argument, help="who; kept with the load")


def run_load(arguments: argparse.Namespace) -> int:
    """Load all files or none; rows that are missing in a file end, tables without a file stay."""
    files = tables_in(arguments.folder) if arguments.folder.is_dir() else {}
    if not files:
        raise CommandRefusedError(f"{arguments.folder}: no folder with .csv files")
    with opened() as o, o.desk.unit_of_work(arguments.author[:80]) as ctx:
        changed = load_reference(ctx, files)
        row = {"loaded_at": ctx.now, "author": ctx.actor, "reason": arguments.reason, "changed_rows": changed}
        ctx.connection.execute(insert(reference_load).values(row))
    print_json({"tables": len(files), "changed_rows": changed})
    return OK
