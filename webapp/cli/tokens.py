"""``lovem token``: personal tokens of the API, for accounts of people and of programs."""

from __future__ import annotations

import argparse

from webapp import people, tokens
from webapp.cli.common import OK, Commands, command, opened, print_json, text_argument

ACTOR = "command line"


def register(commands: Commands) -> None:
    """Add the command and its own commands."""
    token = command(commands, "token", None, "make, list and revoke tokens of the API")
    actions = token.add_subparsers(required=True, metavar="ACTION")
    parser = command(actions, "add", run_add, "make a token; it is printed once and kept nowhere")
    parser.add_argument("account")
    parser.add_argument("name", type=text_argument, help="what it is for")
    parser.add_argument(
        "--days",
        type=_days,
        default=tokens.USUAL_DAYS,
        help=f"how long it holds (default {tokens.USUAL_DAYS}, at most {tokens.LONGEST_DAYS})",
    )
    parser = command(actions, "list", run_list, "one JSON line a token, without the token itself")
    parser.add_argument("account", nargs="?")
    parser = command(actions, "revoke", run_revoke, "end a token at once")
    parser.add_argument("id", type=_id)


def run_add(arguments: argparse.Namespace) -> int:
    """Print the token, its number and until when it holds."""
    with opened() as o:
        made = tokens.issue(o.desk, ACTOR, arguments.account, arguments.name, arguments.days)
    print_json({"id": made.id, "token": made.token, "expires_at": made.expires_at.isoformat()})
    return OK


def run_list(arguments: argparse.Namespace) -> int:
    """Print what is known of each."""
    with opened() as o, o.desk.reading() as connection:
        if arguments.account is not None:
            people.require(connection, arguments.account)
        for row in tokens.listed(connection, arguments.account):
            instants = {name: value.isoformat() for name, value in row.items() if name.endswith("_at") and value}
            print_json({**row, **instants, "state": tokens.state_of(row, o.desk.clock())})
    return OK


def run_revoke(arguments: argparse.Namespace) -> int:
    """End it; again changes nothing."""
    with opened() as o:
        tokens.revoke(o.desk, ACTOR, arguments.id)
    return OK


def _days(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= tokens.LONGEST_DAYS:
        return int(text[:6])
    raise argparse.ArgumentTypeError(f"expected 1 to {tokens.LONGEST_DAYS}")


def _id(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text[:20]) < 2**63:
        return int(text[:20])
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number of a token")
