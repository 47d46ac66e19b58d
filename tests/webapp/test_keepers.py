"""The verbs of those who keep the process, on both databases: rules, accounts, reference data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from engine.context import SYSTEM
from engine.errors import ConflictError, InvalidValuesError, NotAllowedError
from handlers.records import people as records
from handlers.records.tables import role_grant
from handlers.reference import ReferenceRefusedError
from tests.office import Office, furnish
from webapp.desk import operations, people, reference, rules
from webapp.sheets import edit
from webapp.tables import rule_draft

URGENCY = Path(__file__).parents[2] / "processes" / "decisions" / "urgency.dmn"
ROW = "urgency_supervisor_b"


@pytest.fixture
def office(database: Engine) -> Office:
    furnish(database)
    return Office(database)


def high() -> bytes:
    return edit.change_row(URGENCY.read_bytes(), "urgency", ROW, ['"主管"', '"B"', "", "", '"高"'], "主管优先")


def submitted(office: Office, **later: float) -> int:
    """A submitted draft; ``later`` is when it takes force (arguments of timedelta)."""
    author = office["maintenance01"]
    draft = rules.begin(office.desk, author, "urgency", key=None)
    rules.save_file(office.desk, author, draft, high(), revision=1, key=None)
    at = office.now + timedelta(**later) if later else None
    rules.submit(office.desk, author, draft, "主管优先", at, revision=2, key=None)
    return draft


def urgency(office: Office) -> object:
    return office.incident(office.report())["urgency"]


def test_an_approved_change_is_obeyed_by_the_next_incident_and_taken_back_in_one_step(office: Office) -> None:
    assert urgency(office) == "中"
    rules.approve(office.desk, office["owner01"], submitted(office), revision=3, key=None)
    assert urgency(office) == "高"
    rules.restore(office.desk, office["manager01"], "urgency", 1, "误判", key=None)
    assert urgency(office) == "中"


def test_a_change_for_later_is_obeyed_from_its_instant_on(office: Office) -> None:
    rules.approve(office.desk, office["owner01"], submitted(office, hours=2), revision=3, key=None)
    office.pass_(hours=2, microseconds=-1)
    assert urgency(office) == "中"
    office.pass_(microseconds=1)
    assert urgency(office) == "高"


def test_an_instant_that_passed_before_the_approval_is_the_approval(office: Office) -> None:
    draft = submitted(office, hours=1)
    office.pass_(hours=3)
    rules.approve(office.desk, office["owner01"], draft, revision=3, key=None)
    assert urgency(office) == "高"


def test_nobody_changes_what_another_person_drafts(office: Office) -> None:
    draft = rules.begin(office.desk, office["maintenance01"], "urgency", key=None)
    with pytest.raises(NotAllowedError):
        rules.save_file(office.desk, office["owner01"], draft, high(), revision=1, key=None)
    with pytest.raises(NotAllowedError):
        rules.begin(office.desk, office["crm01"], "urgency", key=None)


def test_a_draft_without_a_change_is_not_submitted(office: Office) -> None:
    draft = rules.begin(office.desk, office["maintenance01"], "urgency", key=None)
    with pytest.raises(InvalidValuesError, match="没有改动"):
        rules.submit(office.desk, office["maintenance01"], draft, "原因", None, revision=1, key=None)


def test_a_command_that_arrives_twice_is_carried_out_once(office: Office) -> None:
    first = rules.begin(office.desk, office["maintenance01"], "urgency", key="click")
    assert rules.begin(office.desk, office["maintenance01"], "urgency", key="click") == first
    with office.desk.reading() as connection:
        assert len(connection.execute(select(rule_draft.c.id)).all()) == 1


def test_two_owners_cannot_both_be_taken_away(office: Office) -> None:
    owner = office["owner01"]
    people.set_roles(office.desk, owner, "crm01", ["owner"])
    people.set_active(office.desk, owner, "owner01", active=False)
    with pytest.raises(ConflictError):
        people.set_active(office.desk, office["crm01"], "crm01", active=False)
    with office.desk.reading() as connection:
        owners = connection.scalars(select(role_grant.c.account).where(role_grant.c.role == "owner")).all()
    assert sorted(owners) == ["crm01", "owner01"]


def test_a_reference_row_holds_from_its_instant_and_not_before_an_earlier_change(office: Office) -> None:
    owner, row = office["owner01"], {"key": "crm.new", "name": "新子类", "category": "crm"}
    later = office.now + timedelta(days=2)
    reference.save_row(office.desk, owner, "types", "", row, later, "试用", key=None)
    with pytest.raises(ReferenceRefusedError):
        reference.save_row(office.desk, owner, "types", "", row | {"key": "crm.more"}, None, "更早", key=None)


def test_a_role_taken_away_between_page_and_act_counts_no_more(office: Office) -> None:
    owner = office["owner01"]  # as the page knew him
    draft = rules.begin(office.desk, owner, "urgency", key=None)
    row = {"key": "crm.new", "name": "新子类", "category": "crm"}
    with office.desk.unit_of_work(SYSTEM) as ctx:
        records.revoke_role(ctx, "owner01", "owner")
    acts: list[Callable[[], object]] = [
        lambda: rules.save_file(office.desk, owner, draft, high(), revision=1, key=None),
        lambda: rules.submit(office.desk, owner, draft, "原因", None, revision=1, key=None),
        lambda: rules.withdraw(office.desk, owner, draft, revision=1, key=None),
        lambda: rules.restore(office.desk, owner, "urgency", 1, "误判", key=None),
        lambda: reference.save_row(office.desk, owner, "types", "", row, None, "试用", key=None),
        lambda: people.add(office.desk, owner, "friend", "朋友", [], ["owner"]),
        lambda: people.set_roles(office.desk, owner, "owner01", ["owner"]),
        lambda: people.reset_password(office.desk, owner, "crm01"),
        lambda: operations.cancel_instance(office.desk, owner, 1, "重来"),
    ]
    for act in acts:
        with pytest.raises(NotAllowedError):
            act()


def test_a_disabled_account_does_nothing_more_from_a_page_that_is_still_open(office: Office) -> None:
    owner = office["owner01"]
    with office.desk.unit_of_work(SYSTEM) as ctx:
        records.set_active(ctx, "owner01", active=False)
    with pytest.raises(NotAllowedError):
        people.set_roles(office.desk, owner, "crm01", ["owner"])
