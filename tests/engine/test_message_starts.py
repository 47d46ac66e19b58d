"""Processes that a buffered message starts: once, whoever delivers it, and never lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from engine import instances, messages
from engine import persistence as db
from engine.context import Call, Context
from engine.errors import ConflictError, NotAllowedError, StepFailedError
from engine.starts import starters
from tests.engine.check.draw import about, bpmn, catch, end, message_, service, start, user
from tests.engine.test_races import Race
from tests.engine.toys import LEASE, NOW, Toy, form


def change(title: str = "处理") -> bytes:
    """Started by a message: a person does it."""
    return bpmn(
        [
            start("v_start", inner=about("M_wanted"), props={"key": "child"}),
            service("v_open", props={"operation": "remind"}),
            user("v_do", name=title, props={"form": "work"}),
            end("v_end"),
        ],
        ["v_start>v_open", "v_open>v_do", "v_do>v_end"],
        key="change",
        declared=message_("M_wanted", variable="incident_id"),
    ).encode()


FILES = {"change.bpmn": change(), "work.json": form("work")}


@pytest.fixture
def house(toy: Toy) -> Toy:
    toy.deploy(FILES)
    return toy


def test_a_message_starts_the_process_with_its_key_and_payload(house: Toy) -> None:
    seen: list[Call] = []
    house.handlers["remind"] = lambda ctx, call: seen.append(call)
    house.do(messages.send, "wanted", "BG1", 42)
    assert house.tick() == 1
    (instance,) = house.rows(db.instance)
    assert (instance.process_key, instance.business_key, instance.status) == ("change", "BG1", "running")
    assert (seen[0].business_key, dict(seen[0].data)) == ("BG1", {"child": "BG1", "incident_id": 42})
    (row,) = house.rows(db.message)
    assert (row.delivered_at, row.receiver_id, row.leased_by) == (NOW, instance.id, None)
    assert house.task("v_do").instance_id == instance.id


def test_it_starts_once_whatever_is_sent_and_claimed_again(house: Toy) -> None:
    house.do(messages.send, "wanted", "BG1", 42, "m-1")
    assert house.tick() == 1
    assert house.do(messages.send, "wanted", "BG1", 42, "m-1") is False
    house.now += timedelta(days=1)
    assert house.tick("n2") == 0
    assert house.count(db.instance) == 1


def test_a_second_message_for_a_key_at_work_goes_to_the_same_instance(house: Toy) -> None:
    house.do(messages.send, "wanted", "BG1", 42)
    house.tick()
    house.do(messages.send, "wanted", "BG1", 43)
    house.tick()
    (instance,) = house.rows(db.instance)
    assert [row.receiver_id for row in house.rows(db.message)] == [instance.id, instance.id]
    assert house.do(messages.claim_due, "n1", 10, LEASE) == []


def test_a_process_in_force_later_is_started_by_messages_sent_before(toy: Toy) -> None:
    toy.do(messages.send, "wanted", "BG1", 42)
    assert toy.tick() == 0
    toy.deploy(FILES, effective_from=NOW + timedelta(days=1))
    toy.now += timedelta(days=1) - timedelta(microseconds=1)
    assert toy.tick() == 0
    toy.now += timedelta(microseconds=1)
    assert toy.tick() == 1
    assert toy.task("v_do")


def test_the_newest_version_is_started(house: Toy) -> None:
    house.deploy({"change.bpmn": change("处理二")})
    house.do(messages.send, "wanted", "BG1", 42)
    house.tick()
    assert house.task("v_do").name == "处理二"


def test_two_nodes_that_hold_one_message_start_one_instance(house: Toy) -> None:
    house.do(messages.send, "wanted", "BG1", 42)
    (message,) = house.do(messages.claim_due, "n1", 10, LEASE)
    race = Race(house)
    deliver: Callable[[Context], Any] = lambda ctx: messages.deliver(ctx, message)  # noqa: E731
    won, lost = race.run(deliver, deliver)
    assert len(won.opened) == 1
    assert lost is None
    assert house.count(db.instance) == 1


def test_a_node_that_comes_after_the_end_of_the_instance_starts_no_second(house: Toy) -> None:
    house.do(messages.send, "wanted", "BG1", 42)
    (message,) = house.do(messages.claim_due, "n1", 10, LEASE)
    house.do(messages.deliver, message)
    house.complete("v_do")
    with pytest.raises(ConflictError):
        house.do(messages.deliver, message)
    assert [row.status for row in house.rows(db.instance)] == ["completed"]


def broken(_ctx: Context, _call: Call) -> Any:
    raise ZeroDivisionError("除以零")


def refusing(_ctx: Context, _call: Call) -> Any:
    raise NotAllowedError("不行")


@pytest.mark.parametrize("fault", [broken, refusing])
def test_a_start_that_fails_is_a_stuck_instance_that_a_retry_starts(house: Toy, fault: Any) -> None:
    works, house.handlers["remind"] = house.handlers["remind"], fault
    house.do(messages.send, "wanted", "BG1", 42)
    with pytest.raises(StepFailedError):
        house.tick()
    (instance,) = house.rows(db.instance)
    (stuck,) = house.rows(db.stuck)
    (row,) = house.rows(db.message)
    assert (instance.status, instance.state, instance.business_key) == ("stuck", None, "BG1")
    assert (stuck.element_id, stuck.command["data"]) == ("v_open", {"child": "BG1", "incident_id": 42})
    assert row.receiver_id == instance.id
    house.now += timedelta(days=1)
    assert house.tick("n2") == 0  # nobody tries for ever
    house.handlers["remind"] = works
    assert len(house.do(instances.retry, instance.id).opened) == 1
    assert (house.count(db.stuck), len(house.reminded), house.count(db.instance)) == (0, 1, 1)
    assert [one.outcome for one in house.rows(db.history, element_type="process")] == ["stuck", "retried"]


def test_a_stuck_start_can_be_cancelled(house: Toy) -> None:
    house.handlers["remind"] = broken
    house.do(messages.send, "wanted", "BG1", 42)
    with pytest.raises(StepFailedError):
        house.tick()
    (instance,) = house.rows(db.instance)
    house.do(instances.cancel, instance.id, "不再需要")
    assert (house.count(db.stuck), house.tick()) == (0, 0)


def test_the_report_of_a_failure_that_another_node_made_good_is_void(house: Toy) -> None:
    works, house.handlers["remind"] = house.handlers["remind"], broken
    house.do(messages.send, "wanted", "BG1", 42)
    (message,) = house.do(messages.claim_due, "n1", 10, LEASE)
    with pytest.raises(StepFailedError) as failed, house.unit() as ctx:
        messages.deliver(ctx, message)
    house.handlers["remind"] = works
    house.do(messages.deliver, message)
    assert house.do(instances.mark_stuck, failed.value) is None
    house.complete("v_do")
    with pytest.raises(ConflictError):
        house.do(instances.mark_stuck, failed.value)
    assert [row.status for row in house.rows(db.instance)] == ["completed"]


def test_looking_for_messages_costs_one_statement_where_nobody_waits_for_them(house: Toy) -> None:
    house.do(messages.send, "withdraw", "7")
    house.do(messages.claim_due, "n1", 10, LEASE)
    statements: list[str] = []
    event.listen(house.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert house.do(messages.claim_due, "n1", 10, LEASE) == []
    assert len([one for one in statements if one.startswith("SELECT")]) == 1
    assert not any(one.startswith("UPDATE") for one in statements)


def test_each_message_starts_the_process_that_is_in_force(house: Toy) -> None:
    with house.unit() as ctx:
        found = starters(ctx)
    assert {name: one.process_key for name, one in found.items()} == {"wanted": "change"}


def test_an_older_version_that_still_waits_for_the_name_comes_first(toy: Toy) -> None:
    toy.deploy({"waiter.bpmn": waiter("wanted")})
    old = toy.do(instances.start, "waiter", "9", {"number": "BG1"}).instance_id
    toy.deploy({"waiter.bpmn": waiter("other"), **FILES})
    toy.do(messages.send, "wanted", "BG1", 41)
    toy.do(messages.send, "wanted", "BG2", 42)
    assert [message.starts for message in toy.do(messages.claim_due, "n1", 10, LEASE)] == [False, False]
    toy.now += LEASE
    assert toy.tick() == 2
    assert toy.rows(db.instance, id=old)[0].status == "completed"
    assert [row.business_key for row in toy.rows(db.instance, process_key="change")] == ["BG2"]


def test_a_message_that_starts_nothing_any_more_when_it_is_delivered_stays(house: Toy) -> None:
    message = messages.DueMessage(1, "unknown", "BG1", 42, starts=True)
    assert house.do(messages.deliver, message) is None
    assert house.count(db.instance) == 0


def waiter(name: str) -> bytes:
    """Waits for a message."""
    return bpmn(
        [
            start("w_start"),
            catch("w_wait", about(f"M_{name}"), props={"key": "number"}),
            end("w_end"),
        ],
        ["w_start>w_wait", "w_wait>w_end"],
        key="waiter",
        declared=message_(f"M_{name}", variable="said"),
    ).encode()
