"""One user task with its process, open or done."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from engine.persistence import history, instance, user_task
from webapp.queries.rows import Record, first

# Built once: every page of a task and every submit asks for it.
_GET = (
    select(user_task, instance.c.bundle_id, instance.c.status)
    .join(instance, instance.c.id == user_task.c.instance_id)
    .where(user_task.c.id == bindparam("task_id"))
)


def get(connection: Connection, task_id: str) -> Record | None:
    """An open task with ``bundle_id`` and ``status`` of its instance; None when it is done or never was."""
    return first(connection.execute(_GET, {"task_id": task_id}))


def done(connection: Connection, task_id: str) -> Record | None:
    """How a task ended: element, actor, when, outcome, and the business key of its process."""
    columns = (*history.columns, instance.c.business_key, instance.c.bundle_id)
    query = select(*columns).join(instance, instance.c.id == history.c.instance_id)
    wanted = query.where(history.c.task_id == task_id, history.c.element_type == "userTask")
    return first(connection.execute(wanted.order_by(history.c.id.desc()).limit(1)))


@dataclass(frozen=True, slots=True)
class Offered:
    """A task as far as rights need it."""

    candidate_group: str | None
    assignee: str | None


def as_offered(task: Record) -> Offered:
    """The part of a task's row that rights ask for."""
    return Offered(task["candidate_group"], task["assignee"])
