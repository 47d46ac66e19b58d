"""``lovem stuck``: instances that cannot go on."""

from __future__ import annotations

import argparse

from sqlalchemy import select

from engine import instances
from engine.errors import StepFailedError
from engine.persistence import instance, stuck
from webapp.cli.common import OK, CommandRefusedError, Commands, command, opened, print_json

ACTOR = "command line"


def register(commands: Commands) -> None:
    """Add the command and its own commands."""
    parser = command(commands, "stuck", None, "list instances that are stuck, and try them again")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    command(actions, "list", run_list, "one JSON line for each stuck instance")
    command(actions, "retry", run_retry, "repeat the failed step").add_argument("instance", type=_instance)


def _instance(text: str) -> int:
    """A number that an instance may have; argparse says so of anything else."""
    if text.isascii() and text.isdigit() and 0 < int(text[:20]) < 2**63:
        return int(text[:20])
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number of an instance")


def run_list(_arguments: argparse.Namespace) -> int:
    """Print element, cause and instant of each."""
    columns = (stuck.c.instance_id, instance.c.process_key, instance.c.business_key, stuck.c.element_id, stuck.c.cause)
    query = select(*columns, stuck.c.stuck_at).join(instance, instance.c.id == stuck.c.instance_id)
    with opened() as o, o.desk.reading() as connection:
        for row in connection.execute(query.order_by(stuck.c.stuck_at)).mappings():
            print_json({**row, "stuck_at": row["stuck_at"].isoformat()})
    return OK


def run_retry(arguments: argparse.Namespace) -> int:
    """Repeat the step; exit status 1 when it fails again."""
    with opened() as o:
        try:
            with o.desk.unit_of_work(ACTOR) as ctx:
                instances.retry(ctx, arguments.instance)
        except StepFailedError as failure:
            raise CommandRefusedError(f"stuck again at {failure.element_id}: {failure.cause}") from failure
    return OK
