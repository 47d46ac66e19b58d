"""How instants, durations and states are said to staff: Chinese words, local time, rounding against ourselves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo

from flask_babel import gettext as _

from webapp.language import N_

WEEKDAYS = (N_("周一"), N_("周二"), N_("周三"), N_("周四"), N_("周五"), N_("周六"), N_("周日"))
# Message ids: whoever shows them translates them.
PRIORITIES: Mapping[int, str] = {1: N_("极高"), 2: N_("高"), 3: N_("中"), 4: N_("低")}  # §5.1.5
IMPACTS: Mapping[int, str] = {1: N_("特大"), 2: N_("较大"), 3: N_("一般"), 4: N_("较小")}
STAGES: Mapping[int, str] = {
    1: N_("检测与记录"),
    2: N_("分类与初步支持"),
    3: N_("调查和诊断"),
    4: N_("解决和恢复"),
    5: N_("事件关闭"),
}
STATES: Mapping[str, tuple[str, str]] = {  # key → words, tone of the mark
    "new": (N_("新建"), "run"),
    "to_dispatch": (N_("待分派"), "run"),
    "to_accept": (N_("待受理"), "run"),
    "in_progress": (N_("处理中"), "run"),
    "waiting": (N_("等待"), "pause"),
    "resolved": (N_("已解决"), "ok"),
    "closed": (N_("已关闭"), ""),
    "slave": (N_("从事件"), "line"),
}
CLOCKS: Mapping[str, str] = {  # the target that runs in a state (§5.1.6)
    "new": N_("响应"),
    "to_dispatch": N_("响应"),
    "to_accept": N_("受理"),
    "in_progress": N_("恢复"),
    "resolved": N_("关闭"),
}


def duration(span: timedelta, *, up: bool = False) -> str:
    """Two units at most. Rounded down to the minute; ``up`` rounds up, for what speaks against us (an overrun)."""
    exact = span.total_seconds() / 60
    minutes = math.ceil(exact) if up else math.floor(exact)
    if minutes < 1:
        return str(_("不足 1 分钟"))
    if minutes < 60:
        return str(_("%(n)s 分钟", n=minutes))
    if minutes < 24 * 60:
        hours, rest = divmod(minutes, 60)
        return str(_("%(hours)s 小时 %(minutes)s 分", hours=hours, minutes=rest) if rest else _("%(n)s 小时", n=hours))
    days, hours = divmod(minutes // 60, 24)
    return str(_("%(days)s 天 %(hours)s 小时", days=days, hours=hours) if hours else _("%(n)s 天", n=days))


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
        return str(_("今天 %(time)s", time=words))
    day, time = words.rsplit(" ", 1)
    return f"{day} {_(WEEKDAYS[local.weekday()])} {time}"


def understood(instant: datetime, now: datetime, zone: tzinfo) -> str:
    """How a typed time was read: the day in full, and how far that is from now, so that a wrong day is seen."""
    local, today = instant.astimezone(zone), now.astimezone(zone)
    names = {-1: _("昨天"), 0: _("今天"), 1: _("明天")}
    name = names.get((local.date() - today.date()).days, "")
    name = f"{name} " if name else ""
    year = "" if local.year == today.year else f"{local.year}-"
    ahead = instant > now
    away = duration(instant - now if ahead else now - instant)
    if abs(instant - now) < timedelta(minutes=1):
        distance = _("就是现在")
    else:
        distance = _("%(span)s后", span=away) if ahead else _("%(span)s前", span=away)
    return f"{name}{year}{local:%m-%d} {_(WEEKDAYS[local.weekday()])} {local:%H:%M}（{distance}）"


def whole(instant: datetime, zone: tzinfo) -> str:
    """The full instant to the second, for hints and paper."""
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def day_head(instant: datetime, now: datetime, zone: tzinfo) -> str:
    """The head above a day's rows: 今天, 昨天, else the date with its weekday."""
    local, today = instant.astimezone(zone).date(), now.astimezone(zone).date()
    date = str(_("%(month)s 月 %(day)s 日", month=local.month, day=local.day))
    if local.year != today.year:
        date = str(_("%(year)s 年 %(date)s", year=local.year, date=date))
    if local == today:
        return f"{_('今天')} {date}"
    if local == today - timedelta(days=1):
        return f"{_('昨天')} {date}"
    return f"{date} {_(WEEKDAYS[local.weekday()])}"


def today_words(now: datetime, zone: tzinfo) -> str:
    """The head of a list: ``11 月 23 日 周一 15:40``."""
    local = now.astimezone(zone)
    date = _("%(month)s 月 %(day)s 日", month=local.month, day=local.day)
    return f"{date} {_(WEEKDAYS[local.weekday()])} {local:%H:%M}"
