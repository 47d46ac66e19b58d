"""``lovem decide``: ask one decision of a DMN file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.decisions import DecisionError, InvalidInputError, decide_text
from webapp.cli.common import OK, REFUSED, WRONG_CALL, CommandRefusedError, Commands, command


def register(commands: Commands) -> None:
    """Add the command."""
    parser = command(commands, "decide", run, 'ask a decision; prints {"result": …, "rows": […]}')
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .dmn file")
    parser.add_argument("--decision", required=True, metavar="NAME", help="name or id of the decision")
    parser.add_argument("--inputs", default="{}", metavar="JSON", help="an object: input data by name")


def run(arguments: argparse.Namespace) -> int:
    """0 with an answer, 1 when the model or the decision refuses, 2 when the call is wrong."""
    try:
        content = arguments.model.read_bytes()
    except OSError as error:
        raise CommandRefusedError(f"{arguments.model}: {error.strerror}") from error
    try:
        print(decide_text(content, arguments.decision, arguments.inputs))
    except InvalidInputError as error:
        print(f"--inputs: {error}", file=sys.stderr)
        return WRONG_CALL
    except DecisionError as error:
        print(error, file=sys.stderr)
        return REFUSED
    return OK
