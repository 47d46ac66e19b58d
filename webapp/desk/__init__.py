"""The desk's verbs: what people, programs and the clock can do. One call is one unit of work."""

from webapp.desk.attachments import attach
from webapp.desk.bulk import Outcome, assign_each, claim_each, transfer_each
from webapp.desk.core import BusyError, Desk
from webapp.desk.incidents import IDENTIFY, RECORD, Reported, comment, hold, reassign, report, resume, withdraw
from webapp.desk.operations import cancel_instance, reopen, resume_instance, retry, suspend_instance
from webapp.desk.raising import raise_incident
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
    "BusyError",
    "Completed",
    "Desk",
    "InvalidStepError",
    "Outcome",
    "Reported",
    "Ticked",
    "assign",
    "assign_each",
    "attach",
    "cancel_instance",
    "claim",
    "claim_each",
    "comment",
    "complete",
    "complete_joined",
    "delegate",
    "hold",
    "raise_incident",
    "reassign",
    "release",
    "reopen",
    "report",
    "resume",
    "resume_instance",
    "retry",
    "save_draft",
    "suspend_instance",
    "tick",
    "transfer_each",
    "withdraw",
]
