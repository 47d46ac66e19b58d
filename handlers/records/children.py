"""Child records: what an incident has others do for it, each with a number, a history and a process of its own (§4.1).

| kind | number | who does it | the incident waits with |
|---|---|---|---|
| change 变更 | BG | group change | W03 |
| requirement 需求 | XQ | group requirement | W04 |
| joint_check 协查 | XC | group planning | W05 |
| task 任务 | RW | the group it is given to | – |
| problem 问题, announcement 公告, escalation 升级 | WT, GG, ES | problem, desk, manager | nobody waits |

Whoever changes a child holds the row of its incident, so that of two that end at the same time one is the last. What an
incident waits for is a *pass*: ``child_wait`` counts its passes, ``wait`` of a child names the one that waits for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import exists, select

from engine import messages
from engine.context import Context
from engine.errors import ConflictError, InvalidValuesError
from engine.persistence import subscription
from handlers.records import child_rows, incidents, numbers, waiting
from handlers.records.child_rows import Child, all_of, change, get, incident_of, is_child, is_problem, of
from handlers.records.incidents import Fields, Incident

__all__ = [
    "KINDS",
    "Child",
    "add_child",
    "awaitable",
    "awaited",
    "begin_wait",
    "cancel",
    "cancel_all",
    "change",
    "close_announcements",
    "end_companions",
    "finish",
    "get",
    "incident_of",
    "is_child",
    "is_problem",
    "last_done",
    "of",
    "open_child",
    "open_of",
    "require_none_open",
]

OPEN, DONE, FAILED, REJECTED, CANCELLED = "open", "done", "failed", "rejected", "cancelled"
ENDS = frozenset({DONE, FAILED, REJECTED, CANCELLED})
ALL_DONE = "children_done"  # tells the incident that a pass is over, under the key of ``begin_wait``
STOP = "child_cancelled"  # tells the child's process that nobody wants it any more


@dataclass(frozen=True, slots=True)
class Kind:
    """What all children of a kind have in common; ``group`` does them, None: each names its own."""

    name: str
    prefix: str
    group: str | None
    code: str | None = None  # with which an incident waits for it


KINDS: Mapping[str, Kind] = {
    "change": Kind("变更", "BG", "change", "W03"),
    "requirement": Kind("需求", "XQ", "requirement", "W04"),
    "joint_check": Kind("协查", "XC", "planning", "W05"),
    "task": Kind("任务", "RW", None),
    "problem": Kind("问题", "WT", "problem"),
    "announcement": Kind("公告", "GG", "desk"),
    "escalation": Kind("升级", "ES", "manager"),
}
_CODES = tuple(kind.code for kind in KINDS.values() if kind.code)  # the first that is asked for is set


def open_child(
    ctx: Context,
    incident: Incident,
    kind: str,
    title: str,
    details: str | None,
    group: str | None,
    facts: Fields,
    *,
    waits: bool,
    element: str | None,
) -> str:
    """Open a child of the incident, have its process started, and return its number.

    ``group`` None is the kind's. ``waits``: the pass that ``begin_wait`` begins next waits for it.
    """
    return _open(ctx, incident, kind, title, details, group, facts, _next_pass(incident) if waits else None, element)


def add_child(
    ctx: Context, incident: Incident, kind: str, title: str, details: str | None, group: str | None, facts: Fields
) -> str:
    """Open one more child of an incident that waits for others already: it waits for this one, too (C-46).

    Raises ConflictError when it waits for none, or has been taken out of its wait.
    """
    if not (awaited(ctx, incident) and _is_listening(ctx, incident)):
        raise ConflictError("事件现在不在等待子单，不能补充；请在 4.1 选择需要的配合", by=incident["updated_by"])
    number = _open(ctx, incident, kind, title, details, group, facts, incident["child_wait"], None)
    _hold_as_asked(ctx, incident, None)
    return number


def begin_wait(ctx: Context, incident: Incident, *, element: str | None = None) -> str:
    """Begin a pass: the incident waits for all its open children that are for waiting; returns the key of ALL_DONE.

    Children of an interrupted pass are waited for again. Where all have ended already, ALL_DONE is sent at once.
    Raises ConflictError when there is nothing to wait for.
    """
    number = _next_pass(incident)
    for each in awaitable(ctx, incident):
        change(ctx, each, {"wait": number})
    incident = incidents.change(ctx, incident, {"child_wait": number}, element=element)
    if not _pass_of(ctx, incident):
        raise ConflictError("没有可以等待的变更、需求、协查或任务，请重新选择下一步")
    if awaited(ctx, incident):
        _hold_as_asked(ctx, incident, element)
    else:
        _send_all_done(ctx, incident)
    return _wait_id(incident)


def awaited(ctx: Context, incident: Incident) -> list[Child]:
    """The open children of the incident's present pass; none: it waits for none."""
    return [each for each in _pass_of(ctx, incident) if each["state"] == OPEN]


