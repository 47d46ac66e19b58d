"""Settings from the environment, checked before anything starts. Every variable begins with ``LOVEM_``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

DEMO_SECRET = "demo-only: everybody who reads the source knows this key"  # noqa: S105
SECRET_LENGTH = 32
SECRET_DISTINCT = 8  # "aaaa…" is long, too
PG_EXAMPLE = "postgresql+psycopg://user:password@host/lovem"
BACKENDS = ("sqlite", "postgresql")
TRUE, FALSE = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}


class SettingsError(Exception):
    """The environment does not allow a start; ``problems`` has one sentence for each variable to correct."""

    def __init__(self, problems: list[str]) -> None:
        """Keep the sentences apart, so that a command can print one a line."""
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an installation decides. ``demo`` brings known passwords, plain HTTP and invented incidents."""

    database_url: str = "sqlite:///var/lovem.db"
    secret_key: str = DEMO_SECRET
    time_zone: str = "Asia/Shanghai"
    organisation: str = "XX电信企信部"
    demo: bool = False
    listen: str = "127.0.0.1:8000"
    threads: int = 8
    proxies: int = 0  # reverse proxies in front whose X-Forwarded-* headers are to be believed
    tick_seconds: int = 5
    session_hours: int = 12
    alarm_secret: str = ""  # with which monitoring signs its alarms; empty: tokens only
    alarm_account: str = "monitoring"  # as which signed alarms are recorded

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read and check all variables; raises SettingsError with everything that is wrong at once."""
        reader, default = _Reader(environment), cls()
        settings = cls(
            database_url=reader.text("DATABASE_URL", default.database_url),
            secret_key=reader.text("SECRET_KEY", default.secret_key),
            time_zone=reader.text("TIME_ZONE", default.time_zone),
            organisation=reader.text("ORGANISATION", default.organisation),
            demo=reader.flag("DEMO"),
            listen=reader.text("LISTEN", default.listen),
            threads=reader.number("THREADS", default.threads, 1, 256),
            proxies=reader.number("PROXIES", default.proxies, 0, 8),
            tick_seconds=reader.number("TICK_SECONDS", default.tick_seconds, 1, 300),
            session_hours=reader.number("SESSION_HOURS", default.session_hours, 1, 168),
            alarm_secret=reader.text("ALARM_SECRET", default.alarm_secret),
            alarm_account=reader.text("ALARM_ACCOUNT", default.alarm_account),
        )
        problems = reader.problems + settings.problems()
        if problems:
            raise SettingsError(problems)
        return settings

    def problems(self) -> list[str]:
        """One sentence for each setting with which no server may start; empty when all is well."""
        found = [self._database_problem(), self._zone_problem(), self._listen_problem(), self._secret_problem()]
        found.append(self._alarm_problem())
        return [problem for problem in found if problem]

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which instants are shown and typed."""
        return ZoneInfo(self.time_zone)

    @property
    def session_lasts_for(self) -> timedelta:
        """How long a sign-in holds without signing in again."""
        return timedelta(hours=self.session_hours)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of ``listen``; an IPv6 host without its brackets."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    def _database_problem(self) -> str | None:
        try:
            backend = make_url(self.database_url).get_backend_name()
        except ArgumentError:
            return f"LOVEM_DATABASE_URL is no database URL; examples: sqlite:////var/lib/lovem/desk.db, {PG_EXAMPLE}"
        if backend not in BACKENDS:
            return f"LOVEM_DATABASE_URL names {backend}; only SQLite and PostgreSQL are supported ({PG_EXAMPLE})"
        if backend == "sqlite" and make_url(self.database_url).database in (None, "", ":memory:"):
            return "LOVEM_DATABASE_URL names no file: a database in memory ends with the command that opened it"
        return None

    def _zone_problem(self) -> str | None:
        if self.time_zone in available_timezones():
            return None
        return f"LOVEM_TIME_ZONE names no time zone: {self.time_zone!r}; example: Asia/Shanghai"

    def _listen_problem(self) -> str | None:
        host, _, port = self.listen.rpartition(":")
        if host and port.isascii() and port.isdigit() and 0 < int(port) < 65536:
            return None
        return f"LOVEM_LISTEN must be host:port, for example 127.0.0.1:8000, and is {self.listen!r}"

    def _secret_problem(self) -> str | None:
        if self.demo:
            return None
        if self.secret_key == DEMO_SECRET:
            return (
                "LOVEM_SECRET_KEY is not set (or is the demo's key, which everybody can read): set it to a random text "
                "of your own, for example the output of `openssl rand -hex 32`, or set LOVEM_DEMO=1 to try things out"
            )
        if _is_weak(self.secret_key):
            return (
                f"LOVEM_SECRET_KEY is too easy to guess: it needs at least {SECRET_LENGTH} characters, "
                f"{SECRET_DISTINCT} of them different; `openssl rand -hex 32` prints a good one"
            )
        return None

    def _alarm_problem(self) -> str | None:
        if self.alarm_secret and _is_weak(self.alarm_secret):
            return (
                f"LOVEM_ALARM_SECRET is too easy to guess: it needs at least {SECRET_LENGTH} characters, "
                f"{SECRET_DISTINCT} of them different; leave it out where alarms come with a token"
            )
        return None


def _is_weak(secret: str) -> bool:
    return len(secret) < SECRET_LENGTH or len(set(secret)) < SECRET_DISTINCT


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.problems: list[str] = []

    def text(self, name: str, default: str) -> str:
        return self.environment.get(f"LOVEM_{name}", "").strip() or default

    def flag(self, name: str) -> bool:
        value = self.environment.get(f"LOVEM_{name}", "").strip().lower()
        if value not in TRUE | FALSE:
            self.problems.append(f"LOVEM_{name} must be 1 or 0 and is {value!r}")
        return value in TRUE

    def number(self, name: str, default: int, least: int, most: int) -> int:
        text = self.environment.get(f"LOVEM_{name}", "").strip()
        if not text:
            return default
        if text.isascii() and text.isdigit() and least <= int(text) <= most:
            return int(text)
        self.problems.append(f"LOVEM_{name} must be a whole number from {least} to {most} and is {text!r}")
        return default
