"""Every endpoint × every role: who is let in, by the same table as on the pages."""

from __future__ import annotations

import pytest

from tests.webapp.api.conftest import Api
from webapp.api.operations import OPERATIONS
from webapp.rights import may_enter

CALLERS = ("reception01", "crm01", "manager01", "leaders01", "owner01", "maintenance01", "customer01")


@pytest.mark.parametrize("account", CALLERS)
def test_each_role_enters_where_the_table_says_and_nowhere_else(api: Api, account: str):
    caller, person = api.caller(account), api.office[account]
    for each in OPERATIONS:
        path = "/api" + each.path.replace("<", "").replace(">", "")
        answer = caller.client.open(path, method=each.method, json={}, headers=caller.headers)
        assert (answer.status_code == 403) is not may_enter(person, f"api.{each.name}"), (
            f"{each.method} {path}: {answer.status_code}"
        )
        assert answer.status_code < 500


@pytest.mark.parametrize("each", OPERATIONS, ids=lambda each: each.name)
def test_a_stranger_reads_the_document_and_nothing_else(api: Api, each):
    path = "/api" + each.path.replace("<", "").replace(">", "")
    answer = api.app.test_client().open(path, method=each.method, json={})
    assert answer.status_code == (200 if each.open else 401)
