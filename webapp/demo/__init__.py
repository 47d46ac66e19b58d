"""The demo: accounts for every post, and incidents in all stages, made by the same verbs that pages call."""

from __future__ import annotations

from datetime import timedelta

from engine.context import SYSTEM
from webapp import auth, people
from webapp.demo.accounts import ACCOUNTS, PASSWORD, Account
from webapp.demo.player import play
from webapp.demo.stories import STORIES
from webapp.desk import Desk

__all__ = ["ACCOUNTS", "PASSWORD", "STORIES", "Account", "load", "play"]

JUST_NOW = timedelta(minutes=1)  # the last act of the stories lies so long before the first look at them


def load(desk: Desk) -> bool:
    """Make the demo in a database that has no demo accounts yet; whether there was something to make.

    Needs the shipped definitions and reference data to be deployed.
    """
    with desk.reading() as connection:
        if people.demo_accounts(connection):
            return False
    password_hash = auth.hash_password(PASSWORD)
    with desk.unit_of_work(SYSTEM) as ctx:
        for account in ACCOUNTS:
            people.add(
                ctx,
                account.account,
                account.name,
                password_hash,
                posts=account.posts,
                roles=account.roles,
                demo=True,
            )
    play(desk, STORIES, desk.clock() - JUST_NOW)
    return True
