from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from engine import instances, messages, tasks
from engine import persistence as db
from engine.context import Call, Context
from engine.errors import BpmnError, ConflictError, NotAllowedError, StepFailedError
from engine.saving import MESSAGES
from tests.engine.toys import NOW, Toy


def broken(_ctx: Context, _call: Call) -> Any:
    raise ZeroDivisionError("除以零")


def approve(_ctx: Context, call: Call) -> Any:
    return call.values["answer"] if call.values else None


def test_an_exception_in_a_step_rolls_back_and_marks_the_instance_stuck(toy: Toy) -> None:
    instance_id = toy.start()
    toy.handlers["order.price"] = broken
    with pytest.raises(StepFailedError):
        toy.complete("o_fill", actor="岗02", amount=21)
    (row,) = toy.rows(db.instance)
    assert row.status == "stuck"
    (stuck,) = toy.rows(db.stuck)
    assert (stuck.instance_id, stuck.element_id, stuck.actor, stuck.stuck_at) == (instance_id, "o_price", "岗02", NOW)
    assert "ZeroDivisionError: 除以零" in stuck.cause
    assert stuck.command["values"] == {"amount": 21}
    assert ("o_fill", "21") not in toy.outcomes(instance_id)
    assert toy.task("o_fill").suspended


def test_a_stuck_instance_refuses_work_and_says_so(toy: Toy) -> None:
    toy.start()
    toy.handlers["order.price"] = broken
    with pytest.raises(StepFailedError):
        toy.complete("o_fill", actor="岗02", amount=21)
    with pytest.raises(ConflictError, match="出错") as conflict:
        toy.complete("o_fill", amount=22)
    assert conflict.value.by == "岗02"


def test_retry_repeats_the_step_as_its_original_actor_with_the_values_now(toy: Toy) -> None:
    instance_id = toy.start()
    toy.handlers["order.price"] = broken
    with pytest.raises(StepFailedError):
        toy.complete("o_fill", actor="岗02", amount=21)
    toy.handlers["order.price"] = lambda ctx, call: call.data["amount"] * 3
    toy.now += timedelta(hours=4)
    step = toy.do(instances.retry, instance_id, actor="运维")
    assert step.opened == (toy.task("o_approve").id,)
    (filled,) = toy.rows(db.history, element_id="o_fill")
    assert (filled.actor, filled.outcome, filled.left_at) == ("岗02", "21", NOW + timedelta(hours=4))
    (row,) = toy.rows(db.instance)
    assert (row.status, toy.count(db.stuck), toy.count(db.timer), toy.count(db.subscription)) == ("running", 0, 1, 1)
    retried = [(one.outcome, one.actor) for one in toy.rows(db.history, element_type="process")]
    assert retried == [("stuck", "岗02"), ("retried", "运维")]


def test_a_retry_that_fails_again_keeps_the_command_and_shows_the_newest_cause(toy: Toy) -> None:
    instance_id = toy.start()
    toy.handlers["order.price"] = broken
    with pytest.raises(StepFailedError):
        toy.complete("o_fill", actor="岗02", amount=21)

    def other(_ctx: Context, _call: Call) -> Any:
        raise ValueError("别的原因")

    toy.handlers["order.price"] = other
    with pytest.raises(StepFailedError):
        toy.do(instances.retry, instance_id, actor="运维")
    (stuck,) = toy.rows(db.stuck)
    assert "别的原因" in stuck.cause
    assert (stuck.actor, stuck.command["values"]) == ("岗02", {"amount": 21})
    toy.handlers["order.price"] = lambda ctx, call: 1
    toy.do(instances.retry, instance_id)
    assert toy.task("o_approve")


def test_marking_stuck_twice_changes_nothing(toy: Toy) -> None:
    instance_id = toy.start()
    toy.handlers["order.price"] = broken
    with pytest.raises(StepFailedError) as failed:
        toy.complete("o_fill", amount=21)
    assert toy.do(instances.mark_stuck, failed.value) == instance_id
    assert (toy.count(db.stuck), len(toy.rows(db.history, outcome="stuck"))) == (1, 1)


def test_a_late_report_of_a_failure_never_hides_a_newer_success(toy: Toy) -> None:
    instance_id = toy.start()
    row = toy.task("o_fill")
    toy.handlers["order.price"] = broken
    with pytest.raises(StepFailedError) as failed, toy.unit() as ctx:
        instances.complete(ctx, row.id, {"amount": 1}, row.revision)
    toy.handlers["order.price"] = lambda ctx, call: 1
    toy.complete("o_fill", amount=2)
    assert toy.do(instances.mark_stuck, failed.value) is None
    assert toy.rows(db.instance, id=instance_id)[0].status == "running"


