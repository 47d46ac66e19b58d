"""Rules on their pages: the tables in force, a change from draft to force, and what is refused on the way."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from engine.persistence import deployment
from tests.conftest import ROOT
from tests.webapp.pages.conftest import statements
from webapp.app import desk_of
from webapp.sheets import edit
from webapp.sheets.sheet import read_sheet
from webapp.tables import rule_draft

SignIn = Callable[[str], FlaskClient]
URGENCY = (ROOT / "processes" / "decisions" / "urgency.dmn").read_bytes()
ROW = "urgency_external_b"
BUDGET = 20


def started(client: FlaskClient, key: str = "urgency") -> str:
    """A new draft's address."""
    answer = client.post(f"/rules/{key}/drafts", data={"key": "begin"})
    assert answer.status_code == 303
    return str(answer.location)


def revision(client: FlaskClient, address: str) -> str:
    found = re.search(r'name="revision" value="(\d+)"', client.get(address).text)
    return found[1] if found else "0"


def typed(row: str = ROW, answer: str = '"高"', note: str = "外部转派 × B 类") -> dict[str, str]:
    sheet = read_sheet(URGENCY, "urgency")
    assert sheet is not None
    cells = [*(sheet.row(row) or sheet.rows[0]).cells[:-1], answer]
    return {"row": row, "note": note} | {f"cell-{place}": cell for place, cell in enumerate(cells)}


def upload(client: FlaskClient, address: str, file: bytes, number: str | None = None) -> TestResponse:
    data = {"revision": number or revision(client, address), "file": (io.BytesIO(file), "urgency.dmn")}
    return client.post(f"{address}/file", data=data, content_type="multipart/form-data")


def submitted(client: FlaskClient, **fields: str) -> str:
    address = started(client)
    client.post(f"{address}/rows", data=typed() | {"revision": revision(client, address)})
    data = {"reason": "省客服要求时限短", "begin": "now"} | fields
    answer = client.post(f"{address}/submit", data=data | {"revision": revision(client, address)})
    assert answer.status_code == 303, answer.text
    return address