def open_of(ctx: Context, incident_id: int, kinds: Collection[str] | None = None) -> list[Child]:
    """The open children of an incident in the order of opening, of all kinds or of ``kinds``."""
    wanted = KINDS if kinds is None else kinds
    return [each for each in all_of(ctx, incident_id).values() if each["state"] == OPEN and each["kind"] in wanted]


def last_done(ctx: Context, incident: Incident, kind: str) -> Child | None:
    """The child of a kind that was done last; None where none was."""
    found = [each for each in all_of(ctx, incident["id"]).values() if each["kind"] == kind and each["state"] == DONE]
    return max(found, key=lambda each: (each["finished_at"], each["id"]), default=None)


def require_none_open(ctx: Context, incident: Incident, field: str) -> None:
    """Raise InvalidValuesError for ``field``, naming what others still do for the incident (R162, C-46)."""
    if found := awaitable(ctx, incident):
        named = "、".join(f"{KINDS[each['kind']].name} {each['number']}" for each in found)
        raise InvalidValuesError({field: f"{named} 还没有完成，完成或取消后事件才能转入“已解决”"})


def finish(ctx: Context, child: Child, outcome: str, *, result: str | None = None, element: str | None = None) -> None:
    """End a child as one of ENDS. One that has ended already stays as it is, and its incident may have moved on.

    The last one of a pass ends the waiting that the system has set, and sends ALL_DONE.
    """
    if outcome not in ENDS:
        raise ValueError(f"a child does not end as {outcome!r}")
    if child["state"] != OPEN:
        return
    _end(ctx, child, outcome, result, element)
    incident = incidents.get(ctx, child["incident_id"], lock=True)
    if child["wait"] != incident["child_wait"]:
        return  # nobody waits for it, or its pass has yet to begin
    if awaited(ctx, incident):
        if _waits_by_system(incident):  # else somebody works on it already
            _hold_as_asked(ctx, incident, element)
        return
    _end_waiting(ctx, incident, f"{KINDS[child['kind']].name} {child['number']} 已结束", element)
    _send_all_done(ctx, incident)


def cancel(ctx: Context, child: Child, reason: str) -> None:
    """End a child that nobody wants any more: its process stops. Nothing happens to one that has ended."""
    if child["state"] == OPEN:
        _stop(ctx, child)
        finish(ctx, child, CANCELLED, result=reason)


def cancel_all(ctx: Context, incident: Incident, reason: str) -> None:
    """Cancel what others still do for an incident that is withdrawn, and its escalation; a problem goes on (§4.1).

    Nobody is told that the pass is over: whoever calls takes the incident out of it.
    """
    for each in [*awaitable(ctx, incident), *open_of(ctx, incident["id"], ["escalation"])]:
        _stop(ctx, each)
        _end(ctx, each, CANCELLED, reason, None)
    _end_waiting(ctx, incident, reason, None)


def end_companions(ctx: Context, incident: Incident) -> None:
    """The incident is closed: its escalation is over, and its announcement is taken down (C-14, C-56)."""
    for each in open_of(ctx, incident["id"], ["escalation"]):
        cancel(ctx, each, "事件已关闭，升级随之结束")
    close_announcements(ctx, incident)


