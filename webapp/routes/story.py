"""The timeline in words: who did what, what changed, which rule row answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.spiff import Program
from webapp.queries import rules
from webapp.queries.timeline import Event
from webapp.routes.labels import LABELS
from webapp.routes.reading import Reader
from webapp.routes.words import duration

CANCELLED = "cancelled"
CHANNELS = {"phone": "电话", "mail": "邮件", "sms": "短信", "visit": "上门"}
COMMENTS = {"note": ("补充说明", "message"), "supplement": ("用户补充信息（1.3）", "message")}
OUTCOMES = {
    "accept": "受理",
    "transfer": "转派",
    "return": "退回服务台",
    "solution": "找到方案",
    "none": "没有找到方案",
    "True": "是",
    "False": "否",
}
# First values that only repeat what the facts on the page say: no line each in the timeline.
TOLD_ELSEWHERE = {"1.2", "1.4"}
QUIET = {"stage", "held_state", "responsible_role", "number", "recorder", "recorder_group", "customer_id", "served"}


@dataclass(frozen=True, slots=True)
class Change:
    """A fact before and after, in words."""

    label: str
    old: str
    new: str


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


def tell(reader: Reader, events: Sequence[Event], program: Program | None) -> list[Entry]:
    """Every event as a line; steps that only opened and closed without a person are left out."""
    accounts = reader.accounts(*(event.actor for event in events), *(event.on_behalf_of for event in events))
    accounts |= reader.accounts(*_people_in(events))
    entries = [_entry(reader, event, program, accounts) for event in events]
    return [entry for entry in entries if entry is not None]


def _people_in(events: Sequence[Event]) -> list[str]:
    rows = [row for event in events for row in event.changes if row["field"] == "responsible_person"]
    return [value for row in rows for value in (row["old"], row["new"]) if isinstance(value, str)]


def _entry(reader: Reader, event: Event, program: Program | None, accounts: Mapping[str, str]) -> Entry | None:
    tell_kind = {
        "step": _step,
        "decision": _decision,
        "comment": _comment,
        "hold": _hold,
        "resume": _resume,
        "change": _change,
    }[event.kind]
    told = tell_kind(reader, event, program)
    if told is None:
        return None
    text, icon, tone, say = told
    changes = _changes(reader, event, text, accounts)
    if event.kind == "change" and not changes:
        return None
    return Entry(
        at=event.at,
        icon=icon,
        tone=tone,
        text=text,
        who=accounts.get(event.actor, event.actor),
        on_behalf_of=accounts.get(event.on_behalf_of or "", event.on_behalf_of or ""),
        say=say or _reason(event),
        changes=changes,
    )


Told = tuple[str, str, str, str] | None


def _step(_reader: Reader, event: Event, program: Program | None) -> Told:
    assert event.row is not None  # noqa: S101
    name = _name(program, event.element_id)
    if event.row["element_type"] != "userTask":
        return (f"{name}", "clock", "", "") if name and event.row["outcome"] else None
    if event.row["outcome"] == CANCELLED:
        return f"{name} 已取消", "x", "", ""
    result = OUTCOMES.get(str(event.row["outcome"]), "")
    icon = "phone" if name.startswith("1.") else "check"
    return f"完成 {name}" + (f"：{result}" if result else ""), icon, "", ""


def _decision(reader: Reader, event: Event, _program: Program | None) -> Told:
    row = event.row
    assert row is not None  # noqa: S101
    numbers = rules.row_numbers(reader.ctx, row["definition_id"])
    found = [str(numbers[each]) for each in row["row_ids"] if each in numbers]
    where = f"，第 {'、'.join(found)} 行" if found else ""
    return f"规则“{row['name']}”（第 {row['version']} 版{where}）得出 {_answer(reader, row)}", "table", "", ""


def _answer(reader: Reader, row: Mapping[str, Any]) -> str:
    outputs = row["outputs"]
    pairs = outputs.items() if isinstance(outputs, dict) else [("", outputs)]
    words = []
    for key, value in pairs:
        if isinstance(value, bool):
            words.append("是" if value else "否")
        elif key == "group" or row["key"] == "dispatch":
            words.append(reader.name("groups", str(value)) if value else "")
        else:
            words.append(_span_words(key, value))
    return "、".join(word for word in words if word)


_TARGETS = {"response": "响应", "acceptance": "受理", "restoration": "恢复", "closure": "关闭"}


def _span_words(key: str, value: Any) -> str:
    from handlers.clocks import duration as read

    text = str(value)
    if key in _TARGETS:
        try:
            return f"{_TARGETS[key]} {duration(read(text))}"
        except ValueError:
            return f"{_TARGETS[key]} {text}"
    return text


def _comment(_reader: Reader, event: Event, _program: Program | None) -> Told:
    row = event.row
    assert row is not None  # noqa: S101
    if row["kind"] == "contact":
        return f"与用户沟通（{CHANNELS.get(row['channel'], row['channel'] or '其他')}）", "phone", "", row["text"]
    text, icon = COMMENTS.get(row["kind"], COMMENTS["note"])
    return text, icon, "", row["text"]


def _hold(reader: Reader, event: Event, _program: Program | None) -> Told:
    row = event.row
    assert row is not None  # noqa: S101
    until = reader.moment(row["expected_end"])
    words = reader.name("waiting_codes", row["code"])
    return f"等待 {row['code']} {words}，预计到 {until}", "player-pause", "", row["reason"]


def _resume(reader: Reader, event: Event, _program: Program | None) -> Told:
    row = event.row
    assert row is not None  # noqa: S101
    lasted = duration(row["ended_at"] - row["began_at"])
    return f"结束等待 {row['code']}，共 {lasted}", "player-play", "", row["end_reason"] or ""


def _change(_reader: Reader, event: Event, program: Program | None) -> Told:
    name = _name(program, event.element_id)
    return (f"{name}" if name else "修改事件信息"), ("robot" if event.actor == "system" else "pencil"), "", ""


def _name(program: Program | None, element_id: str | None) -> str:
    if program is None or element_id is None or element_id not in program.elements:
        return ""
    return program.elements[element_id].name or ""


def _reason(event: Event) -> str:
    reasons = [row["reason"] for row in event.changes if row["reason"]]
    return reasons[0] if reasons else ""


def _changes(reader: Reader, event: Event, text: str, accounts: Mapping[str, str]) -> list[Change]:
    first = any(text.startswith(f"完成 {number}") for number in TOLD_ELSEWHERE)
    found = []
    for row in event.changes:
        column = row["field"]
        if column not in LABELS or column in QUIET or (row["old"] is None and (first or event.at == _born(event))):
            continue
        old, new = (reader.value(column, row[side], accounts) for side in ("old", "new"))
        if old != new:
            found.append(Change(LABELS[column], old, new))
    return found


def _born(event: Event) -> datetime | None:
    """The instant of creation, whose first values are no changes: no step has done them."""
    return (
        event.at
        if event.kind == "change"
        and event.element_id is None
        and not any(row["old"] is not None for row in event.changes)
        else None
    )
