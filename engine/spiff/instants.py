"""ISO 8601 dates, durations and cycles of timers, computed from given instants only: no clock is read here."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_DURATION = re.compile(
    r"P(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,10}(?:\.\d{1,6})?)S)?)?",
    re.ASCII,
)
_COUNT = re.compile(r"R(\d{0,6})", re.ASCII)
MAX_MONTHS = 1200
MAX_DAYS = 36_525


class InstantError(ValueError):
    """A timer text that is not what its timer needs."""


@dataclass(frozen=True, slots=True)
class Duration:
    """Calendar months and exact time; months keep the day of the month where it exists, else its last day."""

    months: int
    exact: timedelta

    def after(self, start: datetime, times: int = 1) -> datetime:
        """``start`` plus ``times`` this duration; counted from ``start`` each time, so that it does not drift."""
        months = start.month - 1 + self.months * times
        year, month = start.year + months // 12, months % 12 + 1
        try:
            day = min(start.day, calendar.monthrange(year, month)[1])
            return start.replace(year=year, month=month, day=day) + self.exact * times
        except (ValueError, OverflowError):
            raise InstantError("时间超出了日历") from None


def parse_duration(text: str) -> Duration:
    """An unsigned ISO duration such as ``P30D``, ``PT4H30M`` or ``P1M``; weeks may be combined."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise InstantError(f"不是 ISO 时长：{text!r}")
    years, months, weeks, days, hours, minutes = (int(part or 0) for part in match.groups()[:6])
    months += years * 12
    if months > MAX_MONTHS or max(weeks, days, hours // 24, minutes // 1440) > MAX_DAYS:
        raise InstantError(f"时长超过一百年：{text!r}")
    seconds = float(match.group(7) or 0)
    if seconds > MAX_DAYS * 86_400:
        raise InstantError(f"时长超过一百年：{text!r}")
    return Duration(months, timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds))


def parse_instant(text: str) -> datetime:
    """An ISO date and time with its offset; a naive one is refused, for it would mean the server's own zone."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InstantError(f"不是 ISO 日期时间：{text!r}") from None
    if instant.tzinfo is None:
        raise InstantError(f"日期时间没有时区：{text!r}")
    return instant.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Cycle:
    """A repetition: occurrence ``n`` is ``n`` durations after ``base``. ``count`` is None when it has no end."""

    base: datetime
    every: Duration
    first: int
    count: int | None

    def occurrence(self, done: int) -> datetime | None:
        """When the next occurrence is due after ``done`` of them, or None when none is left."""
        if self.count is not None and done >= self.count:
            return None
        return self.every.after(self.base, self.first + done)

    def done_at(self, done: int, now: datetime) -> int:
        """How many occurrences are behind us once the next one fires at ``now``: the missed ones count as fired."""
        if self.every.months == 0:
            passed = (now - self.base) // self.every.exact - self.first + 1
            done = max(done + 1, passed)
        else:
            done += 1
            while (due := self.occurrence(done)) is not None and due <= now:
                done += 1
        return done if self.count is None else min(done, self.count)


def parse_cycle(text: str, now: datetime) -> Cycle:
    """``R3/PT10H``, ``R/P1D`` or ``R2/<instant>/P1D``; without a start it begins one duration after ``now``."""
    parts = text.split("/")
    head = _COUNT.fullmatch(parts[0])
    if head is None or len(parts) not in (2, 3):
        raise InstantError(f"不是 ISO 重复间隔：{text!r}")
    every = parse_duration(parts[-1])
    if every.months == 0 and every.exact < timedelta(seconds=1):
        raise InstantError(f"重复之间没有间隔：{text!r}")
    limit = int(head.group(1)) if head.group(1) else None
    if limit == 0:
        raise InstantError(f"重复次数为零：{text!r}")
    if len(parts) == 3:
        return Cycle(parse_instant(parts[1]), every, 0, limit)
    return Cycle(now, every, 1, limit)
