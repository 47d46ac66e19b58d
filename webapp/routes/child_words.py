"""Child records in words: what they are, how they ended, what was changed in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from engine.bundles import Bundle
from webapp.language import N_
from webapp.queries import children
from webapp.queries.rows import Record
from webapp.routes.labels import LABELS
from webapp.routes.reading import Reader

STATES: Mapping[str, tuple[str, str]] = {  # state → words, tone of the mark
    "open": (N_("办理中"), "run"),
    "done": (N_("已完成"), "ok"),
    "failed": (N_("未成功"), "over"),
    "rejected": (N_("被驳回"), "over"),
    "cancelled": (N_("已取消"), ""),
}
NAMES: Mapping[str, str] = {
    "change": N_("变更"),
    "requirement": N_("需求"),
    "joint_check": N_("协查"),
    "task": N_("任务"),
    "problem": N_("问题"),
    "announcement": N_("公告"),
    "escalation": N_("升级"),
}
ICONS: Mapping[str, str] = {"announcement": "speakerphone", "escalation": "arrow-up-circle"}
OWN_LABELS: Mapping[str, str] = {
    "group": N_("负责组"),
    "person": N_("负责人"),
    "title": N_("标题"),
    "details": N_("说明"),
    "result": N_("结果"),
    "decision": N_("决定"),
    "approved": N_("批准"),
    "plan": N_("方案"),
    "published": N_("已发布"),
    "text": N_("内容"),
    "feedback": N_("反馈"),
    "reason": N_("原因"),
    "risk": N_("影响和风险"),
    "fallback": N_("回退办法"),
    "opinion": N_("理由和要求"),
    "implementation": N_("实施情况"),
    "confirmed": N_("确认需要"),
}
TOLD = ("kind", "state", "title", "result")  # the line itself says these
CHOSEN = ("decision",)  # facts whose words are those of a form's choice
_MEMO = "choices of a child's forms"


@dataclass(frozen=True, slots=True)
class Change:
    """A fact before and after, or a rule's answer, in words."""

    label: str
    old: str
    new: str


def name_of(child: Mapping[str, Any]) -> str:
    """Kind and number: 变更 BG261123-001."""
    return f"{_(NAMES[child['kind']])} {child['number']}"


def state_of(child: Mapping[str, Any]) -> tuple[str, str]:
    """The words and the tone of a child's state."""
    words, tone = STATES[child["state"]]
    return str(_(words)), tone


def awaited(reader: Reader, incident: Mapping[str, Any], listed: Sequence[Record]) -> str:
    """The open children of ``listed`` for which the incident waits now, each with its group; empty for none."""
    number = incident["child_wait"]
    waits = [each for each in listed if number and each["wait"] == number and each["state"] == "open"]
    return "、".join(f"{name_of(each)}（{reader.name('groups', each['group'])}）" for each in waits)


def row(reader: Reader, child: Record, accounts: Mapping[str, str]) -> dict[str, Any]:
    """A child as lists of an incident's children show it."""
    words, tone = state_of(child)
    return {
        "number": child["number"],
        "kind": NAMES[child["kind"]],
        "title": child["title"],
        "state": words,
        "tone": tone,
        "holder": reader.holder(child["group"], child["person"], accounts),
        "result": child["result"],
    }


def told(_reader: Reader, child: Record, changes: Sequence[Record]) -> tuple[str, str, str, str]:
    """The line of a change in a child: text, icon, tone, what was said."""
    fields = {row["field"]: row for row in changes}
    icon = ICONS.get(child["kind"], "git-branch")
    say = str(fields["result"]["new"] or "") if "result" in fields else ""
    if "kind" in fields and fields["kind"]["old"] is None:
        # Why it was escalated stands nowhere else; what the others are asked for is on their own pages.
        why = str(child["details"] or "") if child["kind"] == "escalation" else ""
        return _("建立%(child)s：%(title)s", child=name_of(child), title=child["title"]), icon, "", why
    if "state" in fields:
        words, tone = STATES.get(fields["state"]["new"], (str(fields["state"]["new"]), ""))
        return f"{name_of(child)} {_(words)}", icon, tone, say or _why(changes)
    return _("%(child)s 有进展", child=name_of(child)), icon, "", say or _why(changes)


def read_choices(reader: Reader, changed: Mapping[str, Sequence[Record]]) -> None:
    """Fetch what the forms of these children (number → changes) call their choices: one statement for all of them."""
    known: dict[str, Mapping[tuple[str, str], str]] = reader.ctx.memo.setdefault(_MEMO, {})
    asked = [number for number, rows in changed.items() if any(each["field"] in CHOSEN for each in rows)]
    missing = [number for number in asked if number not in known]
    known.update({number: choices(bundle) for number, bundle in children.bundles(reader.ctx, missing).items()})


def changed(
    reader: Reader, child: Record | None, changes: Sequence[Record], accounts: Mapping[str, str]
) -> list[Change]:
    """What one step changed in a child, but for what its line says; ``read_choices`` has its forms' words ready."""
    chosen = reader.ctx.memo.get(_MEMO, {}).get(child["number"], {}) if child else {}
    found = []
    for row in changes:
        label = OWN_LABELS.get(row["field"]) or LABELS.get(row["field"])
        if row["field"] in TOLD or label is None or any(each["field"] == "kind" for each in changes):
            continue
        field = row["field"]
        old, new = (
            chosen.get((field, str(row[side]))) or _value(reader, field, row[side], accounts) for side in ("old", "new")
        )
        if old != new:
            found.append(Change(_(label), old, new))
    return found


def choices(bundle: Bundle) -> Mapping[tuple[str, str], str]:
    """What the choices of a process's forms are called: (field, value) → title."""
    fields = [each for form in bundle.forms.values() for each in form.form.fields.items()]
    return {(name, str(one["const"])): str(one["title"]) for name, field in fields for one in field.get("oneOf", ())}


def facts(reader: Reader, child: Record, bundle: Bundle | None) -> list[tuple[str, Any]]:
    """What is known of a child beside its title, in words; ``bundle`` is what its process is pinned to, if it runs."""
    chosen = choices(bundle) if bundle else {}
    found: list[tuple[str, Any]] = [
        (_("负责组"), reader.name("groups", child["group"])),
        (_("建立"), reader.moment(child["created_at"])),
        (_("结束"), reader.moment(child["finished_at"]) if child["finished_at"] else ""),
    ]
    for key, value in child["facts"].items():
        label = OWN_LABELS.get(key) or LABELS.get(key)
        if label and value not in (None, "", False):
            found.append((_(label), chosen.get((key, str(value))) or _value(reader, key, value, {})))
    return found


def _value(reader: Reader, field: str, value: Any, accounts: Mapping[str, str]) -> str:
    if field == "group":
        return reader.name("groups", value)
    if field == "person":
        return accounts.get(str(value), str(value or ""))
    return reader.value(field, value, accounts)


def _why(changes: Sequence[Record]) -> str:
    return next((row["reason"] for row in changes if row["reason"]), "")
