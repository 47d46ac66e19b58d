"""What the manager may do with the tasks of others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.webapp.pages.conftest import links

SignIn = Callable[[str], FlaskClient]


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
