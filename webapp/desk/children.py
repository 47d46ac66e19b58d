"""Verbs on what others do for an incident: one more child, cancel one, open a problem, escalate (§4.1, C-13, C-46).

The rules themselves live in ``handlers.records``; here stand right, unit of work and the command's key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from engine import tasks
from engine.context import Call, Context
from engine.errors import ConflictError, InvalidValuesError, NotAllowedError
from engine.persistence import instance
from handlers.records import catalogue, children, escalations, incidents
from handlers.records.children import KINDS
from handlers.records.incidents import Incident
from webapp.desk import idempotency
from webapp.desk.core import Desk, given
from webapp.desk.incidents import PROCESS, locked
from webapp.language import N_
from webapp.rights import Person, allowed

ADDABLE = ("change", "task")  # a requirement needs its joint check first (4.3), a problem nobody waits for
CANCELLABLE = ("change", "requirement", "joint_check", "task")
TITLE_LENGTH, DETAILS_LENGTH = 200, 4000
WORDS = {
    "add_child": N_("补充子单"),
    "cancel_child": N_("取消子单"),
    "open_problem": N_("建立问题单"),
    "escalate": N_("升级"),
}


def add_child(
    desk: Desk,
    actor: Person,
    incident_id: int,
    kind: str,
    title: str,
    details: str,
    *,
    group: str | None = None,
    revision: int | None = None,
    key: str | None = None,
) -> str:
    """Have one more thing done for an incident that waits for others already; returns the number (C-46).

    ``kind`` is one of ADDABLE; a task names its ``group``. Raises InvalidValuesError, and ConflictError where the
    incident waits for nobody.
    """

    def act(ctx: Context, incident: Incident) -> str:
        if kind not in ADDABLE:
            raise InvalidValuesError({"kind": _("请选择变更或任务")})
        chosen = catalogue.check_group(catalogue.task_groups(ctx), group or "")["key"] if kind == "task" else None
        return children.add_child(ctx, incident, kind, *_described(title, details), chosen, {})

    return _act(desk, actor, "add_child", incident_id, revision, key, act)


def cancel_child(
    desk: Desk, actor: Person, number: str, reason: str, *, revision: int | None = None, key: str | None = None
) -> None:
    """Stop what is no longer needed: its tasks disappear, and its incident goes on if it was the last one.

    ``revision`` is the incident's. Raises NotFoundError, and ConflictError where the child has ended already.
    """
    with desk.reading() as connection:
        incident_id = children.incident_of(connection, number)

    def act(ctx: Context, incident: Incident) -> str:
        child = children.of(ctx, incident["id"], number)
        name = KINDS[child["kind"]].name
        if child["kind"] not in CANCELLABLE:
            raise ConflictError(_("%(name)s %(number)s 不能在这里取消", name=name, number=number))
        if child["state"] != children.OPEN:
            raise ConflictError(
                _("%(name)s %(number)s 已经结束", name=name, number=number),
                by=child["updated_by"],
                at=child["finished_at"],
            )
        children.cancel(ctx, child, given(reason))
        return number

    _act(desk, actor, "cancel_child", incident_id, revision, key, act, subject=number)


def open_problem(
    desk: Desk,
    actor: Person,
    incident_id: int,
    title: str,
    details: str,
    *,
    revision: int | None = None,
    key: str | None = None,
) -> str:
    """Have the cause found for good; returns the problem's number, which the incident refers to (R056, R274).

    Raises ConflictError where the incident has a problem already.
    """

    def act(ctx: Context, incident: Incident) -> str:
        if known := incident["problem_ref"]:
            raise ConflictError(
                _("事件已有问题单 %(known)s", known=known), by=incident["updated_by"], at=incident["updated_at"]
            )
        facts = {name: incident[name] for name in ("category", "type", "cause", "workaround", "diagnosis")}
        described = _described(title, details)
        number = children.open_child(ctx, incident, "problem", *described, None, facts, waits=False, element=None)
        incidents.change(ctx, incident, {"problem_ref": number}, reason=f"建立问题单 {number}")
        return number

    return _act(desk, actor, "open_problem", incident_id, revision, key, act)


def escalate(
    desk: Desk,
    actor: Person,
    incident_id: int,
    reason: str,
    note: str = "",
    *,
    revision: int | None = None,
    key: str | None = None,
) -> str:
    """Put the incident into the manager's queue for one of three reasons; returns the number (R129, C-13, C-14)."""

    def act(ctx: Context, incident: Incident) -> str:
        said = given(note, field="note", name=N_("说明")) if note.strip() else None
        number = escalations.begin(ctx, incident, _call(ctx, incident_id), reason, said)
        tasks.reoffer(ctx, str(incident_id))  # its priority may be higher now
        return number

    return _act(desk, actor, "escalate", incident_id, revision, key, act)


def _described(title: str, details: str) -> tuple[str, str]:
    return (
        given(title, field="title", name=N_("标题"), most=TITLE_LENGTH),
        given(details, field="details", name=N_("说明"), most=DETAILS_LENGTH),
    )


def _call(ctx: Context, incident_id: int) -> Call:
    """What a decision table is asked for, where no step of the process asks."""
    c = instance.c
    running = select(c.id).where(c.process_key == PROCESS, c.business_key == str(incident_id), c.ended_at.is_(None))
    return Call(
        "escalate", ctx.connection.execute(running).scalar_one(), str(incident_id), {"incident_id": incident_id}
    )


def _act(
    desk: Desk,
    actor: Person,
    verb: str,
    incident_id: int,
    revision: int | None,
    key: str | None,
    act: Callable[[Context, Incident], str],
    *,
    subject: object = None,
) -> str:
    """Carry out ``act`` once on the incident as the actor saw it, if he may; returns the number that it returned."""

    def permitted(ctx: Context) -> dict[str, Any]:
        incident = locked(ctx, incident_id)
        if not allowed(actor, verb, incident=incident):
            state = incidents.STATES[incident["state"]]
            raise NotAllowedError(
                _("事件处于“%(state)s”，您的岗位现在不能%(words)s。", state=_(state), words=_(WORDS[verb]))
            )
        if revision is not None and incident["revision"] != revision:
            raise ConflictError(
                _("事件刚被他人修改，请查看最新内容后再操作"), by=incident["updated_by"], at=incident["updated_at"]
            )
        return {"number": act(ctx, incident)}

    return str(idempotency.once(desk, actor, verb, subject or incident_id, key, permitted)["number"])
