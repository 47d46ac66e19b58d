"""How instants, durations and states are said to staff: Chinese words, local time, rounding against ourselves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo

WEEKDAYS = "一二三四五六日"
PRIORITIES: Mapping[int, str] = {1: "极高", 2: "高", 3: "中", 4: "低"}  # §5.1.5
IMPACTS: Mapping[int, str] = {1: "特大", 2: "较大", 3: "一般", 4: "较小"}
STAGES: Mapping[int, str] = {1: "检测与记录", 2: "分类与初步支持", 3: "调查和诊断", 4: "解决和恢复", 5: "事件关闭"}
STATES: Mapping[str, tuple[str, str]] = {  # key → words, tone of the mark
    "new": ("新建", "run"),
    "to_dispatch": ("待分派", "run"),
    "to_accept": ("待受理", "run"),
    "in_progress": ("处理中", "run"),
    "waiting": ("等待", "pause"),
    "resolved": ("已解决", "ok"),
    "closed": ("已关闭", ""),
    "slave": ("从事件", "line"),
}
CLOCKS: Mapping[str, str] = {  # the target that runs in a state (§5.1.6)
    "new": "响应",
    "to_dispatch": "响应",
    "to_accept": "受理",
    "in_progress": "恢复",
    "resolved": "关闭",
}


def duration(span: timedelta, *, up: bool = False) -> str:
    """Two units at most. Rounded down to the minute; ``up`` rounds up, for what speaks against us (an overrun)."""
    exact = span.total_seconds() / 60
    minutes = math.ceil(exact) if up else math.floor(exact)
    if minutes < 1:
        return "不足 1 分钟"
    if minutes < 60:
        return f"{minutes} 分钟"
    if minutes < 24 * 60:
        return _two(minutes // 60, "小时", minutes % 60, "分")
    return _two(minutes // 1440, "天", minutes % 1440 // 60, "小时")


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit}" + (f" {small} {small_unit}" if small else "")


def moment(instant: datetime, now: datetime, zone: tzinfo) -> str:
    """Today ``15:40``, this year ``11-23 15:40``, else ``2025-11-23 15:40``."""
    local, today = instant.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local:%m-%d %H:%M}" if local.year == today.year else f"{local:%Y-%m-%d %H:%M}"


def due(instant: datetime, now: datetime, zone: tzinfo) -> str:
    """When something falls due, with the weekday once it is not today."""
    local = instant.astimezone(zone)
    words = moment(instant, now, zone)
    if local.date() == now.astimezone(zone).date():
        return f"今天 {words}"
    day, time = words.rsplit(" ", 1)
    return f"{day} 周{WEEKDAYS[local.weekday()]} {time}"


def understood(instant: datetime, now: datetime, zone: tzinfo) -> str:
    """How a typed time was read: the day in full, and how far that is from now, so that a wrong day is seen."""
    local, today = instant.astimezone(zone), now.astimezone(zone)
    names = {-1: "昨天 ", 0: "今天 ", 1: "明天 "}
    name = names.get((local.date() - today.date()).days, "")
    year = "" if local.year == today.year else f"{local.year}-"
    ahead = instant > now
    away = duration(instant - now if ahead else now - instant)
    distance = "就是现在" if away.startswith("不足") else f"{away}{'后' if ahead else '前'}"
    return f"{name}{year}{local:%m-%d} 周{WEEKDAYS[local.weekday()]} {local:%H:%M}（{distance}）"


def whole(instant: datetime, zone: tzinfo) -> str:
    """The full instant to the second, for hints and paper."""
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def day_head(instant: datetime, now: datetime, zone: tzinfo) -> str:
    """The head above a day's rows: 今天, 昨天, else the date with its weekday."""
    local, today = instant.astimezone(zone).date(), now.astimezone(zone).date()
    year = "" if local.year == today.year else f"{local.year} 年 "
    date = f"{year}{local.month} 月 {local.day} 日"
    if local == today:
        return f"今天 {date}"
    if local == today - timedelta(days=1):
        return f"昨天 {date}"
    return f"{date} 周{WEEKDAYS[local.weekday()]}"


def today_words(now: datetime, zone: tzinfo) -> str:
    """The head of a list: ``11 月 23 日 周一 15:40``."""
    local = now.astimezone(zone)
    return f"{local.month} 月 {local.day} 日 周{WEEKDAYS[local.weekday()]} {local:%H:%M}"
