"""Random walks along the main road: what must hold after every event, whatever people do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from engine.errors import ConflictError
from handlers import clocks, reference
from handlers.records import catalogue, incidents, relations, waiting
from handlers.records.tables import field_change
from tests.handlers.conftest import CLASS, SUPPORTER, House

T3 = {1: (1, 1, 2), 2: (1, 2, 3), 3: (2, 3, 4), 4: (3, 4, 4)}
DEFAULTS = {
    "dispatches": 0,
    "transfers": 0,
    "rejections": 0,
    "priority_provisional": False,
    "escalated": False,
    "withdrawn": False,
}
CATEGORIES = (("crm", "crm.app"), ("mss", "mss.app"), ("hb", "hb.data"), ("bss_infra", "bss_infra.database"))


class Walk:
    """One incident, the step at which it stands, and the choices of hypothesis."""

    def __init__(self, house: House, data: st.DataObject) -> None:
        self.house, self.data = house, data
        self.incident_id = house.report()
        self.at = "identify"
        self.was_closed = False

    def pick(self, *choices: Any) -> Any:
        return self.data.draw(st.sampled_from(choices))

    def step(self, operation: str, actor: str = SUPPORTER, **values: Any) -> Any:
        return self.house.step(operation, self.incident_id, actor, **values)

    def take(self) -> None:
        """Carry out the step at which the incident stands; go where the diagram goes."""
        self.at = getattr(self, self.at)()

    def identify(self) -> str:
        self.house.identify(self.incident_id, customer_grade=self.pick("经理", "主管", "普通员工", "无"))
        return "record"

    def record(self) -> str:
        self.house.record(self.incident_id, source=self.pick("phone", "alarm", "noc"))
        return "classify"

    def classification(self) -> dict[str, Any]:
        category, kind = self.pick(*CATEGORIES)
        symptoms = [row["key"] for row in reference.rows(self.house.context(), "symptoms") if row["type"] == kind]
        return {**CLASS, "category": category, "type": kind, "symptom": symptoms[0], "impact": self.pick(1, 2, 3, 4)}

    def classify(self) -> str:
        self.step("classification.set_type", request_type=self.pick("故障", "咨询", "投诉"), ci_affected=False)
        self.step("classification.classify", **self.classification())
        self.step("classification.assess")
        return self.propose()

    def propose(self) -> str:
        self.step("dispatch.propose")
        return "dispatch"

    def dispatch(self) -> str:
        incident = self.house.incident(self.incident_id)
        groups = [row["key"] for row in catalogue.selectable_groups(self.house.context(), incident)]
        self.step("dispatch.dispatch", group=self.pick(*groups))
        return "answer"

    def answer(self) -> str:
        chosen = self.step(
            "dispatch.answer", answer=self.pick("accept", "transfer", "return"), return_reason="现象填错"
        )
        return {"accept": "investigate", "transfer": "transfer", "return": "propose"}[chosen]

    def cause(self) -> str:
        incident = self.house.incident(self.incident_id)
        rows = reference.rows(self.house.context(), "causes")
        return str(next(row["key"] for row in rows if row["type"] in ("", incident["type"])))

    def transfer(self) -> str:
        self.step("dispatch.transfer", group=self.pick("crm", "non_crm", "desk"), cause=self.cause(), reason="T1")
        return "answer"

    def investigate(self) -> str:
        self.step("investigation.analyse", analysis="台账不一致")
        self.step("classification.confirm", **self.classification(), reason="更正")
        self.step("classification.assess")
        found = self.step(
            "investigation.conclude", found=self.pick("solution", "none", "transfer"), solution="恢复", workaround=False
        )
        return {"solution": "agree", "none": "propose", "transfer": "transfer"}[found]

    def agree(self) -> str:
        return "verify" if self.step("resolution.agree", agreed=self.pick(True, False), answer="答复") else "propose"

    def verify(self) -> str:
        restored = self.pick(True, True, False)
        if not self.step("resolution.verify", restored=restored, verification="验证", cause=self.cause()):
            return "investigate"
        self.step("closing.resolve")
        return "ask"

    def ask(self) -> str:
        return "close" if self.step("closing.ask", satisfied=self.pick(True, False), opinion="意见") else "propose"

    def close(self) -> str:
        if self.pick("person", "time") == "person":
            self.step("closing.close", close_code="C01", solution="恢复")
            return "closed"
        return "closed" if self.step("closing.close_automatically") == "closed" else "close"

    def closed(self) -> str:
        ctx = self.house.context()
        with pytest.raises(ConflictError):
            relations.reassign(ctx, incidents.get(ctx, self.incident_id), "再处理")
        return "closed"

    def interfere(self) -> None:
        """What may happen at any step: wait, resume, comment, reassign, withdraw; refused where it cannot be."""
        ctx = self.house.context()
        incident = incidents.get(ctx, self.incident_id)
        act = self.pick("hold", "resume", "comment", "reassign", "withdraw")
        try:
            if act == "hold":
                waiting.hold(ctx, incident, "W01", ctx.now + timedelta(days=1), "等待", roles={"support"})
            elif act == "resume":
                waiting.resume(ctx, incident, "已回复")
            elif act == "comment":
                relations.comment(ctx, self.incident_id, "备注")
            elif act == "reassign":
                relations.reassign(ctx, incident, "换组")
                self.at = "propose"
            else:
                relations.withdraw(ctx, incident, "撤销")
                self.at = "close"
        except ConflictError:
            pass


def check_truth(walk: Walk) -> None:
    house = walk.house
    found = house.incident(walk.incident_id)
    closed = found["state"] == "closed"
    assert closed or not walk.was_closed
    walk.was_closed = closed
    if closed:
        assert [found[name] for name in incidents.RESPONSIBLE] == [None, None, None]
    else:
        assert found["responsible_role"] and found["responsible_group"]
    if found["priority"] is not None:
        assert found["priority"] == T3[found["impact"]]["高中低".index(found["urgency"])]
    for name in clocks.CLOCKS:
        clock = clocks.clock(found, name)
        assert clocks.running_time(clock, house.now) + clocks.paused_time(clock, house.now) == clocks.wall_time(
            clock, house.now
        )
        assert clocks.running_time(clock, house.now) >= timedelta()
    assert found["dispatches"] > found["transfers"] or found["dispatches"] == 0
    assert (found["state"] == "waiting") == (found["waiting_since"] is not None) == (found["held_state"] is not None)


def check_changes_rebuild(walk: Walk) -> None:
    """Old values join up, and all changes together give the record."""
    rebuilt: dict[str, Any] = dict(DEFAULTS)
    rows = walk.house.connection.execute(
        select(field_change).where(field_change.c.incident_id == walk.incident_id).order_by(field_change.c.id)
    )
    for row in rows:
        assert rebuilt.get(row.field) == row.old, row.field
        rebuilt[row.field] = row.new
    found = walk.house.incident(walk.incident_id)
    for name in incidents.TRACKED:
        value = found[name]
        if hasattr(value, "isoformat"):
            value = value.isoformat()
        assert rebuilt.get(name) == value, name


@pytest.mark.proves("R203", "R221", "R229", "R244", "R277")
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_on_every_walk_there_is_one_responsible_and_closed_stays_closed(
    sqlite_house: House, data: st.DataObject
) -> None:
    walk = Walk(sqlite_house, data)
    for _ in range(data.draw(st.integers(5, 25))):
        sqlite_house.wait(minutes=data.draw(st.integers(0, 600)))
        if walk.pick(False, False, True):
            walk.interfere()
        else:
            walk.take()
        check_truth(walk)
    check_changes_rebuild(walk)
