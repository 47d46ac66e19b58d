"""Verbs of the customer himself: ask, answer, confirm. What he may do is the relation ``reporter`` of the rights.

Whoever has no account acts by a signed link as the account ``people.BY_LINK`` (``by_link``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from engine import instances, tasks
from engine.context import Context
from engine.errors import ConflictError, NotAllowedError
from engine.persistence import instance, user_task
from handlers.records import incidents, relations
from handlers.records.incidents import Incident
from handlers.records.tables import customer
from webapp import people
from webapp.desk import idempotency
from webapp.desk.core import Desk, given
from webapp.desk.incidents import COMMENT_LENGTH, IDENTIFY, PROCESS, RECORD, REPORTED, check_right, locked
from webapp.language import N_
from webapp.rights import Person, allowed

SOURCE = "portal"
WAITS_FOR_ANSWER, ASKS = "s1_5_wait", "s5_3_ask"
SUMMARY_LENGTH = 200
# The customer master's columns → the incident's.
_FACTS: Mapping[str, str] = {
    "id": "customer_id",
    "staff_number": "staff_number",
    "name": "customer_name",
    "grade": "customer_grade",
    "phone": "phone",
    "mobile": "mobile",
    "extension": "extension",
    "location": "customer_location",
    "email": "email",
    "department": "department",
    "served": "served",
}
_FORM = ("staff_number", "phone", "mobile", "extension", "location", "email", "department", "served")


def by_link(customer_id: int) -> Person:
    """The customer who comes by a signed link; nothing but his own incidents is open to him."""
    return Person(people.BY_LINK, _("用户"), roles=frozenset({"customer"}), customer=customer_id)


def request(desk: Desk, actor: Person, summary: str, details: str, *, key: str | None = None) -> int:
    """Report something: an incident in the desk's queue at 1.2, with what was typed as the draft; returns its id.

    Raises ConflictError for an account that belongs to no customer, InvalidValuesError for texts that are missing.
    """
    summary = given(summary, field="summary", name=N_("概要"), most=SUMMARY_LENGTH)
    details = given(details, field="details", name=N_("详细信息"), most=COMMENT_LENGTH)
    if not allowed(actor, "request"):
        raise NotAllowedError(_("您的账号不能在这里报告事件，请联系服务台。"))

    def act(ctx: Context) -> dict[str, Any]:
        known = _customer_of(ctx, actor)
        reported = {"source": SOURCE, "summary": summary, "details": details}
        facts = {column: known[field] for field, column in _FACTS.items() if known[field] is not None}
        incident_id = incidents.create(ctx, {**facts, **reported})
        data = {"incident_id": incident_id, "outcome": REPORTED}
        started = instances.start(ctx, PROCESS, str(incident_id), data)
        form = {name: known[name] for name in _FORM if known[name] is not None}
        form |= {"customer_name": known["name"], "customer_grade": known["grade"]}
        # What he typed stands in the form of whoever of the desk takes the call.
        tasks.keep_draft(ctx, started.opened[0], {IDENTIFY: form, RECORD: reported}, actor.account)
        return {"incident_id": incident_id}

    return int(idempotency.once(desk, actor, "request", "", key, act)["incident_id"])


def answer(desk: Desk, actor: Person, incident_id: int, text: str, *, key: str | None = None) -> bool:
    """Answer what the desk has asked (1.5); False: nobody waits for an answer any more, it is kept as a supplement."""
    text = given(text, field="text", name=N_("答复"), most=COMMENT_LENGTH)

    def act(ctx: Context, incident: Incident) -> bool:
        if _complete(ctx, incident, WAITS_FOR_ANSWER, {"answer": text}):
            return True
        relations.comment(ctx, incident["id"], text, kind="supplement")
        return False

    return _act(desk, actor, "answer", incident_id, key, act)


def confirm(
    desk: Desk, actor: Person, incident_id: int, satisfied: bool, opinion: str, *, key: str | None = None
) -> bool:
    """Say whether the resolution helped (5.3); False: the desk does not ask yet, and will see it with the incident."""
    opinion = given(opinion, field="opinion", name=N_("意见"), most=2000)

    def act(ctx: Context, incident: Incident) -> bool:
        if _complete(ctx, incident, ASKS, {"satisfied": satisfied, "opinion": opinion}):
            return True
        said = f"用户{'满意' if satisfied else '不满意'}：{opinion}"
        relations.comment(ctx, incident["id"], said, kind="contact", channel=SOURCE)
        return False

    return _act(desk, actor, "confirm", incident_id, key, act)


def _act(desk: Desk, actor: Person, verb: str, incident_id: int, key: str | None, act: Any) -> bool:
    def permitted(ctx: Context) -> dict[str, Any]:
        incident = locked(ctx, incident_id)
        check_right(actor, verb, incident)
        return {"done": act(ctx, incident)}

    return bool(idempotency.once(desk, actor, verb, incident_id, key, permitted)["done"])


def _complete(ctx: Context, incident: Incident, element_id: str, values: Mapping[str, Any]) -> bool:
    """Complete the open task ``element_id`` of an incident in the actor's name; whether there was one."""
    query = (
        select(user_task.c.id, user_task.c.revision)
        .join(instance, instance.c.id == user_task.c.instance_id)
        .where(instance.c.business_key == str(incident["id"]), instance.c.process_key == PROCESS)
        .where(instance.c.ended_at.is_(None), user_task.c.element_id == element_id)
    )
    task = ctx.connection.execute(query).first()
    if task is None:
        return False
    instances.complete(ctx, task.id, lambda _asked: values, task.revision)
    return True


def _customer_of(ctx: Context, actor: Person) -> Mapping[str, Any]:
    found = ctx.connection.execute(select(customer).where(customer.c.id == actor.customer)).first()
    if found is None:
        raise ConflictError(_("您的账号还没有对应的用户资料，请致电服务台报告，并请他们登记您的账号。"))
    return found._asdict()
