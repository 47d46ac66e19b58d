"""The command ``lovem``: exit status 0 when all went well, 1 when the answer is no, 2 for a wrong call."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError

from engine.errors import EngineError, StepFailedError
from engine.faults import of_database
from webapp.cli import (
    backup,
    database,
    decisions,
    definitions,
    demo,
    operations,
    reference,
    replay,
    serve,
    tokens,
    users,
)
from webapp.cli.common import REFUSED, WRONG_CALL, CommandRefusedError
from webapp.settings import SettingsError

# Each module adds its own commands; ``run`` of a command returns the exit status.
MODULES = (serve, database, backup, definitions, decisions, reference, users, tokens, operations, demo, replay)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("lovem").setLevel(logging.INFO)
    parsed = make_parser().parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except SettingsError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return WRONG_CALL
    except (EngineError, CommandRefusedError, StepFailedError) as error:
        print(error, file=sys.stderr)
        return REFUSED
    except DBAPIError as error:
        print(f"The database cannot be used: {of_database(error).strip()}", file=sys.stderr)
        return REFUSED
    except OSError as error:
        print(f"{error.filename}: {error.strerror}" if error.filename else error, file=sys.stderr)
        return REFUSED
    except UnicodeError as error:
        print(f"Not valid UTF-8 text: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return 130


def make_parser() -> argparse.ArgumentParser:
    """The parser with every command."""
    parser = argparse.ArgumentParser(prog="lovem", description="Incident management on the handbook's own diagrams.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in MODULES:
        module.register(commands)
    return parser
