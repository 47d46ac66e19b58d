"""Two at once: exactly one wins, the other is told. Threads meet in the first one's operation, never by chance."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from engine import instances, messages, tasks, timers
from engine import persistence as db
from engine.context import Context
from engine.errors import ConflictError
from tests.engine.toys import LEASE, Toy

Verb = Callable[[Context], Any]


class Race:
    """Runs ``first`` up to its end, before its commit; then starts ``second``; then lets ``first`` commit.

    On SQLite the second waits for the write lock, on PostgreSQL for a row; either way it goes on after the commit.
    """

    def __init__(self, toy: Toy) -> None:
        self.toy = toy
        self.results: dict[str, Any] = {}

    def run(self, first: Verb, second: Verb) -> tuple[Any, Any]:
        done, started = threading.Event(), threading.Event()

        def leader() -> None:
            with self.toy.unit("岗01") as ctx:
                self.results["first"] = first(ctx)
                done.set()
                assert started.wait(20)
                self._until_blocked()

        def follower() -> None:
            assert done.wait(20)
            started.set()
            try:
                with self.toy.unit("岗02") as ctx:
                    self.results["second"] = second(ctx)
            except ConflictError as conflict:
                self.results["second"] = conflict

        threads = [threading.Thread(target=leader), threading.Thread(target=follower)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return self.results["first"], self.results["second"]

    def _until_blocked(self) -> None:
        """Wait until the second one waits for a lock, as the database itself says; SQLite needs no wait."""
        if self.toy.engine.dialect.name != "postgresql":
            return
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        for _ in range(20_000):
            with self.toy.engine.connect() as connection:
                if connection.exec_driver_sql(waiting).scalar():
                    return
        pytest.fail("the second never met the first")


@pytest.fixture
def race(toy: Toy) -> Race:
    return Race(toy)


def test_of_two_claims_one_wins_and_the_other_hears_who(race: Race, toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    claim: Verb = lambda ctx: tasks.claim(ctx, row.id, row.revision)  # noqa: E731
    won, lost = race.run(claim, claim)
    assert won == row.revision + 1
    assert isinstance(lost, ConflictError)
    assert lost.by == "岗01"
    assert toy.task("o_fill").assignee == "岗01"


def test_of_two_completions_one_wins_and_the_other_hears_who(race: Race, toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    won, lost = race.run(
        lambda ctx: instances.complete(ctx, row.id, {"amount": 1}, row.revision),
        lambda ctx: instances.complete(ctx, row.id, {"amount": 2}, row.revision),
    )
    assert won.opened
    assert isinstance(lost, ConflictError)
    assert (lost.by, lost.at) == ("岗01", toy.now)
    assert [one.outcome for one in toy.rows(db.history, element_id="o_fill")] == ["1"]


def test_a_claim_that_comes_first_defeats_a_completion_from_the_old_page(race: Race, toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    _, lost = race.run(
        lambda ctx: tasks.claim(ctx, row.id, row.revision),
        lambda ctx: instances.complete(ctx, row.id, {"amount": 2}, row.revision),
    )
    assert isinstance(lost, ConflictError)
    assert (lost.by, lost.at) == ("岗01", toy.now)
    assert toy.task("o_fill").assignee == "岗01"


def test_a_completion_that_comes_first_defeats_a_claim(race: Race, toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    _, lost = race.run(
        lambda ctx: instances.complete(ctx, row.id, {"amount": 2}, row.revision),
        lambda ctx: tasks.claim(ctx, row.id, row.revision),
    )
    assert isinstance(lost, ConflictError)
    assert lost.by == "岗01"


def test_a_completion_that_comes_first_leaves_the_timer_nothing_to_do(race: Race, toy: Toy) -> None:
    instance_id = toy.to_approval()
    row = toy.task("o_approve")
    toy.now += timedelta(days=1)
    (due,) = toy.do(timers.claim_due, "n1", 10, LEASE)
    won, lost = race.run(
        lambda ctx: instances.complete(ctx, row.id, {"answer": "yes"}, row.revision),
        lambda ctx: instances.fire(ctx, due),
    )
    assert won.instance_id == instance_id
    assert lost is None
    assert ("o_late", "late") not in toy.outcomes(instance_id)


def test_a_timer_that_comes_first_defeats_the_completion(race: Race, toy: Toy) -> None:
    instance_id = toy.to_approval()
    row = toy.task("o_approve")
    toy.now += timedelta(days=1)
    (due,) = toy.do(timers.claim_due, "n1", 10, LEASE)
    won, lost = race.run(
        lambda ctx: instances.fire(ctx, due),
        lambda ctx: instances.complete(ctx, row.id, {"answer": "yes"}, row.revision),
    )
    assert won.completed
    assert isinstance(lost, ConflictError)
    assert lost.by == "岗01"
    assert ("o_tell", None) not in toy.outcomes(instance_id)


def test_a_message_that_ends_the_instance_defeats_the_cancel(race: Race, toy: Toy) -> None:
    instance_id = toy.to_approval()
    won, lost = race.run(
        lambda ctx: messages.command(ctx, "withdraw", 7),
        lambda ctx: instances.cancel(ctx, instance_id, "重复"),
    )
    assert won.completed
    assert isinstance(lost, ConflictError)
    assert lost.by == "岗01"
    assert toy.rows(db.instance)[0].status == "completed"


def test_a_cancel_that_comes_first_defeats_the_message(race: Race, toy: Toy) -> None:
    instance_id = toy.to_approval()
    _, lost = race.run(
        lambda ctx: instances.cancel(ctx, instance_id, "重复"),
        lambda ctx: messages.command(ctx, "withdraw", 7),
    )
    assert isinstance(lost, ConflictError)
    assert lost.by == "岗01"
    assert toy.rows(db.instance)[0].status == "cancelled"


def test_a_buffered_message_is_delivered_by_one_of_two_nodes(race: Race, toy: Toy) -> None:
    toy.to_approval()
    toy.do(messages.send, "withdraw", 7)
    (message,) = toy.do(messages.claim_due, "n1", 10, LEASE)
    won, lost = race.run(
        lambda ctx: messages.deliver(ctx, message),
        lambda ctx: messages.deliver(ctx, message),
    )
    assert won.completed
    assert lost is None


def test_two_starts_with_one_key_are_one_instance(race: Race, toy: Toy) -> None:
    start: Verb = lambda ctx: instances.start(ctx, "order", "7", {"order_id": 7})  # noqa: E731
    first, second = race.run(start, start)
    assert (first.created, second.created) == (True, False)
    assert first.instance_id == second.instance_id
    assert toy.count(db.instance) == 1


def test_two_branches_completed_at_once_both_count(race: Race, toy: Toy) -> None:
    toy.start("pair")
    left, right = toy.task("p_left"), toy.task("p_right")
    first, second = race.run(
        lambda ctx: instances.complete(ctx, left.id, {}, left.revision),
        lambda ctx: instances.complete(ctx, right.id, {}, right.revision),
    )
    assert (first.completed, second.completed) == (False, True)


def test_two_nodes_never_lease_the_same_timer(toy: Toy) -> None:
    for key in range(1, 9):
        toy.to_approval(str(key))
    toy.now += timedelta(days=1)
    with toy.unit() as ctx:
        mine = timers.claim_due(ctx, "n1", 5, LEASE)
        if toy.engine.dialect.name == "postgresql":  # the other node does not even wait
            theirs = toy.do(timers.claim_due, "n2", 5, LEASE)
    if toy.engine.dialect.name == "sqlite":
        theirs = toy.do(timers.claim_due, "n2", 5, LEASE)
    assert (len(mine), len(theirs)) == (5, 3)
    assert not {one.task_id for one in mine} & {one.task_id for one in theirs}
