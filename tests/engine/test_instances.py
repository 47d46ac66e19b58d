from __future__ import annotations

from datetime import timedelta

from engine import persistence as db
from tests.engine.toys import NOW, Toy


def test_a_started_instance_waits_at_its_first_user_task(toy: Toy) -> None:
    instance_id = toy.start()
    task = toy.task("o_fill")
    assert (task.instance_id, task.business_key, task.candidate_group, task.priority) == (instance_id, "7", "desk", 2)
    assert (task.revision, task.created_at, task.due_at) == (1, NOW, NOW + timedelta(hours=1))
    (row,) = toy.rows(db.instance)
    assert (row.status, row.revision, row.ended_at) == ("running", 2, None)
