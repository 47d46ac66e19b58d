"""The catalogues of texts: every text is known to them, and no translation loses what is filled in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask.testing import FlaskClient

from tests.conftest import ROOT
from webapp.language import LOCALES

TRANSLATIONS = ROOT / "webapp" / "translations"
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "N_": None}


def catalogue(language: str) -> Catalog:
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


@pytest.mark.parametrize("language", LOCALES)
def test_every_text_of_the_sources_is_in_the_catalogue(language: str) -> None:
    found = {str(text) for _, _, text, _, _ in extract_from_dir(ROOT / "webapp", METHODS, keywords=KEYWORDS)}
    missing = sorted(found - {str(message.id) for message in catalogue(language)})
    assert missing == [], "run ./dev texts"


def test_the_english_texts_fill_in_what_the_chinese_ones_do() -> None:
    translated = [message for message in catalogue("en") if message.id and message.string]
    assert len(translated) > 100
    for message in translated:
        assert set(PLACEHOLDER.findall(message.string)) == set(PLACEHOLDER.findall(message.id)), message.id
        assert not re.search(r"%(?!\(\w+\)s|%)", message.string), message.id


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "en" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "messages.mo").open("wb") as file:
        write_mo(file, catalogue("en"))
    return tmp_path


def test_the_language_is_that_of_the_address_then_the_cookie_then_the_browser(
    client: FlaskClient, compiled: Path
) -> None:
    client.application.extensions["babel"].translation_directories[:] = [str(compiled)]
    assert "账号" in client.get("/sign-in").text
    assert "Account" in client.get("/sign-in", headers={"Accept-Language": "en-GB,en;q=0.9"}).text
    page = client.get("/sign-in?lang=en")
    assert '<html lang="en">' in page.text and "Account" in page.text
    assert "Account" in client.get("/sign-in").text
    assert '<html lang="zh-CN">' in client.get("/sign-in?lang=zh").text
    assert "账号" in client.get("/sign-in?lang=xx").text
