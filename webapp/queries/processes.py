"""What runs in the deployed processes: how many instances, and at which elements they wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from sqlalchemy import Connection, func, select

from engine.persistence import instance, timer, user_task


def running(connection: Connection) -> Counter[str]:
    """How many instances of each process have not ended."""
    c = instance.c
    query = select(c.process_key, func.count()).where(c.ended_at.is_(None)).group_by(c.process_key)
    return Counter({key: number for key, number in connection.execute(query)})


def waiting_at(connection: Connection, elements: Collection[str]) -> Counter[str]:
    """How many open tasks and timers wait at each of these elements."""
    found: Counter[str] = Counter()
    for waits in (user_task, timer):
        place = waits.c.element_id
        query = select(place, func.count()).where(place.in_(list(elements))).group_by(place)
        for element_id, number in connection.execute(query):
            found[element_id] += number
    return found
