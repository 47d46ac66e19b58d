"""The table of rights, read as people read it: who may do what, in which state."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import Any

import pytest

from handlers.records.incidents import STATES
from webapp.contacts import masked, seen_by
from webapp.demo.accounts import ACCOUNTS
from webapp.rights import OPEN, RELATIONS, RIGHTS, Person, allowed
from webapp.shipped import PROCESSES


def keys(table: str) -> set[str]:
    with (PROCESSES / "reference" / f"{table}.csv").open(encoding="utf-8") as file:
        return {row["key"] for row in csv.DictReader(file)}


@dataclass(frozen=True)
class Task:
    candidate_group: str | None = "crm"
    assignee: str | None = None


def person(*roles: str, groups: tuple[str, ...] = ()) -> Person:
    return Person("me", "我", frozenset(groups), frozenset(roles))


def incident(state: str, **changed: Any) -> dict[str, Any]:
    facts = {"state": state, "recorder": "other", "responsible_person": None, "responsible_group": "billing_apps"}
    return facts | changed


def test_every_name_in_the_table_is_a_role_or_a_relation_and_every_state_one():
    named = {who for right in RIGHTS for who in right.who}
    assert named <= keys("roles") | RELATIONS.keys()
    assert {state for right in RIGHTS for state in right.states or ()} <= STATES.keys()
    assert STATES.keys() - {"closed"} == OPEN


def test_an_unknown_action_is_a_fault_of_the_program():
    with pytest.raises(KeyError):
        allowed(person("manager"), "fly")


@pytest.mark.proves("R001")
def test_management_reads_and_does_nothing_else():
    leader = person("leaders", groups=("leaders",))
    subjects = {"task": Task(), "incident": incident("in_progress")}
    may = {right.action for right in RIGHTS if allowed(leader, right.action, **subjects)}
    assert may == {"read", "board.read", "export"}


@pytest.mark.parametrize(
    ("task", "groups", "may"),
    [
        (Task("crm", None), ("crm",), {"complete", "draft", "claim", "assign"}),
        (Task("crm", "me"), ("crm",), {"complete", "draft", "release", "delegate", "assign"}),
        (Task("crm", "me"), (), {"complete", "draft", "release", "delegate"}),
        (Task("crm", "other"), ("crm",), {"assign"}),
        (Task("crm", None), ("billing_apps",), set()),
        (Task(None, None), ("crm",), set()),
    ],
)
def test_a_task_is_for_who_has_it_or_for_the_group_while_nobody_has(task: Task, groups: tuple[str, ...], may: set[str]):
    actions = ("complete", "draft", "claim", "release", "assign", "delegate")
    assert {action for action in actions if allowed(person("support", groups=groups), action, task=task)} == may


@pytest.mark.proves("R023")
@pytest.mark.parametrize(
    ("state", "may"),
    [
        ("new", {"comment", "hold"}),
        ("to_dispatch", {"comment", "hold", "withdraw", "reassign"}),
        ("to_accept", {"comment", "hold", "withdraw", "reassign"}),
        ("in_progress", {"comment", "hold", "withdraw", "reassign"}),
        ("waiting", {"comment", "resume", "withdraw", "reassign"}),
        ("slave", {"comment", "withdraw", "reassign"}),
        ("resolved", {"comment", "hold"}),
        ("closed", set()),
    ],
)
def test_the_manager_coordinates_any_incident_until_it_is_resolved(state: str, may: set[str]):
    actions = ("comment", "hold", "resume", "withdraw", "reassign")
    assert {each for each in actions if allowed(person("manager"), each, incident=incident(state))} == may


@pytest.mark.parametrize(
    ("facts", "may"),
    [
        ({"responsible_person": "me"}, {"comment", "hold"}),
        ({"responsible_group": "crm"}, {"comment", "hold"}),
        ({"recorder": "me"}, {"comment"}),
        ({}, set()),
    ],
)
def test_who_answers_for_an_incident_may_hold_it_and_who_recorded_it_may_remark(facts: dict[str, str], may: set[str]):
    me = person("support", groups=("crm",))
    actions = ("comment", "hold", "resume", "withdraw", "reassign")
    assert {each for each in actions if allowed(me, each, incident=incident("in_progress", **facts))} == may


def test_a_right_with_states_needs_an_incident():
    assert not allowed(person("manager"), "hold")


@pytest.mark.parametrize(
    ("state", "may"),
    [
        ("new", {"read_own", "contact.read", "supplement", "answer"}),
        ("to_dispatch", {"read_own", "contact.read", "supplement", "withdraw_own"}),
        ("waiting", {"read_own", "contact.read", "supplement", "withdraw_own", "answer"}),
        ("slave", {"read_own", "contact.read", "supplement", "withdraw_own"}),
        ("resolved", {"read_own", "contact.read", "supplement", "confirm"}),
        ("closed", {"read_own", "contact.read"}),
    ],
)
def test_a_customer_acts_on_his_own_incidents_alone(state: str, may: set[str]):
    me = Person("me", "我", roles=frozenset({"customer"}), customer=7)
    actions = {right.action for right in RIGHTS} - {"request"}
    assert {each for each in actions if allowed(me, each, incident=incident(state, customer_id=7))} == may
    assert not {each for each in actions if allowed(me, each, incident=incident(state, customer_id=8))}
    stranger = Person("me", "我", roles=frozenset({"customer"}))
    assert not {each for each in actions if allowed(stranger, each, incident=incident(state, customer_id=None))}


def test_contact_data_are_for_who_needs_them():
    facts = incident("in_progress", customer_id=7, phone="0731-85550101", mobile="", email="hall@example.org")
    assert seen_by(person("desk"), facts) is facts
    assert seen_by(person("support", groups=("billing_apps",)), facts) is facts
    others = seen_by(person("support", groups=("crm",)), facts)
    assert (others["phone"], others["mobile"], others["email"]) == ("****01", "", "****@example.org")
    assert masked("85555") == "****"


@pytest.mark.proves("R018", "R021", "R022", "R024", "R032", "R045")
def test_every_post_and_role_of_the_handbook_has_a_demo_account():
    posts = {post for account in ACCOUNTS for _, post in account.posts}
    assert posts == keys("posts")
    assert {role for account in ACCOUNTS for role in account.roles} == keys("roles") - {"system"}
    assert {group for account in ACCOUNTS for group, _ in account.posts} == keys("groups")
    assert (
        len({account.account for account in ACCOUNTS}) == len({account.name for account in ACCOUNTS}) == len(ACCOUNTS)
    )
