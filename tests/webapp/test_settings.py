from __future__ import annotations

import pytest

from webapp.settings import DEMO_SECRET, Settings, SettingsError

GOOD = "0123456789abcdef0123456789abcdef"


def refused(**environment: str) -> str:
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({f"LOVEM_{name}": value for name, value in environment.items()})
    return str(error.value)


def accepted(**environment: str) -> Settings:
    return Settings.from_environment({f"LOVEM_{name}": value for name, value in environment.items()})


def test_without_a_secret_nothing_starts_outside_demo_mode():
    assert "LOVEM_SECRET_KEY is not set" in refused()
    assert "LOVEM_SECRET_KEY is not set" in refused(SECRET_KEY="  ")
    assert "LOVEM_SECRET_KEY is not set" in refused(SECRET_KEY=DEMO_SECRET)


@pytest.mark.parametrize(("secret", "good"), [(GOOD[:31], False), (GOOD, True), (GOOD + "x", True)])
def test_a_secret_needs_32_characters(secret: str, good: bool):
    if good:
        assert accepted(SECRET_KEY=secret).secret_key == secret
    else:
        assert "too easy to guess" in refused(SECRET_KEY=secret)


@pytest.mark.parametrize(("letters", "good"), [("abcdefg", False), ("abcdefgh", True)])
def test_a_secret_needs_eight_different_characters(letters: str, good: bool):
    secret = letters * 8
    if good:
        assert accepted(SECRET_KEY=secret).secret_key == secret
    else:
        assert "too easy to guess" in refused(SECRET_KEY=secret)


def test_demo_mode_needs_nothing():
    settings = accepted(DEMO="1")
    assert settings.demo and settings.secret_key == DEMO_SECRET
    assert settings.address == ("127.0.0.1", 8000)
    assert settings.zone.key == "Asia/Shanghai"


def test_every_mistake_is_told_at_once():
    told = refused(DEMO="perhaps", TIME_ZONE="Mars/Olympus", LISTEN="8000", DATABASE_URL="mysql://x/y", THREADS="0")
    for name in ("DEMO", "TIME_ZONE", "LISTEN", "DATABASE_URL", "THREADS", "SECRET_KEY"):
        assert f"LOVEM_{name}" in told


@pytest.mark.parametrize("url", ["", "sqlite:///a.db", "postgresql+psycopg://u@h/d"])
def test_sqlite_and_postgresql_are_accepted(url: str):
    assert accepted(SECRET_KEY=GOOD, DATABASE_URL=url).database_url == (url or Settings().database_url)


@pytest.mark.parametrize("url", ["no url", "mysql://x/y", "://", "oracle://x"])
def test_other_databases_are_refused(url: str):
    assert "LOVEM_DATABASE_URL" in refused(SECRET_KEY=GOOD, DATABASE_URL=url)


@pytest.mark.parametrize(("text", "good"), [("0", False), ("1", True), ("168", True), ("169", False), ("x", False)])
def test_a_session_lasts_an_hour_to_a_week(text: str, good: bool):
    if good:
        assert accepted(SECRET_KEY=GOOD, SESSION_HOURS=text).session_hours == int(text)
    else:
        assert "LOVEM_SESSION_HOURS" in refused(SECRET_KEY=GOOD, SESSION_HOURS=text)


@pytest.mark.parametrize(
    ("listen", "address"),
    [("0.0.0.0:80", ("0.0.0.0", 80)), ("[::1]:8000", ("::1", 8000)), ("desk:65535", ("desk", 65535))],
)
def test_the_address_is_host_and_port(listen: str, address: tuple[str, int]):
    assert accepted(SECRET_KEY=GOOD, LISTEN=listen).address == address


@pytest.mark.parametrize("listen", ["desk:0", "desk:65536", ":80", "desk:", "desk:٣"])
def test_a_wrong_address_is_refused(listen: str):
    assert "LOVEM_LISTEN" in refused(SECRET_KEY=GOOD, LISTEN=listen)
