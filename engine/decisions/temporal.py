"""Dates, times and durations from text and to text (XML Schema lexical forms with FEEL's ``@zone``; DMN 1.3, 10.3.2.3).

Years 1 to 9999 and microseconds are what Python's types can hold; a text beyond that is null.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.decisions.values import Months, Value

_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_TIME = re.compile(
    r"(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,18}))?)?(?:(Z)|([+-])(\d{2}):(\d{2})(?::(\d{2}))?|@([A-Za-z][\w+\-/]{0,60}))?",
    re.ASCII,
)
_DAYS = re.compile(
    r"(-?)P(?:(\d{1,15})D)?(?:T(?:(\d{1,15})H)?(?:(\d{1,15})M)?(?:(\d{1,15})(?:\.(\d{0,18}))?S)?)?", re.ASCII
)
_MONTHS = re.compile(r"(-?)P(?:(\d{1,9})Y)?(?:(\d{1,9})M)?", re.ASCII)


def parse_date(text: str) -> date | None:
    """``2026-11-22``."""
    found = _DATE.fullmatch(text)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown, a directory of the zone data, a path that leaves it
        return None


def fixed_zone(offset: timedelta) -> tzinfo:
    """A zone with a fixed offset from UTC; ValueError for a day or more."""
    return timezone(offset) if offset else UTC


def parse_time(text: str, *, lenient: bool = False) -> time | None:
    """``09:30:00``, with fraction, ``Z``, offset or ``@Asia/Shanghai``; ``lenient`` allows ``09:30`` (forms)."""
    found = _TIME.fullmatch(text)
    if not found or (found[3] is None and not lenient):
        return None
    zone: tzinfo | None = None
    try:
        if found[5]:
            zone = UTC
        elif found[6]:
            offset = timedelta(hours=int(found[7]), minutes=int(found[8]), seconds=int(found[9] or 0))
            zone = fixed_zone(-offset if found[6] == "-" else offset)
        elif found[10]:
            zone = _zone(found[10])
            if zone is None:
                return None
        micros = int((found[4] or "").ljust(6, "0")[:6])
        return time(int(found[1]), int(found[2]), int(found[3] or 0), micros, tzinfo=zone)
    except ValueError:
        return None


def parse_instant(text: str, *, lenient: bool = False) -> datetime | None:
    """``2026-11-22T09:30:00`` with the endings of a time, or a date alone (its midnight)."""
    day_text, separator, time_text = text.partition("T")
    day = parse_date(day_text)
    moment = parse_time(time_text, lenient=lenient) if separator else time()
    return datetime.combine(day, moment) if day is not None and moment is not None else None


def parse_days(text: str) -> timedelta | None:
    """A days and time duration: ``P3DT4H``, ``-PT30M``."""
    found = _DAYS.fullmatch(text)
    if not found or not any(found.groups()[1:5]) or text.endswith("T"):
        return None
    sign, days, hours, minutes, seconds, fraction = found.groups()
    try:
        length = timedelta(
            days=int(days or 0),
            hours=int(hours or 0),
            minutes=int(minutes or 0),
            seconds=int(seconds or 0),
            microseconds=int((fraction or "").ljust(6, "0")[:6]),
        )
        return -length if sign else length
    except OverflowError:
        return None


def parse_months(text: str) -> Months | None:
    """A years and months duration: ``P1Y6M``."""
    found = _MONTHS.fullmatch(text)
    if not found or not any(found.groups()[1:]):
        return None
    count = int(found[2] or 0) * 12 + int(found[3] or 0)
    return Months(-count if found[1] else count)


def parse_duration(text: str) -> timedelta | Months | None:
    """Either kind of duration; null for a mixture."""
    months = parse_months(text)
    return months if months is not None else parse_days(text)


def parse_any(text: str) -> Value:
    """What ``@"…"`` stands for: date, date and time, time or duration."""
    if text.lstrip("-").startswith("P"):
        return parse_duration(text)
    if "T" in text[:11]:
        return parse_instant(text)
    day = parse_date(text)
    return day if day is not None else parse_time(text)


def _offset_text(moment: time | datetime) -> str:
    if moment.tzinfo is None:
        return ""
    if isinstance(moment.tzinfo, ZoneInfo):
        return f"@{moment.tzinfo.key}"
    offset = moment.utcoffset() or timedelta()
    if not offset:
        return "Z"
    seconds = abs(offset) // timedelta(seconds=1)
    text = f"{'-' if offset < timedelta() else '+'}{seconds // 3600:02}:{seconds // 60 % 60:02}"
    return text + (f":{seconds % 60:02}" if seconds % 60 else "")


def _fraction(micros: int) -> str:
    return f".{micros:06}".rstrip("0") if micros else ""


def _time_text(moment: time | datetime) -> str:
    clock = f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}"
    return clock + _fraction(moment.microsecond) + _offset_text(moment)


def _days_text(length: timedelta) -> str:
    sign, length = ("-", -length) if length < timedelta() else ("", length)
    days, rest = length.days, length.seconds
    clock = "".join(
        (
            f"{rest // 3600}H" if rest >= 3600 else "",
            f"{rest // 60 % 60}M" if rest // 60 % 60 else "",
            f"{rest % 60}{_fraction(length.microseconds)}S" if rest % 60 or length.microseconds else "",
        )
    )
    if not days and not clock:
        return "PT0S"
    return f"{sign}P{f'{days}D' if days else ''}{'T' + clock if clock else ''}"


def _months_text(length: Months) -> str:
    years, months = divmod(abs(length.count), 12)
    if not length.count:
        return "P0M"
    return f"{'-' if length.count < 0 else ''}P{f'{years}Y' if years else ''}{f'{months}M' if months else ''}"


def to_text(value: date | time | timedelta | Months) -> str:
    """The ISO text of a date, date and time, time or duration; the inverse of ``parse_any``."""
    if isinstance(value, datetime):
        return f"{value.date().isoformat()}T{_time_text(value)}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return _time_text(value)
    return _months_text(value) if isinstance(value, Months) else _days_text(value)