def test_the_list_and_each_table_need_no_more_than_twenty_statements(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("maintenance01")
    draft = started(client)
    for address in ("/rules", "/rules/urgency", "/rules/dispatch", draft):
        client.get(address)
        with statements(desk_app) as found:
            assert client.get(address).status_code == 200
        assert len(found) <= BUDGET, "\n".join(found)


def test_a_table_shows_its_cells_in_words_and_how_often_each_row_answered(signed_in: SignIn) -> None:
    text = signed_in("crm01").get("/rules/urgency").text
    assert "外部转派 × B 类（规则二）" in text
    assert "从上到下，第一条适用的为准" in text
    assert re.search(r"问了 [1-9]\d* 次", text)


def test_whoever_only_reads_may_not_draft(signed_in: SignIn) -> None:
    client = signed_in("crm01")
    assert client.get("/rules/urgency").status_code == 200
    assert client.post("/rules/urgency/drafts").status_code == 403


def test_a_change_of_one_cell_is_told_in_words_and_takes_force_when_another_person_approves(
    desk_app: Flask, signed_in: SignIn
) -> None:
    author, approver = signed_in("maintenance01"), signed_in("owner01")
    address = submitted(author)
    assert "行 15：紧急程度 中 → 高" in approver.get(address).text
    data = {"revision": revision(approver, address)}
    assert author.post(f"{address}/approve", data=data).status_code == 403
    assert approver.post(f"{address}/approve", data=data).status_code == 303
    page = author.get("/rules/urgency").text
    assert "第 2 版" in page
    assert "省客服要求时限短" in page
    with desk_of(desk_app).reading() as connection:
        row = connection.execute(select(deployment).order_by(deployment.c.id.desc())).first()
        draft = connection.execute(select(rule_draft)).one()
    assert row is not None
    assert (row.author, draft.reviewer, draft.deployment_id) == ("maintenance01", "owner01", row.id)


def test_nobody_approves_what_he_wrote_himself_even_with_the_right(signed_in: SignIn) -> None:
    client = signed_in("owner01")
    address = submitted(client)
    answer = client.post(f"{address}/approve", data={"revision": revision(client, address)})
    assert answer.status_code == 403
    assert "另一个人" in answer.text


def test_a_change_for_later_waits_for_its_instant(signed_in: SignIn) -> None:
    author, approver = signed_in("maintenance01"), signed_in("manager01")
    address = submitted(author, begin="later", effective_from="12-01 08:00")
    approver.post(f"{address}/approve", data={"revision": revision(approver, address)})
    text = approver.get("/rules").text
    assert "第 2 版待生效" in text
    assert "第 1 版" in text


@pytest.mark.parametrize(("when", "status"), [("11-23 15:40", 422), ("15:39", 303), ("11-23 15:41", 303), ("？", 422)])
def test_an_instant_must_lie_ahead(signed_in: SignIn, when: str, status: int) -> None:
    client = signed_in("maintenance01")
    address = started(client)
    client.post(f"{address}/rows", data=typed() | {"revision": revision(client, address)})
    data = {"reason": "原因", "begin": "later", "effective_from": when, "revision": revision(client, address)}
    answer = client.post(f"{address}/submit", data=data)
    assert answer.status_code == status
    if status == 422:
        assert when in answer.text  # what was typed is still there
        assert "原因" in answer.text


def test_a_second_change_of_the_same_table_is_told_of_the_first(signed_in: SignIn) -> None:
    first, second = signed_in("maintenance01"), signed_in("owner01")
    address = started(first)
    answer = second.post("/rules/urgency/drafts", data={"key": "mine"})
    assert answer.status_code == 409
    assert address in answer.text
    assert second.post("/rules/urgency/drafts", data={"key": "mine", "alongside": "yes"}).status_code == 303


def test_a_stale_page_changes_nothing_and_keeps_what_was_typed(signed_in: SignIn) -> None:
    client = signed_in("maintenance01")
    address = started(client)
    old = revision(client, address)
    client.post(f"{address}/rows", data=typed() | {"revision": old})
    answer = client.post(f"{address}/rows", data=typed(note="我自己的说明") | {"revision": old})
    assert answer.status_code == 409
    assert "我自己的说明" in answer.text
    answer = upload(client, address, edit.remove_row(URGENCY, "urgency", ROW), old)
    assert answer.status_code == 409
    assert "typed-file" in answer.text


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (b'<?xml version="1.0"?>\n<!DOCTYPE x>\n<x/>', "DOCTYPE"),
        (URGENCY.replace(b'<decision id="urgency"', b'<decision id="other"'), "decision other"),
        (b"<definitions", "XML"),
        (URGENCY + b"<!--" + b"x" * 1_000_000 + b"-->", "1000 KB"),
    ],
)
def test_a_file_that_is_no_draft_of_the_table_is_refused_with_element_and_line(
    signed_in: SignIn, file: bytes, said: str
) -> None:
    client = signed_in("maintenance01")
    address = started(client)
    answer = upload(client, address, file)
    assert answer.status_code == 422
    assert said in answer.text
    assert revision(client, address) == "1"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((b"<text>class</text>", b"<text>weather</text>"), "输入“weather”"),
        ((b'name="urgency" typeRef', b'name="speed" typeRef'), "输出由 urgency 改为 speed"),
        ((b'<text>"\xe9\xab\x98"</text>\n        </outputEntry>', b"<text>(</text>\n        </outputEntry>"), "错误"),
    ],
)
def test_a_draft_with_an_error_is_kept_and_shown_but_not_submitted(
    signed_in: SignIn, change: tuple[bytes, bytes], said: str
) -> None:
    client = signed_in("maintenance01")
    address = started(client)
    assert change[0] in URGENCY
    assert upload(client, address, URGENCY.replace(*change, 1)).status_code == 303
    assert said in client.get(address).text
    answer = client.post(f"{address}/submit", data={"reason": "原因", "revision": revision(client, address)})
    assert answer.status_code == 422
    assert said in answer.text


