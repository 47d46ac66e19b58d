"""Plays demo stories through the desk's verbs, in the order of time, under a clock that it moves."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from engine import tasks
from engine.persistence import user_task
from handlers.records.tables import child
from webapp import desk as verbs
from webapp import people
from webapp.demo.script import Act, Fields, NumberOf, NumberOfChild, Story
from webapp.desk import Desk, idempotency
from webapp.rights import Person

KEY = "demo:"
BEFORE_CALL = timedelta(minutes=10)  # when what is reported had happened
AGAIN = ("category", "type", "symptom", "impact")  # what 3.3 confirms


class MovingClock:
    """A clock that says what it was last set to."""

    def __init__(self, now: datetime) -> None:
        """``now`` is aware UTC."""
        self.now = now

    def __call__(self) -> datetime:
        """The instant to which it is set."""
        return self.now


@dataclass
class _Running:
    story: Story
    reported_at: datetime
    key: str
    told: Mapping[str, Any]  # key → result of what was told before
    incident_id: int | None = None
    number: str = ""
    done: int = 0

    @property
    def act_key(self) -> str:
        return f"{self.key}.{self.done}"

    def next_act(self) -> Act | None:
        acts = self.story.acts
        return acts[self.done] if self.done < len(acts) else None


def play(desk: Desk, stories: Sequence[Story], now: datetime) -> list[int]:
    """Tell ``stories`` so that the last act lies before ``now``; the incidents' ids in the order of the stories.

    Deterministic: the same stories and instant make the same rows, but for the ids of tasks. Every act has its key:
    where an earlier telling was interrupted, this one goes on.
    """
    clock = MovingClock(now)
    moved = replace(desk, clock=clock)
    actors = _actors(desk, stories)
    told = {key.partition(" ")[0]: result for key, result in idempotency.arrived(desk, KEY).items()}
    running = [_Running(story, now - story.ago, f"{KEY}{number}", told) for number, story in enumerate(stories)]
    due = [(run.reported_at, number) for number, run in enumerate(running)]
    heapq.heapify(due)
    while due:
        clock.now, number = heapq.heappop(due)
        run = running[number]
        if run.incident_id is None:
            run.incident_id, run.number = _report(moved, actors[run.story.by], run)
        else:
            _carry_out(moved, actors, run, {each.story.name: each.number for each in running})
        act = run.next_act()
        if act is not None:
            heapq.heappush(due, (clock.now + act.after, number))
    return [run.incident_id or 0 for run in running]


def _actors(desk: Desk, stories: Sequence[Story]) -> dict[str, Person]:
    accounts = {story.by for story in stories} | {act.by for story in stories for act in story.acts if act.by}
    with desk.reading() as connection:
        return {account: people.find(connection, account) for account in accounts}


def _report(desk: Desk, actor: Person, run: _Running) -> tuple[int, str]:
    """The new incident's id and number."""
    if known := run.told.get(run.act_key):
        return int(known["incident_id"]), str(known["number"])
    record = dict(run.story.record)
    record["occurred_at"] = (run.reported_at - BEFORE_CALL).isoformat()
    if "external_deadline" in record:
        hours = int(record["external_deadline"].strip("+h"))
        record["external_deadline"] = (run.reported_at + timedelta(hours=hours)).isoformat()
    values = {verbs.IDENTIFY: run.story.customer, verbs.RECORD: record}
    done = verbs.report(desk, actor, values, key=run.act_key)
    return done.incident_id, done.number


def _carry_out(desk: Desk, actors: Mapping[str, Person], run: _Running, numbers: Mapping[str | None, str]) -> None:
    act, incident_id = run.story.acts[run.done], run.incident_id or 0
    run.done += 1
    if act.what == "tick":
        verbs.tick(desk)
        return
    key = run.act_key
    if key in run.told:
        return
    actor, values = actors[act.by], dict(act.values)
    if act.what == "page":
        named = _Named(desk, incident_id, numbers)
        _send_page(desk, actor, str(incident_id), _filled(run.story, values, named), key)
    elif act.what == "child":
        _send_page(desk, actor, _child(desk, incident_id, act.child, act.nth), values, key)
    elif act.what == "escalate":
        verbs.escalate(desk, actor, incident_id, values["reason"], values["note"], key=key)
    elif act.what == "hold":
        until = desk.clock() + timedelta(hours=values["hours"])
        verbs.hold(desk, actor, incident_id, values["code"], until, values["reason"], key=key)
    elif act.what == "comment":
        verbs.comment(desk, actor, incident_id, values["text"], key=key)
    else:
        verb = verbs.resume if act.what == "resume" else verbs.withdraw
        verb(desk, actor, incident_id, values["reason"], key=key)


def _child(desk: Desk, incident_id: int, kind: str | None, nth: int = 0) -> str:
    """The number of an incident's child."""
    of_kind = select(child.c.number).where(child.c.incident_id == incident_id, child.c.kind == kind)
    with desk.reading() as connection:
        return str(connection.scalars(of_kind.order_by(child.c.id).offset(nth)).first())


def _send_page(desk: Desk, actor: Person, business_key: str, values: Mapping[str, Fields], key: str) -> None:
    with desk.unit_of_work(actor) as ctx:
        query = select(user_task.c.id).where(user_task.c.business_key == business_key)
        task = tasks.get(ctx, ctx.connection.scalars(query).one())
    done = verbs.complete_joined(desk, actor, task.id, values, task.token, key=key)
    if set(done.steps) != set(values):
        raise RuntimeError(f"demo, {business_key}: {sorted(values)} were told, {done.steps} happened")


@dataclass(frozen=True)
class _Named:
    """Says the numbers that a story refers to."""

    desk: Desk
    incident_id: int
    numbers: Mapping[str | None, str]  # a story's name → its incident's number

    def __call__(self, value: Any) -> Any:
        if isinstance(value, NumberOf):
            return self.numbers[value.story]
        return _child(self.desk, self.incident_id, value.kind) if isinstance(value, NumberOfChild) else value


def _filled(story: Story, values: Mapping[str, Any], named: _Named) -> dict[str, Fields]:
    """Steps that a story tells once, filled in on each page that has them, with the numbers that it refers to."""
    kind = {"request_type": story.record["request_type"], "ci_affected": story.classify["category"] != "other"}
    own = {
        "s2_1_type": kind,
        "s2_2_classify": story.classify,
        "s3_3_confirm": {name: story.classify[name] for name in AGAIN},
    }
    told = {step: own.get(step, fields) for step, fields in values.items()}
    return {step: {name: named(value) for name, value in fields.items()} for step, fields in told.items()}
