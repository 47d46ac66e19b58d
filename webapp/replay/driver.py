"""One logged event after the other, carried out with the verbs that the pages call, until the desk is where the log is.

The driver looks where the incident stands and does what is missing, so an event that was cut off halfway (kill −9) is
finished, never repeated: moves and rejections are made while the record's own counters are below the log's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, bindparam, func, select

from engine.context import SYSTEM
from engine.errors import EngineError
from engine.persistence import instance, timer, user_task
from handlers import reference
from handlers.clocks import duration
from handlers.records.tables import incident
from webapp import desk as verbs
from webapp.desk import Desk
from webapp.desk.incidents import PROCESS
from webapp.replay import company
from webapp.replay.log import CLOSED, RESOLVED, WAITING_CODES, Event
from webapp.rights import Person

# How far an incident has come, by the element at which it waits.
RANK = {
    "s2_1_type": 0,
    "s2_2_classify": 0,
    "s2_3_link": 0,
    "s2_5_find": 0,
    "s2_6_attempt": 0,
    "s2_8_dispatch": 1,
    "s2_11_transfer": 1,
    "s2_9_accept": 2,
    "s3_1_analyse": 3,
    "s3_3_confirm": 3,
    "s3_5_diagnose": 3,
    "s3_6_try": 3,
    "s4_1_agree": 4,
    "s4_5_recover": 4,
    "s4_6_verify": 4,
    "s5_1_check": 5,
    "s5_3_ask": 5,
    "s5_5_close": 5,
}
CLASSIFIED, DISPATCHED, ACCEPTED, RESOLVED_RANK, CLOSED_RANK = 1, 2, 3, 5, 6
DONE_BY_GROUP = frozenset(name for name in RANK if name.startswith(("s2_9", "s2_11", "s3", "s4")))
SYSTEM_ONLY_CODE = "W04"  # the log's "Awaiting Problem": set by the system (T-6)
LONGEST_WAIT = timedelta(days=365)  # of a code that names no longest time
NEVER_REOPENED = "R277"
NEVER_REOPENED_LATE = "R277, closed by the five days before the log closes it"
FILLED = "重放：日志没有此项内容"

# Built once: they run several times for each of a hundred thousand events.
_OPEN_TASKS = (
    select(user_task.c.id, user_task.c.element_id, user_task.c.revision, user_task.c.candidate_group)
    .join(instance, instance.c.id == user_task.c.instance_id)
    .where(instance.c.business_key == bindparam("key"), instance.c.process_key == PROCESS)
)
_i = incident.c
_INCIDENT = select(
    _i.id,
    _i.state,
    _i.waiting_code,
    _i.transfers,
    _i.rejections,
    _i.holder_group,
    _i.proposed_group,
    _i.category,
    _i.type,
    _i.symptom,
    _i.impact,
).where(_i.id == bindparam("id"))
_NEXT_DUE = select(func.min(timer.c.due_at))


@dataclass(slots=True)
class Clock:
    """The virtual clock of the replay."""

    now: datetime

    def __call__(self) -> datetime:
        """The instant of the event that is being carried out."""
        return self.now


@dataclass(slots=True)
class Track:
    """What the driver knows of one logged incident: its incidents here (recurrences included) and its latest state."""

    incident_ids: list[int] = field(default_factory=list)
    state: str | None = None
    rejections: int = 0  # logged since the current incident began
    moves_before: int = 0  # logged moves that belong to earlier incidents of this chain


@dataclass(slots=True)
class Tally:
    """What happened to the events, and what the log left out."""

    applied: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    fillers: Counter[str] = field(default_factory=Counter)


class Driver:
    """Carries out events in their order; ``tracks`` is kept by the caller across restarts."""

    def __init__(self, desk: Desk, clock: Clock, people: Mapping[str, Person]) -> None:
        """``people`` acts for each group; the desk's clock must be ``clock``."""
        self._desk, self._clock, self._people = desk, clock, people
        codes = _waiting_codes(desk)
        self._waits = {code["key"]: duration(code["max"]) if code["max"] else LONGEST_WAIT for code in codes}
        self._setters = {code["key"]: frozenset(code["set_by"].split()) for code in codes}

    def apply(self, event: Event, track: Track, tally: Tally) -> None:
        """Bring the incident to where the log says that it is after ``event``."""
        self._let_time_pass(event.at)
        if not track.incident_ids:
            self._report(event, track, tally, None)
        row = self._incident(track)
        if row["state"] == "closed":
            row = self._after_closing(event, track, tally, row)
        elif track.state == RESOLVED and event.state not in (None, RESOLVED, CLOSED):
            track.rejections += 1
        if row["state"] != "closed":
            self._work(event, track, tally, row)
        track.state = event.state or track.state
        tally.applied += 1

    def finish(self, at: datetime) -> None:
        """After the last event: what is still due comes due."""
        self._let_time_pass(at)

    # -- time ---------------------------------------------------------------------------------------------------

    def _let_time_pass(self, until: datetime) -> None:
        """Fire what comes due on the way, each at its own instant."""
        while (due := self._next_due()) is not None and due <= until:
            self._clock.now = max(due, self._clock.now)
            if verbs.tick(self._desk).timers == 0:
                break  # what stays due is stuck and shown as such; it must not hold the log up
        self._clock.now = max(until, self._clock.now)

    def _next_due(self) -> datetime | None:
        with self._desk.reading() as connection:
            due: datetime | None = connection.scalar(_NEXT_DUE)
            return due

    # -- one event ----------------------------------------------------------------------------------------------

    def _after_closing(self, event: Event, track: Track, tally: Tally, row: RowMapping) -> RowMapping:
        """A closed incident is never reopened (R277): what goes on in the log goes on in a recurrence (R269)."""
        if event.state in (None, RESOLVED, CLOSED):
            return row
        try:
            verbs.reassign(self._desk, self._people["manager"], row["id"], "用户反映问题仍在")
        except EngineError:
            tally.refused[NEVER_REOPENED if track.state == CLOSED else NEVER_REOPENED_LATE] += 1
        track.moves_before += row["transfers"]
        track.rejections = 0
        self._report(event, track, tally, row["id"])
        return self._incident(track)

    def _work(self, event: Event, track: Track, tally: Tally, row: RowMapping) -> None:
        state = event.state or track.state or "New"
        waiting_code = WAITING_CODES.get(state)
        if row["state"] == "waiting" and row["waiting_code"] != waiting_code:
            verbs.resume(self._desk, self._people["manager"], row["id"], "日志中等待结束")
        if row["state"] == "resolved" and row["rejections"] < track.rejections:
            self._reject(track)
        self._advance(event, track, tally, CLASSIFIED)
        if event.group:
            self._advance(event, track, tally, DISPATCHED)
        self._move(event, track, tally)
        goal = {"Active": ACCEPTED, RESOLVED: RESOLVED_RANK, CLOSED: CLOSED_RANK}.get(state, CLASSIFIED)
        self._advance(event, track, tally, goal)
        if waiting_code:
            self._hold(track, waiting_code, state)

    def _move(self, event: Event, track: Track, tally: Tally) -> None:
        """One transfer (2.11) for each rise of the log's counter."""
        while (row := self._incident(track))["transfers"] + track.moves_before < event.moves:
            if row["state"] == "resolved":
                tally.fillers["move_of_a_resolved_incident_left_out"] += 1
                return
            self._advance(event, track, tally, DISPATCHED)
            if event.group is None:
                tally.fillers["move_to_an_unnamed_group"] += 1
            group = company.key(event.group) if event.group else row["holder_group"] or row["proposed_group"]
            transfer: dict[str, Any] = {"group": group, "cause": company.cause_key(row["type"]), "reason": "T1"}
            task = self._task(track)
            way_out: dict[str, dict[str, Any]] = {"s2_9_accept": {"answer": "transfer"}}
            if task["element_id"] != "s2_9_accept":
                way_out = self._values(event, row, "transfer")
            self._complete(track, task, way_out | {"s2_11_transfer": transfer})

    def _reject(self, track: Track) -> None:
        """5.1 and 5.3: the user is not satisfied."""
        values: dict[str, dict[str, Any]] = {
            "s5_1_check": {"complete": True},
            "s5_3_ask": {"satisfied": False, "opinion": "日志：解决后重新处理"},
        }
        self._complete(track, self._task(track), values)

    def _hold(self, track: Track, code: str, logged: str) -> None:
        if self._incident(track)["state"] == "waiting":
            return
        # The log does not say who held it: the manager for each code that a person may set, else the system.
        manager = self._people["manager"]
        account = SYSTEM if code == SYSTEM_ONLY_CODE else manager.account
        actor = Person(account, manager.name, manager.groups, manager.roles | self._setters[code])
        until = self._clock.now + self._waits[code]
        verbs.hold(self._desk, actor, track.incident_ids[-1], code, until, f"日志：{logged}")

    def _report(self, event: Event, track: Track, tally: Tally, original: int | None) -> None:
        if event.state != "New":
            tally.fillers["created_at_its_first_event"] += original is None
        tally.fillers["phone_of_the_customer"] += 1
        tally.fillers["details"] += 1
        identify = {
            "customer_name": event.caller or "未知",
            "customer_grade": "普通员工",
            "department": "未知",
            "phone": "10000",
            "served": True,
        }
        request = {
            "source": company.SOURCES.get(event.contact, "phone"),
            "request_type": "故障",
            "occurred_at": event.at.isoformat(),
            "summary": f"{event.category} {event.subcategory}",
            "details": FILLED,
        }
        reported = verbs.report(
            self._desk,
            self._people["desk"],
            {"s1_2_identify": identify, "s1_4_record": request},
            key=f"{event.number}:{len(track.incident_ids)}",
            original=original,
        )
        track.incident_ids.append(reported.incident_id)

    # -- walking the road -----------------------------------------------------------------------------------------

    def _advance(self, event: Event, track: Track, tally: Tally, goal: int) -> None:
        """Complete step after step until the incident has come as far as ``goal``."""
        while True:
            task = self._task(track, missing_ok=True)
            if task is None or RANK[task["element_id"]] >= goal:
                return
            row = self._incident(track)
            if task["element_id"] == "s2_1_type":
                tally.fillers["symptom_unknown"] += event.symptom is None
            if task["element_id"] == "s2_8_dispatch" and event.group is None and not row["holder_group"]:
                tally.fillers["dispatched_by_the_rules_proposal"] += 1
            self._complete(track, task, self._values(event, row, "solution"))

    def _values(self, event: Event, row: RowMapping, found: str) -> dict[str, dict[str, Any]]:
        """What is typed at each step of the road; the desk takes what fits the steps that open."""
        cause = company.cause_key(row["type"] or company.type_key(event))
        group = row["holder_group"] or (company.key(event.group) if event.group else row["proposed_group"])
        tree = {name: row[name] for name in ("category", "type", "symptom", "impact")}
        conclusion = {"found": found, "workaround": False}
        if found == "solution":
            conclusion["solution"] = FILLED
        return {
            "s2_1_type": {"request_type": "故障", "ci_affected": False},
            "s2_2_classify": {
                "category": company.key(event.category),
                "type": company.type_key(event),
                "symptom": company.symptom_key(event),
                "impact": event.impact,
            },
            "s2_3_link": {"relation": "none"},
            "s2_5_find": {"found": False},
            "s2_6_attempt": {"solved": False},
            "s2_8_dispatch": {"group": group},
            "s2_9_accept": {"answer": "accept"},
            "s3_1_analyse": {"analysis": FILLED},
            "s3_3_confirm": tree,
            "s3_5_diagnose": {"diagnosis": FILLED},
            "s3_6_try": {**conclusion, "cause": cause},
            "s4_1_agree": {"agreed": True, "answer": FILLED},
            "s4_5_recover": {"action": FILLED},
            "s4_6_verify": {"restored": True, "verification": FILLED, "cause": cause, "close_code": "C01"},
            "s5_1_check": {"complete": True},
            "s5_3_ask": {"satisfied": True, "opinion": FILLED},
            "s5_5_close": {"close_code": "C01", "solution": FILLED},
        }

    def _complete(self, track: Track, task: RowMapping, values: Mapping[str, dict[str, Any]]) -> None:
        element = task["element_id"]
        if element in DONE_BY_GROUP:
            actor = self._people[task["candidate_group"]]
            together = {name: given for name, given in values.items() if name in DONE_BY_GROUP}
            if element == "s2_9_accept" and values[element]["answer"] == "accept":
                together = {element: values[element]}
        else:
            actor = self._people["desk"]
            together = {name: given for name, given in values.items() if name not in DONE_BY_GROUP}
            if RANK[element] < RANK["s2_8_dispatch"]:
                together.pop("s2_8_dispatch", None)  # dispatch waits for the log's group, or for the rule's proposal
        verbs.complete_joined(self._desk, actor, task["id"], together, task["revision"])

    def _task(self, track: Track, *, missing_ok: bool = False) -> RowMapping:
        """The incident's one open user task."""
        with self._desk.reading() as connection:
            rows = connection.execute(_OPEN_TASKS, {"key": str(track.incident_ids[-1])}).mappings().all()
        if len(rows) > 1 or (not rows and not missing_ok):
            raise LookupError(f"incident {track.incident_ids[-1]} has {len(rows)} open tasks")
        return rows[0] if rows else None  # type: ignore[return-value]

    def _incident(self, track: Track) -> RowMapping:
        with self._desk.reading() as connection:
            return connection.execute(_INCIDENT, {"id": track.incident_ids[-1]}).mappings().one()


def _waiting_codes(desk: Desk) -> Sequence[reference.Row]:
    """The waiting codes in force (T-6)."""
    with desk.unit_of_work(SYSTEM) as ctx:
        return reference.rows(ctx, "waiting_codes")
