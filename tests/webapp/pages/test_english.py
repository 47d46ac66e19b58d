"""The pages in English: frame, buttons and heads say nothing in Chinese but what the data say."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import select

from engine.persistence import user_task
from handlers.records.tables import incident
from tests.conftest import ROOT
from webapp.app import desk_of

SignIn = Callable[[str], FlaskClient]
CHINESE = re.compile(r"[\u3400-\u9fff]")
# What the frame and the parts of a page say; names of people, groups, posts, steps and fields are data.
SAID = (
    "//nav[contains(@class,'menu')]//a",
    "//nav[contains(@class,'bottom')]//a",
    "//header//a[not(@hreflang)]",
    "//header//button",
    "//dialog[@id='keys']//*[self::h2 or self::dd or self::button]",
    "//main//button[not(ancestor::fieldset) and not(@data-neutral) and not(contains(@class,'first'))]",
    "//main//thead//th",
    "//main//*[contains(@class,'card-head')]//h2",
)
PAGES = [
    ("reception01", "/work"),
    ("reception01", "/work?tab=pool"),
    ("reception01", "/report"),
    ("reception01", "/incidents?state=all"),
    ("manager01", "/board"),
    ("customer01", "/my"),
    ("reception01", "/tokens"),
    ("reception01", "an incident"),
    ("reception01", "a task"),
    ("owner01", "/admin"),
    ("owner01", "/rules"),
]


@pytest.fixture
def english(desk_app: Flask, tmp_path: Path) -> Flask:
    """The demo's application with the English catalogue compiled."""
    folder = tmp_path / "texts" / "en" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = ROOT / "webapp" / "translations" / "en" / "LC_MESSAGES" / "messages.po"
    with source.open("rb") as file, (folder / "messages.mo").open("wb") as compiled:
        write_mo(compiled, read_po(file, locale="en"))
    desk_app.extensions["babel"].translation_directories[:] = [str(tmp_path / "texts")]
    return desk_app


def address_of(app: Flask, page: str) -> str:
    with desk_of(app).reading() as connection:
        if page == "an incident":
            return f"/incidents/{connection.scalar(select(incident.c.number).where(incident.c.state == 'in_progress'))}"
        if page == "a task":
            offered = select(user_task.c.id).where(
                user_task.c.candidate_group == "desk", user_task.c.assignee.is_(None)
            )
            return f"/tasks/{connection.scalar(offered)}"
    return page


@pytest.mark.parametrize(("account", "page"), PAGES)
def test_frame_buttons_and_heads_are_english(english: Flask, signed_in: SignIn, account: str, page: str) -> None:
    address = address_of(english, page)
    answer = signed_in(account).get(address + ("&" if "?" in address else "?") + "lang=en", follow_redirects=True)
    assert answer.status_code == 200 and '<html lang="en">' in answer.text
    tree = html.fromstring(answer.text)
    for each in tree.xpath("//*[contains(@class,'unseen')]"):
        each.drop_tree()  # which row a button belongs to: data
    said = {" ".join(each.text_content().split()) for path in SAID for each in tree.xpath(path)}
    assert len(said) > 5
    assert sorted(text for text in said if CHINESE.search(text)) == []


@pytest.mark.parametrize("address", ["/sign-in", "/incidents/SJ990101-001", "/nothing-here"])
def test_signing_in_and_errors_are_english(english: Flask, signed_in: SignIn, address: str) -> None:
    client = english.test_client() if address == "/sign-in" else signed_in("reception01")
    tree = html.fromstring(client.get(f"{address}?lang=en").text)
    said = [each.text_content() for each in tree.xpath("//main//*[self::h1 or self::label or self::button]")]
    assert said and not any(CHINESE.search(text) for text in said)


def test_a_refusal_is_english(english: Flask, signed_in: SignIn) -> None:
    client = signed_in("reception01")
    number = address_of(english, "an incident")
    answer = client.post(f"{number}/comments?lang=en", data={"text": " ", "kind": "note"})
    assert answer.status_code == 422 and "Write what you want to add first." in answer.text


def test_what_a_handler_refuses_is_english(english: Flask, signed_in: SignIn) -> None:
    client = signed_in("manager01")
    number = address_of(english, "an incident").rpartition("/")[2]
    answer = client.post(f"/incidents/{number}/bind?lang=en", data={"other": number, "reason": "同一根源"})
    assert answer.status_code == 422 and "An incident cannot be bound to itself" in answer.text
