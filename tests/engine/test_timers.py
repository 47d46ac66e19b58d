from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, text

from engine import instances, timers
from engine import persistence as db
from tests.engine.toys import LEASE, NOW, Toy

DAY = timedelta(days=1)


@pytest.mark.parametrize(("late", "fires"), [(timedelta(microseconds=-1), 0), (timedelta(0), 1), (DAY, 1)])
def test_a_timer_fires_at_its_instant_and_not_before(toy: Toy, late: timedelta, fires: int) -> None:
    instance_id = toy.to_approval()
    toy.now = NOW + DAY + late
    assert toy.tick() == fires
    assert (("o_late", "late") in toy.outcomes(instance_id)) == bool(fires)


def test_a_timer_that_fires_late_keeps_when_it_was_due(toy: Toy) -> None:
    toy.to_approval()
    toy.now = NOW + 5 * DAY
    toy.tick()
    (row,) = toy.rows(db.history, element_id="o_late")
    assert (row.note, row.left_at, row.actor) == ((NOW + DAY).isoformat(), NOW + 5 * DAY, "system")


def test_nothing_due_leases_nothing(toy: Toy) -> None:
    toy.to_approval()
    assert toy.do(timers.next_due) == NOW + DAY
    assert toy.do(timers.claim_due, "n1", 10, LEASE) == []


def test_a_leased_timer_is_not_claimed_again_before_the_lease_ends(toy: Toy) -> None:
    toy.to_approval()
    toy.now += DAY
    assert len(toy.do(timers.claim_due, "n1", 10, LEASE)) == 1
    toy.now += LEASE - timedelta(microseconds=1)
    assert toy.do(timers.claim_due, "n2", 10, LEASE) == []
    toy.now += timedelta(microseconds=1)
    (claimed,) = toy.do(timers.claim_due, "n2", 10, LEASE)
    assert claimed.due_at == NOW + DAY


def test_claims_take_the_earliest_first_and_no_more_than_asked(toy: Toy) -> None:
    for key in ("1", "2", "3"):
        toy.to_approval(key)
        toy.now += timedelta(hours=1)
    toy.now += 2 * DAY
    due = [one.due_at for one in toy.do(timers.claim_due, "n1", 2, LEASE)]
    assert due == [NOW + DAY, NOW + DAY + timedelta(hours=1)]
    assert len(toy.do(timers.claim_due, "n2", 2, LEASE)) == 1


def test_a_timer_that_vanished_is_no_error(toy: Toy) -> None:
    toy.to_approval()
    toy.now += DAY
    (due,) = toy.do(timers.claim_due, "n1", 10, LEASE)
    toy.complete("o_approve", answer="yes")
    assert toy.do(instances.fire, due) is None


def test_two_firings_of_one_timer_are_one(toy: Toy) -> None:
    toy.to_approval()
    toy.now += DAY
    (due,) = toy.do(timers.claim_due, "n1", 10, LEASE)
    assert toy.do(instances.fire, due) is not None
    assert toy.do(instances.fire, due) is None


def test_a_cycle_comes_again_each_week_and_frees_its_lease(toy: Toy) -> None:
    instance_id = toy.start("reminder")
    for week in (1, 2, 3):
        toy.now = NOW + week * 7 * DAY
        assert toy.tick() == 1
    assert len(toy.reminded) == 3
    assert toy.count(db.timer) == 0
    toy.complete("r_do")
    assert toy.rows(db.instance, id=instance_id)[0].status == "completed"


def test_missed_occurrences_of_a_cycle_fire_once(toy: Toy) -> None:
    toy.start("reminder")
    toy.now = NOW + 15 * DAY
    assert toy.tick() == 1
    assert toy.tick() == 0
    assert toy.reminded == [NOW + 15 * DAY]
    (row,) = toy.rows(db.timer)
    assert (row.due_at, row.leased_by) == (NOW + 21 * DAY, None)


def test_the_due_scan_reads_one_index_and_no_table(toy: Toy) -> None:
    toy.start("reminder")
    (one,) = toy.rows(db.timer)
    with toy.engine.begin() as connection:
        connection.execute(
            insert(db.timer),
            [
                {"task_id": f"t{n}", "instance_id": one.instance_id, "element_id": "e", "due_at": NOW + n * DAY}
                for n in range(3000)
            ],
        )
    with toy.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if toy.engine.dialect.name == "postgresql":
            connection.execute(text("VACUUM ANALYZE timer"))
    with toy.engine.connect() as connection:
        explain = "EXPLAIN QUERY PLAN " if toy.engine.dialect.name == "sqlite" else "EXPLAIN "
        literal = timers.due_scan(NOW, 50).compile(connection, compile_kwargs={"literal_binds": True})
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + str(literal)))
    sqlite = toy.engine.dialect.name == "sqlite"
    expected = "USING COVERING INDEX ix_timer_due_at" if sqlite else "Index Only Scan using ix_timer_due_at"
    assert expected in plan, plan
