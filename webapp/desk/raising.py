"""The verb of support people who find a fault themselves: record it and go straight to 3.1 (R048, R088, R138)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import tzinfo
from typing import Any

from flask_babel import gettext as _

from engine import instances, tasks
from engine.catalogue import catalogue, contents
from engine.context import Context
from engine.errors import InvalidValuesError, NotAllowedError, NotFoundError
from engine.forms import Form, parse_form, validate
from handlers.records import numbers, raised
from webapp.desk import idempotency
from webapp.desk.core import Desk
from webapp.desk.incidents import PROCESS, Reported
from webapp.rights import Person, allowed

RAISE = "raise"
FORM = "raise_incident"
RAISED = "raised_by_support"  # how the process was entered: the first gateway reads it


def raise_form(ctx: Context) -> Form:
    """The form in force now; no element of a diagram has it, for the record begins before its process does."""
    ref = catalogue(ctx).in_force("form", FORM, ctx.now)
    if ref is None:
        raise NotFoundError(_("登记发现的故障所用的表单还没有部署。"))
    return parse_form(contents(ctx, [ref.id])[ref.id])


def raise_incident(
    desk: Desk,
    actor: Person,
    values: Mapping[str, Any],
    *,
    group: str | None = None,
    key: str | None = None,
    zone: tzinfo = numbers.HOUSE_ZONE,
) -> Reported:
    """Record what the actor found and start its process at 3.1, in his hands; ``values`` are of form FORM.

    ``group`` is one of his; he need not name it while he stands in one only. A second arrival with the same ``key``
    returns the first one's incident. Raises NotAllowedError, InvalidValuesError.
    """

    def act(ctx: Context) -> dict[str, Any]:
        if not allowed(actor, RAISE):
            raise NotAllowedError(_("只有支持人员可以登记自己发现的故障；用户报告的事件由服务台登记。"))
        clean = validate(raise_form(ctx), values)
        incident = raised.open_raised(ctx, clean, _group_of(actor, group), zone)
        ctx.settle()
        started = instances.start(ctx, PROCESS, str(incident["id"]), {"incident_id": incident["id"], "outcome": RAISED})
        task = tasks.get(ctx, started.opened[0])
        raised.assess(ctx, incident, started.instance_id, task.element.id)
        tasks.reoffer(ctx, str(incident["id"]))
        return asdict(Reported(incident["id"], incident["number"], task.id))

    return Reported(**idempotency.once(desk, actor, RAISE, "", key, act))


def _group_of(actor: Person, group: str | None) -> str:
    """For which of his groups the actor raises it."""
    if group is None and len(actor.groups) == 1:
        return next(iter(actor.groups))
    if group is None or group not in actor.groups:
        raise InvalidValuesError({"group": _("请选择您以哪个组的身份登记")})
    return group
