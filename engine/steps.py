"""One step of an instance: load, act, run to the next waits, save. All or nothing, in the caller's transaction.

The instance's row is locked first; every other row of the step follows, so that two steps never block each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from engine import bundles, faults, saving, spiff
from engine import persistence as db
from engine.catalogue import NEWEST, catalogue, latest_fingerprint
from engine.context import Call, Context
from engine.decide import answer_of
from engine.decisions import DecisionError
from engine.errors import BpmnError, ConflictError, EngineError, NotFoundError, StepFailedError
from engine.offers import Offer, offer_for, operation
from engine.saving import Held, Result, Step
from engine.texts import storable

_REFUSALS = {
    saving.RUNNING: "流程正在运行",
    saving.SUSPENDED: "流程已暂停，恢复后才能继续",
    saving.STUCK: "流程在一个步骤上出错，处理后才能继续",
    saving.COMPLETED: "流程已经结束",
    saving.CANCELLED: "流程已经取消",
}
MAX_CAUSE = 4000  # characters
_STEPS = "steps run"  # by this unit of work, in ``Context.memo``
_SQLITE_ERROR = 1  # SQLite's code for a statement that is wrong, not a database that is busy or broken


def instance_select(*more: Any, lock: bool = True) -> Select[Any]:
    """SELECT of instances with bundle and newest deployment, and ``more`` columns; the caller joins and filters."""
    i, b = db.instance.c, db.bundle.c
    found = (
        select(
            i.id.label("instance_id"),
            i.process_key,
            i.business_key,
            i.status,
            i.revision.label("instance_revision"),
            i.state,
            i.started_at,
            b.id.label("bundle_id"),
            b.content_hash,
            b.definition_ids,
            latest_fingerprint().label("fingerprint"),
            *more,
        )
        .select_from(db.instance)
        .join(db.bundle, b.id == i.bundle_id)
    )
    return found.with_for_update(of=db.instance) if lock else found


def held(ctx: Context, row: Row[Any]) -> Held:
    """What a row of :func:`instance_select` says."""
    ctx.memo[NEWEST] = row.fingerprint or ""
    return Held(
        id=row.instance_id,
        process_key=row.process_key,
        business_key=row.business_key,
        status=row.status,
        revision=row.instance_revision,
        state=row.state,
        started_at=row.started_at,
        bundle=bundles.pinned(ctx, row.bundle_id, row.process_key, row.content_hash, row.definition_ids),
        fingerprint=row.fingerprint,
    )


def hold(ctx: Context, instance_id: int) -> Held:
    """Lock and read an instance. Raises :class:`NotFoundError`."""
    row = ctx.connection.execute(instance_select().where(db.instance.c.id == instance_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"没有编号为 {instance_id} 的流程实例")
    return held(ctx, row)


def refuse_unless(ctx: Context, instance: Held, *allowed: str) -> None:
    """Raise :class:`ConflictError`, with who and when, if the instance's status is none of ``allowed``."""
    if instance.status not in allowed:
        by, at = last_change(ctx, instance.id)
        raise ConflictError(_REFUSALS[instance.status], by=by, at=at)


def last_change(ctx: Context, instance_id: int) -> tuple[str | None, datetime | None]:
    """Who moved the instance last, and when."""
    h = db.history.c
    newest = select(h.actor, h.left_at).where(h.instance_id == instance_id).order_by(h.id.desc()).limit(1)
    row = ctx.connection.execute(newest).first()
    return (row.actor, row.left_at) if row else (None, None)


