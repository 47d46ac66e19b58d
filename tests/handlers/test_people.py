"""Accounts with groups, posts and roles; customers that are looked up and corrected."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from engine.errors import ConflictError, InvalidValuesError, NotFoundError
from handlers.records import people
from handlers.records.tables import customer_change
from tests.handlers.conftest import CUSTOMER, House


@pytest.mark.proves("R010")
def test_a_person_stands_in_several_groups_and_posts(house: House) -> None:
    ctx = house.context("system")
    people.add_person(ctx, "ops01", "运行组-BSS岗01", phone="8001", demo=True)
    people.add_person(ctx, "crm01", "CRM组-支持岗01")
    for group, post in (("operations", "ops_bss"), ("operations", "ops_mo"), ("crm", ""), ("crm", "")):
        people.join_group(ctx, "ops01", group, post)
    for _ in range(2):
        people.grant_role(ctx, "ops01", "support")
    found = people.member(ctx, "ops01")
    assert (found.groups, found.posts) == ({"operations", "crm"}, {"ops_bss", "ops_mo"})
    assert (found.roles, found.phone, found.demo, found.active) == ({"support"}, "8001", True, True)
    assert [each.account for each in people.members(ctx, group="operations")] == ["ops01"]
    assert {each.account for each in people.members(ctx)} == {"ops01", "crm01"}
    people.leave_group(ctx, "ops01", "operations")
    people.revoke_role(ctx, "ops01", "support")
    people.set_active(ctx, "ops01", False)
    found = people.member(ctx, "ops01")
    assert (found.groups, found.posts, found.roles, found.active) == ({"crm"}, frozenset(), frozenset(), False)


def test_an_account_exists_once_and_a_missing_one_is_not_found(sqlite_house: House) -> None:
    ctx = sqlite_house.context("system")
    people.add_person(ctx, "ops01", "运行组-BSS岗01")
    with pytest.raises(ConflictError):
        people.add_person(ctx, "ops01", "运行组-BSS岗02")
    for act in (lambda: people.member(ctx, "nobody"), lambda: people.set_active(ctx, "nobody", True)):
        with pytest.raises(NotFoundError):
            act()


def customer(**more: Any) -> dict[str, Any]:
    return {"name": "营业厅岗位01", "grade": "普通员工", "phone": "8000", "served": True, **more}


@pytest.mark.proves("R064", "R072", "R351")
def test_a_customer_is_looked_up_by_staff_number_then_phone_then_name(house: House) -> None:
    ctx = house.context()
    first = people.save_customer(ctx, customer(staff_number="A1", mobile="13900000001"))
    second = people.save_customer(ctx, customer(name="营业厅岗位02", phone="8000"))

    def found(**by: str) -> list[int]:
        return [row["id"] for row in people.find_customers(ctx, **by)]

    assert found(staff_number="A1", phone="8000") == [first]
    assert found(staff_number="A9", phone="8000") == [first, second]
    assert found(phone=" 13900000001 ") == [first]
    assert found(phone="0", name="营业厅岗位02") == [second]
    assert found(name="营业厅岗位09") == found() == []


@pytest.mark.proves("R074")
def test_a_correction_during_intake_is_kept_in_the_customer_master(house: House) -> None:
    incident_id = house.report()
    house.identify(incident_id)
    house.identify(incident_id, department="finance", email="yyt01@example.org")
    known = people.find_customers(house.context(), staff_number="A1001")
    assert [(row["department"], row["email"]) for row in known] == [("finance", "yyt01@example.org")]
    kept = house.connection.execute(select(customer_change).where(customer_change.c.old.is_not(None))).one()
    assert (kept.field, kept.old, kept.new) == ("department", CUSTOMER["department"], "finance")
    found = house.incident(incident_id)
    assert (found["customer_id"], found["department"]) == (known[0]["id"], "finance")


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
