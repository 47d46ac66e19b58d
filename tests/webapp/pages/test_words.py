"""Durations, instants and clock sentences: two units at most, rounded against ourselves, before/at/after limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.routes import words
from webapp.routes.clock import incident_clock, task_clock

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 7, 40, tzinfo=UTC)
CLOCKS = ("response", "acceptance", "restoration", "closure")


@pytest.mark.parametrize(
    ("seconds", "down", "up"),
    [
        (0, "不足 1 分钟", "不足 1 分钟"),
        (59, "不足 1 分钟", "1 分钟"),
        (60, "1 分钟", "1 分钟"),
        (61, "1 分钟", "2 分钟"),
        (3599, "59 分钟", "1 小时"),
        (3600, "1 小时", "1 小时"),
        (3660, "1 小时 1 分", "1 小时 1 分"),
        (86_399, "23 小时 59 分", "1 天"),
        (86_400, "1 天", "1 天"),
        (90_000, "1 天 1 小时", "1 天 1 小时"),
    ],
)
def test_a_duration_has_two_units_and_is_rounded_against_us(seconds: int, down: str, up: str) -> None:
    assert words.duration(timedelta(seconds=seconds)) == down
    assert words.duration(timedelta(seconds=seconds), up=True) == up


@pytest.mark.parametrize(
    ("instant", "short", "due"),
    [
        (datetime(2026, 11, 22, 16, 0, tzinfo=UTC), "00:00", "今天 00:00"),
        (datetime(2026, 11, 22, 15, 59, tzinfo=UTC), "11-22 23:59", "11-22 周日 23:59"),
        (datetime(2025, 12, 31, 16, 0, tzinfo=UTC), "01-01 00:00", "01-01 周四 00:00"),
        (datetime(2025, 12, 31, 15, 59, tzinfo=UTC), "2025-12-31 23:59", "2025-12-31 周三 23:59"),
    ],
)
def test_an_instant_is_as_short_as_its_day_allows(instant: datetime, short: str, due: str) -> None:
    assert words.moment(instant, NOW, ZONE) == short
    assert words.due(instant, NOW, ZONE) == due


def test_day_heads_say_today_and_yesterday() -> None:
    assert words.day_head(NOW, NOW, ZONE) == "今天 11 月 23 日"
    assert words.day_head(NOW - timedelta(days=1), NOW, ZONE) == "昨天 11 月 22 日"
    assert words.day_head(NOW - timedelta(days=2), NOW, ZONE) == "11 月 21 日 周六"


def incident(**facts: Any) -> dict[str, Any]:
    empty = {f"{name}_{part}": None for name in CLOCKS for part in ("for", "started_at", "stopped_at")}
    paused = {f"{name}_paused": timedelta() for name in CLOCKS}
    known = {"state": "to_dispatch", "held_state": None, "waiting_since": None, "external_deadline": None}
    return empty | paused | known | facts


def after(minutes: float, **facts: Any) -> dict[str, Any]:
    """An incident whose response clock of 40 minutes has run for so many minutes."""
    started = NOW - timedelta(minutes=minutes)
    return incident(response_for=timedelta(minutes=40), response_started_at=started, **facts)


@pytest.mark.proves("R191")
@pytest.mark.parametrize(
    ("minutes", "text", "tone"),
    [
        (0, "剩余 40 分钟", "run"),
        (29.99, "剩余 10 分钟", "run"),
        (30, "剩余 10 分钟", "warn"),
        (39.5, "剩余不足 1 分钟", "warn"),
        (40, "剩余不足 1 分钟", "warn"),
        (40.01, "已超 1 分钟", "over"),
        (170, "已超 2 小时 10 分", "over"),
    ],
)
def test_the_clock_is_a_sentence_that_warns_at_three_quarters(minutes: float, text: str, tone: str) -> None:
    clock = task_clock(after(minutes), NOW)
    assert (clock.text, clock.tone, clock.name) == (text, tone, "响应")


@pytest.mark.proves("R244")
def test_a_waiting_incident_shows_the_clock_of_the_state_to_which_it_goes_back() -> None:
    waiting = after(100, state="waiting", held_state="to_dispatch", waiting_since=NOW - timedelta(minutes=88))
    clock = task_clock(waiting, NOW)
    assert (clock.text, clock.tone) == ("已暂停，剩余 28 分钟", "pause")
    assert [name for name, *_ in clock.parts] == ["run", "pause"]


@pytest.mark.proves("R195")
def test_an_external_deadline_replaces_the_restoration_target() -> None:
    facts = {"restoration_for": timedelta(hours=8), "restoration_started_at": NOW - timedelta(hours=1)}
    clock = incident_clock(incident(**facts, external_deadline=NOW + timedelta(hours=3)), "restoration", NOW)
    assert clock.text == "剩余 3 小时"
    assert clock.due_at == NOW + timedelta(hours=3)


def test_a_stopped_clock_says_what_it_took() -> None:
    facts = after(30, response_stopped_at=NOW - timedelta(minutes=22))
    assert incident_clock(facts, "response", NOW).text == "用时 8 分钟"
    late = after(60, response_stopped_at=NOW)
    assert incident_clock(late, "response", NOW).text == "超时 20 分钟"


def test_a_clock_that_has_not_begun_says_so() -> None:
    assert incident_clock(incident(closure_for=timedelta(days=1)), "closure", NOW).text == "未开始"
    assert task_clock(incident(state="slave"), NOW).text == "不计时"


@settings(deadline=None, max_examples=60)
@given(ran=st.integers(0, 5000), waits=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 200)), max_size=4))
def test_the_bars_parts_lie_side_by_side_inside_the_bar(ran: int, waits: list[tuple[int, int]]) -> None:
    started = NOW - timedelta(minutes=ran)
    periods, at = [], started
    for gap, length in waits:
        begin = at + timedelta(minutes=gap)
        at = begin + timedelta(minutes=length)
        if at > NOW:
            break
        periods.append((begin, at))
    paused = sum((end - begin for begin, end in periods), timedelta())
    facts = after(ran, response_paused=paused)
    clock = incident_clock(facts, "response", NOW, periods)
    place = 0.0
    for _tone, left, width in clock.parts:
        assert left == pytest.approx(place)
        assert width > 0
        place += width
    assert place <= 100.0001
    assert clock.tick is not None and -0.0001 <= clock.tick <= 100.0001
