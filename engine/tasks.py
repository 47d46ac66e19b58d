"""User tasks that are open: who has one, what he has written so far, and what he is offered.

Every change of hands raises the task's ``revision``, the version token of a rendered page; whoever comes with an older
token is told who changed it, and when. Who may do what is not decided here but at the doors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, and_, bindparam, or_, select, update

from engine import persistence as db
from engine import spiff
from engine.context import Context
from engine.errors import ConflictError, EngineError, InvalidValuesError, NotFoundError
from engine.forms import Form, unstorable
from engine.offers import Offer
from engine.saving import CANCELLED, RUNNING, Held
from engine.steps import Work, held, instance_select, last_change

__all__ = [
    "Offer",
    "UserTask",
    "assign",
    "cancelled_rows",
    "claim",
    "delegate",
    "get",
    "gone",
    "keep_draft",
    "release",
    "reoffer",
    "save_draft",
]

MAX_DRAFT = 200_000  # bytes

_t = db.user_task.c
_SHOWN = (
    _t.id,
    _t.business_key,
    _t.candidate_group,
    _t.assignee,
    _t.on_behalf_of,
    _t.priority,
    _t.due_at,
    _t.created_at,
    _t.claimed_at,
    _t.draft,
    _t.draft_by,
)
_PAGE = (  # made once: building a statement costs more than executing it
    instance_select(*_SHOWN, _t.element_id, _t.revision.label("token"), lock=False)
    .join(db.user_task, _t.instance_id == db.instance.c.id)
    .where(_t.id == bindparam("task_id"))
)


@dataclass(frozen=True, slots=True)
class UserTask:
    """An open user task as its page needs it; ``token`` goes into the page and comes back with each change."""

    id: str
    instance_id: int
    process_key: str
    business_key: str
    status: str  # of the instance: only a running one takes work
    element: spiff.Element
    form: Form | None
    candidate_group: str | None
    assignee: str | None
    on_behalf_of: str | None
    priority: int
    due_at: datetime | None
    created_at: datetime
    claimed_at: datetime | None
    draft: dict[str, Any] | None
    draft_by: str | None
    token: int

    @property
    def joined(self) -> tuple[str, ...]:
        """The element ids of the later tasks whose forms are offered on the same page."""
        return tuple(self.element.properties.get("joined", "").split())


def get(ctx: Context, task_id: str) -> UserTask:
    """The open task. Raises :class:`ConflictError` with who and when if it is finished, else NotFoundError."""
    row = ctx.connection.execute(_PAGE, {"task_id": task_id}).one_or_none()
    if row is None:
        raise gone(ctx, task_id)
    instance = held(ctx, row)
    element = instance.bundle.program.elements[row.element_id]
    name = element.properties.get("form")
    return UserTask(
        **{column.name: getattr(row, column.name) for column in _SHOWN},
        instance_id=instance.id,
        process_key=instance.process_key,
        status=instance.status,
        element=element,
        form=instance.bundle.forms[name].form if name else None,
        token=row.token,
    )


def gone(ctx: Context, task_id: str) -> EngineError:
    """The error to raise for a task that is not open: finished by whom and when, or never there."""
    h = db.history.c
    row = ctx.connection.execute(
        select(h.actor, h.left_at)
        .where(h.task_id == task_id, h.element_type == "userTask")
        .order_by(h.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return NotFoundError("没有这个任务")
    return ConflictError("任务已经完成或取消", by=row.actor, at=row.left_at)


def claim(ctx: Context, task_id: str, token: int) -> int:
    """Take the task for the actor and return the new token; claiming one's own task again changes nothing."""
    row = _current(ctx, task_id)
    if row.assignee == ctx.actor:
        return int(row.revision)
    if row.assignee is not None:
        raise ConflictError(f"任务已由 {row.assignee} 认领", by=row.assignee, at=row.claimed_at)
    return _change(ctx, task_id, token, assignee=ctx.actor, claimed_at=ctx.now, on_behalf_of=ctx.on_behalf_of)


def release(ctx: Context, task_id: str, token: int) -> int:
    """Give the task back to its group and return the new token; what was written so far stays."""
    return _change(ctx, task_id, token, assignee=None, claimed_at=None, on_behalf_of=None)


def assign(ctx: Context, task_id: str, person: str) -> int:
    """Give the task to ``person``, whoever has it now, and return the new token."""
    return _change(ctx, task_id, None, assignee=person, claimed_at=ctx.now, on_behalf_of=None)


def delegate(ctx: Context, task_id: str, person: str) -> int:
    """Have ``person`` do the task for the one who has it; the history will name both (§5.1.4, R219)."""
    row = _current(ctx, task_id)
    absent = row.on_behalf_of or row.assignee or ctx.actor
    return _change(ctx, task_id, row.revision, assignee=person, claimed_at=ctx.now, on_behalf_of=absent)


def save_draft(ctx: Context, task_id: str, values: Mapping[str, Any]) -> None:
    """Keep what was typed, valid or not, with the task: it survives sign-out, release and reassignment.

    A task that somebody has claimed takes the drafts of nobody else, a free one those of the first who wrote there:
    raises :class:`ConflictError` that names him. Raises :class:`InvalidValuesError` for what cannot be kept.
    """
    problems = unstorable(values)
    if not problems and len(orjson.dumps(values)) > MAX_DRAFT:
        problems = {"": f"草稿超过 {MAX_DRAFT // 1000} kB，不能保存"}
    if problems:
        raise InvalidValuesError(problems)
    free = and_(_t.assignee.is_(None), or_(_t.draft_by.is_(None), _t.draft_by == ctx.actor))
    saved = ctx.connection.execute(
        update(db.user_task)
        .where(_t.id == task_id, or_(_t.assignee == ctx.actor, free))
        .values(draft=dict(values), draft_by=ctx.actor)
    )
    if saved.rowcount != 1:
        raise _draft_refusal(ctx, task_id)


