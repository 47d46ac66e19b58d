"""``lovem user``: accounts of an installation."""

from __future__ import annotations

import argparse
import getpass
import sys

from engine.context import Context
from handlers import reference
from handlers.records import people as records
from webapp import auth, people
from webapp.cli.common import OK, CommandRefusedError, Commands, command, opened, text_argument

ACTOR = "command line"


def register(commands: Commands) -> None:
    """Add the command and its own commands."""
    user = command(commands, "user", None, "add, list, disable and enable accounts, set passwords, groups and roles")
    actions = user.add_subparsers(required=True, metavar="ACTION")
    parser = command(actions, "add", run_add, "add an account; its first password is asked for, or read from a pipe")
    parser.add_argument("account")
    parser.add_argument("name", help="the name shown to others")
    parser.add_argument(
        "--group", action="append", default=[], metavar="GROUP[:POST]", help="may be given several times"
    )
    parser.add_argument("--role", action="append", default=[], metavar="ROLE", help="may be given several times")
    parser.add_argument("--phone", type=text_argument, help="needed where the account reports alarms")
    command(actions, "list", run_list, "list all accounts")
    for name, run, text in (
        ("disable", run_disable, "let an account sign in no more; ends its sessions, revokes its tokens"),
        ("enable", run_enable, "let a disabled account sign in again"),
        (
            "password",
            run_password,
            "set a password, to be changed at the next sign-in; ends the account's sessions, revokes its tokens",
        ),
    ):
        command(actions, name, run, text).add_argument("account")
    for name, run, text in (
        ("grant", run_grant, "put an account into groups, on posts, and give it roles"),
        ("revoke", run_revoke, "take an account out of groups, with all its posts there, and take roles from it"),
    ):
        parser = command(actions, name, run, text)
        parser.add_argument("account")
        parser.add_argument("--group", action="append", default=[], metavar="GROUP[:POST]")
        parser.add_argument("--role", action="append", default=[], metavar="ROLE")


def run_add(arguments: argparse.Namespace) -> int:
    """Add an account with groups, posts and roles of the reference data."""
    password_hash = auth.hash_password(_password())
    with opened() as o, o.desk.unit_of_work(ACTOR) as ctx:
        posts = _posts(ctx, arguments)
        account, name, roles = arguments.account, arguments.name, arguments.role
        given = {"posts": posts, "roles": roles, "phone": arguments.phone}
        people.add(ctx, account, name, password_hash, **given, must_change=True)
    return OK


def run_grant(arguments: argparse.Namespace) -> int:
    """More groups, posts and roles; what the account has already stays."""
    with opened() as o, o.desk.unit_of_work(ACTOR) as ctx:
        _require_change(ctx, arguments)
        for group, post in _posts(ctx, arguments):
            records.join_group(ctx, arguments.account, group, post)
        for role in arguments.role:
            records.grant_role(ctx, arguments.account, role)
    return OK


def run_revoke(arguments: argparse.Namespace) -> int:
    """Fewer groups and roles; tasks that he has may then be claimed by a colleague of their group."""
    with opened() as o, o.desk.unit_of_work(ACTOR) as ctx:
        _require_change(ctx, arguments)
        for group, post in _posts(ctx, arguments):
            if post:
                raise CommandRefusedError(f"--group {group}: a whole group is left, with all posts in it")
            records.leave_group(ctx, arguments.account, group)
        for role in arguments.role:
            records.revoke_role(ctx, arguments.account, role)
    return OK


def run_list(_arguments: argparse.Namespace) -> int:
    """One line an account: account, name, and what is special about it."""
    with opened() as o, o.desk.reading() as connection:
        for row in people.everybody(connection):
            remarks = [word for word, holds in (("disabled", not row["active"]), ("demo", row["demo"])) if holds]
            print("\t".join((row["account"], row["name"], " ".join(remarks))))
    return OK


def run_disable(arguments: argparse.Namespace) -> int:
    """End the account's sessions and tokens and refuse it; what it did stays under its name."""
    with opened() as o, o.desk.unit_of_work(ACTOR) as ctx:
        records.set_active(ctx, arguments.account, active=False)
        auth.shut_out(ctx, arguments.account)
    return OK


def run_enable(arguments: argparse.Namespace) -> int:
    """Let the account sign in again."""
    with opened() as o, o.desk.unit_of_work(ACTOR) as ctx:
        records.set_active(ctx, arguments.account, active=True)
    return OK


def run_password(arguments: argparse.Namespace) -> int:
    """Set a password that whoever signs in with it must change first."""
    password_hash = auth.hash_password(_password())
    with opened() as o, o.desk.unit_of_work(ACTOR) as ctx:
        people.set_password(ctx, arguments.account, password_hash, must_change=True)
        auth.shut_out(ctx, arguments.account)
    return OK


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise CommandRefusedError("the two passwords differ; nothing was changed")
    return password


def _require_change(ctx: Context, arguments: argparse.Namespace) -> None:
    if not arguments.group and not arguments.role:
        raise CommandRefusedError("nothing to do: name a --group or a --role")
    people.require(ctx.connection, arguments.account)


def _posts(ctx: Context, arguments: argparse.Namespace) -> list[tuple[str, str]]:
    """Pairs of group and post of the options; raises CommandRefusedError for any that the reference data lack."""
    posts = [(group, post) for group, _, post in (pair.partition(":") for pair in arguments.group)]
    _check_keys(ctx, "groups", [group for group, _ in posts])
    _check_keys(ctx, "posts", [post for _, post in posts if post])
    _check_keys(ctx, "roles", arguments.role)
    return posts


def _check_keys(ctx: Context, table: str, keys: list[str]) -> None:
    for key in keys:
        if reference.row(ctx, table, key) is None:
            known = ", ".join(row["key"] for row in reference.rows(ctx, table))
            raise CommandRefusedError(f"{table} has no {key!r}; it has: {known or 'nothing yet'}")
