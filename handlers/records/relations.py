"""Acts on a whole incident that are no step: withdraw, reassign, bind to a master, recurrence, comment (§5.1.10–12).

Each says by ``…_refusal`` why it cannot be done, as a sentence for the page, and refuses by itself.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import and_, insert, or_, select

from engine.context import Context
from engine.errors import ConflictError, InvalidValuesError
from handlers import clocks
from handlers.records import children, incidents, moves, waiting
from handlers.records.incidents import Fields, Incident
from handlers.records.tables import comment as comment_table
from handlers.records.tables import incident as incident_table
from handlers.records.tables import incident_link

WITHDRAWN_CODE = "C06"  # 用户撤销 (T-7)
UNDER_WAY = frozenset({"to_dispatch", "to_accept", "in_progress", "waiting", "slave"})
COMMENT_KINDS = frozenset({"note", "supplement", "contact"})

# Children that somebody works on for the incident; a slave is not worked on by itself (R260).
_WORKED_ON = frozenset({"change", "requirement", "joint_check", "task"})

# What a recurrence takes over from its original (R269); whatever was done about it starts anew.
_COPIED = (
    "customer_id",
    "staff_number",
    "customer_name",
    "customer_grade",
    "phone",
    "mobile",
    "extension",
    "customer_location",
    "email",
    "department",
    "served",
    "source",
    "request_type",
    "ci_affected",
    "summary",
    "details",
    "service_effect",
    "affected_departments",
    "configuration_items",
    "external_number",
    "external_contact",
    "category",
    "type",
    "symptom",
    "service",
    "location",
    "impact",
)


def under_way_refusal(incident: Incident) -> str | None:
    """Why an incident that is not in stages 2 to 4 cannot be withdrawn, reassigned or bound; None when it can."""
    state = incident["state"]
    if state == "waiting" and incident["held_state"] not in UNDER_WAY:
        state = incident["held_state"]
    if state in UNDER_WAY:
        return None
    if state == "new" and incident["number"]:
        return "事件还在等用户补充（1.5）；用户不再需要的，请在 1.4 这样判断后关闭"
    if state == "new":
        return "事件尚未登记完成，请先完成 1.4 记录事件请求"
    if state == "resolved":
        return "事件已解决，请在 5.3 征询用户意见或在 5.5 关闭"
    return "事件已关闭，不能再办理；如再次发生请登记为复发事件"


def withdraw(ctx: Context, incident: Incident, reason: str) -> Incident:
    """The customer takes his request back: on to 5.5 with close code 用户撤销 proposed; nothing was resolved.

    What others still do for it is cancelled.
    """
    incident = _ready(ctx, incident, under_way_refusal, reason)
    children.cancel_all(ctx, incident, f"事件已撤销：{reason.strip()}")
    incident = incidents.get(ctx, incident["id"])
    fields: Fields = {
        "state": "resolved",
        "withdrawn": True,
        "proposed_close_code": WITHDRAWN_CODE,
        **moves.to_recorder(incident),
        **moves.unanswered(),
        **clocks.started("closure", ctx.now),
    }
    for name in ("response", "acceptance", "restoration"):
        fields |= clocks.stopped(incident, name, ctx.now)
    return incidents.change(ctx, incident, fields, reason=f"用户撤销：{reason.strip()}")


def reassign(ctx: Context, incident: Incident, reason: str) -> Incident:
    """The incident manager takes it from whoever has it, for a new dispatch (R023, C-14); the dispatch is the move."""
    incident = _ready(ctx, incident, reassign_refusal, reason)
    fields = moves.to_desk(incident, ctx.now) | {"master_id": None}
    return incidents.change(ctx, incident, fields, reason=f"重新分派：{reason.strip()}")


def reassign_refusal(incident: Incident) -> str | None:
    """Why the manager cannot take an incident for a new dispatch; None when he can.

    What is not classified yet is with the desk anyhow, unless it is bound to a master.
    """
    if refusal := under_way_refusal(incident):
        return refusal
    with_the_desk = not incident["category"] and incident["state"] != "slave"
    return "事件还没有分类，仍由服务台处理，不需要重新分派" if with_the_desk else None


def bind_refusal(ctx: Context, incident: Incident, master: Incident) -> str | None:
    """Why ``incident`` cannot become a slave of ``master``; None when it can (C-28, R265)."""
    if incident["id"] == master["id"]:
        return "事件不能绑定到自己"
    lead = master["held_state"] if master["state"] == "waiting" else master["state"]
    if lead == "new":
        return "所选主事件还在登记，没有进入处理，只能建立关联，不能绑定"
    if lead in ("resolved", "closed"):
        return "主事件已解决或已关闭，只能建立关联，不能绑定"
    if lead == "slave":
        return "所选主事件本身是从事件，请绑定到它的主事件"
    if slaves_of(ctx, incident["id"]):
        return "该事件自己有从事件，请先把它们移到新的主事件"
    if children.open_of(ctx, incident["id"], _WORKED_ON):
        return "该事件还有未完成的变更、需求、协查或任务，请先完成或取消"
    return under_way_refusal(incident)


def bind(ctx: Context, incident: Incident, master: Incident, reason: str) -> Incident:
    """Make ``incident`` a slave: state and responsible are its master's from now on (R260, ``leading``)."""
    incident = _ready(ctx, incident, lambda it: bind_refusal(ctx, it, master), reason)
    fields: Fields = {"state": "slave", "master_id": master["id"]}
    return incidents.change(ctx, incident, fields, reason=f"绑定到主事件 {master['number']}：{reason.strip()}")