def close_announcements(ctx: Context, incident: Incident) -> None:
    """5.4: have the incident's announcements taken down; one that was not published yet is cancelled."""
    for each in open_of(ctx, incident["id"], ["announcement"]):
        if each["facts"].get("published"):
            number = each["number"]
            messages.send(ctx, "announcement_close", number, message_id=f"announcement_close:{number}")
        else:
            cancel(ctx, each, "事件已解决，不再需要公告")


def _end(ctx: Context, child: Child, outcome: str, result: str | None, element: str | None) -> None:
    ended: Fields = {"state": outcome, "finished_at": ctx.now}
    change(ctx, child, ended | ({"result": result} if result else {}), element=element)


def _stop(ctx: Context, child: Child) -> None:
    messages.send(ctx, STOP, child["number"], CANCELLED, message_id=f"{STOP}:{child['number']}")


def _open(
    ctx: Context,
    incident: Incident,
    kind: str,
    title: str,
    details: str | None,
    group: str | None,
    facts: Fields,
    wait: int | None,
    element: str | None,
) -> str:
    group = group or KINDS[kind].group
    if group is None:
        raise ValueError(f"a child of kind {kind!r} needs a group")
    number = numbers.next_number(ctx, prefix=KINDS[kind].prefix)
    values: Fields = {
        "number": number,
        "kind": kind,
        "incident_id": incident["id"],
        "state": OPEN,
        "title": title,
        "details": details,
        "group": group,
        "priority": incident["priority"],
        "facts": facts,
        "wait": wait,
    }
    child_rows.add(ctx, values, element=element)
    messages.send(ctx, f"{kind}_wanted", number, incident["id"], message_id=f"{kind}_wanted:{number}")
    return number


def _next_pass(incident: Incident) -> int:
    return int(incident["child_wait"]) + 1


def _wait_id(incident: Incident) -> str:
    return f"{incident['id']}.{incident['child_wait']}"


def _pass_of(ctx: Context, incident: Incident) -> list[Child]:
    number = incident["child_wait"]
    return [each for each in all_of(ctx, incident["id"]).values() if number and each["wait"] == number]


def awaitable(ctx: Context, incident: Incident) -> list[Child]:
    """The open children for which an incident has waited, waits, or may wait next; a problem is none of them."""
    return [each for each in open_of(ctx, incident["id"]) if each["wait"] is not None]


def _hold_as_asked(ctx: Context, incident: Incident, element: str | None) -> None:
    """Let the incident wait with the code that its open children ask for; a code that a person has set stays."""
    asked = {KINDS[each["kind"]].code: each for each in reversed(awaited(ctx, incident))}
    code = next((code for code in _CODES if code in asked), None)
    if incident["state"] == "waiting" and incident["waiting_code"] == code:
        return
    incident = _end_waiting(ctx, incident, "所等的子单已结束", element)
    if code is not None and waiting.hold_refusal(incident) is None:
        child = asked[code]
        waiting.hold_by_system(ctx, incident, code, f"等待{KINDS[child['kind']].name} {child['number']}", element)


def _end_waiting(ctx: Context, incident: Incident, reason: str, element: str | None) -> Incident:
    if _waits_by_system(incident):
        return waiting.resume(ctx, incident, reason, element=element)
    return incident


def _waits_by_system(incident: Incident) -> bool:
    return incident["state"] == "waiting" and incident["waiting_code"] in _CODES


def _is_listening(ctx: Context, incident: Incident) -> bool:
    """Whether the incident's process stands where it hears of ALL_DONE: a pass may have been interrupted."""
    c = subscription.c
    waits = exists().where(c.name == ALL_DONE, c.key == _wait_id(incident))
    return bool(ctx.connection.scalar(select(waits)))


def _send_all_done(ctx: Context, incident: Incident) -> None:
    """Tell what came of the pass: one rejection or failure counts for all; cancelled only if everything was."""
    ends = {each["state"] for each in _pass_of(ctx, incident)}
    together = next((end for end in (REJECTED, FAILED) if end in ends), CANCELLED if ends == {CANCELLED} else DONE)
    key = _wait_id(incident)
    messages.send(ctx, ALL_DONE, key, together, message_id=f"{ALL_DONE}:{key}")
