"""``lovem decide``: ask one decision of a DMN file."""

from __future__ import annotations

import argparse
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.decisions import DecisionError, load_model, to_text
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
        inputs: Any = json.loads(arguments.inputs, parse_float=Decimal)
    except ValueError as error:
        print(f"--inputs is not JSON: {error}", file=sys.stderr)
        return WRONG_CALL
    if not isinstance(inputs, dict):
        print("--inputs is no JSON object", file=sys.stderr)
        return WRONG_CALL
    try:
        content = arguments.model.read_bytes()
    except OSError as error:
        raise CommandRefusedError(f"{arguments.model}: {error.strerror}") from error
    try:
        answer = load_model(content).decide(arguments.decision, inputs)
    except DecisionError as error:
        print(error, file=sys.stderr)
        return REFUSED
    print(to_text(answer))
    return OK
