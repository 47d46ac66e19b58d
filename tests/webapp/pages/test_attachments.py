"""Files on the pages: added once, handed out as downloads to staff only, limits only where files come."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.webapp.pages.conftest import links
from webapp import security

SignIn = Callable[[str], FlaskClient]
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def an_incident(client: FlaskClient) -> str:
    return links(client.get("/incidents").text, r"/incidents/SJ[0-9-]+")[0]


def send(client: FlaskClient, address: str, *files: tuple[str, bytes], **more: Any) -> TestResponse:
    data = {"files": [(io.BytesIO(content), name) for name, content in files], **more}
    return client.post(f"{address}/attachments", data=data)


def stored(client: FlaskClient, number: int = 1) -> TestResponse:
    return client.get(f"/attachments/{number}")


@pytest.mark.proves("R080")
def test_an_added_file_is_handed_out_as_a_download_and_never_as_a_page(signed_in: SignIn) -> None:
    client = signed_in("reception01")
    answer = send(client, an_incident(client), ("报错 一.png", PNG))
    assert answer.status_code == 303
    got = stored(client)
    assert (got.status_code, got.data) == (200, PNG)
    assert got.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%E6%8A%A5%E9%94%99%20%E4%B8%80.png"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Type"] == "image/png"
    assert "default-src 'none'" in got.headers["Content-Security-Policy"]
    assert got.headers["Cache-Control"] == "no-store"


def test_the_form_returns_to_the_page_it_names_and_to_no_other_site(signed_in: SignIn) -> None:
    client = signed_in("reception01")
    address = an_incident(client)
    assert send(client, address, ("a.txt", b"a"), back="/work").location == "/work"
    assert send(client, address, ("a.txt", b"a"), back="//elsewhere.example").location == address


def test_the_same_form_sent_twice_adds_its_files_once(signed_in: SignIn) -> None:
    client = signed_in("reception01")
    address = an_incident(client)
    for _ in range(2):
        assert send(client, address, ("a.txt", b"a"), key="k").status_code == 303
    assert stored(client, 1).status_code == 200
    assert stored(client, 2).status_code == 404


@pytest.mark.parametrize("files", [[("a.html", b"<p>")], []])
def test_what_cannot_be_kept_is_refused(signed_in: SignIn, files: list[tuple[str, bytes]]) -> None:
    client = signed_in("reception01")
    assert send(client, an_incident(client), *files).status_code == 422
    assert stored(client).status_code == 404


def test_strangers_and_people_without_a_part_in_it_add_and_see_nothing(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("reception01")
    address = an_incident(client)
    send(client, address, ("a.txt", b"a"))
    assert stored(desk_app.test_client()).status_code == 303
    assert send(signed_in("planning01"), address, ("b.txt", b"b")).status_code == 403


@pytest.mark.parametrize("number", [0, 2**31, 10**30])
def test_a_number_that_no_file_has_is_not_found(signed_in: SignIn, number: int) -> None:
    assert stored(signed_in("reception01"), number).status_code == 404


def test_large_requests_are_taken_only_where_files_come(signed_in: SignIn) -> None:
    client = signed_in("reception01")
    large = b"%PDF-".ljust(security.REQUEST_BYTES + 1, b" ")
    assert send(client, an_incident(client), ("a.pdf", large)).status_code == 303
    assert client.post("/tasks/0/draft", data={"file": (io.BytesIO(large), "a.pdf")}).status_code == 413