def test_a_refusal_of_an_operation_goes_to_the_person_and_sticks_nothing(toy: Toy) -> None:
    def refuse(_ctx: Context, _call: Call) -> Any:
        raise NotAllowedError("您不能批准自己的订单")

    toy.to_approval()
    toy.handlers["order.approve"] = refuse
    with pytest.raises(NotAllowedError):
        toy.complete("o_approve", answer="yes")
    assert toy.count(db.stuck) == 0
    assert toy.task("o_approve").revision == 1


def test_a_refusal_in_a_timers_step_has_nobody_to_tell_and_sticks(toy: Toy) -> None:
    def refuse(_ctx: Context, _call: Call) -> Any:
        raise NotAllowedError("不行")

    toy.start("reminder")
    toy.handlers["remind"] = refuse
    toy.now += timedelta(days=7)
    with pytest.raises(StepFailedError):
        toy.tick()
    assert toy.count(db.timer) == 0
    assert toy.tick() == 0
    (stuck,) = toy.rows(db.stuck)
    assert (stuck.element_id, stuck.command["do"]) == ("r_tell", "fire")
    toy.handlers["remind"] = lambda ctx, call: toy.reminded.append(ctx.now)
    toy.do(instances.retry, stuck.instance_id)
    assert len(toy.reminded) == 1
    assert toy.count(db.timer) == 1


def test_a_message_whose_step_fails_is_kept_and_delivered_by_the_retry(toy: Toy) -> None:
    toy.deploy({"echo.bpmn": echo()})
    instance_id = toy.do(instances.start, "echo", "1", {"order_id": 7}).instance_id
    toy.do(messages.send, "go", 7, "内容")
    toy.handlers["remind"] = broken
    with pytest.raises(StepFailedError):
        toy.tick()
    (row,) = toy.rows(db.message)
    assert row.delivered_at is None
    assert toy.tick() == 0
    toy.handlers["remind"] = lambda ctx, call: toy.reminded.append(ctx.now)
    assert toy.do(instances.retry, instance_id).completed
    (row,) = toy.rows(db.message)
    assert (row.receiver_id, len(toy.reminded)) == (instance_id, 1)


def test_a_start_that_somebody_asked_for_leaves_nothing_when_it_fails(toy: Toy) -> None:
    toy.handlers["order.offer"] = broken
    with pytest.raises(StepFailedError):
        toy.start()
    assert (toy.count(db.instance), toy.count(db.stuck)) == (0, 0)


def test_only_a_stuck_instance_can_be_retried(toy: Toy) -> None:
    instance_id = toy.start()
    with pytest.raises(ConflictError):
        toy.do(instances.retry, instance_id)


def test_a_stuck_instance_can_be_cancelled(toy: Toy) -> None:
    instance_id = toy.start()
    toy.handlers["order.price"] = broken
    with pytest.raises(StepFailedError):
        toy.complete("o_fill", amount=21)
    toy.do(instances.cancel, instance_id, "改用新流程")
    assert (toy.count(db.stuck), toy.rows(db.instance)[0].status) == (0, "cancelled")


def test_an_unknown_operation_an_uncaught_fault_and_a_strange_answer_stick(toy: Toy) -> None:
    def fault(_ctx: Context, _call: Call) -> Any:
        raise BpmnError("E1", "没有人接")

    for handler in (None, fault, lambda ctx, call: object()):
        key = str(toy.count(db.instance) + 1)
        toy.start(key=key)
        row = toy.task("o_fill", business_key=key)
        if handler is None:
            del toy.handlers["order.price"]
        else:
            toy.handlers["order.price"] = handler
        with pytest.raises(StepFailedError) as failed:
            toy.do(instances.complete, row.id, {"amount": 1}, row.revision)
        assert failed.value.element_id == "o_price"
    assert [row.status for row in toy.rows(db.instance)] == ["stuck"] * 3


def test_a_database_that_is_busy_sticks_nothing(toy: Toy) -> None:
    def busy(_ctx: Context, _call: Call) -> Any:
        error = OperationalError("SELECT 1", {}, Exception("database is locked"))
        error.orig.sqlite_errorcode = 5  # type: ignore[union-attr]
        raise error

    toy.start()
    toy.handlers["order.price"] = busy
    with pytest.raises(OperationalError):
        toy.complete("o_fill", amount=1)
    assert toy.count(db.stuck) == 0


def echo() -> bytes:
    from tests.engine.check.draw import about, bpmn, catch, end, message_, service, start

    return bpmn(
        [
            start("c_start"),
            catch("c_go", about("M_go"), props={"key": "order_id"}),
            service("c_do", props={"operation": "remind"}),
            end("c_end"),
        ],
        ["c_start>c_go", "c_go>c_do", "c_do>c_end"],
        key="echo",
        declared=message_("M_go", variable="said"),
    ).encode()


