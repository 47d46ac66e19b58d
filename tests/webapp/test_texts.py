"""The catalogues of texts: every text is known to them, and no translation loses what is filled in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask.testing import FlaskClient
from jinja2 import Environment, nodes

from tests.conftest import ROOT
from webapp import refusals
from webapp.language import LOCALES

TRANSLATIONS = ROOT / "webapp" / "translations"
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
TEMPLATES = sorted((ROOT / "webapp" / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "webapp" / "assets" / "js").glob("*.js"))
CHINESE = re.compile(r"[\u3400-\u9fff]+")
TRANSLATES = {"_", "gettext", "N_"}
# What the record keeps, what the data say, and what is compared with them: Chinese whatever the page's language.
KEPT = {
    "desk/children.py", "desk/customers.py", "desk/rules.py", "desk/tasks.py", "desk/alarms.py", "desk/steps.py",
    "routes/preview.py", "routes/report.py", "routes/step_forms.py",
}  # fmt: skip
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


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_says_anything_in_chinese_outside_of_gettext(template: Path) -> None:
    tree = Environment(extensions=["jinja2.ext.do"]).parse(template.read_text(encoding="utf-8"))
    said = [node.data for node in tree.find_all(nodes.TemplateData)]
    calls = [call for call in tree.find_all(nodes.Call) if isinstance(call.node, nodes.Name)]
    taken = {id(each) for call in calls if call.node.name in TRANSLATES for each in call.args}
    constants = [node for node in tree.find_all(nodes.Const) if isinstance(node.value, str) and id(node) not in taken]
    assert [text for text in (*said, *(node.value for node in constants)) if CHINESE.search(text)] == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_says_anything_in_chinese_itself(script: Path) -> None:
    if script.name == "rules-words.js":  # the table editor's own words, for pages in Chinese only
        return
    lines = script.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if CHINESE.search(re.sub(r"(^|\s)//.*", "", line))] == []


@pytest.mark.parametrize("folder", ["routes", "queries", "desk", "sheets"])
def test_no_text_of_a_page_is_said_in_chinese_outside_of_gettext(folder: str) -> None:
    found = []
    for path in sorted((ROOT / "webapp" / folder).glob("*.py")):
        if str(path.relative_to(ROOT / "webapp")) not in KEPT:
            found += [f"{path.name}: {text}" for text in _untaken(ast.parse(path.read_text(encoding="utf-8")))]
    assert found == []


def _untaken(tree: ast.Module) -> Iterator[str]:
    """The texts in Chinese that are no comment, and that no gettext call takes."""
    taken = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id in TRANSLATES:
            taken |= {id(each) for each in call.args}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in taken:
            yield from [node.value] if CHINESE.search(node.value) else []


def test_every_text_has_its_english() -> None:
    assert [message.id for message in catalogue("en") if message.id and not message.string] == []


def test_every_refusal_in_the_catalogue_is_one_that_engine_or_handlers_raise() -> None:
    folders = ("engine", "handlers")
    sources = "".join(path.read_text(encoding="utf-8") for each in folders for path in (ROOT / each).rglob("*.py"))
    assert [sentence for sentence in refusals.SENTENCES if f'"{sentence}"' not in sources] == []