def link(ctx: Context, incident: Incident, other: Incident, reason: str | None) -> None:
    """Note that two incidents have to do with each other; both show it, neither changes (R264, R265).

    Linked already, either way round, they stay as they are. Raises InvalidValuesError for an incident with itself.
    """
    if incident["id"] == other["id"]:
        raise InvalidValuesError({"other": "事件不能与自己关联"})
    c = incident_link.c
    there = and_(c.incident_id == incident["id"], c.other_id == other["id"])
    back = and_(c.incident_id == other["id"], c.other_id == incident["id"])
    if ctx.connection.scalar(select(c.id).where(or_(there, back)).limit(1)) is not None:
        return
    values = {
        "incident_id": incident["id"],
        "other_id": other["id"],
        "at": ctx.now,
        "actor": ctx.actor,
        "on_behalf_of": ctx.on_behalf_of,
        "reason": reason,
    }
    ctx.connection.execute(insert(incident_link).values(**values))


def leading(ctx: Context, incident: Incident) -> Incident:
    """Whose state, stage and responsible count: a slave's master, else the incident itself (T-8)."""
    return incidents.get(ctx, incident["master_id"]) if incident["state"] == "slave" else incident


def slaves_of(ctx: Context, master_id: int) -> list[int]:
    """The ids of the incidents that are bound to a master now."""
    ctx.settle()  # what this unit of work has bound counts
    columns = incident_table.c
    query = select(columns.id).where(columns.master_id == master_id, columns.state == "slave").order_by(columns.id)
    return list(ctx.connection.scalars(query))


def recur(ctx: Context, original: Incident) -> int:
    """A new incident with the content of a closed one, linked to it as its recurrence; returns its id (R269, C-27).

    Raises ConflictError when the original is not closed: then new information belongs into the original (1.3).
    """
    if original["state"] != "closed":
        raise ConflictError(
            "原事件尚未关闭，请在原事件上补充信息", by=original["updated_by"], at=original["updated_at"]
        )
    copied = {name: original[name] for name in _COPIED if original[name] is not None}
    incident_id = incidents.create(ctx, {**copied, "original_id": original["id"]})
    comment(ctx, incident_id, f"复发：本事件与已关闭的事件 {original['number']} 相同", kind="note")
    return incident_id


def comment(ctx: Context, incident_id: int, text: str, *, kind: str = "note", channel: str | None = None) -> None:
    """Add a note, a supplement of the reporter's (R075, R076) or a contact with the customer; it changes no state.

    Raises InvalidValuesError for an empty text or an unknown kind, or a contact that does not say by what means.
    """
    problems: dict[str, str] = {}
    if not text.strip():
        problems["text"] = "请填写内容"
    if kind not in COMMENT_KINDS:
        problems["kind"] = "没有这种备注"
    if kind == "contact" and not channel:
        problems["channel"] = "请选择联系方式"
    if problems:
        raise InvalidValuesError(problems)
    values = {
        "incident_id": incident_id,
        "at": ctx.now,
        "actor": ctx.actor,
        "on_behalf_of": ctx.on_behalf_of,
        "kind": kind,
        "channel": channel,
        "text": text.strip(),
    }
    ctx.connection.execute(insert(comment_table).values(**values))


def _ready(ctx: Context, incident: Incident, refusal: Callable[[Incident], str | None], reason: str) -> Incident:
    """The incident for an act that needs a reason, its waiting ended; raises where the act is refused."""
    if sentence := refusal(incident):
        raise ConflictError(sentence, by=incident["updated_by"], at=incident["updated_at"])
    if not reason.strip():
        raise InvalidValuesError({"reason": "请填写原因"})
    return waiting.resume(ctx, incident, reason.strip()) if incident["state"] == "waiting" else incident
