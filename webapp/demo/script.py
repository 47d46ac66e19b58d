"""The words in which demo incidents are told: a story is a report and the pages that people then sent, with pauses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

Fields = Mapping[str, Any]
What = Literal["page", "child", "escalate", "hold", "resume", "withdraw", "comment", "tick"]


@dataclass(frozen=True, slots=True)
class NumberOf:
    """The number of the incident of another story, which has begun before; ``story`` is that one's name."""

    story: str


@dataclass(frozen=True, slots=True)
class NumberOfChild:
    """The number of the incident's first child of that kind."""

    kind: str


@dataclass(frozen=True, slots=True)
class Act:
    """What ``by`` did ``after`` the act before: a page (values by element id) or another verb of the desk.

    With ``child``, a page of the ``nth`` child of that kind, counted from 0, instead of the incident's own.
    """

    after: timedelta
    by: str
    what: What
    values: Fields = field(default_factory=dict)
    child: str | None = None
    nth: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """One incident: reported ``ago`` by ``by`` from what ``customer`` said, then one act after the other.

    ``name`` is by what other stories refer to it.
    """

    ago: timedelta
    by: str
    customer: Fields
    record: Fields
    classify: Fields = field(default_factory=dict)
    acts: tuple[Act, ...] = ()
    name: str | None = None


def ago(days: int = 0, hours: int = 0, minutes: int = 0) -> timedelta:
    """How long before now a story begins."""
    return timedelta(days=days, hours=hours, minutes=minutes)


def customer(
    name: str,
    department: str,
    phone: str,
    *,
    grade: str = "普通员工",
    location: str | None = None,
    number: str | None = None,
) -> Fields:
    """Who called, named by post."""
    known = {"staff_number": number, "location": location}
    return {
        "customer_name": name,
        "customer_grade": grade,
        "department": department,
        "phone": phone,
        "served": True,
        **{name: value for name, value in known.items() if value},
    }


def _page(minutes: int, by: str, **steps: Fields) -> Act:
    return Act(timedelta(minutes=minutes), by, "page", steps)


def dispatched(minutes: int, by: str, group: str, note: str | None = None) -> Act:
    """2.1, 2.2, 2.5, 2.6 and 2.8 on one page; type and classification are the story's, and the desk cannot help."""
    return _page(
        minutes,
        by,
        s2_1_type={},
        s2_2_classify={},
        s2_5_find={"found": False},
        s2_6_attempt={"solved": False},
        s2_8_dispatch=_given(group=group, note=note),
    )


def classified(minutes: int, by: str) -> Act:
    """2.1 to 2.6; the dispatch is still to be done."""
    helpless: Fields = {"s2_5_find": {"found": False}, "s2_6_attempt": {"solved": False}}
    return _page(minutes, by, s2_1_type={}, s2_2_classify={}, **helpless)


def bound(minutes: int, by: str, to: NumberOf, why: str) -> Act:
    """2.1 to 2.3: the same as another open incident, whose slave it becomes."""
    same = {"relation": "bind", "other": to, "reason": why}
    return _page(minutes, by, s2_1_type={}, s2_2_classify={}, s2_3_link=same)


def sent_again(minutes: int, by: str, group: str, note: str) -> Act:
    """2.8 once more, after a return or a rejection."""
    return _page(minutes, by, s2_8_dispatch={"group": group, "note": note})


def accepted(minutes: int, by: str) -> Act:
    """2.9: mine."""
    return _page(minutes, by, s2_9_accept={"answer": "accept"})


def returned(minutes: int, by: str, why: str) -> Act:
    """2.9: back to the desk, because symptom or classification is wrong."""
    return _page(minutes, by, s2_9_accept={"answer": "return", "return_reason": why})


def transferred(minutes: int, by: str, group: str, cause: str, reason: str, note: str) -> Act:
    """2.9 and 2.11: to another group, with the root cause."""
    onward = {"group": group, "cause": cause, "reason": reason, "note": note}
    return _page(minutes, by, s2_9_accept={"answer": "transfer"}, s2_11_transfer=onward)


def analysed(minutes: int, by: str, analysis: str) -> Act:
    """3.1 and 3.3; the diagnosis is still to be done."""
    return _page(minutes, by, s3_1_analyse={"analysis": analysis}, s3_3_confirm={})


def solved(
    minutes: int, by: str, analysis: str, diagnosis: str, solution: str, cause: str, *, workaround: bool = False
) -> Act:
    """3.1, 3.3, 3.5 and 3.6 on one page, with a solution."""
    found = {"found": "solution", "solution": solution, "cause": cause, "workaround": workaround}
    return _investigated(minutes, by, analysis, diagnosis, found)


