"""The unit of work: one transaction, one instant, one actor. The only commit of the product stands here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from threading import RLock
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from engine import instances, messages
from engine.context import SYSTEM, Context, Handler
from engine.errors import ConflictError, EngineError, InvalidValuesError, NotFoundError, StepFailedError
from engine.saving import MESSAGES
from webapp import logs, refusals
from webapp.language import N_
from webapp.rights import Person

log = logs.logger("lovem.desk")

LEASE = timedelta(minutes=2)  # longer than any step; a node that dies leaves its rows to the others after it
BATCH = 50
REASON_LENGTH = 1000
PUMP_AT_MOST = 500  # deliveries after one commit: a ring of messages must not hold a request for ever
BUSY_STATES = {"40001", "40P01", "55P03"}  # PostgreSQL: serialization failure, deadlock, lock not available


class BusyError(ConflictError):
    """The database could not give the locks; nothing was changed and the same command may be tried again."""


@dataclass(frozen=True, slots=True)
class Desk:
    """All that the verbs share. ``clock`` gives aware UTC; ``node`` names this process in leases."""

    engine: Engine
    clock: Callable[[], datetime]
    handlers: Mapping[str, Handler]
    node: str
    turns: AbstractContextManager[object] = field(default_factory=RLock, repr=False, compare=False)

    @contextmanager
    def unit_of_work(self, actor: Person | str, *, on_behalf_of: str | None = None) -> Iterator[Context]:
        """One transaction that is committed when the block ends and rolled back when it raises.

        A step that fails leaves its instance stuck (in a transaction of its own) and is raised again. Messages that
        were thrown are delivered after the commit.
        """
        account = actor.account if isinstance(actor, Person) else actor
        notes: set[str] = set()
        try:
            with self._transaction(account, on_behalf_of, notes) as ctx:
                yield ctx
        except StepFailedError as failure:
            self._mark_stuck(failure, account)
            raise
        except EngineError as refusal:
            refusals.in_language(refusal)
            raise
        if MESSAGES in notes:
            self._pump_after_commit()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for SELECTs of one consistent moment; takes no write lock."""
        with self.engine.connect() as connection:
            options: dict[str, Any] = {"read_only": True}
            if connection.dialect.name == "postgresql":  # SQLite reads one moment by itself
                options["isolation_level"] = "REPEATABLE READ"
            yield connection.execution_options(**options)

    def pump(self) -> int:
        """Deliver the messages that have a receiver, each in its own transaction; the number delivered."""
        delivered = 0
        while delivered < PUMP_AT_MOST:
            with self._transaction(SYSTEM) as ctx:
                rows = messages.claim_due(ctx, self.node, BATCH, LEASE)
            if not rows:
                break
            for row in rows:
                delivered += self.attempt(f"message {row.name}", partial(messages.deliver, message=row))
        return delivered

    def attempt(self, what: str, step: Callable[[Context], object]) -> bool:
        """Run a step that nobody waits for in its own transaction: whether it was carried out.

        A refusal means that somebody was faster. Anything else is logged; the row's lease ends and it is tried again.
        """
        try:
            with self._transaction(SYSTEM) as ctx:
                step(ctx)
        except StepFailedError as failure:
            self._mark_stuck(failure, SYSTEM)
        except EngineError as refusal:
            log.info("%s: not carried out: %s", what, type(refusal).__name__)
        except Exception:
            log.exception("%s failed", what)
        else:
            return True
        return False

    @contextmanager
    def _transaction(
        self, account: str, on_behalf_of: str | None = None, notes: set[str] | None = None
    ) -> Iterator[Context]:
        try:
            with self._turn(), self.engine.begin() as connection:
                ctx = Context(
                    connection=connection,
                    now=self.clock(),
                    actor=account,
                    handlers=self.handlers,
                    on_behalf_of=on_behalf_of,
                    notes=set() if notes is None else notes,
                )
                yield ctx
                ctx.settle()
        except DBAPIError as error:
            if _is_busy(error):
                raise BusyError(_("系统正忙，您的操作没有生效，请稍后重试。")) from error
            raise

    def _turn(self) -> AbstractContextManager[object]:
        """SQLite lets one write at a time: its threads queue here, where the next one goes on without a pause."""
        return self.turns if self.engine.dialect.name == "sqlite" else nullcontext()

    def _pump_after_commit(self) -> None:
        # What was committed stays so, whatever becomes of its messages: the ticker delivers what is left over.
        try:
            self.pump()
        except Exception:
            log.exception("messages are left to the ticker")

    def _mark_stuck(self, failure: StepFailedError, account: str) -> None:
        log.error("%s", failure, exc_info=failure)
        try:
            with self._transaction(account) as ctx:
                instances.mark_stuck(ctx, failure)
        except NotFoundError:
            log.info("instance %s went with the roll-back", failure.instance_id)
        except Exception:
            log.exception("instance %s could not be marked stuck", failure.instance_id)


def given(text: str, *, field: str = "reason", name: str = N_("原因"), most: int = REASON_LENGTH) -> str:
    """A text without surrounding blanks; raises InvalidValuesError when it is empty or has more than ``most``."""
    if not (text := text.strip()):
        raise InvalidValuesError({field: _("请填写%(name)s", name=_(name))})
    if len(text) > most:
        raise InvalidValuesError({field: _("%(name)s最多 %(most)s 个字符", name=_(name), most=most)})
    return text


def _is_busy(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return state in BUSY_STATES or "database is locked" in str(error.orig)
