from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import event

from engine import instances
from engine import persistence as db
from engine.errors import ConflictError, InvalidValuesError, NotFoundError, StepFailedError
from tests.engine.check.draw import bpmn, call, catch, el, end, io, start, timer, user
from tests.engine.toys import NOW, Toy


def test_a_started_instance_waits_at_its_first_user_task(toy: Toy) -> None:
    instance_id = toy.start()
    task = toy.task("o_fill")
    assert (task.instance_id, task.business_key, task.candidate_group, task.priority) == (instance_id, "7", "desk", 2)
    assert (task.revision, task.created_at, task.due_at) == (1, NOW, NOW + timedelta(hours=1))
    (row,) = toy.rows(db.instance)
    assert (row.status, row.revision, row.ended_at) == ("running", 2, None)


def test_a_repeated_start_returns_the_running_instance(toy: Toy) -> None:
    first = toy.start(key="7")
    again = toy.do(instances.start, "order", "7", {"order_id": 7})
    assert (again.instance_id, again.created) == (first, False)
    assert toy.start(key="8") != first
    assert toy.count(db.instance) == 2


def test_a_key_can_start_again_once_its_instance_has_ended(toy: Toy) -> None:
    first = toy.start()
    toy.do(instances.cancel, first, "重复")
    assert toy.start() != first


def test_a_process_that_was_never_deployed_cannot_start(toy: Toy) -> None:
    with pytest.raises(NotFoundError):
        toy.do(instances.start, "nothing", "1", {})
    assert toy.count(db.instance) == 0


def test_an_order_runs_from_start_to_end(toy: Toy) -> None:
    instance_id = toy.start()
    step = toy.complete("o_fill", amount=21)
    assert step.opened == (toy.task("o_approve").id,)
    toy.complete("o_approve", answer="no")
    toy.complete("o_fill", amount=30)
    toy.complete("o_approve", answer="yes", actor="岗02")
    (sent,) = toy.rows(db.message)
    assert (sent.name, sent.key, sent.payload, sent.delivered_at) == ("approved", "7", 30, None)
    (wait,) = toy.rows(db.subscription)
    assert (wait.name, wait.key, wait.instance_id) == ("paid", "7", instance_id)
    step = toy.do(instances.deliver, "paid", "7", 60, actor="收款")
    assert step is not None
    assert step.completed
    (row,) = toy.rows(db.instance)
    assert (row.status, row.state, row.ended_at) == ("completed", None, NOW)
    for table in (db.user_task, db.timer, db.subscription):
        assert toy.count(table) == 0


def test_every_step_leaves_history_with_element_actor_and_outcome(toy: Toy) -> None:
    toy.start()
    toy.now += timedelta(minutes=5)
    toy.complete("o_fill", actor="岗02", amount=21)
    rows = {row.element_id: row for row in toy.rows(db.history)}
    filled = rows["o_fill"]
    assert (filled.element_type, filled.actor, filled.outcome) == ("userTask", "岗02", "21")
    assert (filled.entered_at, filled.left_at) == (NOW, NOW + timedelta(minutes=5))
    assert rows["o_price"].outcome == "42"
    assert rows["o_start"].actor == "岗01"


def test_the_end_of_an_instance_is_in_the_history(toy: Toy) -> None:
    instance_id = toy.to_approval()
    toy.do(instances.deliver, "withdraw", "7", "不要了", actor="客户")
    assert toy.outcomes(instance_id)[-1] == ("order", "completed")
    last = toy.rows(db.history)[-1]
    assert (last.element_type, last.actor) == ("process", "客户")


def test_values_that_the_form_refuses_change_nothing(toy: Toy) -> None:
    toy.start()
    with pytest.raises(InvalidValuesError) as refused:
        toy.complete("o_fill", amount=0)
    assert refused.value.problems == {"amount": "金额不能小于 1"}
    assert toy.task("o_fill").revision == 1


