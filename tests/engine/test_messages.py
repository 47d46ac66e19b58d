from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from engine import instances, messages
from engine import persistence as db
from engine.errors import ConflictError, InvalidValuesError
from engine.saving import MESSAGES
from engine.spiff import DataRefusedError
from tests.engine.toys import LEASE, NOW, Toy


def test_an_early_message_waits_for_its_receiver_and_is_delivered_once(toy: Toy) -> None:
    toy.do(messages.send, "withdraw", 7, "不要了", "m-1", actor="门户")
    assert toy.do(messages.claim_due, "n1", 10, LEASE) == []
    instance_id = toy.to_approval()
    assert toy.tick() == 1
    assert toy.tick() == 0
    assert ("o_withdraw", "withdrawn") in toy.outcomes(instance_id)
    (row,) = toy.rows(db.message)
    assert (row.delivered_at, row.receiver_id) == (NOW, instance_id)


def test_a_message_sent_twice_with_one_id_is_one_message_even_after_delivery(toy: Toy) -> None:
    assert toy.do(messages.send, "withdraw", 7, None, "m-1") is True
    assert toy.do(messages.send, "withdraw", 7, None, "m-1") is False
    toy.to_approval()
    toy.tick()
    assert toy.do(messages.send, "withdraw", 7, None, "m-1") is False
    toy.to_approval()
    assert toy.tick() == 0
    assert toy.task("o_approve")


def test_a_message_goes_to_the_instance_with_its_key_only(toy: Toy) -> None:
    first, second = toy.to_approval("1"), toy.to_approval("2")
    toy.do(messages.send, "withdraw", "2")
    toy.tick()
    assert toy.rows(db.instance, id=first)[0].status == "running"
    assert toy.rows(db.instance, id=second)[0].status == "completed"


def test_each_of_two_messages_finds_its_own_receiver(toy: Toy) -> None:
    toy.deploy({"twin.bpmn": twin()})
    for key in ("1", "2"):
        toy.do(instances.start, "twin", key, {"group": "g"})
    toy.do(messages.send, "go", "g")
    assert toy.tick() == 1
    assert [row.status for row in toy.rows(db.instance)] == ["completed", "running"]
    toy.do(messages.send, "go", "g")
    assert toy.tick() == 1
    assert {row.status for row in toy.rows(db.instance)} == {"completed"}


def test_a_command_is_carried_out_at_once(toy: Toy) -> None:
    instance_id = toy.to_approval()
    step = toy.do(messages.command, "withdraw", 7, "不要了", actor="客户")
    assert (step.instance_id, step.completed) == (instance_id, True)
    assert toy.count(db.message) == 0


def test_a_command_that_nobody_waits_for_is_refused_with_who_moved_last(toy: Toy) -> None:
    toy.start()
    toy.now += timedelta(minutes=2)
    toy.complete("o_fill", actor="岗02", amount=1)
    toy.complete("o_approve", actor="岗03", answer="yes")
    with pytest.raises(ConflictError) as conflict:
        toy.do(messages.command, "withdraw", 7)
    assert (conflict.value.by, conflict.value.at) == ("岗03", NOW + timedelta(minutes=2))
    assert toy.count(db.message) == 1  # only the one that the order itself sent


def test_a_command_with_two_possible_receivers_is_refused(toy: Toy) -> None:
    toy.deploy({"twin.bpmn": twin()})
    for key in ("1", "2"):
        toy.do(instances.start, "twin", key, {"group": "g"})
    with pytest.raises(ConflictError):
        toy.do(messages.command, "go", "g")


def test_a_message_to_a_suspended_instance_waits_until_it_is_resumed(toy: Toy) -> None:
    instance_id = toy.to_approval()
    toy.do(instances.suspend, instance_id, "等待")
    toy.do(messages.send, "withdraw", 7)
    assert toy.tick() == 0
    toy.do(instances.resume, instance_id, "继续")
    assert toy.tick() == 1


def test_a_message_to_an_ended_instance_stays_and_disturbs_nobody(toy: Toy) -> None:
    instance_id = toy.to_approval()
    toy.do(instances.cancel, instance_id, "重复")
    toy.do(messages.send, "withdraw", 7)
    assert toy.tick() == 0
    (row,) = toy.rows(db.message)
    assert row.delivered_at is None