class Work:
    """One step of one instance: ``load`` or ``start`` comes first, ``carry_out`` last; it alone writes.

    An ``automatic`` step (timer, message row) has no person to tell: whatever an operation raises makes it stuck.
    """

    def __init__(
        self,
        ctx: Context,
        instance: Held,
        command: dict[str, Any] | None,
        *,
        automatic: bool = False,
        fresh: bool = False,
    ) -> None:
        """``command`` repeats the step, should it fail; None: nothing is to be carried out, only looked at.

        A ``fresh`` instance is gone after the roll-back.
        """
        self.ctx = ctx
        self.instance = instance
        self.command = command
        self.automatic = automatic
        self.fresh = fresh
        self.token: tuple[str, int] | None = None  # the completed user task and the revision that the person saw
        self.on_behalf_of = ctx.on_behalf_of
        self.notes: dict[str, str] = {}  # remarks for the history, by task id
        self.before = spiff.Waits()
        self._decisions: list[dict[str, Any]] = []
        self._element_id: str | None = None  # whose operation or decision is being asked
        self._run = spiff.Run(now=ctx.now, operate=self._operate, decide=self._decide)

    def load(self) -> Work:
        """Load the saved state; ``before`` is what it waits for."""
        with self._failures():
            self._workflow = spiff.load(self.instance.bundle.program, self.instance.state or b"", self._run)
            self.before = spiff.waits(self._workflow)
        return self

    def start(self, data: Mapping[str, Any]) -> None:
        """Make a new workflow with ``data`` as its process data."""
        with self._failures():
            self._workflow = spiff.start(self.instance.bundle.program, data, self._run)

    def carry_out(self, act: Callable[[spiff.Workflow], None] | None = None, *, parked: bool = False) -> Step:
        """Act, run to the next waits and save; ``parked``: the waits' timers and subscriptions have no rows yet."""
        with self._failures():
            if act is not None:
                act(self._workflow)
            self.ctx.memo[_STEPS] = spiff.advance(self._workflow, self.ctx.memo.get(_STEPS, 0))
            before = spiff.Waits(self.before.user_tasks) if parked else self.before
            return saving.save(self.ctx, self.instance, before, self._result())

    def cancel(self) -> list[spiff.Left]:
        """Take every token away; what they were taken from. Nothing is written."""
        spiff.cancel(self._workflow)
        return spiff.left(self._workflow)

    def user_task(self, task_id: str) -> spiff.UserTask | None:
        """The user task of that id, if the loaded state waits for it."""
        return next((task for task in self.before.user_tasks if task.task_id == task_id), None)

    def timer(self, task_id: str) -> spiff.TimerWait | None:
        """The timer of that task, if the loaded state waits for it."""
        return next((timer for timer in self.before.timers if timer.task_id == task_id), None)

    def waits_for(self, task_id: str, name: str) -> bool:
        """Does the task wait for the message ``name`` in the loaded state?"""
        return any(one.task_id == task_id and one.name == name for one in self.before.subscriptions)

    def complete(self, task: spiff.UserTask, values: Mapping[str, Any]) -> None:
        """Have the task's operation take the clean ``values``; at most one key goes into the process data."""
        element = self.instance.bundle.program.elements[task.element_id]
        result, name = element.properties.get("result"), element.properties.get("operation")
        answer = values.get(result) if result else None
        if name:
            try:
                answer = self._ask(name, self._call(element, task.data, task.task_id, values))
            except BpmnError as fault:
                spiff.fail(self._workflow, task.task_id, fault)
                return
        spiff.complete(self._workflow, task.task_id, {result: answer} if result else {})

    def _operate(self, element: spiff.Element, data: Mapping[str, Any]) -> Any:
        return self._ask(element.properties["operation"], self._call(element, data))

    def _ask(self, name: str, call: Call) -> Any:
        self._element_id = call.element_id
        answer = operation(self.ctx, name, call)
        self._element_id = None
        return answer

    def _decide(self, element: spiff.Element, data: Mapping[str, Any]) -> Any:
        self._element_id = element.id
        known = catalogue(self.ctx, self.instance.fingerprint)
        answer, row = answer_of(self.ctx, known, element.properties["decision"], data)
        self._decisions.append(row | {"instance_id": self.instance.id, "element_id": element.id})
        self._element_id = None
        return answer.result

    def _call(
        self,
        element: spiff.Element,
        data: Mapping[str, Any],
        task: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Call:
        return Call(
            element_id=element.id,
            instance_id=self.instance.id,
            business_key=self.instance.business_key,
            data=data,
            values=values,
            task=task,
            lane=element.lane,
        )

    def _result(self) -> Result:
        after = spiff.waits(self._workflow)
        known = {task.task_id for task in self.before.user_tasks}
        completed = spiff.is_completed(self._workflow)
        return Result(
            after=after,
            offers={task.task_id: self.offer(task) for task in after.user_tasks if task.task_id not in known},
            left=spiff.left(self._workflow),
            thrown=spiff.thrown(self._workflow),
            state=None if completed else spiff.dump(self._workflow),
            notes=self.notes,
            decisions=self._decisions,
            on_behalf_of=self.on_behalf_of,
            token=self.token,
        )

    def offer(self, task: spiff.UserTask) -> Offer:
        """What the process offers for an open user task."""
        element = self.instance.bundle.program.elements[task.element_id]
        self._element_id = element.id
        offer = offer_for(self.ctx, self.instance.bundle, self._call(element, task.data, task.task_id))
        self._element_id = None
        return offer

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what must not be swallowed into the report of a stuck step; a person's own refusals pass."""
        try:
            yield
        except Exception as error:
            cause = error.__cause__ if isinstance(error, spiff.StepError) and error.__cause__ else error
            if is_databases_fault(cause):
                raise cause from None
            if self.command is None or (_is_refusal(error) and not self.automatic):
                raise
            raise StepFailedError(
                None if self.fresh else self.instance.id,
                getattr(error, "element_id", None) or self._element_id,
                _said(error, cause, self.command),
                self.command | {"on_behalf_of": self.on_behalf_of},
                revision=None if self.fresh else self.instance.revision,
                actor=self.ctx.actor,
            ) from error


def _is_refusal(error: Exception) -> bool:
    """Can the person who asked for the step do something about it? Not about a table that cannot answer."""
    return isinstance(error, EngineError) and not isinstance(error, DecisionError)


def _said(error: Exception, cause: BaseException, command: Mapping[str, Any]) -> str:
    """The cause as an operator reads it, in characters that every database can keep, without what was typed."""
    typed = [command.get(name) for name in ("values", "data", "payload")]
    if isinstance(error, spiff.StepError) and not isinstance(cause, DBAPIError):
        return storable(faults.without(error.why, typed), MAX_CAUSE)
    return storable(faults.words(cause, typed), MAX_CAUSE)


def is_databases_fault(error: BaseException) -> bool:
    """Is the database busy, full, deadlocked or gone? Then the step may simply be tried again: nothing is stuck."""
    if isinstance(error, InterfaceError):
        return True
    return isinstance(error, OperationalError) and getattr(error.orig, "sqlite_errorcode", None) != _SQLITE_ERROR
