"""The desk's verbs: what people, programs and the clock can do. One call is one unit of work."""

from webapp.desk.alarms import Alarm, Taken, take_alarm
from webapp.desk.attachments import attach
from webapp.desk.bulk import Outcome, assign_each, claim_each, transfer_each
from webapp.desk.children import add_child, cancel_child, escalate, open_problem
from webapp.desk.core import BusyError, Desk
from webapp.desk.customers import answer, by_link, confirm, request
from webapp.desk.filters import delete_filter, save_filter
from webapp.desk.incidents import IDENTIFY, RECORD, Reported, comment, hold, reassign, report, resume, withdraw
from webapp.desk.operations import cancel_instance, reopen, resume_instance, retry, suspend_instance
from webapp.desk.raising import raise_incident
from webapp.desk.relating import bind, link, unbind
from webapp.desk.steps import Completed, InvalidStepError
from webapp.desk.tasks import (
    assign,
    claim,
    complete,
    complete_joined,
    delegate,
    release,
    save_draft,
)
from webapp.desk.ticking import Ticked, tick

__all__ = [
    "IDENTIFY",
    "RECORD",
    "Alarm",
    "BusyError",
    "Completed",
    "Desk",
    "InvalidStepError",
    "Outcome",
    "Reported",
    "Taken",
    "Ticked",
    "add_child",
    "answer",
    "assign",
    "assign_each",
    "attach",
    "bind",
    "by_link",
    "cancel_child",
    "cancel_instance",
    "claim",
    "claim_each",
    "comment",
    "complete",
    "complete_joined",
    "confirm",
    "delegate",
    "delete_filter",
    "escalate",
    "hold",
    "link",
    "open_problem",
    "raise_incident",
    "reassign",
    "release",
    "reopen",
    "report",
    "request",
    "resume",
    "resume_instance",
    "retry",
    "save_draft",
    "save_filter",
    "suspend_instance",
    "take_alarm",
    "tick",
    "transfer_each",
    "unbind",
    "withdraw",
]
