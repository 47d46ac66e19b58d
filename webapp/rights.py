"""Who may do what, in one place and as data: the desk checks it inside the unit of work, pages ask it what to offer.

A right names an action, who has it, and in which states of the incident. Whoever is named by one of an action's
rights may do it. ``who`` is a role of the handbook's chapter 3 or a relation to the task or incident.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from handlers.records.incidents import STATES
from handlers.records.relations import UNDER_WAY

Facts = Mapping[str, Any]
"""An incident as far as rights need it: state, recorder, responsible_person, responsible_group, customer_id."""

STAFF = frozenset({"desk", "support", "manager", "leaders", "owner", "maintenance"})


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts: groups are keys of the table groups, roles keys of the table roles (§3)."""

    account: str
    name: str
    groups: frozenset[str] = field(default_factory=frozenset)
    roles: frozenset[str] = field(default_factory=frozenset)
    demo: bool = False
    customer: int | None = None  # his own row of the customer master
    must_change_password: bool = False  # another person chose it: no page but that one opens before


class Offered(Protocol):
    """A user task as far as rights need it."""

    @property
    def candidate_group(self) -> str | None:
        """The group to which it is offered."""

    @property
    def assignee(self) -> str | None:
        """The account that has claimed it or was given it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What an action is done to: a user task, an incident, both, or neither."""

    task: Offered | None = None
    incident: Facts | None = None
    abandoned: bool = False  # whoever has the task is disabled or has left its group


@dataclass(frozen=True, slots=True)
class Right:
    """One line of the table: ``states`` None means in every state, or that there is no incident."""

    action: str
    who: frozenset[str]
    states: frozenset[str] | None = None


def _holds_task(person: Person, subject: Subject) -> bool:
    return subject.task is not None and subject.task.assignee == person.account


def _in_task_group(person: Person, subject: Subject) -> bool:
    return subject.task is not None and subject.task.candidate_group in person.groups


def _task_is_free_for(person: Person, subject: Subject) -> bool:
    return subject.task is not None and subject.task.assignee is None and _in_task_group(person, subject)


def _may_succeed(person: Person, subject: Subject) -> bool:
    return subject.abandoned and _in_task_group(person, subject)


def _responsible(person: Person, subject: Subject) -> bool:
    incident = subject.incident
    if incident is None:
        return False
    return incident["responsible_person"] == person.account or incident["responsible_group"] in person.groups


def _recorder(person: Person, subject: Subject) -> bool:
    recorded = subject.incident is not None and subject.incident["recorder"] == person.account
    return recorded and bool(person.roles & STAFF)  # whoever asks by the portal is it for a moment, until 1.4


def _reporter(person: Person, subject: Subject) -> bool:
    return (
        subject.incident is not None
        and person.customer is not None
        and subject.incident.get("customer_id") == person.customer
    )


RELATIONS: Mapping[str, Callable[[Person, Subject], bool]] = {
    "assignee": _holds_task,  # has the task
    "candidate": _task_is_free_for,  # the task is offered to a group of his, and nobody has it
    "successor": _may_succeed,  # the task is offered to a group of his, and who has it has left
    "colleague": _in_task_group,  # the task is offered to a group of his, whoever has it
    "responsible": _responsible,  # answers for the incident now, himself or his group (§5.1.1)
    "recorder": _recorder,  # 事件记录员 (C-17)
    "reporter": _reporter,  # the customer who reported it; the role customer alone opens nobody's incident
}

OPEN = frozenset(STATES) - {"closed"}


def _right(action: str, who: str, states: frozenset[str] | None = None) -> Right:
    return Right(action, frozenset(who.split()), states)


