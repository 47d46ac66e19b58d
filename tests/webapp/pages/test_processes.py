"""Processes on their pages: what is in force, each diagram as a table of steps, forms as they look."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.webapp.pages.conftest import links, statements

SignIn = Callable[[str], FlaskClient]
BUDGET = 20


@pytest.mark.proves("R012", "R013")
def test_every_diagram_and_form_in_force_has_its_page(signed_in: SignIn) -> None:
    client = signed_in("crm01")
    text = client.get("/processes").text
    diagrams, forms = links(text, r"/processes/[a-z0-9_]+"), links(text, r"/processes/forms/[a-z0-9_]+")
    assert len(diagrams) >= 7
    assert len(forms) >= 17
    for address in (*diagrams, *forms):
        assert client.get(address).status_code == 200, address


def test_a_step_tells_who_does_it_with_which_form_and_where_it_goes_on(signed_in: SignIn) -> None:
    client = signed_in("leaders01")
    text = client.get("/processes/stage_2_classify").text
    row = re.search(r'<tr id="step-s2_9_accept">.*?</tr>', text, re.DOTALL)
    assert row is not None
    for said in ("2.9", "支持人员", "答复", "4.3.2", 'href="/processes/forms/accept"'):
        assert said in row[0]


def test_a_diagram_tells_how_many_incidents_wait_at_each_step(signed_in: SignIn) -> None:
    text = signed_in("owner01").get("/processes/stage_2_classify").text
    counts = re.search(r"data-counts='([^']*)'", text)
    assert counts is not None
    assert "s2_9_accept" in counts[1]


def test_pages_of_processes_need_no_more_than_twenty_statements(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("owner01")
    for address in ("/processes", "/processes/incident", "/processes/forms/accept"):
        client.get(address)
        with statements(desk_app) as found:
            assert client.get(address).status_code == 200
        assert len(found) <= BUDGET, "\n".join(found)


@pytest.mark.parametrize(
    "address", ["/processes/none", "/processes/forms/none", "/processes/incident?version=99", "/processes/x/1.bpmn"]
)
def test_what_is_not_there_is_not_found(signed_in: SignIn, address: str) -> None:
    assert signed_in("owner01").get(address).status_code == 404


def test_a_diagram_is_read_as_the_file_that_was_deployed(signed_in: SignIn) -> None:
    answer = signed_in("crm01").get("/processes/incident/1.bpmn")
    assert answer.mimetype == "application/xml"
    assert b"<bpmn:definitions" in answer.data