def test_an_answer_outside_the_allowed_values_is_an_error_with_its_row(signed_in: SignIn) -> None:
    client = signed_in("maintenance01")
    address = started(client)
    client.post(f"{address}/rows", data=typed(answer='"特高"') | {"revision": revision(client, address)})
    text = client.get(address).text
    assert "紧急程度“特高”不在允许的值 高、中、低 中" in text
    assert f'href="#row-{ROW}"' in text


def test_a_gap_is_told_with_an_example_while_somebody_edits(signed_in: SignIn) -> None:
    client = signed_in("maintenance01")
    address = started(client)
    file = edit.remove_row(URGENCY, "urgency", "urgency_unknown")
    data = {"file": (io.BytesIO(file), "urgency.dmn")}
    answer = client.post(f"{address}/check", data=data, content_type="multipart/form-data")
    assert answer.status_code == 200
    assert "有情形没有适用的行" in answer.text
    assert "用户类型 = <b>其他</b>" in answer.text
    assert "删除行 17" in answer.text


def test_a_change_whose_ground_has_moved_is_carried_over_before_it_can_be_approved(signed_in: SignIn) -> None:
    author, approver = signed_in("maintenance01"), signed_in("owner01")
    address = submitted(author)
    other = started_alongside(approver)
    data = typed("urgency_external_c", '"低"', "另一处")
    approver.post(f"{other}/rows", data=data | {"revision": revision(approver, other)})
    approver.post(f"{other}/submit", data={"reason": "另一处", "revision": revision(approver, other)})
    manager = signed_in("manager01")
    manager.post(f"{other}/approve", data={"revision": revision(manager, other)})
    answer = approver.post(f"{address}/approve", data={"revision": revision(approver, address)})
    assert answer.status_code == 409
    assert "行 16：紧急程度 中 → 低" in answer.text
    assert author.post(f"{address}/rebase", data={"revision": revision(author, address)}).status_code == 303
    text = author.get(address).text
    assert "行 15：紧急程度 中 → 高" in text
    assert "行 16：紧急程度" not in text


def started_alongside(client: FlaskClient) -> str:
    return str(client.post("/rules/urgency/drafts", data={"key": "other", "alongside": "yes"}).location)


def test_an_approver_sends_a_change_back_with_a_note(signed_in: SignIn) -> None:
    author, approver = signed_in("maintenance01"), signed_in("owner01")
    address = submitted(author)
    number = {"revision": revision(approver, address)}
    assert approver.post(f"{address}/send-back", data=number | {"note": " "}).status_code == 422
    assert approver.post(f"{address}/send-back", data=number | {"note": "请写明依据"}).status_code == 303
    assert "请写明依据" in author.get(address).text


def test_an_old_version_returns_in_one_step(signed_in: SignIn) -> None:
    author, approver = signed_in("maintenance01"), signed_in("owner01")
    address = submitted(author)
    approver.post(f"{address}/approve", data={"revision": revision(approver, address)})
    data = {"version": "1", "reason": "误判太多", "key": "back"}
    assert author.post("/rules/urgency/restore", data=data).status_code == 403
    assert approver.post("/rules/urgency/restore", data=data | {"reason": ""}).status_code == 422
    assert approver.post("/rules/urgency/restore", data=data).status_code == 303
    assert approver.post("/rules/urgency/restore", data=data).status_code == 303  # the same click again
    text = approver.get("/rules/urgency").text
    assert "恢复到第 1 版：误判太多" in text
    assert approver.post("/rules/urgency/restore", data=data | {"key": "again"}).status_code == 409


def test_rows_are_added_moved_and_removed_by_plain_forms(signed_in: SignIn) -> None:
    client = signed_in("maintenance01")
    address = started(client)
    for how in ("up", "down", "add", "remove"):
        data = {"row": ROW, "how": how, "revision": revision(client, address)}
        assert client.post(f"{address}/arrange", data=data).status_code == 303
    data = typed() | {"row": "", "revision": revision(client, address)}
    assert client.post(f"{address}/rows", data=data).status_code == 303
    text = client.get(address).text
    assert "行 18：换了位置（原为行 15）" in text  # removed there, typed anew here
    assert "新增行 15" in text
    assert client.get(f"{address}?row={ROW}x").status_code == 200
    assert "row-form" in client.get(f"{address}?row=").text