def keep_draft(ctx: Context, task_id: str, values: Mapping[str, Any], author: str) -> None:
    """Keep what ``author`` handed in and could not be carried out; it takes the place of any draft."""
    ctx.connection.execute(update(db.user_task).where(_t.id == task_id).values(draft=dict(values), draft_by=author))


def reoffer(ctx: Context, business_key: str) -> int:
    """Ask the processes' offers again for all open tasks of ``business_key``; how many changed.

    Somebody who has a task keeps it, for whomever he does it, unless the offer names another person or group.
    """
    rows = ctx.connection.execute(
        instance_select().where(db.instance.c.business_key == business_key, db.instance.c.status == RUNNING)
    ).all()
    return sum(_reoffer(ctx, held(ctx, row)) for row in rows)


def cancelled_rows(ctx: Context, instance_id: int) -> list[dict[str, Any]]:
    """The history rows of the open tasks of an instance that is being cancelled, though its state cannot be read."""
    rows = ctx.connection.execute(
        select(_t.id, _t.element_id, _t.created_at).where(_t.instance_id == instance_id).order_by(_t.created_at, _t.id)
    )
    return [
        {
            "instance_id": instance_id,
            "element_id": row.element_id,
            "element_type": "userTask",
            "task_id": row.id,
            "entered_at": row.created_at,
            "left_at": ctx.now,
            "actor": ctx.actor,
            "on_behalf_of": ctx.on_behalf_of,
            "outcome": CANCELLED,
            "note": None,
        }
        for row in rows
    ]


def _reoffer(ctx: Context, instance: Held) -> int:
    rows = {
        row.id: row
        for row in ctx.connection.execute(
            select(_t.id, _t.candidate_group, _t.assignee, _t.priority, _t.due_at, _t.revision)
            .where(_t.instance_id == instance.id)
            .order_by(_t.id)
            .with_for_update()  # a claim that comes meanwhile waits: it is not undone, and does not undo
        )
    }
    changed = 0
    work = Work(ctx, instance, None).load()
    for task in work.before.user_tasks:
        row, offer = rows[task.task_id], work.offer(task)
        keeps = row.assignee if offer.candidate_group == row.candidate_group else None
        values = {
            "candidate_group": offer.candidate_group,
            "assignee": offer.assignee or keeps,
            "priority": offer.priority,
            "due_at": offer.due_at,
        }
        if all(getattr(row, name) == value for name, value in values.items()):
            continue
        if values["assignee"] == row.assignee:  # the page that somebody has open stays good
            ctx.connection.execute(update(db.user_task).where(_t.id == task.task_id).values(**values))
        else:
            claimed_at = ctx.now if values["assignee"] else None
            _change(ctx, task.task_id, row.revision, **values, claimed_at=claimed_at, on_behalf_of=None)
        changed += 1
    return changed


def _current(ctx: Context, task_id: str) -> Row[*tuple[Any, ...]]:
    row = ctx.connection.execute(
        select(_t.assignee, _t.claimed_at, _t.on_behalf_of, _t.revision, _t.suspended).where(_t.id == task_id)
    ).one_or_none()
    if row is None:
        raise gone(ctx, task_id)
    return row


def _change(ctx: Context, task_id: str, token: int | None, **values: Any) -> int:
    """Change an open task of a running instance that is still at ``token`` (None: whatever it is at)."""
    changes = update(db.user_task).where(_t.id == task_id, _t.suspended.is_(False))
    if token is not None:
        changes = changes.where(_t.revision == token)
    revision = ctx.connection.execute(
        changes.values(revision=_t.revision + 1, changed_by=ctx.actor, changed_at=ctx.now, **values).returning(
            _t.revision
        )
    ).scalar_one_or_none()
    if revision is None:
        raise _refusal(ctx, task_id)
    return int(revision)


def _draft_refusal(ctx: Context, task_id: str) -> EngineError:
    row = ctx.connection.execute(select(_t.assignee, _t.claimed_at, _t.draft_by).where(_t.id == task_id)).one_or_none()
    if row is None:
        return gone(ctx, task_id)
    if row.assignee is not None:
        return ConflictError(f"任务已由 {row.assignee} 认领，您的草稿没有保存", by=row.assignee, at=row.claimed_at)
    return ConflictError(f"{row.draft_by} 已经存有草稿，认领后才能改写", by=row.draft_by)


def _refusal(ctx: Context, task_id: str) -> EngineError:
    """Why a change found no row: the task is finished, its instance does not run, or it is in other hands."""
    row = ctx.connection.execute(
        select(_t.instance_id, _t.suspended, _t.changed_by, _t.changed_at).where(_t.id == task_id)
    ).one_or_none()
    if row is None:
        return gone(ctx, task_id)
    if row.suspended:
        by, at = last_change(ctx, row.instance_id)
        return ConflictError("流程已暂停或出错，任务暂时不能处理", by=by, at=at)
    return ConflictError("任务已被别人改动，请重新打开", by=row.changed_by, at=row.changed_at)
