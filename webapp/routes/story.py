"""The timeline in words: who did what, what changed, which row of which rule answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _

from engine.spiff import Program
from webapp.contacts import CONTACTS, masked
from webapp.language import N_
from webapp.queries import rules
from webapp.queries.rows import Record
from webapp.queries.timeline import Event
from webapp.routes import child_words
from webapp.routes.answers import answer_words
from webapp.routes.child_words import Change
from webapp.routes.labels import LABELS
from webapp.routes.reading import Reader
from webapp.routes.words import duration

CANCELLED = "cancelled"
BY_PEOPLE = "userTask"
CHANNELS = {"phone": N_("电话"), "mail": N_("邮件"), "sms": N_("短信"), "visit": N_("上门"), "portal": N_("用户自助")}
OUTCOMES = {
    "accept": N_("受理"),
    "transfer": N_("转派"),
    "return": N_("退回服务台"),
    "escalate": N_("升级"),
    "disagreed": N_("用户不同意"),
    "recover": N_("用户同意，采取恢复操作"),
    "change": N_("用户同意，需要变更"),
    "requirement": N_("用户同意，需要需求"),
    "tasks": N_("用户同意，分解任务"),
    "solution": N_("找到方案"),
    "none": N_("没有找到方案"),
}
# What a step's yes or no means, by the key that it writes; the line of the step says it, so no change repeats it.
JUDGEMENTS: Mapping[str, Mapping[str, str]] = {
    "agreed": {"True": N_("用户同意"), "False": N_("用户不同意")},
    "restored": {"True": N_("服务已恢复"), "False": N_("服务未恢复")},
    "satisfied": {"True": N_("用户满意"), "False": N_("用户不满意")},
}
RECEIVED = N_("接到请求")
SAME_AGAIN = N_("填写的内容与上次相同")
# The first values of these steps are the facts of the page itself: they are not repeated line by line.
LONGEST_ACT = 24  # characters of a verb's name; what is longer is no name
INTAKE = ("1.2", "1.4")
TOLD_BY_RULES = {"priority", "urgency"}  # where the rule's own line says it and nothing stood there before


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline."""

    at: datetime
    icon: str
    tone: str
    text: str
    who: str
    on_behalf_of: str = ""
    say: str = ""
    changes: Sequence[Change] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What one kind of event says of itself."""

    text: str
    icon: str
    tone: str = ""
    say: str = ""
    url: str = ""


def tell(reader: Reader, events: Sequence[Event], program: Program | None, *, reach: bool = True) -> list[Entry]:
    """Every event as a line; steps of the system that neither changed nor decided anything are left out.

    ``reach``: whether the reader sees contact data in full.
    """
    accounts = reader.accounts(*_people_in(events))
    rules.read_tables(reader.ctx, (row["definition_id"] for event in events for row in event.decisions))
    child_words.read_choices(reader, _of_children(events))
    repeated = _repeated(events)
    told = [(event, _TELL[event.kind](reader, event, program)) for event in events]
    return [
        _entry(reader, event, words, accounts, again=id(event) in repeated, reach=reach)
        for event, words in told
        if words is not None
    ]


def _of_children(events: Sequence[Event]) -> dict[str, list[Record]]:
    """Number of a child → all that was changed in it."""
    found: dict[str, list[Record]] = {}
    for event in events:
        if event.child is not None:
            found.setdefault(event.child["number"], []).extend(event.changes)
    return found


def _repeated(events: Sequence[Event]) -> set[int]:
    """Which events are a person's step that was done before, with texts then and nothing that differs from them now."""
    wrote: set[str | None] = set()
    found = set()
    for event in reversed(events):  # the oldest first
        if event.kind != "step" or _by_system(event) or _row(event)["outcome"] == CANCELLED:
            continue
        if event.changes:
            wrote.add(event.element_id)
        elif event.element_id in wrote:
            found.add(id(event))
    return found


def _people_in(events: Sequence[Event]) -> list[str | None]:
    changed = [row for event in events for row in event.changes if row["field"] == "responsible_person"]
    values = [value for row in changed for value in (row["old"], row["new"]) if isinstance(value, str)]
    return [*values, *(event.actor for event in events), *(event.on_behalf_of for event in events)]


def _entry(reader: Reader, event: Event, told: Told, accounts: Mapping[str, str], *, again: bool, reach: bool) -> Entry:
    reasons = [row["reason"] for row in event.changes if row["reason"]] if not event.decisions else []
    return Entry(
        at=event.at,
        icon=told.icon,
        tone=told.tone,
        text=told.text,
        who=_("系统") if _by_system(event) else accounts.get(event.actor, event.actor),
        on_behalf_of=accounts.get(event.on_behalf_of or "", event.on_behalf_of or ""),
        say=told.say or _why(told, reasons) or (_(SAME_AGAIN) if again else ""),
        changes=[*_decided(reader, event), *_changed(reader, event, told.text, accounts, reach=reach)],
        url=told.url,
    )


def _why(told: Told, reasons: Sequence[str]) -> str:
    """The reason of the first change that has one, unless the line itself says it."""
    return next((reason for reason in reasons[:1] if reason != told.text), "")


def _by_system(event: Event) -> bool:
    return event.kind == "step" and event.row is not None and event.row["element_type"] != BY_PEOPLE


def _step(_reader: Reader, event: Event, program: Program | None) -> Told | None:
    row, name = _row(event), _name(program, event.element_id)
    if row["element_type"] != BY_PEOPLE:
        speaks = bool(event.decisions or event.changes)
        if row["element_type"].endswith("Event"):
            return Told(name, "arrow-right") if name else None
        return Told(name, "table" if event.decisions else "robot") if name and speaks else None
    if row["outcome"] == CANCELLED:
        return Told(_("%(name)s：已取消", name=name), "x")
    result = _judgement(event, program).get(str(row["outcome"])) or OUTCOMES.get(str(row["outcome"]))
    icon = "phone" if name.startswith(INTAKE) else "check"
    text = _("完成 %(step)s", step=name) + (f"：{_(result)}" if result else "")
    return Told(text, icon, "ok" if name.startswith("5.5") else "")


