"""``lovem demo``: accounts and incidents to try things out with."""

from __future__ import annotations

import argparse

from webapp import demo
from webapp.cli.common import OK, CommandRefusedError, Commands, command, opened
from webapp.cli.serve import prepare


def register(commands: Commands) -> None:
    """Add the command."""
    command(commands, "demo", run, "prepare a database with demo accounts and incidents (needs LOVEM_DEMO=1)")


def run(_arguments: argparse.Namespace) -> int:
    """Load the demo and print the accounts."""
    with opened() as o:
        if not o.settings.demo:
            raise CommandRefusedError("demo accounts have a known password: set LOVEM_DEMO=1 if that is what you want")
        prepare(o)
    for account in demo.ACCOUNTS:
        print(f"{account.account}\t{account.name}\t{demo.PASSWORD}")
    return OK
