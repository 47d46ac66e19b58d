"""``lovem migrate``: bring the database's schema to this version."""

from __future__ import annotations

import argparse

from webapp import ready
from webapp.cli.common import OK, Commands, command, opened
from webapp.database import prepare_folder


def register(commands: Commands) -> None:
    """Add the command."""
    command(commands, "migrate", run, "bring the database's schema to this version")


def run(_arguments: argparse.Namespace) -> int:
    """Migrate; any number of nodes may do it at once."""
    with opened() as o:
        prepare_folder(o.settings.database_url)
        ready.migrate()
    return OK
