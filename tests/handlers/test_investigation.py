"""Stages 3 and 4 as their operations do them: what each answer leads to, and what must be said for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from engine.context import Call
from engine.errors import InvalidValuesError
from handlers import resolution
from handlers.records import incidents, waiting
from tests.handlers.conftest import SUPPORTER, House

CAUSE = "crm.app.config"


@pytest.mark.proves("R137", "R139")
@pytest.mark.parametrize(("typed", "needs"), [({}, False), ({"needs_information": True}, True)])
def test_3_1_says_whether_information_is_missing(sqlite_house: House, typed: dict[str, Any], needs: bool) -> None:
    incident_id = sqlite_house.accepted()
    values = {"analysis": "台账与日志不一致", **typed}
    assert sqlite_house.step("investigation.analyse", incident_id, SUPPORTER, **values) is needs
    assert sqlite_house.incident(incident_id)["analysis"] == "台账与日志不一致"


@pytest.mark.proves("R141")
def test_a_talk_with_the_user_says_by_what_means(sqlite_house: House) -> None:
    incident_id = sqlite_house.accepted()
    with pytest.raises(InvalidValuesError) as refused:
        sqlite_house.step("investigation.collect", incident_id, SUPPORTER, information="用户说昨天正常", contacted=True)
    assert set(refused.value.problems) == {"channel"}


@pytest.mark.proves("R144")
@pytest.mark.parametrize(("role", "relation"), [("slave_of", "slave"), ("master_of", "master"), ("link", "link")])
def test_3_4_takes_a_number_as_it_is_typed(sqlite_house: House, role: str, relation: str) -> None:
    other, incident_id = sqlite_house.accepted(), sqlite_house.accepted()
    number = f" {sqlite_house.incident(other)['number'].lower()} "
    values = {"role": role, "other": number, "reason": "同一个接口"}
    assert sqlite_house.step("investigation.relate", incident_id, SUPPORTER, **values) == relation
    slave, master = (incident_id, other) if role == "slave_of" else (other, incident_id)
    bound = sqlite_house.incident(slave)
    assert (bound["state"], bound["master_id"]) == (("in_progress", None) if role == "link" else ("slave", master))


@pytest.mark.proves("R150")
@pytest.mark.parametrize(
    ("found", "workaround", "request_type", "code"),
    [
        ("solution", False, "故障", "C01"),
        ("solution", False, "咨询", "C04"),
        ("solution", True, "咨询", "C02"),
        ("problem", False, "咨询", "C03"),
        ("problem", True, "故障", "C02"),
        ("none", False, "故障", None),
        ("transfer", False, "故障", None),
    ],
)
def test_3_6_proposes_the_close_code_of_what_was_found(
    sqlite_house: House, found: str, workaround: bool, request_type: str, code: str | None
) -> None:
    incident_id = sqlite_house.accepted()
    ctx = sqlite_house.context()
    incidents.change(ctx, incidents.get(ctx, incident_id), {"request_type": request_type})
    values = {"found": found, "workaround": workaround, "solution": "切换链路", "cause": CAUSE}
    assert sqlite_house.step("investigation.conclude", incident_id, SUPPORTER, **values) == found
    assert sqlite_house.incident(incident_id)["proposed_close_code"] == code


@pytest.mark.proves("R151", "R152", "R156")
@pytest.mark.parametrize(
    ("typed", "way", "state"),
    [
        ({"agreed": True, "next": "recover"}, "recover", "in_progress"),
        ({"agreed": True, "next": "change"}, "change", "in_progress"),
        ({"agreed": False}, "disagreed", "to_dispatch"),
    ],
)
def test_4_1_leads_where_user_and_supporter_have_agreed(
    sqlite_house: House, typed: dict[str, Any], way: str, state: str
) -> None:
    incident_id = sqlite_house.accepted()
    assert sqlite_house.step("resolution.choose", incident_id, SUPPORTER, answer="电话里说的", **typed) == way
    found = sqlite_house.incident(incident_id)
    assert (found["agreement"], found["state"]) == ("电话里说的", state)


@pytest.mark.proves("R157")
def test_back_in_stage_3_nobody_has_worked_yet_so_that_a_persons_waiting_goes_on(sqlite_house: House) -> None:
    incident_id = sqlite_house.accepted()
    ctx = sqlite_house.context(SUPPORTER)
    incident = incidents.change(ctx, incidents.get(ctx, incident_id), {"stage": 4})
    waiting.hold(ctx, incident, "W06", ctx.now + timedelta(days=1), "等备件", roles={"support"})
    call = Call("s4_back", 1, str(incident_id), {"incident_id": incident_id})
    resolution.back_to_investigation(sqlite_house.context("system"), call)
    found = sqlite_house.incident(incident_id)
    assert (found["stage"], found["state"], found["waiting_code"]) == (3, "waiting", "W06")
