"""An incident as its customer reads it: where it stands in plain words, what comes next, what he can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from engine.context import Context
from handlers import reference
from handlers.records import relations
from webapp.language import N_
from webapp.rights import Person, allowed

NEEDS_ANSWER = "W01"  # 待用户补充信息
STATES: Mapping[str, tuple[str, str]] = {  # state → where it stands, what comes next
    "new": (N_("已收到"), N_("服务台会尽快看您的报告，需要时与您联系。")),
    "to_dispatch": (N_("已登记"), N_("服务台正在安排处理。")),
    "to_accept": (N_("已安排处理"), N_("处理人员受理后开始处理。")),
    "in_progress": (N_("正在处理"), N_("解决后服务台会请您确认。")),
    "waiting": (N_("暂停处理"), N_("条件具备后继续处理。")),
    "slave": (N_("正在处理"), N_("与其他用户报告的同一问题一起处理，解决后请您确认。")),
    "resolved": (N_("已解决"), N_("请确认是否已恢复正常；没有恢复请告诉我们。")),
    "closed": (N_("已关闭"), N_("如果再次出现同样的问题，请重新报告。")),
}
MILESTONES: Mapping[str, str] = {
    "recorded_at": N_("登记"),
    "acceptance_stopped_at": N_("开始处理"),
    "resolved_at": N_("解决"),
    "closed_at": N_("关闭"),
}
ACTS = ("answer", "supplement", "confirm", "withdraw_own")


@dataclass(frozen=True, slots=True)
class Story:
    """One incident in plain words; ``asks`` is the question that waits for an answer, ``may`` what can be done."""

    number: str
    summary: str
    state: str
    tone: str
    next: str
    details: str
    solution: str
    asks: str
    milestones: Sequence[tuple[str, datetime]]
    may: Mapping[str, bool]


def state_of(incident: Mapping[str, Any]) -> tuple[str, str, str]:
    """Where an incident stands, its tone, and what comes next."""
    state, following = STATES[incident["state"]]
    if incident["withdrawn"]:
        return str(_("已撤销")), "", str(_("不再处理。"))
    if needs_answer(incident):
        return str(_("等您补充信息")), "warn", str(_("请回答服务台的问题，之后继续处理。"))
    tone = {"resolved": "ok", "closed": "", "waiting": "pause"}.get(incident["state"], "run")
    return str(_(state)), tone, str(_(following))


def needs_answer(incident: Mapping[str, Any]) -> bool:
    """Whether it is the customer's turn."""
    return bool(incident["state"] == "waiting" and incident["waiting_code"] == NEEDS_ANSWER)


def tell(ctx: Context, person: Person, incident: Mapping[str, Any], asks: str) -> Story:
    """The incident as its customer may see it: no internal notes, no names of staff."""
    state, tone, following = state_of(incident)
    may = {act: allowed(person, act, incident=incident) for act in ACTS}
    may["answer"] = may["answer"] and needs_answer(incident)
    may["confirm"] = may["confirm"] and not incident["withdrawn"]
    # Before 1.4 is done there is no stage to leave: who needs it no more says so in his answer.
    may["withdraw_own"] = may["withdraw_own"] and relations.under_way_refusal(incident) is None
    over = incident["state"] in ("resolved", "closed") and not incident["withdrawn"]
    group = reference.name(ctx, "groups", incident["responsible_group"])
    if incident["state"] == "in_progress" and group:
        following = _("由%(group)s处理，解决后服务台会请您确认。", group=group)
    return Story(
        number=incident["number"] or "",
        summary=incident["summary"] or "",
        state=state,
        tone=tone,
        next=following,
        details=incident["details"] or "",
        solution=(incident["solution"] or "") if over else "",
        asks=asks,
        milestones=[(_(words), incident[column]) for column, words in MILESTONES.items() if incident[column]],
        may=may,
    )
