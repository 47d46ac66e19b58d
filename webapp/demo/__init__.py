"""The demo: accounts for every post, and incidents in all stages, made by the same verbs that pages call."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from engine.context import SYSTEM
from handlers.records.tables import customer
from webapp import auth, people
from webapp.demo.accounts import ACCOUNTS, PASSWORD, Account
from webapp.demo.player import play
from webapp.demo.stories import REPORTER, STORIES
from webapp.desk import Desk

__all__ = ["ACCOUNTS", "PASSWORD", "STORIES", "Account", "load", "play"]

CUSTOMER = "customer01"  # the account of a customer
JUST_NOW = timedelta(minutes=1)  # the last act of the stories lies so long before the first look at them


def load(desk: Desk) -> bool:
    """Make the demo, or what is missing of one that was interrupted; whether there was something to make.

    Needs the shipped definitions and reference data to be deployed. The accounts get their password last: as long as
    nobody can sign in, the demo is not whole.
    """
    with desk.reading() as connection:
        present = set(people.demo_accounts(connection))
        if people.somebody_can_sign_in(connection, present):
            return False
    with desk.unit_of_work(SYSTEM) as ctx:
        for each in ACCOUNTS:
            if each.account not in present:
                people.add(
                    ctx, each.account, each.name, None, posts=each.posts, roles=each.roles, phone=each.phone, demo=True
                )
    play(desk, STORIES, desk.clock() - JUST_NOW)
    _let_a_customer_in(desk)
    password_hash = auth.hash_password(PASSWORD)
    with desk.unit_of_work(SYSTEM) as ctx:
        for each in ACCOUNTS:
            people.set_password(ctx, each.account, password_hash)
    return True


def _let_a_customer_in(desk: Desk) -> None:
    """Give the customer's account the customer who has something to answer and something to confirm."""
    query = select(customer.c.id).where(customer.c.staff_number == REPORTER["staff_number"])
    with desk.unit_of_work(SYSTEM) as ctx:
        people.link_customer(ctx, CUSTOMER, ctx.connection.execute(query).scalar_one())
