"""What the commands share: the application around a desk, and the way to say no."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask

from webapp.app import create_app, desk_of
from webapp.desk import Desk
from webapp.settings import Settings

OK, REFUSED, WRONG_CALL = 0, 1, 2
LONGEST_TEXT = 1000
Commands = Any
"""What argparse's ``add_subparsers`` returns; its class is private."""


class CommandRefusedError(Exception):
    """The command cannot do what was asked; the message says why and what to do. Exit status 1."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An application whose context is active while the command runs."""

    settings: Settings
    app: Flask
    desk: Desk


@contextmanager
def opened() -> Iterator[Opened]:
    """The application of this environment; raises SettingsError."""
    settings = Settings.from_environment()
    app = create_app(settings)
    desk = desk_of(app)
    with app.app_context():
        try:
            yield Opened(settings, app, desk)
        finally:
            desk.engine.dispose()


def text_argument(parsed: str) -> str:
    """For ``type=``: a text that says something and that every database can keep."""
    text = parsed.strip()
    if not text or len(text) > LONGEST_TEXT or not text.replace("\n", " ").isprintable():
        raise argparse.ArgumentTypeError(f"expected 1 to {LONGEST_TEXT} printable characters")
    return text


def print_json(value: Any) -> None:
    """One line of JSON, Chinese as it is."""
    print(json.dumps(value, ensure_ascii=False))


def command(commands: Commands, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    """Add a command whose ``run(arguments)`` returns the exit status."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser
