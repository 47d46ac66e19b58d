"""Accounts with groups, posts and roles; customers that are looked up and corrected."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, select

from engine.context import Context
from engine.errors import ConflictError, InvalidValuesError, NotFoundError
from handlers.records import people
from handlers.records.tables import customer as customers
from handlers.records.tables import customer_change
from tests.handlers.conftest import CUSTOMER, DESK_PERSON, START, House


@pytest.mark.proves("R010")
def test_a_person_stands_in_several_groups_and_posts(house: House) -> None:
    ctx = house.context("system")

    def stands(account: str, group: str) -> bool:
        return people.stands_in(ctx.connection, account, group)

    people.add_person(ctx, "ops01", "运行组-BSS岗01", phone="8001", demo=True)
    people.add_person(ctx, "crm01", "CRM组-支持岗01")
    for group, post in (("operations", "ops_bss"), ("operations", "ops_mo"), ("crm", ""), ("crm", "")):
        people.join_group(ctx, "ops01", group, post)
    for _ in range(2):
        people.grant_role(ctx, "ops01", "support")
    assert [group for group in ("operations", "crm", "desk") if stands("ops01", group)] == ["operations", "crm"]
    assert not stands("crm01", "operations")
    people.leave_group(ctx, "ops01", "operations")
    people.revoke_role(ctx, "ops01", "support")
    assert [group for group in ("operations", "crm") if stands("ops01", group)] == ["crm"]
    people.set_active(ctx, "ops01", False)
    assert not stands("ops01", "crm")


def test_an_account_exists_once_and_a_missing_one_is_not_found(sqlite_house: House) -> None:
    ctx = sqlite_house.context("system")
    people.add_person(ctx, "ops01", "运行组-BSS岗01")
    with pytest.raises(ConflictError):
        people.add_person(ctx, "ops01", "运行组-BSS岗02")
    with pytest.raises(NotFoundError):
        people.set_active(ctx, "nobody", True)


def customer(**more: Any) -> dict[str, Any]:
    return {"name": "营业厅岗位01", "grade": "普通员工", "phone": "8000", "served": True, **more}


@pytest.mark.proves("R064", "R072")
def test_a_customer_is_known_by_staff_number_else_by_name_and_one_of_his_telephones(house: House) -> None:
    ctx = house.context()
    first = people.save_customer(ctx, customer())
    assert people.save_customer(ctx, customer(mobile="13900000001")) == first
    assert people.save_customer(ctx, customer(phone=None, mobile="13900000001")) == first
    assert people.save_customer(ctx, customer(phone="13900000001", staff_number="A1")) == first
    assert people.save_customer(ctx, customer(phone="0", staff_number="A1")) == first
    assert people.save_customer(ctx, customer(phone="0")) == first
    assert people.save_customer(ctx, customer(phone="0", staff_number="A2")) != first
    assert people.save_customer(ctx, customer(phone="13900000001", name="营业厅岗位02")) != first


@pytest.mark.proves("R072")
def test_first_calls_of_one_customer_at_the_same_time_make_one_row(database: Engine) -> None:
    def call(_number: int) -> int:
        with database.begin() as connection:
            ctx = Context(connection, START, DESK_PERSON, {})
            return people.save_customer(ctx, customer(phone="8100"))

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(call, range(8)))) == 1


@pytest.mark.proves("R074")
def test_a_correction_during_intake_is_kept_in_the_customer_master(house: House) -> None:
    incident_id = house.report()
    house.identify(incident_id)
    house.identify(incident_id, department="finance", email="yyt01@example.org")
    known = house.connection.execute(select(customers).where(customers.c.staff_number == "A1001")).one()
    assert (known.department, known.email) == ("finance", "yyt01@example.org")
    kept = house.connection.execute(select(customer_change).where(customer_change.c.old.is_not(None))).one()
    assert (kept.field, kept.old, kept.new) == ("department", CUSTOMER["department"], "finance")
    found = house.incident(incident_id)
    assert (found["customer_id"], found["department"]) == (known.id, "finance")


def test_without_a_staff_number_phone_and_name_together_tell_who_it_is(house: House) -> None:
    ctx = house.context()
    first = people.save_customer(ctx, customer())
    assert people.save_customer(ctx, customer(grade="主管")) == first
    assert people.save_customer(ctx, customer(name="营业厅岗位02")) != first
    assert people.save_customer(ctx, customer(phone="8001")) != first
    assert people.save_customer(ctx, customer(phone=None)) != people.save_customer(ctx, customer(phone=None))


def test_a_text_that_is_too_long_is_refused_with_its_field(sqlite_house: House) -> None:
    people.save_customer(sqlite_house.context(), customer(staff_number="A" * 60))
    with pytest.raises(InvalidValuesError) as refused:
        people.save_customer(sqlite_house.context(), customer(staff_number="A" * 61))
    assert set(refused.value.problems) == {"staff_number"}
