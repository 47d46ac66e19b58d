"""What a page reads with: one read-only transaction, one instant, the person, and the words for all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from flask import g

from engine.context import Context
from handlers import reference
from webapp.current import current_desk, current_person, current_settings
from webapp.queries import people
from webapp.rights import Person
from webapp.routes import labels, words


@dataclass(frozen=True, slots=True)
class Reader:
    """A reading context with its viewer; never used to write."""

    ctx: Context
    person: Person
    zone: tzinfo

    def moment(self, instant: datetime) -> str:
        """An instant in the short form of lists."""
        return words.moment(instant, self.ctx.now, self.zone)

    def name(self, table: str, key: str | None) -> str:
        """The words of a key of a reference table."""
        return reference.name(self.ctx, table, key)

    def value(self, column: str, value: Any, accounts: Mapping[str, str] | None = None) -> str:
        """The words of a column's value."""
        return labels.value_words(self.ctx, column, value, moment=self.moment, people=accounts or {})

    def holder(self, group: str | None, account: str | None, accounts: Mapping[str, str]) -> str:
        """Who answers for something: the person, else the group."""
        return accounts.get(account, account) if account else self.name("groups", group)

    def accounts(self, *accounts: str | None) -> dict[str, str]:
        """Names of accounts, and of all that were asked for before: one statement for what is not known yet."""
        known: dict[str, str] = self.ctx.memo.setdefault("names of accounts", {})
        missing = [account for account in accounts if account and account not in known]
        if missing:
            known.update(people.names(self.ctx.connection, missing))
        return dict(known)


@contextmanager
def reading() -> Iterator[Reader]:
    """Open the page's transaction; it ends with the block."""
    desk, person = current_desk(), current_person()
    with desk.reading() as connection:
        ctx = Context(connection=connection, now=desk.clock(), actor=person.account, handlers=desk.handlers)
        g.page_context = ctx  # the frame around the page reads with it, too
        try:
            yield Reader(ctx, person, current_settings().zone)
        finally:
            g.pop("page_context", None)