def handed_to_problem(minutes: int, by: str, analysis: str, diagnosis: str, workaround: str, cause: str) -> Act:
    """3.1, 3.3, 3.5 and 3.6 on one page: a workaround only; problem management goes on with the cause."""
    found = {"found": "problem", "solution": workaround, "cause": cause, "workaround": True}
    return _investigated(minutes, by, analysis, diagnosis, found)


def wants_change(
    minutes: int, by: str, answer: str, title: str, details: str, risk: str | None = None, fallback: str | None = None
) -> Act:
    """4.1 and 4.2 on one page: change management is asked, and the incident waits for it."""
    wanted = _given(title=title, details=details, risk=risk, fallback=fallback)
    return _page(minutes, by, s4_1_agree=_agreed(answer, "change"), s4_2_change=wanted)


def wants_requirement(minutes: int, by: str, answer: str, title: str, details: str) -> Act:
    """4.1 and 4.3 on one page: what should have been delivered, which is checked jointly first."""
    wanted = {"kind": "maintenance", "title": title, "details": details}
    return _page(minutes, by, s4_1_agree=_agreed(answer, "requirement"), s4_3_create=wanted)


def task_split(
    minutes: int, by: str, group: str, title: str, details: str, *, answer: str | None = None, more: bool = False
) -> Act:
    """4.4: one task for another group; the first one brings the user's ``answer`` of 4.1 with it."""
    task = {"s4_4_split": {"group": group, "title": title, "details": details, "more": more}}
    agreed = {"s4_1_agree": _agreed(answer, "tasks")} if answer else {}
    return _page(minutes, by, **agreed, **task)


def child_step(minutes: int, by: str, kind: str, *, nth: int = 0, **steps: Fields) -> Act:
    """A step of the process of the incident's child of that kind; ``steps`` by element id."""
    return Act(timedelta(minutes=minutes), by, "child", steps, child=kind, nth=nth)


def escalated(minutes: int, by: str, reason: str, note: str) -> Act:
    """2.10: into the incident manager's queue."""
    return Act(timedelta(minutes=minutes), by, "escalate", {"reason": reason, "note": note})


def restored(minutes: int, by: str, answer: str, action: str, verification: str, cause: str, code: str = "C01") -> Act:
    """4.1, 4.5 and 4.6 on one page: the service runs again."""
    verified = {"restored": True, "verification": verification, "cause": cause, "close_code": code}
    return _page(
        minutes,
        by,
        s4_1_agree={"agreed": True, "answer": answer},
        s4_5_recover={"action": action},
        s4_6_verify=verified,
    )


def checked(minutes: int, by: str, remark: str | None = None) -> Act:
    """5.1; the user is still to be asked, where the rule wants it."""
    return _page(minutes, by, s5_1_check=_given(complete=True, remark=remark))


def asked(minutes: int, by: str, opinion: str, *, satisfied: bool = True) -> Act:
    """5.1 and 5.3 on one page."""
    return _page(minutes, by, s5_1_check={"complete": True}, s5_3_ask={"satisfied": satisfied, "opinion": opinion})


def closed(minutes: int, by: str, code: str, solution: str, *, problem: bool = False) -> Act:
    """5.5; with the number of its ``problem``, where the code wants one."""
    number = NumberOfChild("problem") if problem else None
    return _page(minutes, by, s5_5_close=_given(close_code=code, solution=solution, problem_ref=number))


def held(minutes: int, by: str, code: str, reason: str, hours: int) -> Act:
    """Put on waiting for ``hours``."""
    return Act(timedelta(minutes=minutes), by, "hold", {"code": code, "reason": reason, "hours": hours})


def resumed(minutes: int, by: str, reason: str) -> Act:
    """The waiting ends."""
    return Act(timedelta(minutes=minutes), by, "resume", {"reason": reason})


def withdrawn(minutes: int, by: str, reason: str) -> Act:
    """The user takes the report back."""
    return Act(timedelta(minutes=minutes), by, "withdraw", {"reason": reason})


def noted(minutes: int, by: str, text: str) -> Act:
    """A remark on the incident."""
    return Act(timedelta(minutes=minutes), by, "comment", {"text": text})


def thirty_days_pass() -> Act:
    """Nobody does anything until the ticker closes the incident."""
    return Act(timedelta(days=30, minutes=1), "", "tick")


def _investigated(minutes: int, by: str, analysis: str, diagnosis: str, found: Fields) -> Act:
    return _page(
        minutes,
        by,
        s3_1_analyse={"analysis": analysis},
        s3_3_confirm={},
        s3_5_diagnose={"diagnosis": diagnosis},
        s3_6_try=found,
    )


def _agreed(answer: str, way: str) -> Fields:
    return {"agreed": True, "answer": answer, "next": way}


def _given(**values: Any) -> Fields:
    return {name: value for name, value in values.items() if value is not None}
