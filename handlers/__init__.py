"""What the steps of the process do, and the ITIL records they keep. Never HTTP; no handler calls another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from functools import partial

from engine.context import Handler
from handlers import (
    announcement,
    change,
    children,
    classification,
    closing,
    dispatch,
    escalation,
    intake,
    investigation,
    joint_check,
    offers,
    problem,
    requirement,
    resolution,
    slaves,
    task,
)

# Operation names, as the diagrams write them.
HANDLERS: Mapping[str, Handler] = {
    "incident.offer": offers.offer,
    "incident.tell_slaves": slaves.tell,
    "intake.identify": intake.identify,
    "intake.record": intake.record_request,
    "classification.set_type": classification.set_type,
    "classification.classify": classification.classify,
    "classification.assess": classification.assess,
    "classification.confirm": classification.confirm,
    "dispatch.propose": dispatch.propose,
    "dispatch.dispatch": dispatch.dispatch,
    "dispatch.answer": dispatch.answer,
    "dispatch.transfer": dispatch.transfer,
    "investigation.analyse": investigation.analyse,
    "investigation.diagnose": investigation.diagnose,
    "investigation.conclude": investigation.conclude,
    "resolution.agree": resolution.agree,
    "resolution.recover": resolution.recover,
    "resolution.verify": resolution.verify,
    "closing.resolve": closing.resolve,
    "closing.check": closing.check,
    "closing.examine": closing.examine,
    "closing.supplement": closing.supplement,
    "closing.ask": closing.ask,
    "closing.close": closing.close,
    "closing.close_automatically": closing.close_automatically,
    "children.wait": children.wait,
    "child.offer": children.offer,
    "child.finish": children.finish,
    "change.create": change.create,
    "change.approve": change.approve,
    "change.implement": change.implement,
    "change.verify": change.verify,
    "requirement.draft": requirement.draft,
    "requirement.create_other": requirement.create_other,
    "requirement.create": requirement.create,
    "requirement.route": requirement.route,
    "requirement.review": requirement.review,
    "requirement.process": requirement.process,
    "joint_check.request": joint_check.request,
    "joint_check.answer": joint_check.answer,
    "task.create": task.create,
    "task.accept": task.accept,
    "task.complete": task.complete,
    "problem.analyse": problem.analyse,
    "problem.solve": problem.solve,
    "announcement.open": announcement.open_,
    "announcement.close": announcement.close,
    "announcement.publish": announcement.publish,
    "announcement.take_down": announcement.take_down,
    "escalation.escalate": escalation.escalate,
    "escalation.decide": escalation.decide,
}


def handlers_in(zone: tzinfo) -> Mapping[str, Handler]:
    """The operations of a house that counts its days in ``zone``."""
    return {**HANDLERS, "intake.record": partial(intake.record_request, zone=zone)}
