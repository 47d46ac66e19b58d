"""Verbs on running instances, for those who keep the process going: retry, suspend, resume, cancel."""

from __future__ import annotations

from engine import instances
from engine.errors import NotAllowedError
from webapp.desk.core import Desk, given
from webapp.rights import Person, allowed


def retry(desk: Desk, actor: Person, instance_id: int) -> None:
    """Repeat the step at which an instance is stuck; raises StepFailedError when it fails again."""
    _check(actor, "instance.retry")
    with desk.unit_of_work(actor) as ctx:
        instances.retry(ctx, instance_id)


def reopen(desk: Desk, actor: Person, instance_id: int, reason: str) -> None:
    """Give the user task at which an instance is stuck back to people, with what was typed as its draft."""
    _check(actor, "instance.reopen")
    with desk.unit_of_work(actor) as ctx:
        instances.reopen(ctx, instance_id, given(reason))


def suspend_instance(desk: Desk, actor: Person, instance_id: int, reason: str) -> None:
    """Stop an instance where it is until it is resumed."""
    _check(actor, "instance.suspend")
    with desk.unit_of_work(actor) as ctx:
        instances.suspend(ctx, instance_id, given(reason))


def resume_instance(desk: Desk, actor: Person, instance_id: int, reason: str) -> None:
    """Let a suspended instance go on."""
    _check(actor, "instance.resume")
    with desk.unit_of_work(actor) as ctx:
        instances.resume(ctx, instance_id, given(reason))


def cancel_instance(desk: Desk, actor: Person, instance_id: int, reason: str) -> None:
    """End an instance for good; its record stays as it is."""
    _check(actor, "instance.cancel")
    with desk.unit_of_work(actor) as ctx:
        instances.cancel(ctx, instance_id, given(reason))


def _check(actor: Person, action: str) -> None:
    if not allowed(actor, action):
        raise NotAllowedError("只有流程负责人和指定的管理岗位可以操作运行中的流程。")
