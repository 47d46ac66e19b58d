"""Verbs on running instances, for those who keep the process going: retry, suspend, resume, cancel."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select

from engine import instances
from engine.context import Context
from engine.errors import ConflictError
from engine.persistence import instance
from handlers.records import children
from webapp.desk import permission
from webapp.desk.core import Desk, given
from webapp.desk.incidents import PROCESS
from webapp.rights import Person


def retry(desk: Desk, actor: Person, instance_id: int) -> None:
    """Repeat the step at which an instance is stuck; raises StepFailedError when it fails again."""
    with desk.unit_of_work(actor) as ctx:
        _require_right(ctx, actor, "instance.retry")
        instances.retry(ctx, instance_id)


def reopen(desk: Desk, actor: Person, instance_id: int, reason: str) -> None:
    """Give the user task at which an instance is stuck back to people, with what was typed as its draft."""
    with desk.unit_of_work(actor) as ctx:
        _require_right(ctx, actor, "instance.reopen")
        instances.reopen(ctx, instance_id, given(reason))


def suspend_instance(desk: Desk, actor: Person, instance_id: int, reason: str) -> None:
    """Stop an instance where it is until it is resumed."""
    with desk.unit_of_work(actor) as ctx:
        _require_right(ctx, actor, "instance.suspend")
        instances.suspend(ctx, instance_id, given(reason))


def resume_instance(desk: Desk, actor: Person, instance_id: int, reason: str) -> None:
    """Let a suspended instance go on."""
    with desk.unit_of_work(actor) as ctx:
        _require_right(ctx, actor, "instance.resume")
        instances.resume(ctx, instance_id, given(reason))


def cancel_instance(desk: Desk, actor: Person, instance_id: int, reason: str) -> None:
    """End an instance for good; the child record whose process it was ends as cancelled, and its incident goes on.

    Raises ConflictError for the instance of an incident, which would stay open for ever.
    """
    with desk.unit_of_work(actor) as ctx:
        _require_right(ctx, actor, "instance.cancel")
        reason = given(reason)
        c = instance.c
        found = ctx.connection.execute(select(c.process_key, c.business_key).where(c.id == instance_id)).one_or_none()
        if found is not None and found.process_key == PROCESS:
            raise ConflictError(
                _("事件的流程不能直接取消，否则事件永远不能关闭：请在事件页面用“用户撤销”，再关闭事件单。")
            )
        instances.cancel(ctx, instance_id, reason)
        if found is not None and children.is_child(ctx.connection, found.business_key):
            child = children.get(ctx, found.business_key)
            children.finish(ctx, child, children.CANCELLED, result=reason)


def _require_right(ctx: Context, actor: Person, action: str) -> None:
    permission.require(ctx, actor, action, _("只有流程负责人和指定的管理岗位可以操作运行中的流程。"))
