"""Every address × every role: who is let in, and that no address was forgotten."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from webapp.rights import ANYBODY, DOORS, RELATIONS, RIGHTS, SIGNED_IN, Person, may_enter

ROLES = {
    "desk": "reception01",
    "support": "crm01",
    "manager": "manager01",
    "leaders": "leaders01",
    "owner": "owner01",
    "maintenance": "maintenance01",
    "customer": "customer01",
}
OWN_DOOR = ("api.",)  # blueprints that know who comes by something other than the session
SETTERS = {"pages.sign_out", "pages.sign_out_everywhere"}  # they would end the walk's own session


def test_every_address_has_its_door_and_every_door_a_right(desk_app: Flask) -> None:
    endpoints = {rule.endpoint for rule in desk_app.url_map.iter_rules()}
    assert endpoints - DOORS.keys() == set(), "name them in webapp.rights.DOORS"
    assert DOORS.keys() - endpoints == set(), "these addresses do not exist"
    assert set(DOORS.values()) - {ANYBODY, SIGNED_IN} <= {right.action for right in RIGHTS}


def test_a_door_asks_for_roles_alone() -> None:
    doors = set(DOORS.values())
    named = {who for right in RIGHTS if right.action in doors for who in right.who}
    assert named.isdisjoint(RELATIONS)


def test_an_address_without_a_line_lets_nobody_in() -> None:
    everything = Person("me", "我", roles=frozenset(ROLES))
    assert not may_enter(everything, "pages.forgotten")
    assert not may_enter(None, "pages.forgotten")


@pytest.mark.proves("R001")
@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_each_role_enters_where_the_table_says_and_nowhere_else(role: str, desk_app: Flask, signed_in) -> None:
    client = signed_in(ROLES[role]) if role in ROLES else desk_app.test_client()
    with desk_app.app_context():
        person = _person(desk_app, ROLES[role]) if role in ROLES else None
    for rule in desk_app.url_map.iter_rules():
        if rule.endpoint.startswith(OWN_DOOR) or rule.endpoint in SETTERS:
            continue
        path = re.sub(r"<(?:(\w+):)?\w+>", lambda found: "0" if found[1] == "int" else "none", rule.rule)
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            answer = client.open(path, method=method)
            where = f"{role} {method} {rule.endpoint}: {answer.status_code}"
            if may_enter(person, rule.endpoint):
                assert answer.status_code not in (401, 500), where
                assert "sign-in" not in answer.headers.get("Location", "") or rule.endpoint == "pages.sign_in", where
            elif person is None:
                assert answer.status_code == (303 if method == "GET" else 401), where
            else:
                assert answer.status_code == 403, where


def _person(app: Flask, account: str) -> Person:
    from webapp import people
    from webapp.app import desk_of

    with desk_of(app).reading() as connection:
        return people.find(connection, account)
