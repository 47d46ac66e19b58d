"""Administration on its pages: accounts, reference data, stuck instances, the table of rights, deployments."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from engine import instances
from engine.errors import StepFailedError
from engine.persistence import instance, user_task
from handlers.records.tables import incident, person, reference_row
from tests.webapp.pages.conftest import statements
from webapp.app import desk_of
from webapp.rights import RIGHTS
from webapp.tables import reference_load

SignIn = Callable[[str], FlaskClient]
BUDGET = 20
PAGES = (
    "/admin",
    "/admin?q=CRM",
    "/admin/people/crm01",
    "/admin/groups",
    "/admin/reference",
    "/admin/reference/types",
    "/admin/reference/types?row=",
    "/admin/instances",
    "/admin/rights",
    "/admin/deployments",
)
NEW = {"account": "crm03", "name": "CRM组-支持岗03", "post": "crm:crm_support", "role": "support"}
TYPE = {"key": "crm.new", "name": "新子类", "category": "crm"}


def row_form(client: FlaskClient, table: str, row: str = "", **cells: str) -> dict[str, str]:
    """The form of a row as its page has it, with other cells."""
    text = client.get(f"/admin/reference/{table}?row={row}").text
    found = dict(re.findall(r'name="(cell-[^"]+)" value="([^"]*)"', text))
    return found | {f"cell-{name}": cell for name, cell in cells.items()} | {"row": row, "reason": "组织调整"}


def test_every_page_needs_no_more_than_twenty_statements(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("owner01")
    for address in PAGES:
        client.get(address)
        with statements(desk_app) as found:
            assert client.get(address).status_code == 200, address
        assert len(found) <= BUDGET, "\n".join(found)


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("account", ["crm01", "leaders01"])
def test_only_the_keepers_of_the_process_see_administration(signed_in: SignIn, address: str, account: str) -> None:
    client = signed_in(account)
    assert client.get(address).status_code == 403
    assert 'href="/admin"' not in client.get("/incidents").text


def test_a_new_account_signs_in_with_the_password_that_is_shown_once(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("owner01")
    answer = client.post("/admin/people", data=NEW)
    assert answer.status_code == 200
    shown = re.search(r'class="secret">([^<]+)<', answer.text)
    assert shown is not None
    assert shown[1] not in client.get("/admin/people/crm03").text
    stranger = desk_app.test_client()
    assert stranger.post("/sign-in", data={"account": "crm03", "password": shown[1]}).status_code == 303
    assert client.post("/admin/people", data=NEW).status_code == 409  # the same click again: told, not done twice


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"account": "Ü"}, "账号应为"),
        ({"name": " "}, "姓名应为"),
        ({"post": "crm:ops_bss"}, "ops_bss"),
        ({"role": "system"}, "system"),
    ],
)
def test_an_account_that_cannot_be_is_refused_and_stays_typed(
    signed_in: SignIn, changed: dict[str, str], said: str
) -> None:
    answer = signed_in("owner01").post("/admin/people", data=NEW | changed)
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="CRM组-支持岗03"' in answer.text or "name" in changed


def test_whoever_is_disabled_is_out_at_once_and_nobody_is_deleted(desk_app: Flask, signed_in: SignIn) -> None:
    owner, gone = signed_in("owner01"), signed_in("crm02")
    assert owner.post("/admin/people/crm02/active", data={"active": "no"}).status_code == 303
    assert gone.get("/work").status_code == 303  # to the sign-in page
    with desk_of(desk_app).reading() as connection:
        assert connection.scalar(select(person.c.active).where(person.c.account == "crm02")) is False
    assert owner.post("/admin/people/crm02/active", data={"active": "yes"}).status_code == 303


@pytest.mark.parametrize(("act", "data"), [("active", {"active": "no"}), ("roles", {"role": "support"})])
def test_the_last_owner_can_neither_be_disabled_nor_lose_his_role(
    signed_in: SignIn, act: str, data: dict[str, str]
) -> None:
    client = signed_in("owner01")
    answer = client.post(f"/admin/people/owner01/{act}", data=data)
    assert answer.status_code == 409
    assert "最后一位流程负责人" in answer.text
    client.post("/admin/people/crm01/roles", data={"role": ["support", "owner"]})
    assert client.post(f"/admin/people/owner01/{act}", data=data).status_code == 303


def test_groups_posts_and_roles_are_what_is_ticked(signed_in: SignIn) -> None:
    client = signed_in("owner01")
    data = {"post": ["crm:crm_leader", "crm:crm_support", "change:change_implementation"]}
    assert client.post("/admin/people/crm01/posts", data=data).status_code == 303
    client.post("/admin/people/crm01/posts", data={"post": ["crm:crm_leader"]})
    text = client.get("/admin/people/crm01").text
    assert re.findall(r'value="([^"]+)" checked', text) == ["support", "crm:crm_leader"]


def test_others_than_the_owner_read_accounts_and_change_none(signed_in: SignIn) -> None:
    client = signed_in("maintenance01")
    assert client.get("/admin/people/crm01").status_code == 200
    assert client.post("/admin/people/owner01/password").status_code == 403
    assert client.post("/admin/people", data=NEW).status_code == 403


def test_empty_posts_are_marked(signed_in: SignIn) -> None:
    client = signed_in("owner01")
    client.post("/admin/people/crm-lead/active", data={"active": "no"})
    block = re.search(r"CRM组组长</dt><dd>(.*?)</dd>", client.get("/admin/groups").text)
    assert block is not None
    assert "空缺" in block[1]


def test_a_row_is_added_changed_and_ended_and_its_past_stays(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("maintenance01")
    url = "/admin/reference/types/rows"
    assert client.post(url, data=row_form(client, "types", **TYPE)).status_code == 303
    assert client.post(url, data=row_form(client, "types", "crm.new", name="更好的名字")).status_code == 303
    ended = row_form(client, "types", "crm.new") | {"act": "end"}
    assert client.post(url, data=ended).status_code == 303
    with desk_of(desk_app).reading() as connection:
        rows = connection.execute(select(reference_row).where(reference_row.c.key == "crm.new")).all()
        reasons = connection.scalars(select(reference_load.c.reason)).all()
    assert [row.data["name"] for row in rows] == ["新子类", "更好的名字"]
    assert all(row.valid_to is not None for row in rows)
    assert reasons.count("types：组织调整") == 3


@pytest.mark.parametrize(
    ("table", "row", "cells", "said"),
    [
        ("types", "", TYPE | {"category": "nothing"}, "不在 categories.csv 中"),
        ("types", "", TYPE | {"key": ""}, "键不能为空"),
        ("types", "crm.app", {"key": "other"}, "键不能改"),
    ],
)
def test_a_row_that_hangs_in_the_air_is_refused_and_stays_typed(
    signed_in: SignIn, table: str, row: str, cells: dict[str, str], said: str
) -> None:
    client = signed_in("maintenance01")
    answer = client.post(f"/admin/reference/{table}/rows", data=row_form(client, table, row, **cells))
    assert answer.status_code == 422
    assert said in answer.text
    assert "组织调整" in answer.text


def test_a_row_that_another_table_names_cannot_end(signed_in: SignIn) -> None:
    client = signed_in("owner01")
    data = row_form(client, "categories", "crm") | {"act": "end"}
    answer = client.post("/admin/reference/categories/rows", data=data)
    assert answer.status_code == 422
    assert "types.csv" in answer.text


def test_a_change_for_later_is_shown_as_to_come(signed_in: SignIn) -> None:
    client = signed_in("owner01")
    data = row_form(client, "types", **TYPE) | {"valid_from": "12-01 08:00"}
    assert client.post("/admin/reference/types/rows", data=data).status_code == 303
    text = client.get("/admin/reference/types").text
    assert "将要生效" in text
    assert "新子类" in text


def test_a_file_is_looked_at_before_it_is_loaded(signed_in: SignIn) -> None:
    client = signed_in("owner01")
    text = client.get("/admin/reference/types.csv").text
    lines = text.splitlines()
    changed = "\n".join([*lines[:-1], lines[-1] + "改"]) + "\n"
    sent = {"file": (io.BytesIO(changed.encode()), "types.csv")}
    answer = client.post("/admin/reference/types/preview", data=sent, content_type="multipart/form-data")
    assert "会改动 1 行" in answer.text
    data = {"text": changed.removeprefix("\ufeff"), "reason": "更正"}
    assert client.post("/admin/reference/types/file", data=data).status_code == 303
    assert client.post("/admin/reference/types/file", data=data).status_code == 422  # nothing would change


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b'key,name\n"', b"key,name\na,b,c\n"])
def test_a_file_that_is_no_table_is_refused(signed_in: SignIn, data: bytes) -> None:
    sent = {"file": (io.BytesIO(data), "types.csv")}
    client = signed_in("owner01")
    answer = client.post("/admin/reference/types/preview", data=sent, content_type="multipart/form-data")
    assert answer.status_code == 422


def test_an_instance_is_suspended_and_resumed_with_a_reason(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("owner01")
    with desk_of(desk_app).reading() as connection:
        running = select(instance).where(instance.c.status == "running", instance.c.process_key == "incident")
        one = connection.execute(running).first()
    assert one is not None
    with desk_of(desk_app).reading() as connection:
        number = connection.scalar(select(incident.c.number).where(incident.c.id == int(one.business_key)))
    for key in (one.business_key, number):
        assert f"/admin/instances/{one.id}/suspend" in client.get(f"/admin/instances?q={key}").text
    assert client.post(f"/admin/instances/{one.id}/suspend", data={"reason": " "}).status_code == 422
    assert client.post(f"/admin/instances/{one.id}/suspend", data={"reason": "演练"}).status_code == 303
    assert "演练" in client.get("/admin/instances").text
    assert client.post(f"/admin/instances/{one.id}/resume", data={"reason": "演练结束"}).status_code == 303
    assert client.post(f"/admin/instances/{one.id}/fly").status_code == 404
    answer = client.post(f"/admin/instances/{one.id}/cancel", data={"reason": "不行"})
    assert answer.status_code == 409
    assert "用户撤销" in answer.text


def test_a_stuck_instance_tells_its_step_and_cause_in_plain_words_and_goes_on_after_a_retry(
    desk_app: Flask, signed_in: SignIn
) -> None:
    client = signed_in("owner01")
    with desk_of(desk_app).unit_of_work("test") as ctx:
        task = ctx.connection.execute(select(user_task).where(user_task.c.element_id == "s2_8_dispatch")).first()
        assert task is not None
        revision = ctx.connection.scalar(select(instance.c.revision).where(instance.c.id == task.instance_id))
        command = {"do": "fire", "task_id": "gone"}
        cause = "LookupError: 找不到组"
        failure = StepFailedError(task.instance_id, "s2_8_dispatch", cause, command, revision=revision, actor="crm01")
        instances.mark_stuck(ctx, failure)
    text = client.get("/admin/instances").text
    for said in ("停在“2.8 分派事件”", "到时自动继续", "</a></b>", "找不到组", "CRM组-支持岗01", "重试这一步"):
        assert said in text
    assert "交还任务" not in text  # nobody had handed it in
    assert client.post(f"/admin/instances/{task.instance_id}/retry").status_code == 303
    assert "没有卡住的流程" in client.get("/admin/instances").text


def test_a_retry_of_what_is_not_stuck_is_told(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("owner01")
    with desk_of(desk_app).unit_of_work("test") as ctx:
        one = ctx.connection.scalar(select(instance.c.id).where(instance.c.status == "running"))
        ctx.connection.execute(update(instance).where(instance.c.id == one).values(status="running"))
    assert client.post(f"/admin/instances/{one}/retry").status_code == 409


def test_the_table_of_rights_is_the_one_that_is_checked(signed_in: SignIn) -> None:
    text = signed_in("manager01").get("/admin/rights").text
    assert all(f">{right.action}</small>" in text for right in RIGHTS)


def test_deployments_tell_who_when_and_why(signed_in: SignIn) -> None:
    text = signed_in("owner01").get("/admin/deployments").text
    assert "随系统提供的首次部署" in text
    assert "/rules/urgency?version=1" in text