RIGHTS: tuple[Right, ...] = (
    _right("report", "desk manager"),  # the desk is the only interface (R009)
    _right("alarm", "desk monitoring"),  # what monitoring reports becomes an incident (R046)
    _right("raise", "support"),  # what support people find themselves (R048)
    Right("read", STAFF),  # management reads only: it has no other line (R001)
    # User tasks: the lane is the role, the offer names the group or person.
    _right("complete", "assignee candidate"),
    _right("draft", "assignee candidate"),
    _right("claim", "candidate successor"),
    _right("release", "assignee manager"),
    _right("assign", "colleague manager"),  # to a person inside the own group only (C-16); the manager any (R023)
    _right("delegate", "assignee manager"),
    # Acts on an incident that are no step of the process.
    _right("comment", "desk manager responsible recorder", OPEN),
    _right("attach", "desk manager responsible recorder", OPEN),  # files that show the symptom (R080)
    _right("supplement", "desk manager responsible recorder reporter", OPEN),  # 1.3
    _right("bind", "desk manager responsible", UNDER_WAY - {"slave"}),  # 2.4, 3.4 (C-28)
    _right("link", "desk manager responsible recorder"),  # R264: at any time, also to a closed one
    _right("hold", "desk manager responsible", OPEN - {"waiting", "slave"}),  # at any step (R240)
    _right("resume", "desk manager responsible", frozenset({"waiting"})),
    _right("withdraw", "desk manager", UNDER_WAY),
    _right("reassign", "manager", UNDER_WAY),  # R023
    _right("add_child", "manager responsible", frozenset({"in_progress", "waiting"})),  # C-46
    _right("cancel_child", "manager responsible", OPEN - {"new", "slave"}),
    _right("open_problem", "desk manager responsible recorder", OPEN - {"new", "slave"}),  # R056
    _right("escalate", "desk manager responsible", UNDER_WAY - {"slave"}),  # R129, C-13
    # Who needs the customer's telephone, mobile, address or staff number; others see them masked (§5.1.2).
    _right("contact.read", "desk manager responsible recorder reporter"),
    # What the customer does himself.
    _right("request", "customer"),
    _right("read_own", "reporter"),
    _right("answer", "reporter", frozenset({"new", "waiting"})),  # 1.5
    _right("confirm", "reporter", frozenset({"resolved"})),  # 5.3
    _right("withdraw_own", "reporter", UNDER_WAY),  # §5.1.12
    _right("customer_link", "desk manager", OPEN),
    # What is read beyond single incidents.
    _right("board.read", "desk manager leaders"),
    _right("export", "desk manager leaders owner"),
    # Running instances and definitions.
    _right("instance.read", "owner maintenance manager"),
    _right("instance.retry", "owner maintenance manager"),
    _right("instance.reopen", "owner maintenance manager"),
    _right("instance.suspend", "owner manager"),
    _right("instance.resume", "owner manager"),
    _right("instance.cancel", "owner"),
    _right("deploy", "owner maintenance"),  # R021
    # Rules are changed by two persons: one drafts, another one approves.
    _right("rule.draft", "maintenance owner manager"),
    _right("rule.approve", "owner manager"),
    # Administration. Whoever gives roles could give himself any: that is the owner's alone.
    _right("admin.read", "owner maintenance manager"),
    _right("person.manage", "owner"),
    _right("reference.change", "owner maintenance manager"),
)


def allowed(
    person: Person,
    action: str,
    *,
    task: Offered | None = None,
    incident: Facts | None = None,
    abandoned: bool = False,
) -> bool:
    """Whether ``person`` may do ``action`` to this task or incident; raises KeyError for an unknown action.

    A right that names states holds only where the incident is given and is in one of them. ``abandoned`` tells that
    whoever has the task is disabled or has left its group.
    """
    subject = Subject(task, incident, abandoned)
    return any(_holds(right, person, subject) for right in _BY_ACTION[action])


def _holds(right: Right, person: Person, subject: Subject) -> bool:
    if right.states is not None and (subject.incident is None or subject.incident["state"] not in right.states):
        return False
    if right.who & person.roles:
        return True
    return any(RELATIONS[who](person, subject) for who in right.who & RELATIONS.keys())


_BY_ACTION: Mapping[str, tuple[Right, ...]] = {
    name: tuple(right for right in RIGHTS if right.action == name) for name in {right.action for right in RIGHTS}
}

ANYBODY, SIGNED_IN = "anybody", "signed in"