def _judgement(event: Event, program: Program | None) -> Mapping[str, str]:
    """The words of the yes or no that a step answers; empty for a step that answers something else."""
    element = program.elements.get(event.element_id or "") if program else None
    return JUDGEMENTS.get(element.properties.get("result", ""), {}) if element else {}


def _comment(_reader: Reader, event: Event, _program: Program | None) -> Told | None:
    row = _row(event)
    if row["kind"] == "contact":
        return Told(
            _("与用户沟通（%(channel)s）", channel=_(CHANNELS.get(row["channel"], N_("其他方式")))),
            "phone",
            say=row["text"],
        )
    return Told(
        _("1.3 补充用户提供的信息") if row["kind"] == "supplement" else _("补充说明"), "message", say=row["text"]
    )


def _hold(reader: Reader, event: Event, _program: Program | None) -> Told | None:
    row = _row(event)
    words = reader.name("waiting_codes", row["code"])
    until = reader.moment(row["expected_end"])
    return Told(
        _("等待 %(code)s %(words)s，预计到 %(until)s", code=row["code"], words=words, until=until),
        "player-pause",
        say=row["reason"],
    )


def _resume(_reader: Reader, event: Event, _program: Program | None) -> Told | None:
    row = _row(event)
    lasted = duration(row["ended_at"] - row["began_at"])
    return Told(
        _("结束等待 %(code)s，共 %(lasted)s", code=row["code"], lasted=lasted),
        "player-play",
        say=row["end_reason"] or "",
    )


def _change(_reader: Reader, event: Event, program: Program | None) -> Told | None:
    if not event.decisions and all(row["old"] is None for row in event.changes) and event.element_id is None:
        return Told(_(RECEIVED), "phone")  # the record's first values
    icon = "robot" if event.actor == "system" else "pencil"
    if name := _name(program, event.element_id):
        return Told(name, icon)
    # A verb's reason begins with its name: 重新分派：…, 领取.
    act, _colon, why = next((row["reason"] for row in event.changes if row["reason"]), "").partition("：")
    return Told(_(act), icon, say=why) if act and len(act) <= LONGEST_ACT else Told(_("修改事件信息"), icon)


def _child(reader: Reader, event: Event, _program: Program | None) -> Told | None:
    if event.child is None:
        return None
    text, icon, tone, say = child_words.told(reader, event.child, event.changes)
    return Told(text, icon, tone, say, url_for("pages.child", number=event.child["number"]))


def _link(_reader: Reader, event: Event, _program: Program | None) -> Told | None:
    row = _row(event)
    url = url_for("pages.incident", key=row["number"] or row["other_id"])
    return Told(_("与 %(number)s 建立关联", number=row["number"] or ""), "link", say=row["reason"] or "", url=url)


def _file(_reader: Reader, event: Event, _program: Program | None) -> Told | None:
    return Told(_("添加附件 %(name)s", name=_row(event)["name"]), "paperclip")


_TELL: Mapping[str, Callable[[Reader, Event, Program | None], Told | None]] = {
    "step": _step,
    "comment": _comment,
    "hold": _hold,
    "resume": _resume,
    "change": _change,
    "child": _child,
    "link": _link,
    "file": _file,
}


def _row(event: Event) -> Record:
    if event.row is None:
        raise ValueError(f"an event of kind {event.kind} has its row")
    return event.row


def _name(program: Program | None, element_id: str | None) -> str:
    if program is None or element_id is None or element_id not in program.elements:
        return ""
    return program.elements[element_id].name or ""


def _decided(reader: Reader, event: Event) -> list[Change]:
    """One line for each rule that answered: its name, the answer, and the row and version that gave it."""
    found = []
    for row in event.decisions:
        numbers = rules.row_numbers(reader.ctx, row["definition_id"])
        rows = "、".join(str(numbers[each]) for each in row["row_ids"] if each in numbers)
        where = (
            _("规则第 %(rows)s 行，第 %(version)s 版", rows=rows, version=row["version"])
            if rows
            else _("规则第 %(version)s 版", version=row["version"])
        )
        found.append(Change(row["name"], "", f"{answer_words(reader, row['key'], row['outputs'])}（{where}）"))
    return found


def _changed(reader: Reader, event: Event, text: str, accounts: Mapping[str, str], *, reach: bool) -> list[Change]:
    if event.kind == "child":
        return child_words.changed(reader, event.child, event.changes, accounts)
    intake = text == _(RECEIVED) or any(text.startswith(_("完成 %(step)s", step=number)) for number in INTAKE)
    found = []
    for row in event.changes:
        column, first = row["field"], row["old"] is None
        if (
            column in JUDGEMENTS
            or column not in LABELS
            or (first and intake)
            or (first and event.decisions and column in TOLD_BY_RULES)
        ):
            continue
        if (
            event.kind in {"hold", "resume"}
            or (first and row["new"] is False)
            or (row["new"] is None and column.startswith("responsible_"))
        ):
            continue
        if column == "holder_group" and any(each["field"] == "responsible_group" for each in event.changes):
            continue  # the same group, said once
        old, new = (reader.value(column, row[side], accounts) for side in ("old", "new"))
        if column in CONTACTS and not reach:
            old, new = masked(old) or "", masked(new) or ""
        if old != new:
            found.append(Change(_(LABELS[column]), old, new))
    return found