def test_a_leased_message_is_not_claimed_by_another_node(toy: Toy) -> None:
    toy.to_approval()
    toy.do(messages.send, "withdraw", 7)
    (message,) = toy.do(messages.claim_due, "n1", 10, LEASE)
    assert toy.do(messages.claim_due, "n2", 10, LEASE) == []
    toy.now += LEASE
    (again,) = toy.do(messages.claim_due, "n2", 10, LEASE)
    assert toy.do(messages.deliver, again) is not None
    assert toy.do(messages.deliver, message) is None


def test_the_door_is_told_to_deliver_only_when_there_may_be_something(toy: Toy) -> None:
    instance_id = toy.start()
    row = toy.task("o_fill")
    with toy.unit() as ctx:
        instances.complete(ctx, row.id, {"amount": 1}, row.revision)
        assert MESSAGES in ctx.notes
    with toy.unit() as ctx:
        instances.cancel(ctx, instance_id, "重复")
        assert MESSAGES not in ctx.notes


def twin() -> bytes:
    from tests.engine.check.draw import about, bpmn, catch, end, message_, start

    return bpmn(
        [start("t_start"), catch("t_go", about("M_go"), props={"key": "group"}), end("t_end")],
        ["t_start>t_go", "t_go>t_end"],
        key="twin",
        declared=message_("M_go"),
    ).encode()


def test_a_message_whose_receiver_got_another_one_is_free_for_the_next_at_once(toy: Toy) -> None:
    toy.deploy({"twin.bpmn": twin()})
    toy.do(instances.start, "twin", "1", {"group": "g"})
    toy.do(messages.send, "go", "g", 1)
    toy.do(messages.send, "go", "g", 2)
    assert toy.tick() == 1
    toy.do(instances.start, "twin", "2", {"group": "g"})
    assert toy.tick() == 1


def test_a_payload_that_is_no_json_is_the_callers_fault(lite: Toy) -> None:
    lite.to_approval()
    for payload in (object(), float("nan"), {1: 2}):
        with pytest.raises(DataRefusedError):
            lite.do(messages.command, "withdraw", 7, payload)
    with pytest.raises(DataRefusedError):
        lite.do(instances.start, "order", "8", {"order_id": object()})
    assert lite.count(db.stuck) == 0


def test_a_message_that_two_nodes_hold_reaches_only_one_of_two_receivers(toy: Toy) -> None:
    toy.deploy({"twin.bpmn": twin()})
    for key in ("1", "2"):
        toy.do(instances.start, "twin", key, {"group": "g"})
    toy.do(messages.send, "go", "g")
    (message,) = toy.do(messages.claim_due, "n1", 10, LEASE)
    assert toy.do(messages.deliver, message) is not None
    assert toy.do(messages.deliver, message) is None
    assert [row.status for row in toy.rows(db.instance)] == ["completed", "running"]


@pytest.mark.parametrize("payload", [object(), float("nan"), {1: 2}, NOW, Decimal("1.5"), "\ud800"])
def test_a_payload_that_storing_would_change_is_not_sent(lite: Toy, payload: object) -> None:
    with pytest.raises(DataRefusedError):
        lite.do(messages.send, "withdraw", 7, payload)
    assert lite.count(db.message) == 0


@pytest.mark.parametrize("length", [119, 120, 121])
def test_keys_are_as_long_as_their_columns_on_every_database(toy: Toy, length: int) -> None:
    toy.to_approval()
    text = "键" * length
    verbs = [
        lambda: toy.do(messages.send, text, "7", None, "m-1"),
        lambda: toy.do(messages.send, "n", text, None, "m-2"),
        lambda: toy.do(messages.send, "n", "7", None, text),
        lambda: toy.do(instances.start, "order", text, {"order_id": 9}),
    ]
    for verb in verbs:
        if length <= 120:
            verb()
            continue
        with pytest.raises(InvalidValuesError):
            verb()


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_a_key_that_no_database_keeps_is_refused(toy: Toy, text: str) -> None:
    for verb, args in (
        (messages.send, ("withdraw", text)),
        (messages.command, ("withdraw", text)),
        (instances.start, ("order", text, {})),
        (instances.suspend, (toy.to_approval(), text)),
    ):
        with pytest.raises(InvalidValuesError):
            toy.do(verb, *args)  # type: ignore[arg-type]


def test_the_door_is_told_of_messages_when_an_instance_waits_again(toy: Toy) -> None:
    instance_id = toy.to_approval()
    toy.do(instances.suspend, instance_id, "等待")
    with toy.unit() as ctx:
        instances.resume(ctx, instance_id, "继续")
        assert MESSAGES in ctx.notes