# The door of every address, by endpoint: the right that must be held to be let in at all. Rights that depend on the
# incident or task are checked inside, by the verb. An endpoint without a line here lets nobody in.
DOORS: Mapping[str, str] = {
    "static": ANYBODY,
    "pages.sign_in": ANYBODY,
    "pages.sign_out": SIGNED_IN,
    "pages.sign_out_everywhere": SIGNED_IN,
    "pages.password": SIGNED_IN,
    "pages.change_password": SIGNED_IN,
    "pages.landing": SIGNED_IN,
    # My work and tasks.
    "pages.work": "read",
    "pages.task": "read",
    "pages.complete": "read",
    "pages.draft": "read",
    "pages.assign": "read",
    "pages.fields": "read",
    "pages.claim": "read",
    "pages.release": "read",
    "pages.time": "read",
    "pages.bulk": "read",
    "pages.attach": "read",
    "pages.attachment": "read",
    # Reporting.
    "pages.report": "report",
    "pages.report_incident": "report",
    "pages.customers": "report",
    "pages.similar": "report",
    "pages.raise_page": "raise",
    "pages.raise_incident": "raise",
    # Incidents.
    "pages.incidents": "read",
    "pages.export": "export",
    "pages.save_filter": "read",
    "pages.delete_filter": "read",
    "pages.incident": "read",
    "pages.diagram": "read",
    "pages.comment": "read",
    "pages.hold": "read",
    "pages.resume": "read",
    "pages.withdraw": "read",
    "pages.reassign": "read",
    "pages.bind": "read",
    "pages.link": "read",
    "pages.open_child": "read",
    "pages.cancel_child": "read",
    "pages.open_problem": "read",
    "pages.escalate": "read",
    "pages.child": "read",
    "pages.child_diagram": "read",
    "pages.customer_link": "customer_link",
    "pages.board": "board.read",
    # Rules.
    "pages.rules": "read",
    "pages.rule": "read",
    "pages.rule_file": "read",
    "pages.rule_begin": "rule.draft",
    "pages.rule_restore": "rule.approve",
    "pages.rule_draft": "read",
    "pages.rule_draft_file": "read",
    "pages.rule_draft_save": "rule.draft",
    "pages.rule_draft_check": "rule.draft",
    "pages.rule_draft_row": "rule.draft",
    "pages.rule_draft_arrange": "rule.draft",
    "pages.rule_draft_submit": "rule.draft",
    "pages.rule_draft_recall": "rule.draft",
    "pages.rule_draft_withdraw": "rule.draft",
    "pages.rule_draft_rebase": "rule.draft",
    "pages.rule_draft_send_back": "rule.approve",
    "pages.rule_draft_approve": "rule.approve",
    # Processes.
    "pages.processes": "read",
    "pages.process": "read",
    "pages.process_file": "read",
    "pages.process_form": "read",
    # Administration.
    "pages.admin": "admin.read",
    "pages.admin_groups": "admin.read",
    "pages.admin_rights": "admin.read",
    "pages.admin_deployments": "admin.read",
    "pages.admin_person": "admin.read",
    "pages.admin_add_person": "person.manage",
    "pages.admin_person_active": "person.manage",
    "pages.admin_person_posts": "person.manage",
    "pages.admin_person_roles": "person.manage",
    "pages.admin_person_password": "person.manage",
    "pages.admin_references": "admin.read",
    "pages.admin_reference": "admin.read",
    "pages.admin_reference_file": "admin.read",
    "pages.admin_reference_save": "reference.change",
    "pages.admin_reference_preview": "reference.change",
    "pages.admin_reference_load": "reference.change",
    "pages.admin_instances": "instance.read",
    "pages.admin_instance": "instance.read",
    # The customer: by account, or by a signed link to one incident.
    "pages.mine": "request",
    "pages.my_report": "request",
    "pages.my_incident": "request",
    "pages.my_act": "request",
    "pages.followed": ANYBODY,
    "pages.followed_act": ANYBODY,
    "pages.tokens": "read",
    "pages.make_token": "read",
    "pages.revoke_token": "read",
    # The API: by token; alarms by token or signature.
    "api.openapi": ANYBODY,
    "api.list_incidents": "read",
    "api.create_incident": "report",
    "api.read_incident": "read",
    "api.supplement": "read",
    "api.answer": "read",
    "api.similar_incidents": "read",
    "api.list_tasks": "read",
    "api.read_task": "read",
    "api.claim_task": "read",
    "api.release_task": "read",
    "api.complete_task": "read",
    "api.alarm": "alarm",
    "api.alertmanager": "alarm",
}


# What a person may still open who must change his password first, beside what is open to anybody.
CHANGING = frozenset({"pages.password", "pages.change_password", "pages.sign_out", "pages.sign_out_everywhere"})


def must_change_first(person: Person | None, endpoint: str) -> bool:
    """Whether the way to ``endpoint`` leads by the change of a password that another person chose."""
    changing = person is not None and person.must_change_password
    return changing and endpoint not in CHANGING and DOORS.get(endpoint) != ANYBODY


def may_enter(person: Person | None, endpoint: str) -> bool:
    """Whether ``person`` (None: a stranger) is let in at an endpoint; inside, the verb asks ``allowed``."""
    door = DOORS.get(endpoint)
    if door == ANYBODY:
        return True
    if person is None or door is None:
        return False
    return door == SIGNED_IN or any(right.who & person.roles for right in _BY_ACTION[door])
