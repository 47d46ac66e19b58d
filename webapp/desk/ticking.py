"""What is due is done: timers fire, messages are delivered."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from engine import instances, timers
from engine.context import SYSTEM
from webapp.desk.core import BATCH, LEASE, Desk

ROUNDS = 20  # batches in one tick: the next tick goes on, and other nodes get their share


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one tick did."""

    timers: int
    messages: int


def tick(desk: Desk) -> Ticked:
    """Carry out what has come due by the desk's clock, each thing in its own unit of work.

    Any number of nodes may tick at once: each claims its share with a lease, and what a dead node had claimed is
    claimed again when the lease ends.
    """
    fired = 0
    for _ in range(ROUNDS):
        with desk.unit_of_work(SYSTEM) as ctx:
            due = timers.claim_due(ctx, desk.node, BATCH, LEASE)
        for timer in due:
            fired += desk.attempt(f"timer {timer.element_id}", partial(instances.fire, timer=timer))
        if len(due) < BATCH:
            break
    delivered = desk.pump()
    return Ticked(fired, delivered)
