"""Who may read: staff everything, others nothing, for every page of the application and every role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from engine.persistence import user_task
from handlers.records.tables import incident
from tests.webapp.pages.conftest import links
from webapp.app import desk_of
from webapp.demo.accounts import ACCOUNTS
from webapp.rights import STAFF

SignIn = Callable[[str], FlaskClient]
OPEN = {"static", "pages.sign_in", "pages.sign_out"}
ONE_OF_EACH_ROLE = sorted({role: each.account for each in ACCOUNTS for role in each.roles}.items())


def addresses(app: Flask) -> list[tuple[str, str]]:
    """Method and address of every page but those that are open to all, for an incident and a task that exist."""
    with desk_of(app).reading() as connection:
        number = connection.scalar(select(incident.c.number).where(incident.c.state == "in_progress"))
        task_id = connection.scalar(select(user_task.c.id))
    known = {"key": number, "task_id": task_id, "process_key": "stage_1_detect"}
    adapter = app.url_map.bind("localhost")
    return [
        (method, adapter.build(rule.endpoint, {name: known[name] for name in rule.arguments}))
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in OPEN
        for method in sorted((rule.methods or set()) & {"GET", "POST"})
    ]


@pytest.mark.proves("R001")
@pytest.mark.parametrize(("role", "account"), ONE_OF_EACH_ROLE)
def test_every_page_is_for_staff_only(desk_app: Flask, signed_in: SignIn, role: str, account: str) -> None:
    client = signed_in(account)
    found = addresses(desk_app)
    assert len(found) >= 18
    for method, address in found:
        status = client.open(address, method=method).status_code
        if role in STAFF:
            assert status < 500, (method, address)
            assert status != 403 or method == "POST" or address.startswith("/report"), (method, address)
        else:
            assert status == 403, (method, address)


def test_a_customer_is_told_that_pages_of_progress_come_later(signed_in: SignIn) -> None:
    page = signed_in("customer01").get("/", follow_redirects=True)
    assert page.status_code == 403
    assert "用户查询进度的页面以后提供" in page.text
    assert "/incidents" not in page.text and "退出登录" in page.text


@pytest.mark.proves("R023")
def test_the_manager_gives_a_task_to_a_colleague_of_its_group_on_its_page(signed_in: SignIn) -> None:
    address = links(signed_in("crm01").get("/work?tab=pool").text, r"/tasks/[0-9a-f-]+")[0]
    manager = signed_in("manager01")
    page = manager.get(address)
    assert "改派给" in page.text and 'value="crm02"' in page.text and 'value="billing01"' not in page.text
    assert manager.post(f"{address}/assign", data={"person": "billing01"}).status_code == 422
    assert manager.post(f"{address}/assign", data={"person": "crm02"}, follow_redirects=True).status_code == 200
    assert "CRM组-支持岗02" in manager.get(address).text
    other = signed_in("settlement01")
    assert "改派给" not in other.get(address).text
    assert other.post(f"{address}/assign", data={"person": "crm01"}).status_code == 403
