"""The desk's verbs: rights, conflicts, drafts, idempotency, stuck instances, leases; on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from engine import instances, messages
from engine.errors import ConflictError, EngineError, InvalidValuesError, NotAllowedError, StepFailedError
from engine.persistence import history, message, stuck, timer, user_task
from handlers import HANDLERS
from handlers.records import incidents
from handlers.records.tables import comment, incident
from tests.office import CUSTOMER, DESK_PAGE, ROAD, Office
from webapp import desk as verbs
from webapp.desk import Completed, InvalidStepError, idempotency
from webapp.tables import idempotency as idempotency_table


def count(office: Office, table: Any) -> int:
    with office.desk.reading() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def fails(_ctx: object, _call: object) -> None:
    raise ZeroDivisionError("the table has a hole")


# -- rights ---------------------------------------------------------------------------------------------------------


def test_a_task_of_my_group_needs_no_claim_before_completing(office: Office):
    incident_id = office.dispatch()
    assert office.do(incident_id, "crm02", "s2_9_accept").steps == ("s2_9_accept",)


@pytest.mark.proves("R199")
@pytest.mark.parametrize("outsider", ["billing01", "reception01", "leaders01", "customer01", "manager01"])
def test_a_task_of_another_group_is_refused_and_nothing_happens(office: Office, outsider: str):
    incident_id = office.dispatch()
    with pytest.raises(NotAllowedError, match=r"2\.9 进行事件分析"):
        office.do(incident_id, outsider, "s2_9_accept")
    assert office.task(incident_id).element.id == "s2_9_accept"


def test_what_a_colleague_has_claimed_is_his(office: Office):
    incident_id = office.dispatch()
    task = office.task(incident_id)
    verbs.claim(office.desk, office["crm01"], task.id, task.token)
    with pytest.raises(NotAllowedError, match="crm01"):
        office.do(incident_id, "crm02", "s2_9_accept")
    with pytest.raises(NotAllowedError):
        verbs.release(office.desk, office["crm02"], task.id, task.token + 1)
    token = verbs.release(office.desk, office["crm01"], task.id, task.token + 1)
    assert verbs.claim(office.desk, office["crm02"], task.id, token) > token


@pytest.mark.proves("R211")
def test_a_task_is_handed_on_inside_its_group_only(office: Office):
    incident_id = office.dispatch()
    task = office.task(incident_id)
    with pytest.raises(EngineError, match="组内"):
        verbs.assign(office.desk, office["crm-lead"], task.id, "billing01")
    with pytest.raises(NotAllowedError):
        verbs.assign(office.desk, office["billing01"], task.id, "crm02")
    verbs.assign(office.desk, office["crm-lead"], task.id, "crm02")
    assert office.task(incident_id).assignee == "crm02"


@pytest.mark.proves("R219")
def test_what_a_delegate_does_is_recorded_on_behalf_of_the_absent_one(office: Office):
    incident_id = office.accept("crm01")
    task = office.task(incident_id)
    verbs.delegate(office.desk, office["crm01"], task.id, "crm02")
    office.do(incident_id, "crm02", "s3_1_analyse")
    with office.desk.reading() as connection:
        row = connection.execute(select(history).where(history.c.task_id == task.id)).one()
    assert (row.actor, row.on_behalf_of) == ("crm02", "crm01")


@pytest.mark.parametrize("account", ["crm01", "leaders01", "customer01", "owner01", "maintenance01"])
@pytest.mark.proves("R009")
def test_only_the_desk_and_the_manager_report(office: Office, account: str):
    with pytest.raises(NotAllowedError, match="服务台"):
        office.report(account)
    assert count(office, incident) == 0


@pytest.mark.parametrize("account", ["leaders01", "customer01", "billing01"])
def test_who_has_nothing_to_do_with_an_incident_changes_nothing_of_it(office: Office, account: str):
    incident_id, until = office.accept(), office.now + timedelta(hours=1)
    someone, desk = office[account], office.desk
    for act in (
        lambda: verbs.hold(desk, someone, incident_id, "W06", until, "等"),
        lambda: verbs.withdraw(desk, someone, incident_id, "撤"),
        lambda: verbs.reassign(desk, someone, incident_id, "改"),
        lambda: verbs.comment(desk, someone, incident_id, "说"),
    ):
        with pytest.raises(NotAllowedError):
            act()
    assert office.incident(incident_id)["state"] == "in_progress"


# -- conflicts ------------------------------------------------------------------------------------------------------


def test_a_stale_page_gets_a_conflict_with_who_and_when(office: Office):
    incident_id = office.dispatch()
    stale = office.task(incident_id)
    verbs.claim(office.desk, office["crm01"], stale.id, stale.token)
    with pytest.raises(ConflictError) as told:
        verbs.complete(office.desk, office["crm01"], stale.id, ROAD["s2_9_accept"], stale.token)
    assert (told.value.by, told.value.at) == ("crm01", office.now)


def test_a_completed_task_says_who_completed_it_and_when(office: Office):
    incident_id = office.dispatch()
    task, at = office.task(incident_id), office.now
    office.do(incident_id, "crm01", "s2_9_accept")
    office.pass_(minutes=3)
    with pytest.raises(ConflictError) as told:
        verbs.complete(office.desk, office["crm02"], task.id, ROAD["s2_9_accept"], task.token)
    assert (told.value.by, told.value.at) == ("crm01", at)


def test_a_stale_incident_page_gets_a_conflict(office: Office):
    incident_id = office.accept()
    seen = office.incident(incident_id)["revision"]
    office.do(incident_id, "crm01", "s3_1_analyse")
    with pytest.raises(ConflictError) as told:
        verbs.hold(
            office.desk, office["crm01"], incident_id, "W06", office.now + timedelta(hours=1), "等备件", revision=seen
        )
    assert told.value.by == "crm01"


def race(first: Any, second: Any) -> list[Any]:
    """Run both at once; results, or the refusals raised."""

    def tried(act: Any) -> Any:
        try:
            return act()
        except EngineError as refusal:
            return refusal

    with ThreadPoolExecutor(2) as pool:
        return [each.result() for each in [pool.submit(tried, first), pool.submit(tried, second)]]


def one_won(results: list[Any]) -> bool:
    return [isinstance(result, ConflictError | NotAllowedError) for result in results].count(True) == 1


def test_of_two_who_claim_at_once_one_gets_it(office: Office):
    incident_id = office.dispatch()
    task, desk = office.task(incident_id), office.desk
    results = race(
        lambda: verbs.claim(desk, office["crm01"], task.id, task.token),
        lambda: verbs.claim(desk, office["crm02"], task.id, task.token),
    )
    assert one_won(results)
    assert office.task(incident_id).assignee in ("crm01", "crm02")


def test_of_two_who_complete_at_once_one_wins_and_the_step_is_done_once(office: Office):
    incident_id = office.dispatch()
    task, desk = office.task(incident_id), office.desk
    results = race(
        lambda: verbs.complete(desk, office["crm01"], task.id, ROAD["s2_9_accept"], task.token),
        lambda: verbs.complete(desk, office["crm02"], task.id, ROAD["s2_9_accept"], task.token),
    )
    assert one_won(results)
    assert office.steps(incident_id).count("s2_9_accept") == 1


def test_closing_by_hand_and_by_the_clock_at_once_closes_once(office: Office):
    incident_id = office.resolve()
    office.pass_(days=30)
    task, desk = office.task(incident_id), office.desk
    race(
        lambda: verbs.complete(desk, office["reception01"], task.id, ROAD["s5_1_check"], task.token),
        lambda: verbs.tick(desk),
    )
    verbs.tick(desk)
    found = office.incident(incident_id)
    assert (found["state"] == "closed") == (office.status(incident_id) == "completed")
    assert found["close_code"] in (None, "C11")
    assert count(office, stuck) == 0


def test_two_nodes_that_tick_at_once_fire_each_timer_once(office: Office):
    for _ in range(4):
        office.resolve()
    office.pass_(days=31)
    other = replace(office.desk, node="another node")
    results = race(lambda: verbs.tick(office.desk), lambda: verbs.tick(other))
    assert sum(result.timers for result in results) == 4
    with office.desk.reading() as connection:
        assert connection.scalars(select(incident.c.state)).all() == ["closed"] * 4


def test_what_a_dead_node_had_leased_is_done_by_another_after_the_lease(office: Office):
    incident_id = office.resolve()
    office.pass_(days=30)
    with office.desk.unit_of_work("test") as ctx:
        lease = {"leased_by": "dead", "leased_until": office.now + timedelta(minutes=2)}
        ctx.connection.execute(update(timer).values(**lease))
    assert verbs.tick(office.desk).timers == 0
    office.pass_(minutes=2)
    assert verbs.tick(office.desk).timers == 1
    assert office.incident(incident_id)["state"] == "closed"


# -- pages with several steps ---------------------------------------------------------------------------------------


def test_a_refused_later_step_undoes_the_steps_before_it(office: Office):
    incident_id = office.report()
    before = office.steps(incident_id)
    with pytest.raises(InvalidStepError) as refused:
        office.do(incident_id, "reception01", "s2_1_type", "s2_2_classify", s2_8_dispatch={"group": "nowhere"})
    assert refused.value.element_id == "s2_8_dispatch" and set(refused.value.problems) == {"group"}
    assert office.steps(incident_id) == before
    assert office.incident(incident_id)["category"] is None


def test_a_report_that_is_refused_leaves_nothing(office: Office):
    wrong = {verbs.IDENTIFY: CUSTOMER, verbs.RECORD: office.record(source="pigeon")}
    with pytest.raises(InvalidStepError) as refused:
        verbs.report(office.desk, office["reception01"], wrong)
    assert refused.value.element_id == verbs.RECORD
    assert count(office, incident) == 0 and count(office, user_task) == 0


def test_a_following_step_of_somebody_else_waits_for_him(office: Office):
    incident_id = office.report()
    done = office.do(incident_id, "reception01", "s2_1_type", "s2_2_classify", "s2_8_dispatch", "s2_9_accept")
    assert done.steps == DESK_PAGE
    assert office.task(incident_id).element.id == "s2_9_accept"


# -- drafts ---------------------------------------------------------------------------------------------------------


def test_a_draft_survives_reassignment(office: Office):
    incident_id = office.accept("crm01")
    task = office.task(incident_id)
    verbs.save_draft(office.desk, office["crm01"], task.id, {"analysis": "看了一半"})
    verbs.delegate(office.desk, office["crm01"], task.id, "crm02")
    assert office.task(incident_id).draft == {"analysis": "看了一半"}
    with pytest.raises(NotAllowedError):
        verbs.save_draft(office.desk, office["crm01"], task.id, {"analysis": "我还在写"})


def test_a_colleague_does_not_overwrite_the_draft_of_a_task_that_nobody_has_claimed(office: Office):
    incident_id = office.dispatch()
    task = office.task(incident_id)
    verbs.save_draft(office.desk, office["crm01"], task.id, {"answer": "return"})
    with pytest.raises(ConflictError) as conflict:
        verbs.save_draft(office.desk, office["crm02"], task.id, {"answer": "accept"})
    assert conflict.value.by == "crm01"
    verbs.claim(office.desk, office["crm02"], task.id, task.token)
    verbs.save_draft(office.desk, office["crm02"], task.id, {"answer": "accept"})
    assert office.task(incident_id).draft == {"answer": "accept"}


# -- commands that arrive twice -------------------------------------------------------------------------------------


def test_a_report_that_arrives_twice_is_one_incident(office: Office):
    values = {verbs.IDENTIFY: CUSTOMER, verbs.RECORD: office.record()}
    first = verbs.report(office.desk, office["reception01"], values, key="k1")
    again = verbs.report(office.desk, office["reception01"], values, key="k1")
    other = verbs.report(office.desk, office["reception02"], values, key="k1")  # keys are each actor's own
    assert first == again != other
    assert count(office, incident) == 2


def test_two_arrivals_of_one_report_at_once_are_one_incident(office: Office):
    values = {verbs.IDENTIFY: CUSTOMER, verbs.RECORD: office.record()}
    results = race(*[lambda: verbs.report(office.desk, office["reception01"], values, key="k1")] * 2)
    assert results[0] == results[1]
    assert count(office, incident) == 1


def test_a_completion_that_arrives_twice_tells_the_first_result(office: Office):
    incident_id = office.dispatch()
    task, person = office.task(incident_id), office["crm01"]
    first = verbs.complete(office.desk, person, task.id, ROAD["s2_9_accept"], task.token, key="k2")
    again = verbs.complete(office.desk, person, task.id, ROAD["s2_9_accept"], task.token, key="k2")
    assert isinstance(again, Completed) and first == again
    with pytest.raises(ConflictError):
        verbs.complete(office.desk, person, task.id, ROAD["s2_9_accept"], task.token, key="another")


@pytest.mark.parametrize(("length", "good"), [(0, False), (1, True), (120, True), (121, False)])
def test_keys_have_up_to_120_characters(length: int, good: bool):
    if good:
        idempotency.check_key("k" * length)
    else:
        with pytest.raises(EngineError):
            idempotency.check_key("k" * length)


@pytest.mark.parametrize(("days", "kept"), [(6.9, 1), (7, 0)])
def test_results_are_kept_for_a_week(office: Office, days: float, kept: int):
    verbs.report(office.desk, office["reception01"], {verbs.IDENTIFY: CUSTOMER, verbs.RECORD: office.record()}, key="k")
    office.pass_(days=days)
    with office.desk.unit_of_work("test") as ctx:
        idempotency.forget_old(ctx)
    assert count(office, idempotency_table) == kept


# -- stuck instances ------------------------------------------------------------------------------------------------


def test_a_step_that_fails_is_rolled_back_and_can_be_retried(office: Office):
    incident_id = office.dispatch()
    task = office.task(incident_id)
    broken = office.with_handlers(dispatch__answer=fails)
    with pytest.raises(StepFailedError, match="hole"):
        verbs.complete(broken, office["crm01"], task.id, ROAD["s2_9_accept"], task.token)
    assert office.status(incident_id) == "stuck"
    assert office.incident(incident_id)["state"] == "to_accept"
    with pytest.raises(ConflictError):
        verbs.complete(office.desk, office["crm02"], task.id, ROAD["s2_9_accept"], task.token)
    instance_id = task.instance_id
    with pytest.raises(StepFailedError):
        verbs.retry(broken, office["owner01"], instance_id)
    verbs.retry(office.desk, office["owner01"], instance_id)
    assert office.status(incident_id) == "running"
    assert office.incident(incident_id)["responsible_person"] == "crm01"  # the values and the actor were kept


def test_a_stuck_task_can_be_given_back_with_what_was_typed(office: Office):
    incident_id = office.accept()
    task = office.task(incident_id)
    broken = office.with_handlers(investigation__analyse=fails)
    with pytest.raises(StepFailedError):
        verbs.complete(broken, office["crm01"], task.id, ROAD["s3_1_analyse"], task.token)
    verbs.reopen(office.desk, office["manager01"], task.instance_id, "换一种写法")
    assert office.task(incident_id).draft == {**ROAD["s3_1_analyse"], "needs_information": False}
    office.do(incident_id, "crm01", "s3_1_analyse")


@pytest.mark.parametrize("account", ["crm01", "reception01", "leaders01", "customer01"])
def test_only_those_who_keep_the_process_going_touch_instances(office: Office, account: str):
    incident_id = office.dispatch()
    instance_id = office.task(incident_id).instance_id
    for verb in (verbs.reopen, verbs.suspend_instance, verbs.resume_instance, verbs.cancel_instance):
        with pytest.raises(NotAllowedError):
            verb(office.desk, office[account], instance_id, "试试")
    with pytest.raises(NotAllowedError):
        verbs.retry(office.desk, office[account], instance_id)


def test_suspending_and_cancelling_need_a_reason(office: Office):
    instance_id = office.task(office.dispatch()).instance_id
    for verb in (verbs.suspend_instance, verbs.cancel_instance):
        with pytest.raises(InvalidValuesError):
            verb(office.desk, office["owner01"], instance_id, "  ")


def test_a_suspended_instance_refuses_work_until_it_is_resumed(office: Office):
    incident_id = office.dispatch()
    task = office.task(incident_id)
    verbs.suspend_instance(office.desk, office["owner01"], task.instance_id, "核查流程")
    with pytest.raises(ConflictError):
        verbs.complete(office.desk, office["crm01"], task.id, ROAD["s2_9_accept"], task.token)
    verbs.resume_instance(office.desk, office["owner01"], task.instance_id, "核查完毕")
    office.do(incident_id, "crm01", "s2_9_accept")


def test_a_later_step_that_fails_keeps_what_was_typed(office: Office):
    incident_id = office.report()
    task = office.task(incident_id)
    page = {step: ROAD[step] for step in DESK_PAGE}
    broken = office.with_handlers(dispatch__dispatch=fails)
    with pytest.raises(StepFailedError):
        verbs.complete_joined(broken, office["reception01"], task.id, page, task.token)
    assert office.status(incident_id) == "stuck"
    assert office.incident(incident_id)["category"] == "crm"  # 2.2 is done
    verbs.retry(office.desk, office["owner01"], task.instance_id)
    assert office.incident(incident_id)["responsible_group"] == "crm"  # and 2.8 with the group that was typed


def test_a_report_that_fails_at_its_second_step_is_not_lost(office: Office):
    broken = office.with_handlers(intake__record=fails)
    values = {verbs.IDENTIFY: CUSTOMER, verbs.RECORD: office.record()}
    with pytest.raises(StepFailedError):
        verbs.report(broken, office["reception01"], values)
    with office.desk.reading() as connection:
        found = connection.execute(select(incident.c.id, incident.c.customer_name)).one()
        instance_id = connection.scalars(select(stuck.c.instance_id)).one()
    assert found.customer_name == CUSTOMER["customer_name"]
    verbs.retry(office.desk, office["owner01"], instance_id)
    assert office.incident(found.id)["number"] == "SJ261123-001"


def test_a_start_that_fails_leaves_nothing(office: Office):
    broken = office.with_handlers(incident__offer=fails)
    values = {verbs.IDENTIFY: CUSTOMER, verbs.RECORD: office.record()}
    with pytest.raises(StepFailedError):
        verbs.report(broken, office["reception01"], values)
    assert count(office, incident) == count(office, stuck) == 0
    assert office.report() > 0


def test_a_timer_whose_step_fails_leaves_a_stuck_instance_and_the_tick_goes_on(office: Office):
    first, second = office.resolve(), office.resolve()
    office.pass_(days=30)

    def fails_for_the_first(ctx: Any, call: Any) -> Any:
        if int(call.data["incident_id"]) == first:
            raise ZeroDivisionError("the table has a hole")
        return HANDLERS["closing.close_automatically"](ctx, call)

    broken = office.with_handlers(closing__close_automatically=fails_for_the_first)
    assert verbs.tick(broken).timers == 1
    assert (office.status(first), office.status(second)) == ("stuck", "completed")
    verbs.retry(office.desk, office["manager01"], office.task(first).instance_id)
    assert office.incident(first)["state"] == "closed"


# -- remarks and messages -------------------------------------------------------------------------------------------


def test_a_remark_is_kept_and_an_empty_one_refused(office: Office):
    incident_id = office.accept()
    verbs.comment(office.desk, office["crm01"], incident_id, "已联系厂商")
    with pytest.raises(InvalidValuesError):
        verbs.comment(office.desk, office["crm01"], incident_id, "  ")
    assert count(office, comment) == 1


def test_a_failing_delivery_does_not_undo_what_was_committed(office: Office, monkeypatch: pytest.MonkeyPatch):
    def broken(*_arguments: object) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr("webapp.desk.core.messages.claim_due", broken)
    with office.desk.unit_of_work("test") as ctx:
        messages.send(ctx, "nobody_waits", "1")
    assert count(office, message) == 1


def test_the_unit_of_work_undoes_everything_when_it_raises(office: Office):
    with pytest.raises(KeyError), office.desk.unit_of_work("test") as ctx:
        incident_id = incidents.create(ctx)
        instances.start(ctx, "incident", str(incident_id), {"incident_id": incident_id, "outcome": "reported"})
        assert ctx.connection.scalar(select(func.count()).select_from(user_task)) == 1
        raise KeyError("changed my mind")
    assert count(office, incident) == count(office, user_task) == 0