def test_a_finished_task_gets_a_conflict_with_who_and_when(toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    toy.now += timedelta(minutes=1)
    toy.complete("o_fill", actor="岗02", amount=1)
    with pytest.raises(ConflictError) as conflict:
        toy.do(instances.complete, row.id, {"amount": 2}, row.revision)
    assert (conflict.value.by, conflict.value.at) == ("岗02", NOW + timedelta(minutes=1))


def test_a_task_that_never_was_is_not_found(toy: Toy) -> None:
    with pytest.raises(NotFoundError):
        toy.do(instances.complete, "0" * 32, {}, 1)


def test_two_open_tasks_of_one_instance_do_not_disturb_each_other(toy: Toy) -> None:
    toy.start("pair")
    left, right = toy.task("p_left"), toy.task("p_right")
    toy.do(instances.complete, left.id, {}, left.revision)
    assert toy.task("p_right").revision == right.revision
    assert toy.do(instances.complete, right.id, {"note": "好"}, right.revision).completed


def test_cancelling_removes_the_waits_and_keeps_the_history(toy: Toy) -> None:
    instance_id = toy.to_approval()
    toy.do(instances.cancel, instance_id, "重复提交", actor="经理")
    for table in (db.user_task, db.timer, db.subscription):
        assert toy.count(table) == 0
    assert ("o_approve", "cancelled") in toy.outcomes(instance_id)
    last = toy.rows(db.history)[-1]
    assert (last.element_id, last.outcome, last.note, last.actor) == ("order", "cancelled", "重复提交", "经理")
    with pytest.raises(ConflictError) as conflict:
        toy.do(instances.cancel, instance_id, "再来一次")
    assert conflict.value.by == "经理"


def nest() -> dict[str, bytes]:
    """A call, in it a frame, and in that a user task beside a timer that is waited for."""
    nodes = [start("n_in"), el("parallelGateway", "n_fork"), user("n_do", props={"form": "do"})]
    nodes += [catch("n_timer", timer("'P1D'")), el("parallelGateway", "n_join"), end("n_out")]
    flows = ["n_in>n_fork", "n_fork>n_do", "n_fork>n_timer", "n_do>n_join", "n_timer>n_join", "n_join>n_out"]
    frame = el("subProcess", "n_frame", nodes=nodes, flows=flows)
    ways = ["n_start>n_frame", "n_frame>n_end"]
    inner = bpmn([start("n_start"), frame, end("n_end", "done")], ways, key="nest", io=io(["outcome"]))
    outer = bpmn(
        [start("m_start"), call("m_call", "nest"), end("m_end")], ["m_start>m_call", "m_call>m_end"], key="out"
    )
    return {"nest.bpmn": inner.encode(), "out.bpmn": outer.encode()}


def test_cancelling_leaves_history_for_everything_that_was_open(toy: Toy) -> None:
    toy.deploy(nest())
    instance_id = toy.start("out")
    toy.now += timedelta(hours=1)
    toy.do(instances.cancel, instance_id, "重复提交", actor="经理")
    cancelled = {row.element_id: row for row in toy.rows(db.history, instance_id=instance_id, outcome="cancelled")}
    assert cancelled.keys() == {"m_call", "n_frame", "n_do", "n_timer", "out"}
    assert {(row.entered_at, row.left_at, row.actor) for row in cancelled.values()} == {(NOW, toy.now, "经理")}


def test_an_instance_whose_state_is_broken_can_be_cancelled(toy: Toy) -> None:
    instance_id = toy.to_approval()
    with toy.engine.begin() as connection:
        connection.execute(db.instance.update().values(state=b"?"))
    toy.do(instances.cancel, instance_id, "坏了")
    assert toy.outcomes(instance_id)[-2:] == [("o_approve", "cancelled"), ("order", "cancelled")]


def test_the_steps_of_one_unit_of_work_share_a_budget(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    with toy.unit() as ctx:
        instances.start(ctx, "order", "1", {"order_id": 1})
        (cost,) = [value for key, value in ctx.memo.items() if key == "steps run"]
    monkeypatch.setattr(import_module("engine.spiff.advance"), "MAX_STEPS", 2 * cost)
    with toy.unit() as ctx:
        for key in ("2", "3"):
            instances.start(ctx, "order", key, {"order_id": 1})
        with pytest.raises(StepFailedError):
            instances.start(ctx, "order", "4", {"order_id": 1})
    with toy.unit() as ctx:
        instances.start(ctx, "order", "5", {"order_id": 1})


def test_cancelling_is_refused_when_the_instance_moved_since_it_was_read(toy: Toy) -> None:
    instance_id = toy.start()
    (seen,) = toy.rows(db.instance)
    toy.complete("o_fill", actor="岗02", amount=1)
    with pytest.raises(ConflictError) as conflict:
        toy.do(instances.cancel, instance_id, "看错了", revision=seen.revision)
    assert conflict.value.by == "岗02"


def test_a_suspended_instance_refuses_work_until_it_is_resumed(toy: Toy) -> None:
    instance_id = toy.to_approval()
    toy.do(instances.suspend, instance_id, "等待核实", actor="经理")
    task = toy.task("o_approve")
    assert task.suspended
    assert (toy.count(db.timer), toy.count(db.subscription)) == (0, 0)
    with pytest.raises(ConflictError) as conflict:
        toy.complete("o_approve", answer="yes")
    assert conflict.value.by == "经理"
    with pytest.raises(ConflictError):
        toy.do(instances.suspend, instance_id, "再暂停")
    toy.do(instances.resume, instance_id, "已核实", actor="经理")
    assert (toy.count(db.timer), toy.count(db.subscription)) == (1, 1)
    assert toy.do(instances.complete, task.id, {"answer": "yes"}, task.revision).instance_id == instance_id
    notes = [(row.outcome, row.note) for row in toy.rows(db.history, element_type="process")]
    assert notes == [("suspended", "等待核实"), ("resumed", "已核实")]


def test_a_timer_that_fell_due_while_suspended_fires_after_resuming(toy: Toy) -> None:
    instance_id = toy.to_approval()
    toy.do(instances.suspend, instance_id, "等待核实")
    toy.now += timedelta(days=2)
    assert toy.tick() == 0
    toy.do(instances.resume, instance_id, "继续")
    assert toy.tick() == 1
    assert ("o_late", "late") in toy.outcomes(instance_id)


def test_only_a_suspended_instance_can_be_resumed(toy: Toy) -> None:
    instance_id = toy.start()
    with pytest.raises(ConflictError):
        toy.do(instances.resume, instance_id, "继续")
    with pytest.raises(NotFoundError):
        toy.do(instances.resume, 999, "继续")


def counted(toy: Toy, verb: Callable[..., Any], *args: Any) -> list[str]:
    """The statements of one unit of work after a first one of its kind filled the caches."""
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    event.listen(toy.engine, "before_cursor_execute", note)
    try:
        toy.do(verb, *args)
    finally:
        event.remove(toy.engine, "before_cursor_execute", note)
    return statements


def test_completing_one_of_two_open_tasks_costs_four_statements(toy: Toy) -> None:
    def offer_without_waits() -> list[str]:
        toy.start("pair", "1")
        left = toy.task("p_left")
        return counted(toy, instances.complete, left.id, {}, left.revision)

    statements = offer_without_waits()
    assert [one.split()[0] for one in statements] == ["SELECT", "UPDATE", "DELETE", "INSERT"]


def test_a_step_that_also_opens_timer_and_message_waits_costs_seven_statements(toy: Toy) -> None:
    toy.start()
    task = toy.task("o_fill")
    statements = counted(toy, instances.complete, task.id, {"amount": 5}, task.revision)
    tables = [" ".join(one.split()[:3]) for one in statements]
    assert tables == [
        "SELECT instance.id AS",
        "UPDATE instance SET",
        "DELETE FROM user_task",
        "INSERT INTO user_task",
        "INSERT INTO timer",
        "INSERT INTO subscription",
        "INSERT INTO history",
    ]


def test_starting_costs_no_more_than_seven_statements(toy: Toy) -> None:
    toy.start(key="1")
    statements = counted(toy, instances.start, "order", "2", {"order_id": 2})
    assert len(statements) <= 7, statements