def test_a_failed_completion_can_be_given_back_with_its_values_as_draft(toy: Toy) -> None:
    instance_id = toy.start()
    toy.handlers["order.price"] = broken
    with pytest.raises(StepFailedError):
        toy.complete("o_fill", actor="岗02", amount=21)
    toy.do(instances.reopen, instance_id, "改小金额", actor="运维")
    task = toy.task("o_fill")
    assert (task.draft, task.draft_by, task.suspended) == ({"amount": 21}, "岗02", False)
    toy.handlers["order.price"] = lambda ctx, call: 1
    toy.complete("o_fill", amount=5)
    assert (toy.count(db.stuck), toy.count(db.timer)) == (0, 1)


def test_a_failed_timer_cannot_be_given_back(toy: Toy) -> None:
    instance_id = toy.start("reminder")
    toy.handlers["remind"] = broken
    toy.now += timedelta(days=7)
    with pytest.raises(StepFailedError):
        toy.tick()
    with pytest.raises(ConflictError):
        toy.do(instances.reopen, instance_id, "算了")


def test_a_retry_whose_message_went_elsewhere_lets_the_instance_go_on(toy: Toy) -> None:
    toy.deploy({"echo.bpmn": echo()})
    first = toy.do(instances.start, "echo", "1", {"order_id": 7}).instance_id
    toy.do(messages.send, "go", 7)
    works, toy.handlers["remind"] = toy.handlers["remind"], broken
    with pytest.raises(StepFailedError):
        toy.tick()
    toy.handlers["remind"] = works
    toy.do(instances.start, "echo", "2", {"order_id": 7})
    toy.now += timedelta(hours=1)
    assert toy.tick() == 1
    assert not toy.do(instances.retry, first).completed
    assert (toy.rows(db.instance, id=first)[0].status, toy.count(db.subscription)) == ("running", 1)


def test_a_cause_is_kept_in_characters_that_a_database_can_keep(toy: Toy) -> None:
    def nul(_ctx: Context, _call: Call) -> Any:
        raise ValueError("a\0b\ud800" + "x" * 10_000)

    toy.start()
    toy.handlers["order.price"] = nul
    with pytest.raises(StepFailedError):
        toy.complete("o_fill", amount=21)
    assert len(toy.rows(db.stuck)[0].cause) == 4000


def test_an_offer_that_fails_when_asked_again_sticks_nothing(toy: Toy) -> None:
    toy.start()
    toy.handlers["order.offer"] = broken
    with pytest.raises(ZeroDivisionError):
        toy.do(tasks.reoffer, "7")
    assert toy.task("o_fill").suspended is False


@pytest.mark.parametrize("key", ["x" * 121, "a\0b"])
def test_a_key_that_its_column_cannot_keep_sticks_instead_of_failing_for_ever(toy: Toy, key: str) -> None:
    toy.deploy({"echo.bpmn": echo()})
    with pytest.raises(StepFailedError) as failed:
        toy.do(instances.start, "echo", "1", {"order_id": key})
    assert failed.value.element_id == "c_go"


def test_an_outcome_is_kept_in_characters_that_a_database_can_keep(toy: Toy) -> None:
    instance_id = toy.to_approval()
    toy.handlers["order.approve"] = lambda ctx, call: "a\0b"
    toy.complete("o_approve", answer="yes")
    assert ("o_approve", "a?b") in toy.outcomes(instance_id)


def test_a_draft_written_while_the_instance_is_stuck_is_not_lost_by_reopening(toy: Toy) -> None:
    instance_id = toy.start()
    toy.handlers["order.price"] = broken
    with pytest.raises(StepFailedError):
        toy.complete("o_fill", actor="岗02", amount=21)
    toy.do(tasks.save_draft, toy.task("o_fill").id, {"amount": 5}, actor="岗02")
    with pytest.raises(StepFailedError):
        toy.do(instances.retry, instance_id)
    toy.do(instances.reopen, instance_id, "改小金额", actor="运维")
    assert toy.task("o_fill").draft == {"amount": 5}


def test_reopening_tells_the_door_that_messages_may_be_wanted(toy: Toy) -> None:
    instance_id = toy.to_approval()
    toy.handlers["order.approve"] = broken
    with pytest.raises(StepFailedError):
        toy.complete("o_approve", answer="yes")
    toy.do(messages.send, "withdraw", 7)
    with toy.unit() as ctx:
        instances.reopen(ctx, instance_id, "再来")
        assert MESSAGES in ctx.notes
    assert toy.tick() == 1
