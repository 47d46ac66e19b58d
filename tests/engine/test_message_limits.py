"""Messages that would go round for ever stop, and old ones are removed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import instances, messages
from engine import persistence as db
from engine.context import Call, Context
from engine.errors import StepFailedError
from engine.saving import MAX_HOPS
from tests.engine.check.draw import about, bpmn, catch, choice, end, message_, service, start, throw
from tests.engine.test_stuck import broken, echo
from tests.engine.toys import LEASE, NOW, Toy


def ring(key: str, wanted: str, next_: str) -> bytes:
    """Started by one message, it sends the other: two of these never end. Ids are unique, names meet."""
    drawn = bpmn(
        [
            start(f"{key}_start", inner=about(f"M_{key}_in"), props={"key": "number"}),
            throw(f"{key}_throw", about(f"M_{key}_out")),
            end(f"{key}_end"),
        ],
        [f"{key}_start>{key}_throw", f"{key}_throw>{key}_end"],
        key=key,
        declared=message_(f"M_{key}_in", variable="said")
        + message_(f"M_{key}_out", payload="{'key': number, 'value': said}"),
    )
    return (
        drawn.replace(f'name="{key}_in"', f'name="{wanted}"').replace(f'name="{key}_out"', f'name="{next_}"').encode()
    )


@pytest.mark.parametrize("hops", [MAX_HOPS - 1, MAX_HOPS, MAX_HOPS + 1])
def test_a_message_is_sent_up_to_the_limit_of_hops(toy: Toy, hops: int) -> None:
    toy.deploy({"ping.bpmn": ring("ping", "ping", "pong")})
    with toy.unit() as ctx:
        messages.send(ctx, "ping", "1")
        ctx.connection.execute(db.message.update().values(hops=hops - 1))
    if hops <= MAX_HOPS:
        assert toy.tick() == 1
        assert [row.hops for row in toy.rows(db.message)] == [hops - 1, hops]
        return
    with pytest.raises(StepFailedError):
        toy.tick()
    (stuck,) = toy.rows(db.stuck)
    assert f"消息接连引发了 {hops} 条消息" in stuck.cause


def test_a_ring_between_instances_ends_as_a_stuck_instance(toy: Toy) -> None:
    toy.deploy({"ping.bpmn": ring("ping", "ping", "pong"), "pong.bpmn": ring("pong", "pong", "ping")})
    toy.do(messages.send, "ping", "1", "球")
    with pytest.raises(StepFailedError):
        toy.tick()
    assert toy.tick() == 0
    statuses = [row.status for row in toy.rows(db.instance)]
    assert statuses == ["completed"] * (MAX_HOPS) + ["stuck"]


def test_an_operation_that_sends_in_a_ring_is_stopped_too(toy: Toy) -> None:
    def again(ctx: Context, call: Call) -> None:
        messages.send(ctx, "go", call.data["order_id"])

    toy.deploy({"turn.bpmn": turning()})
    toy.handlers["remind"] = again
    instance_id = toy.do(instances.start, "turn", "1", {"order_id": 7}).instance_id
    toy.do(messages.send, "go", 7)
    with pytest.raises(StepFailedError):
        toy.tick()
    (stuck,) = toy.rows(db.stuck)
    assert (stuck.instance_id, stuck.element_id) == (instance_id, "c_do")


def turning() -> bytes:
    return bpmn(
        [
            start("c_start"),
            catch("c_go", about("M_go"), props={"key": "order_id"}),
            service("c_do", props={"operation": "remind"}),
            choice("c_more", default="f_c_more_c_go"),
            end("c_end"),
        ],
        ["c_start>c_go", "c_go>c_do", "c_do>c_more", "c_more>c_go", "c_more>c_end: said == 'stop'"],
        key="turn",
        declared=message_("M_go", variable="said"),
    ).encode()


def test_a_person_between_two_messages_begins_the_count_anew(toy: Toy) -> None:
    toy.do(messages.send, "withdraw", 7)
    toy.to_approval()
    toy.complete("o_approve", answer="yes")
    assert [row.hops for row in toy.rows(db.message)] == [0, 0]


@pytest.mark.parametrize(("late", "kept"), [(-1, True), (0, False), (1, False)])
def test_messages_are_kept_for_ninety_days(toy: Toy, late: int, kept: bool) -> None:
    toy.do(messages.send, "withdraw", 7)
    toy.do(messages.send, "nobody", 7)
    toy.to_approval()
    toy.tick()
    toy.now = NOW + timedelta(days=90, microseconds=late)
    with toy.unit() as ctx:
        gone = messages.forget_old(ctx)
    assert (gone, toy.count(db.message)) == (({}, 2) if kept else ({"nobody": 1}, 0))


def test_a_message_that_a_stuck_step_holds_is_kept_for_its_retry(toy: Toy) -> None:
    toy.deploy({"echo.bpmn": echo()})
    instance_id = toy.do(instances.start, "echo", "1", {"order_id": 7}).instance_id
    works, toy.handlers["remind"] = toy.handlers["remind"], broken
    toy.do(messages.send, "go", 7)
    with pytest.raises(StepFailedError):
        toy.tick()
    toy.now += timedelta(days=91)
    with toy.unit() as ctx:
        assert messages.forget_old(ctx) == {}
    toy.handlers["remind"] = works
    assert toy.do(instances.retry, instance_id).completed
    assert toy.do(messages.claim_due, "n1", 10, LEASE) == []
