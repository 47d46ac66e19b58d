"""Verbs on incidents: report, and the acts that are no step of the process (comment, hold, resume, withdraw, reassign).

The rules themselves live in ``handlers.records``; here stand right, unit of work and message to the diagram.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from engine import instances, messages, tasks
from engine.context import Context
from engine.errors import ConflictError, EngineError, InvalidValuesError, NotAllowedError, StepFailedError
from engine.persistence import instance
from handlers.records import incidents, relations, waiting
from handlers.records.incidents import Incident
from handlers.records.tables import incident as incident_table
from webapp.desk import idempotency
from webapp.desk.core import Desk, given
from webapp.desk.steps import Completed, LaterStepFailedError, Values, apart, walk
from webapp.language import N_
from webapp.rights import Person, allowed

PROCESS = "incident"  # its business key is the id of an incident
REPORT = "report"
REPORTED = "reported"  # how the process was entered: the first gateway reads it
WORDS = {
    "comment": N_("补充说明"),
    "supplement": N_("补充信息"),
    "hold": N_("置为等待"),
    "resume": N_("恢复处理"),
    "withdraw": N_("撤销"),
    "withdraw_own": N_("撤销"),
    "reassign": N_("重新分派"),
    "bind": N_("绑为从事件"),
    "link": N_("建立关联"),
    "answer": N_("答复"),
    "confirm": N_("确认处理结果"),
}
COMMENT_LENGTH = 4000
CHANNELS = frozenset({"phone", "mail", "sms", "visit"})  # by which somebody spoke with the customer
IDENTIFY, RECORD = "s1_2_identify", "s1_4_record"  # the steps of the report page


@dataclass(frozen=True, slots=True)
class Reported:
    """A new incident; ``next_task`` is the user task at which it now waits for somebody.

    A report that only adds to an open incident (1.3) gets no number of its own: ``supplemented`` is that incident's id
    and ``number`` its number.
    """

    incident_id: int
    number: str
    next_task: str | None
    supplemented: int | None = None


def report(
    desk: Desk,
    actor: Person,
    values: Mapping[str, Values],
    *,
    key: str | None = None,
    subject: str = "",
    original: int | None = None,
) -> Reported:
    """Record a new incident: 1.2 and 1.4 in one unit of work; ``values`` are by element id (IDENTIFY, RECORD, …).

    Values of later steps of the desk (2.1, 2.2, 2.8) may be given, too. Raises InvalidStepError and stores nothing.
    A second arrival with the same ``key`` returns the first one's incident; one that came for another ``subject`` (what
    tells one report from another) is a ConflictError. ``original`` is the id of the closed incident of which this is a
    recurrence (§5.1.11); raises ConflictError while that one is open.
    """
    idempotency.check_key(key)
    if first := _reported_before(desk, actor, subject, key):
        return first
    if not allowed(actor, "report"):
        raise NotAllowedError(_("只有服务台可以登记事件，请联系服务台。"))
    try:
        with desk.unit_of_work(actor) as ctx:
            done = report_within(ctx, actor, values, original)
            idempotency.remember(ctx, REPORT, subject, key, asdict(done))
            return done
    except IntegrityError:
        if first := _reported_before(desk, actor, subject, key):
            return first
        raise
    except (LaterStepFailedError, StepFailedError):
        return _report_apart(desk, actor, values, original, subject, key)


def _reported_before(desk: Desk, actor: Person, subject: str, key: str | None) -> Reported | None:
    """What the first arrival of this report led to; raises ConflictError where it is stuck before its number."""
    stored = idempotency.first_result(desk, actor, REPORT, subject, key)
    if stored is None:
        return None
    if stored["number"]:
        return Reported(**stored)
    with desk.reading() as connection:
        c = incident_table.c
        query = select(c.number, c.recorded_at).where(c.id == stored["incident_id"])
        number, at = connection.execute(query).one()
    if number is None:
        raise ConflictError(_("您的登记已经收到，流程停在一个步骤上，管理人员处理后继续。您不用重复提交。"), at=at)
    return Reported(stored["incident_id"], number, None)


def report_within(ctx: Context, actor: Person, values: Mapping[str, Values], original: int | None = None) -> Reported:
    """The same inside a unit of work that another verb has opened, which has checked that the actor may report."""
    incident_id, first = _open(ctx, original)
    return _reported(ctx, incident_id, walk(ctx, actor, first.id, first.token, _with_report(values)))


def _report_apart(
    desk: Desk, actor: Person, values: Mapping[str, Values], original: int | None, subject: str, key: str | None
) -> Reported:
    """The report kept, with its instance stuck at the step that cannot be carried out; raises its StepFailedError."""
    with desk.unit_of_work(actor) as ctx:
        incident_id, first = _open(ctx, original)
        kept = {"incident_id": incident_id, "number": None, "next_task": None}
        idempotency.remember(ctx, REPORT, subject, key, kept)
    done = apart(desk, actor, first.id, first.token, _with_report(values))
    with desk.unit_of_work(actor) as ctx:
        return _reported(ctx, incident_id, done)


def _open(ctx: Context, original: int | None) -> tuple[int, tasks.UserTask]:
    """The record and the first task of a new instance."""
    incident_id = incidents.create(ctx) if original is None else relations.recur(ctx, incidents.get(ctx, original))
    started = instances.start(ctx, PROCESS, str(incident_id), {"incident_id": incident_id, "outcome": REPORTED})
    return incident_id, tasks.get(ctx, started.opened[0])


def _with_report(values: Mapping[str, Values]) -> dict[str, Values]:
    return {IDENTIFY: {}, RECORD: {}, **values}


def _reported(ctx: Context, incident_id: int, done: Completed) -> Reported:
    incident = incidents.get(ctx, incident_id)
    if (supplemented := incident["supplement_of"]) is not None:
        return Reported(incident_id, incidents.get(ctx, supplemented)["number"], None, supplemented)
    if incident["number"] is None:
        raise EngineError(_("登记未完成：事件没有得到单号。"))
    return Reported(incident_id, incident["number"], done.opened[0] if done.opened else None)


def comment(
    desk: Desk,
    actor: Person,
    incident_id: int,
    text: str,
    *,
    kind: str = "note",
    channel: str | None = None,
    key: str | None = None,
) -> None:
    """Add a note, a supplement (1.3) or a contact with the customer to an open incident.

    Raises InvalidValuesError for a text that is empty or longer than COMMENT_LENGTH, or an unknown kind or channel.
    """
    text = given(text, field="text", name=N_("内容"), most=COMMENT_LENGTH)
    if channel is not None and channel not in CHANNELS:
        raise InvalidValuesError({"channel": _("没有这种联系方式")})

    def act(ctx: Context) -> dict[str, Any]:
        action = "supplement" if kind == "supplement" else "comment"
        check_right(actor, action, incidents.get(ctx, incident_id))
        relations.comment(ctx, incident_id, text, kind=kind, channel=channel)
        return {}

    # A page that the browser's back button shows again has its old key: another text is another command.
    said = hashlib.sha256(f"{kind} {channel} {text}".encode()).hexdigest()[:32]
    idempotency.check_key(key)
    idempotency.once(desk, actor, "comment", incident_id, f"{key[:80]} {said}" if key else None, act)


def hold(
    desk: Desk,
    actor: Person,
    incident_id: int,
    code: str,
    until: datetime,
    reason: str,
    *,
    revision: int | None = None,
    key: str | None = None,
) -> None:
    """Put an incident on waiting with a code and an expected end (§5.1.7); nothing of it is due meanwhile."""

    def act(ctx: Context, incident: Incident) -> None:
        waiting.hold(ctx, incident, code, until, given(reason), roles=actor.roles)
        tasks.reoffer(ctx, str(incident_id))

    change(desk, actor, "hold", incident_id, revision, key, act)


def resume(
    desk: Desk,
    actor: Person,
    incident_id: int,
    reason: str,
    *,
    revision: int | None = None,
    key: str | None = None,
) -> None:
    """End the waiting; what was due is due later by the time waited."""

    def act(ctx: Context, incident: Incident) -> None:
        waiting.resume(ctx, incident, given(reason))
        tasks.reoffer(ctx, str(incident_id))

    change(desk, actor, "resume", incident_id, revision, key, act)


def withdraw(
    desk: Desk,
    actor: Person,
    incident_id: int,
    reason: str,
    *,
    revision: int | None = None,
    key: str | None = None,
    himself: bool = False,
) -> None:
    """The user takes the report back (§5.1.12): what is under way stops, and 5.5 is open for whoever recorded it.

    ``himself``: the actor is the user, not the desk that heard it from him.
    """

    def act(ctx: Context, incident: Incident) -> None:
        relations.withdraw(ctx, incident, given(reason))
        messages.command(ctx, "withdraw", incident_id)

    change(desk, actor, "withdraw_own" if himself else "withdraw", incident_id, revision, key, act)


def reassign(
    desk: Desk, actor: Person, incident_id: int, reason: str, *, revision: int | None = None, key: str | None = None
) -> None:
    """The manager takes the incident from whoever has it: back to dispatch, 2.8 (R023, §5.1.8)."""

    def act(ctx: Context, incident: Incident) -> None:
        relations.reassign(ctx, incident, given(reason))
        messages.command(ctx, "reassign", incident_id)

    change(desk, actor, "reassign", incident_id, revision, key, act)


def locked(ctx: Context, incident_id: int) -> Incident:
    """The incident for whoever is going to change it; the instance is locked first, as every step of it does."""
    columns = instance.c
    running = (columns.process_key == PROCESS) & (columns.business_key == str(incident_id)) & columns.ended_at.is_(None)
    ctx.connection.execute(select(columns.id).where(running).with_for_update())
    return incidents.get(ctx, incident_id, lock=True)


def change(
    desk: Desk,
    actor: Person,
    verb: str,
    incident_id: int,
    revision: int | None,
    key: str | None,
    act: Callable[[Context, Incident], None],
) -> None:
    """Carry out ``act`` once on the incident as the actor saw it (``revision``), if he may."""

    def permitted(ctx: Context) -> dict[str, Any]:
        incident = locked(ctx, incident_id)
        check_right(actor, verb, incident)
        if revision is not None and incident["revision"] != revision:
            raise ConflictError(
                _("事件刚被他人修改，请查看最新内容后再操作"), by=incident["updated_by"], at=incident["updated_at"]
            )
        act(ctx, incident)
        return {}

    idempotency.once(desk, actor, verb, incident_id, key, permitted)


def check_right(actor: Person, action: str, incident: Incident) -> None:
    """Raise NotAllowedError in words that name the act and the state in which it is not possible."""
    if not allowed(actor, action, incident=incident):
        state = incidents.STATES[incident["state"]]
        raise NotAllowedError(
            _("事件处于“%(state)s”，您的岗位现在不能%(words)s。", state=_(state), words=_(WORDS[action]))
        )
