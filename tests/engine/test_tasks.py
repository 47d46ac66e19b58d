from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from engine import instances, tasks
from engine import persistence as db
from engine.errors import ConflictError, InvalidValuesError, NotFoundError
from engine.tasks import Offer
from tests.engine.toys import NOW, Toy


def test_a_task_page_gets_element_form_draft_and_token(toy: Toy) -> None:
    toy.start()
    task = toy.do(tasks.get, toy.task("o_fill").id)
    assert (task.element.id, task.element.lane, task.process_key, task.status) == (
        "o_fill",
        "服务台",
        "order",
        "running",
    )
    assert task.form is not None
    assert (task.form.title_of("amount"), task.token, task.draft, task.joined) == ("金额", 1, None, ())


def test_claiming_gives_the_task_to_the_actor_and_a_new_token(toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    assert toy.do(tasks.claim, row.id, row.revision, actor="岗02") == row.revision + 1
    claimed = toy.task("o_fill")
    assert (claimed.assignee, claimed.claimed_at, claimed.changed_by) == ("岗02", NOW, "岗02")


def test_claiming_twice_by_the_same_person_changes_nothing(toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    first = toy.do(tasks.claim, row.id, row.revision)
    assert toy.do(tasks.claim, row.id, row.revision) == first


def test_claiming_somebody_elses_task_is_a_conflict_that_names_him(toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    toy.do(tasks.claim, row.id, row.revision, actor="岗02")
    with pytest.raises(ConflictError) as conflict:
        toy.do(tasks.claim, row.id, row.revision)
    assert (conflict.value.by, conflict.value.at) == ("岗02", NOW)


def test_a_stale_page_gets_a_conflict_with_who_and_when(toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    toy.now += timedelta(minutes=3)
    toy.do(tasks.assign, row.id, "岗03", actor="经理")
    with pytest.raises(ConflictError) as conflict:
        toy.do(instances.complete, row.id, {"amount": 1}, row.revision)
    assert (conflict.value.by, conflict.value.at) == ("经理", NOW + timedelta(minutes=3))
    with pytest.raises(ConflictError) as conflict:
        toy.do(tasks.release, row.id, row.revision)
    assert conflict.value.by == "经理"
    assert toy.task("o_fill").assignee == "岗03"


def test_releasing_gives_the_task_back_to_its_group(toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    token = toy.do(tasks.claim, row.id, row.revision)
    toy.do(tasks.release, row.id, token)
    released = toy.task("o_fill")
    assert (released.assignee, released.claimed_at, released.candidate_group) == (None, None, "desk")


def test_a_draft_survives_release_and_reassignment_and_leaves_the_token(toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    token = toy.do(tasks.claim, row.id, row.revision)
    toy.do(tasks.save_draft, row.id, {"amount": "还没想好"})
    toy.do(tasks.release, row.id, token)
    toy.do(tasks.assign, row.id, "岗02")
    task = toy.do(tasks.get, row.id, actor="岗02")
    assert (task.draft, task.draft_by) == ({"amount": "还没想好"}, "岗01")
    assert task.token == token + 2


@pytest.mark.parametrize("values", ["文本", {"a": "\0"}, {"a": {1: 2}}, {"a": object()}, {"a": "\ud800"}])
def test_a_draft_that_cannot_be_stored_is_refused(lite: Toy, values: object) -> None:
    lite.start()
    with pytest.raises(InvalidValuesError):
        lite.do(tasks.save_draft, lite.task("o_fill").id, values)


@pytest.mark.proves("R219")
def test_a_delegate_acts_on_behalf_of_the_absentee(toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    toy.do(tasks.claim, row.id, row.revision, actor="岗02")
    toy.do(tasks.delegate, row.id, "岗03", actor="经理")
    toy.do(tasks.delegate, row.id, "岗04", actor="经理")
    task = toy.task("o_fill")
    assert (task.assignee, task.on_behalf_of) == ("岗04", "岗02")
    toy.complete("o_fill", actor="岗04", amount=1)
    (done,) = toy.rows(db.history, element_id="o_fill")
    assert (done.actor, done.on_behalf_of) == ("岗04", "岗02")


@pytest.mark.proves("R219")
def test_a_session_on_behalf_of_somebody_is_kept_in_the_history(toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    with toy.unit("岗04") as ctx:
        instances.complete(replace(ctx, on_behalf_of="岗09"), row.id, {"amount": 1}, row.revision)
    (done,) = toy.rows(db.history, element_id="o_fill")
    assert (done.actor, done.on_behalf_of) == ("岗04", "岗09")


def test_a_finished_task_says_who_finished_it(toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    toy.complete("o_fill", actor="岗02", amount=1)
    for verb, args in (
        (tasks.get, ()),
        (tasks.claim, (row.revision,)),
        (tasks.release, (row.revision,)),
        (tasks.assign, ("岗03",)),
        (tasks.delegate, ("岗03",)),
        (tasks.save_draft, ({},)),
    ):
        with pytest.raises(ConflictError) as conflict:
            toy.do(verb, row.id, *args)
        assert conflict.value.by == "岗02"


def test_a_task_that_never_was_is_not_found(toy: Toy) -> None:
    with pytest.raises(NotFoundError):
        toy.do(tasks.get, "f" * 32)


def test_the_tasks_of_a_suspended_instance_cannot_change_hands(toy: Toy) -> None:
    instance_id = toy.start()
    row = toy.task("o_fill")
    toy.do(instances.suspend, instance_id, "等待", actor="经理")
    with pytest.raises(ConflictError) as conflict:
        toy.do(tasks.claim, row.id, row.revision)
    assert conflict.value.by == "经理"
    toy.do(tasks.save_draft, row.id, {"amount": 3})


def test_a_new_offer_reaches_open_tasks_but_takes_nothing_from_who_has_them(toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    token = toy.do(tasks.claim, row.id, row.revision)
    toy.handlers["order.offer"] = lambda ctx, call: Offer(candidate_group="desk", priority=1)
    assert toy.do(tasks.reoffer, "7") == 1
    changed = toy.task("o_fill")
    assert (changed.candidate_group, changed.priority, changed.due_at) == ("desk", 1, None)
    assert (changed.assignee, changed.revision) == ("岗01", token)
    assert toy.do(tasks.reoffer, "7") == 0


def test_a_new_offer_to_another_group_takes_the_task_from_who_has_it(toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    toy.do(tasks.claim, row.id, row.revision)
    toy.handlers["order.offer"] = lambda ctx, call: Offer(candidate_group="second")
    assert toy.do(tasks.reoffer, "7") == 1
    changed = toy.task("o_fill")
    assert (changed.candidate_group, changed.assignee, changed.claimed_at) == ("second", None, None)


def test_a_delegate_keeps_his_task_and_for_whom_he_does_it_when_it_is_offered_again(toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    toy.do(tasks.claim, row.id, row.revision)
    toy.do(tasks.delegate, row.id, "岗02")
    toy.handlers["order.offer"] = lambda ctx, call: Offer(candidate_group="desk", assignee="岗02", priority=1)
    assert toy.do(tasks.reoffer, "7") == 1
    changed = toy.task("o_fill")
    assert (changed.assignee, changed.on_behalf_of, changed.priority) == ("岗02", "岗01", 1)


def test_a_new_offer_to_another_person_moves_the_task(toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    toy.handlers["order.offer"] = lambda ctx, call: Offer(assignee="岗05")
    assert toy.do(tasks.reoffer, "7", actor="经理") == 1
    changed = toy.task("o_fill")
    assert (changed.assignee, changed.revision, changed.changed_by) == ("岗05", row.revision + 1, "经理")


def test_an_offer_is_asked_with_element_lane_and_process_data(toy: Toy) -> None:
    calls = []

    def offer(_ctx: object, call: object) -> Offer:
        calls.append(call)
        return Offer(assignee="岗01")

    toy.handlers["order.offer"] = offer  # type: ignore[assignment]
    toy.to_approval()
    first, second = calls
    assert (first.element_id, first.lane, first.values, first.data) == ("o_fill", "服务台", None, {"order_id": 7})
    assert (second.element_id, second.data["price"], second.task) == ("o_approve", 42, toy.task("o_approve").id)


def test_without_an_offer_property_the_lane_is_the_group(toy: Toy) -> None:
    toy.start("pair")
    assert (toy.task("p_left").candidate_group, toy.task("p_left").priority) == ("服务台", 9)


def test_of_two_candidates_only_the_first_writes_a_draft_until_one_claims(toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    toy.do(tasks.save_draft, row.id, {"amount": 1}, actor="岗01")
    toy.do(tasks.save_draft, row.id, {"amount": 2}, actor="岗01")
    with pytest.raises(ConflictError) as conflict:
        toy.do(tasks.save_draft, row.id, {"amount": 3}, actor="岗02")
    assert conflict.value.by == "岗01"
    assert toy.task("o_fill").draft == {"amount": 2}
    toy.do(tasks.claim, row.id, row.revision, actor="岗02")
    with pytest.raises(ConflictError) as conflict:
        toy.do(tasks.save_draft, row.id, {"amount": 4}, actor="岗01")
    assert (conflict.value.by, conflict.value.at) == ("岗02", NOW)
    toy.do(tasks.save_draft, row.id, {"amount": 5}, actor="岗02")
    assert (toy.task("o_fill").draft, toy.task("o_fill").draft_by) == ({"amount": 5}, "岗02")


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_a_draft_has_a_greatest_size(lite: Toy, over: int) -> None:
    lite.start()
    row = lite.task("o_fill")
    values = {f"a{number}": "x" * 19_900 for number in range(10)} | {"b": ""}
    values["b"] = "x" * (tasks.MAX_DRAFT - len(orjson.dumps(values)) + over)
    if over <= 0:
        lite.do(tasks.save_draft, row.id, values)
        return
    with pytest.raises(InvalidValuesError, match="200 kB"):
        lite.do(tasks.save_draft, row.id, values)
    assert lite.task("o_fill").draft is None


def test_a_claim_during_a_new_offer_waits_and_disturbs_nothing(toy: Toy) -> None:
    toy.start()
    row = toy.task("o_fill")
    results: list[object] = []

    def claim() -> None:
        try:
            results.append(toy.do(tasks.claim, row.id, row.revision, actor="岗02"))
        except ConflictError as conflict:
            results.append(conflict)

    claimer = threading.Thread(target=claim)

    def offer(_ctx: object, _call: object) -> Offer:
        claimer.start()
        claimer.join(0.3)  # on its own it would be through by now
        return Offer(assignee="岗05")

    toy.handlers["order.offer"] = offer
    assert toy.do(tasks.reoffer, "7") == 1
    claimer.join(60)
    assert isinstance(results[0], ConflictError)
    assert toy.task("o_fill").assignee == "岗05"


@pytest.mark.parametrize("priority", [0, 10])
def test_an_offer_outside_the_priorities_is_refused(priority: int) -> None:
    assert Offer(priority=1).priority < Offer(priority=9).priority
    with pytest.raises(ValueError, match="1 to 9"):
        Offer(priority=priority)
