"""The doors' clock: the one place that reads the time, and the ticker that carries out what has come due."""

from __future__ import annotations

from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from engine import messages
from engine.context import SYSTEM
from webapp import auth, logs
from webapp import desk as verbs
from webapp.desk import Desk, idempotency

log = logs.logger("lovem.clock")

TIDY_MINUTES = 30


def system_now() -> datetime:
    """The present instant, aware UTC."""
    return datetime.now(UTC)


class Ticker:
    """Calls ``desk.tick`` every few seconds, in a thread of its own and never twice at once.

    Every node has one. Jobs live in memory: what is due is rows in the database, which the nodes claim from each other.
    """

    def __init__(self, desk: Desk, every_seconds: int) -> None:
        """Make it without starting it."""
        self._desk = desk
        self._scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(1)})
        self._scheduler.add_job(
            self._tick,
            "interval",
            seconds=every_seconds,
            coalesce=True,  # after a long pause: once
            max_instances=1,
            misfire_grace_time=None,
            next_run_time=system_now(),
        )
        self._scheduler.add_job(self._tidy, "interval", minutes=TIDY_MINUTES, coalesce=True, max_instances=1)

    def start(self) -> None:
        """Begin to tick at once."""
        self._scheduler.start()

    def stop(self) -> None:
        """End after the tick that is running; nothing where it never began."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def _tick(self) -> None:
        # A failure must not end the ticking; what it missed is still due at the next.
        try:
            verbs.tick(self._desk)
        except Exception:
            log.exception("tick failed")

    def _tidy(self) -> None:
        try:
            tidy(self._desk)
        except Exception:
            log.exception("tidying failed")


def tidy(desk: Desk) -> None:
    """Remove expired sessions, forgotten failures to sign in, results that no retry can ask for, and old messages."""
    with desk.unit_of_work(SYSTEM) as ctx:
        auth.forget_old(ctx)
        idempotency.forget_old(ctx)
        undelivered = messages.forget_old(ctx)
    for name, count in undelivered.items():
        log.warning("%d messages %s found no receiver in %d days and are removed", count, name, messages.KEPT_FOR.days)
