"""Pages without a browser: budgets, paging, refusals, commands that arrive twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select

from handlers.records.tables import incident
from tests.webapp.pages.conftest import NOW, links, statements
from webapp import demo
from webapp.app import desk_of
from webapp.queries import incidents, keyset
from webapp.queries.filters import Filter

SignIn = Callable[[str], FlaskClient]
BUDGET = 20  # statements a page
REPORT = {
    "s1_2_identify.customer_name": "市场部-经理岗",
    "s1_2_identify.customer_grade": "经理",
    "s1_2_identify.department": "marketing",
    "s1_2_identify.phone": "0731-85550401",
    "s1_2_identify.served": "true",
    "s1_4_record.source": "phone",
    "s1_4_record.occurred_at": "15:20",
    "s1_4_record.summary": "CRM 提交订单报错",
    "s1_4_record.details": "多个营业厅提交订单时报错。",
}


@pytest.mark.parametrize("address", ["/work", "/work?tab=pool", "/work?tab=recorded", "/work?tab=waiting", "/report"])
def test_a_page_needs_no_more_than_twenty_statements(desk_app: Flask, signed_in: SignIn, address: str) -> None:
    client = signed_in("reception01")
    client.get(address)
    with statements(desk_app) as found:
        assert client.get(address).status_code == 200
    assert len(found) <= BUDGET, "\n".join(found)


@pytest.mark.parametrize(
    ("listing", "pattern"),
    [("/work?tab=pool", r"/tasks/[0-9a-f-]+"), ("/incidents?state=closed", r"/incidents/SJ[0-9-]+")],
)
def test_a_task_or_incident_needs_no_more_than_twenty_statements(
    desk_app: Flask, signed_in: SignIn, listing: str, pattern: str
) -> None:
    client = signed_in("reception01")
    address = links(client.get(listing).text, pattern)[0]
    client.get(address)
    with statements(desk_app) as found:
        assert client.get(address).status_code == 200
    assert len(found) <= BUDGET, "\n".join(found)


def test_a_report_that_arrives_twice_is_one_incident(desk_app: Flask, signed_in: SignIn) -> None:
    client = signed_in("reception01")
    first = client.post("/report", data=REPORT | {"key": "one-click"})
    second = client.post("/report", data=REPORT | {"key": "one-click"})
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    with desk_of(desk_app).reading() as connection:
        alike = select(func.count()).where(incident.c.summary == REPORT["s1_4_record.summary"])
        assert connection.scalar(alike) == 1


@pytest.mark.parametrize(
    ("points", "typed", "said"),
    [
        ("ahead", "06:30", "即 明天 11-24 周二 06:30（14 小时 50 分后）"),
        ("ahead", "20:00", "即 今天 11-23 周一 20:00（4 小时 20 分后）"),
        ("back", "20:00", "即 昨天 11-22 周日 20:00（19 小时 40 分前）"),
        ("back", "-20", "即 今天 11-23 周一 15:20（20 分钟前）"),
        ("back", "2:", ""),
        ("ahead", "", ""),
    ],
)
def test_a_time_says_how_it_is_understood_while_it_is_typed(
    signed_in: SignIn, points: str, typed: str, said: str
) -> None:
    query = {"field": "until", "until": typed, "points": points}
    assert signed_in("reception01").get("/time", query_string=query).text == said


def test_a_refused_report_says_how_its_times_were_understood(signed_in: SignIn) -> None:
    answer = signed_in("reception01").post("/report", data=REPORT | {"s1_4_record.summary": ""})
    assert answer.status_code == 422
    assert "即 今天 11-23 周一 15:20（20 分钟前）" in answer.text


def test_a_report_with_holes_names_every_field_and_keeps_the_rest(signed_in: SignIn) -> None:
    holes = {"s1_2_identify.customer_name": "", "s1_4_record.summary": ""}
    answer = signed_in("reception01").post("/report", data=REPORT | holes)
    assert answer.status_code == 422
    assert "有 2 处需要改正" in answer.text
    assert 'href="#s1_2_identify--customer_name"' in answer.text
    assert 'href="#s1_4_record--summary"' in answer.text
    assert "多个营业厅提交订单时报错。" in answer.text


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("s1_2_identify.department", "", "请选择所属部门"),
        ("s1_2_identify.customer_grade", "", "请选择客户标识"),
        ("s1_2_identify.customer_name", "", "请填写客户姓名"),
        ("s1_2_identify.phone", "七三一", "电话号码请写成 0731-85550401 转 6 的样子"),
        ("s1_2_identify.email", "x", "邮件地址请写成 fuwutai@example.com 的样子"),
        ("s1_4_record.occurred_at", "昨天", "发生时间请写成 15:20、11-23 15:20 或 2026-11-23 15:20"),
        ("s1_2_identify.phone", "", "电话和手机至少填一个"),
    ],
)
def test_an_error_says_what_to_do_and_says_it_once(signed_in: SignIn, field: str, typed: str, said: str) -> None:
    page = signed_in("reception01").post("/report", data=REPORT | {field: typed}).text
    assert f'<a href="#{field.replace(".", "--")}">' in page
    assert f">{said}</a>" in page or f"：{said}</a>" in page
    label = said.removeprefix("请选择").removeprefix("请填写")
    assert f"{label}：{said}" not in page


def test_a_page_of_several_steps_names_all_that_is_missing_at_once(signed_in: SignIn) -> None:
    client = signed_in("crm02")
    address = open_task(client, "s2_9_accept")
    answer = client.post(address, data={"s2_9_accept.answer": "accept"} | posted(client.get(address).text))
    address = answer.location
    page = client.post(address, data=posted(client.get(address).text)).text
    for field in ("s3_1_analyse--analysis", "s3_5_diagnose--diagnosis", "s3_6_try--found"):
        assert f'<li><a href="#{field}">' in page


def test_a_report_without_any_number_says_so_beside_the_other_holes(signed_in: SignIn) -> None:
    holes = {"s1_2_identify.phone": "", "s1_4_record.summary": "", "s1_2_identify.customer_name": ""}
    page = signed_in("reception01").post("/report", data=REPORT | holes).text
    assert "有 3 处需要改正" in page


def test_a_conflict_says_whether_it_was_a_colleague_or_another_window(signed_in: SignIn) -> None:
    first, second = signed_in("crm01"), signed_in("crm02")
    address = open_task(first, "s2_9_accept")
    stale = posted(first.get(address).text) | {"s2_9_accept.answer": "accept"}
    first.post(address + "/claim", data=stale)
    own = first.post(address, data=stale)
    assert own.status_code == 409
    assert "您在另一个窗口改动过这项工作" in own.text
    other = second.post(address, data=stale)
    assert other.status_code == 409
    assert "别人已先领取" in other.text
    assert "别人已先提交" not in other.text
    note = re.search(r"CRM组-支持岗01 领取了“2.9 进行事件分析”(.*?)</p>", other.text)
    assert note and "CRM组-支持岗01" not in note[1]  # the name stands once
    first.post(address, data=posted(own.text) | {"s2_9_accept.answer": "return", "s2_9_accept.return_reason": "派错"})
    late = second.post(address, data=stale)
    assert late.status_code == 409
    assert 'data-copy="#typed"' in late.text


def test_a_field_takes_no_more_than_its_rule_allows(signed_in: SignIn) -> None:
    page = signed_in("reception01").get("/report").text
    summary = re.search(r'<input[^>]*name="s1_4_record.summary"[^>]*>', page)
    assert summary and 'maxlength="100"' in summary[0]
    details = re.search(r'<textarea[^>]*name="s1_4_record.details"[^>]*>', page)
    assert details and 'maxlength="4000"' in details[0]


def test_the_note_after_a_step_names_the_incident_and_who_has_it(signed_in: SignIn) -> None:
    client = signed_in("crm02")
    address = open_task(client, "s2_9_accept")
    typed = {"s2_9_accept.answer": "return", "s2_9_accept.return_reason": "子类选错"}
    answer = client.post(address, data=typed | posted(client.get(address).text))
    toast = re.search(r'toast" role="status">.*?<div class="grow">(.*?)</div>', client.get(answer.location).text)
    assert toast and re.fullmatch(r"SJ\d{6}-\d{3} 已转到\S+：2\.8 分派事件。", toast[1])


def test_a_page_of_several_steps_is_headed_by_the_first_and_the_last(signed_in: SignIn) -> None:
    client = signed_in("reception01")
    page = client.get(client.post("/report", data=REPORT).location).text
    assert "<h1>2.1 判断请求类型 至 2.8 分派事件</h1>" in page
    classify = page[page.index('id="s2_2_classify"') :]
    category, refresh, symptom = (
        classify.index(each) for each in ("classify.category", 'name="refresh"', "classify.symptom")
    )
    assert category < refresh < symptom  # without JavaScript the lists are refreshed beside what narrows them


def test_the_button_of_an_analysis_does_not_pretend_to_know_the_answer(signed_in: SignIn) -> None:
    client = signed_in("crm02")
    page = client.get(open_task(client, "s2_9_accept")).text
    assert 'data-follows="s2_9_accept.answer">完成分析</button>' in page


def test_rarely_asked_fields_are_folded_and_open_where_one_is_wrong(signed_in: SignIn) -> None:
    client = signed_in("reception01")
    page = client.get("/report").text
    fold = page[page.index('<details class="further">') :]
    fold = fold[: fold.index("</details>")]
    assert all(f'name="s1_2_identify.{each}"' in fold for each in ("extension", "location", "email", "served"))
    assert 'name="s1_2_identify.phone"' not in fold
    wrong = client.post("/report", data=REPORT | {"s1_2_identify.email": "x"}).text
    assert '<details class="further" open>' in wrong


def test_one_of_two_numbers_is_asked_for_and_neither_is_marked_as_optional(signed_in: SignIn) -> None:
    page = signed_in("reception01").get("/report").text
    assert '电话号码<span class="optional">' not in page
    assert '手机号码<span class="optional">' not in page
    assert '分机号码<span class="optional">可不填' in page


@pytest.mark.proves("R203")
def test_a_call_stays_with_whoever_took_it(signed_in: SignIn) -> None:
    client = signed_in("reception01")
    address = client.post("/report", data=REPORT).location
    page = client.get(address).text
    assert "claim-this" not in page
    assert "退回本组" in page
    assert address in client.get("/work?tab=mine").text
    assert "由 服务受理岗01 办理，您只能查看" in signed_in("reception02").get(address).text


@pytest.mark.proves("R009")
def test_whoever_is_not_of_the_desk_cannot_report(signed_in: SignIn) -> None:
    client = signed_in("crm01")
    assert client.get("/report").status_code == 403
    assert client.post("/report", data=REPORT).status_code == 403
    assert "登记事件" not in client.get("/work").text


def test_a_stranger_is_sent_to_sign_in_and_then_to_where_he_wanted(desk_app: Flask) -> None:
    client = desk_app.test_client()
    answer = client.get("/incidents?q=OCS")
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in?next=")
    signed = client.post(answer.location, data={"account": "crm01", "password": "lovem-demo"})
    assert signed.location == "/incidents?q=OCS"


def test_a_form_sent_after_the_session_ended_shows_what_was_typed_and_the_way_back(desk_app: Flask) -> None:
    for protected in (True, False):  # the cookie is gone, or only its session has ended
        desk_app.config["WTF_CSRF_ENABLED"] = protected
        answer = desk_app.test_client().post(
            "/report", data=REPORT, headers={"Referer": "http://localhost/report", "Accept": "text/html"}
        )
        assert answer.status_code == 401
        assert "多个营业厅提交订单时报错。" in answer.text
        assert 'href="/sign-in?next=/report"' in answer.text
        assert "请求无法理解" not in answer.text


def test_a_form_from_another_site_is_not_shown_as_ours(desk_app: Flask) -> None:
    answer = desk_app.test_client().post("/report", data=REPORT, headers={"Referer": "http://example.org/report"})
    assert answer.status_code == 401
    assert "多个营业厅提交订单时报错。" not in answer.text


HOLD = {"code": "W02", "until": "11-22 18:00", "reason": "等待用户回复"}


def test_a_refused_waiting_comes_back_to_its_task_with_everything_typed(signed_in: SignIn) -> None:
    client = signed_in("crm02")
    address = links(client.get("/work?tab=mine").text + client.get("/work?tab=pool").text, r"/tasks/[0-9a-f-]+")
    held = [each for each in address if 'data-sheet="hold"' in client.get(each).text]
    page = client.get(held[0]).text
    action = re.search(r'action="(/incidents/[^"]+/hold)"', page)
    code = re.search(r'<option value="(W\d\d)"', page)
    assert action and code
    answer = client.post(action[1], data=HOLD | {"code": code[1], "back": held[0]})
    assert answer.status_code == 422
    assert f'data-keep="{held[0]}"' in answer.text
    assert '<details class="more" data-sheet="hold" open>' in answer.text
    assert "预计结束时间应晚于现在" in answer.text
    assert 'value="11-22 18:00"' in answer.text
    assert ">等待用户回复</textarea>" in answer.text
    assert f'<option value="{code[1]}" selected>' in answer.text


def open_task(client: FlaskClient, element: str, tab: str = "pool") -> str:
    """The address of an open task of that step."""
    found = links(client.get(f"/work?tab={tab}").text, r"/tasks/[0-9a-f-]+")
    return next(each for each in found if f'id="{element}"' in client.get(each).text)


def posted(page: str) -> dict[str, str]:
    """The hidden fields of the task's form."""
    token = re.search(r'name="token" value="(\d+)" id="token"', page)
    assert token
    return {"token": token[1]}


@pytest.mark.proves("R203")
def test_whoever_writes_first_has_the_task_and_a_colleague_is_told_who(signed_in: SignIn) -> None:
    first, second = signed_in("crm01"), signed_in("crm02")
    address = open_task(first, "s2_9_accept")
    hers, his = posted(first.get(address).text), posted(second.get(address).text)
    typed = {"s2_9_accept.answer": "return", "s2_9_accept.return_reason": "子类选错"}
    saved = first.post(f"{address}/draft", data=typed | hers, headers={"HX-Request": "true"})
    assert "草稿已保存" in saved.text
    assert posted(saved.text)["token"] > hers["token"]  # the open page goes on with the new version
    assert "退回本组" in saved.text
    late = second.post(f"{address}/draft", data=typed | his, headers={"HX-Request": "true"})
    assert late.status_code in {403, 409}
    page = second.get(address).text
    assert "由 CRM组-支持岗01 办理，您只能查看" in page
    first.post(f"{address}/release", data=posted(saved.text))
    page = second.get(address).text
    assert "下面是 CRM组-支持岗01 保存的草稿" in page
    assert "已填：答复、退回理由" in page


def test_a_stale_sheet_says_so_inside_the_sheet(signed_in: SignIn) -> None:
    client = signed_in("manager01")
    for address in links(client.get("/incidents").text, r"/incidents/SJ[0-9-]+"):
        if 'data-sheet="reassign"' in client.get(address).text:
            break
    answer = client.post(f"{address}/reassign", data={"reason": "派错了组", "revision": "1"})
    assert answer.status_code == 409
    assert '<details class="more" data-sheet="reassign" open>' in answer.text
    assert ">派错了组</textarea>" in answer.text
    assert "事件刚被他人修改" in answer.text


@pytest.mark.parametrize(
    "address", ["https://example.org/", "//example.org", "/\\example.org", "javascript:alert(1)", ""]
)
def test_signing_in_never_leads_to_another_site(desk_app: Flask, address: str) -> None:
    client = desk_app.test_client()
    answer = client.post(
        "/sign-in", query_string={"next": address}, data={"account": "crm01", "password": "lovem-demo"}
    )
    assert answer.location == "/"


@pytest.mark.parametrize(
    ("address", "status"),
    [("/incidents/SJ260101-999", 404), ("/tasks/0123", 404), ("/incidents/x", 404), ("/nowhere", 404)],
)
def test_what_is_not_there_says_so_in_chinese(signed_in: SignIn, address: str, status: int) -> None:
    answer = signed_in("reception01").get(address)
    assert answer.status_code == status
    assert "没有" in answer.text
    assert "回到首页" in answer.text


def test_a_task_of_another_group_can_be_seen_but_not_completed(signed_in: SignIn) -> None:
    address = links(signed_in("crm01").get("/work?tab=pool").text, r"/tasks/[0-9a-f-]+")[0]
    other = signed_in("settlement01")
    page = other.get(address)
    assert page.status_code == 200
    assert "您不在这个组里，只能查看" in page.text
    assert other.post(address, data={"s2_9_accept.answer": "accept", "token": "1"}).status_code == 403


def test_a_number_typed_in_any_way_opens_its_incident(signed_in: SignIn) -> None:
    client = signed_in("reception01")
    number = links(client.get("/incidents").text, r"/incidents/SJ[0-9-]+")[0].rpartition("/")[2]
    wide = number.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
    for typed in (number, number.lower(), number[2:], wide):
        assert client.get("/incidents", query_string={"q": typed}).location == f"/incidents/{number}"


@pytest.mark.parametrize("text", ["9%%0", "C_M", "' OR 1=1 --", "没有这样的词", "\\"])
def test_strange_words_find_nothing_and_break_nothing(signed_in: SignIn, text: str) -> None:
    answer = signed_in("reception01").get("/incidents", query_string={"q": text, "state": "all"})
    assert answer.status_code == 200
    assert "没有找到" in answer.text


@pytest.mark.parametrize("place", ["", "x", "1~2", "1~yesterday~a", "99999~~a", "-1~~a", "1~2026-11-23T00:00:00~a"])
def test_a_place_that_nobody_was_given_is_the_first_page(place: str) -> None:
    assert keyset.unpack_task(place) is None


@pytest.mark.parametrize("place", ["", "x", "-1", "9" * 20, "１"])
def test_a_list_of_incidents_ignores_a_strange_place(place: str) -> None:
    assert keyset.unpack_id(place) is None


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("SJ261123-058", "SJ261123-058"),
        (" sj261123-58 ", "SJ261123-058"),
        ("261123-1058", "SJ261123-1058"),
        ("58", None),
    ],
)
def test_an_incident_number_is_recognised(typed: str, number: str | None) -> None:
    assert incidents.as_number(typed) == number


def test_built_files_may_be_kept_for_ever_and_pages_not_at_all(signed_in: SignIn) -> None:
    client = signed_in("reception01")
    page = client.get("/work")
    assert page.headers["Cache-Control"] == "no-store"
    style = re.search(r'href="(/static/build/style-[^"]+\.css)"', page.text)
    assert style is not None
    assert "immutable" in client.get(style[1]).headers["Cache-Control"]


def test_no_page_has_inline_script_or_style(signed_in: SignIn) -> None:
    client = signed_in("reception01")
    task = links(client.get("/work?tab=pool").text, r"/tasks/[0-9a-f-]+")[0]
    number = links(client.get("/incidents").text, r"/incidents/SJ[0-9-]+")[0]
    for address in ("/work", "/report", "/incidents", task, number):
        html = client.get(address).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|<style", html), address


def test_a_list_that_refreshes_itself_brings_its_counts_along(signed_in: SignIn) -> None:
    again = signed_in("reception01").get("/work?tab=pool", headers={"HX-Request": "true"}).text
    assert re.search(r'id="tabs" hx-swap-oob="outerMorph"', again)
    assert re.search(r'id="count-work" hx-swap-oob="true"', again)
    assert "<html" not in again


def test_a_task_that_a_colleague_took_keeps_its_row_and_says_who(signed_in: SignIn) -> None:
    late = signed_in("crm02")
    pool = late.get("/work?tab=pool").text
    address = links(pool, r"/tasks/[0-9a-f-]+")[0]
    token = re.search(r'name="token" value="(\d+)"', pool)
    assert token is not None
    assert signed_in("crm01").post(f"{address}/claim", data={"token": token[1]}).status_code == 303
    row = late.post(f"{address}/claim", data={"token": token[1]}, headers={"HX-Request": "true"}).text
    assert "没有领到" in row
    assert address in row
    assert "SJ26" in row


def test_the_demo_offers_a_few_accounts_that_fill_the_form(desk_app: Flask) -> None:
    client = desk_app.test_client()
    page = client.get("/sign-in?next=/incidents").text
    first, _, folded = page.partition("<details")
    assert first.count('class="offer"') == 7
    assert "服务台" in first
    assert "CRM组" in first
    assert folded.count('class="offer"') == len(demo.ACCOUNTS) - 7
    assert "<h3>" in folded
    chosen = client.get("/sign-in?account=crm01&next=/incidents").text
    assert re.search(r'id="account"[^>]* value="crm01"', chosen)
    assert re.search(rf'id="password"[^>]* value="{demo.PASSWORD}"', chosen)


def test_outside_the_demo_nothing_is_offered_and_nothing_filled_in(desk_app: Flask) -> None:
    services = desk_app.extensions["lovem"]
    desk_app.extensions["lovem"] = replace(services, settings=replace(services.settings, demo=False))
    page = desk_app.test_client().get("/sign-in?account=crm01").text
    assert "offer" not in page
    assert demo.PASSWORD not in page
    assert 'value="crm01"' not in page


def priorities(html: str) -> list[int]:
    return [int(digit) for digit in re.findall(r'title="优先级 (\d)', html)]


def test_open_incidents_are_listed_by_urgency_and_can_be_listed_by_age(signed_in: SignIn) -> None:
    client = signed_in("reception01")
    urgent = client.get("/incidents").text
    assert priorities(urgent) == sorted(priorities(urgent))
    assert len(set(priorities(urgent))) > 1
    newest = client.get("/incidents?sort=newest").text
    assert links(newest, r"/incidents/SJ[0-9-]+") == sorted(links(newest, r"/incidents/SJ[0-9-]+"), reverse=True)
    assert sorted(links(newest, r"/incidents/SJ[0-9-]+")) == sorted(links(urgent, r"/incidents/SJ[0-9-]+"))


def test_each_filter_of_incidents_says_how_many_it_has(signed_in: SignIn) -> None:
    client = signed_in("reception01")
    page = client.get("/incidents?state=closed").text
    told = dict(re.findall(r">(未关闭|等待中|已关闭|全部) <b>(\d+)</b>", page))
    assert int(told["已关闭"]) == len(links(page, r"/incidents/SJ[0-9-]+"))
    assert int(told["全部"]) == int(told["未关闭"]) + int(told["已关闭"])


@pytest.mark.parametrize("number", [0, 1, 50, 51, 101])
def test_paging_by_urgency_shows_every_incident_once(desk_app: Flask, number: int) -> None:
    with desk_of(desk_app).engine.begin() as connection:
        row = dict(connection.execute(select(incident).where(incident.c.state == "to_accept")).mappings().first() or {})
        row |= {"state": "waiting", "held_state": "to_accept"}
        more = [
            row | {"id": 10_000 + place, "number": f"SJ260101-{place:03d}", "priority": (None, 1, 4)[place % 3]}
            for place in range(number)
        ]
        if more:
            connection.execute(insert(incident), more)
        seen: list[int] = []
        place = ""
        for _ in range(5):
            page = incidents.urgent(connection, Filter(state="waiting"), NOW, keyset.unpack_urgent(place))
            seen += [each.id for each in page.rows]
            if page.after is None:
                break
            place = page.after
        wanted = connection.scalars(
            select(incident.c.id)
            .where(incident.c.state == "waiting")
            .order_by(incident.c.priority.is_(None), incident.c.priority, incident.c.id)
        ).all()
    assert seen == list(wanted)


@pytest.mark.parametrize("place", ["", "~", "1~", "5~1", "x~1", "1~-1", "1~x", "0~1", "１~1"])
def test_a_list_by_urgency_ignores_a_strange_place(place: str) -> None:
    assert keyset.unpack_urgent(place) is None


def test_the_end_of_a_number_finds_its_incidents(signed_in: SignIn) -> None:
    client = signed_in("reception01")
    for typed in ("007", "7"):
        found = links(client.get("/incidents", query_string={"q": typed}).text, r"/incidents/SJ[0-9-]+")
        assert any(address.endswith("-007") for address in found)


@pytest.mark.parametrize(
    ("account", "address", "works"),
    [
        ("reception01", "/work", True),
        ("crm01", "/work", True),
        ("manager01", "/board", True),
        ("leaders01", "/board", False),
        ("owner01", "/processes", False),
        ("maintenance01", "/rules", False),
    ],
)
def test_everybody_lands_where_his_work_is(signed_in: SignIn, account: str, address: str, works: bool) -> None:
    client = signed_in(account)
    assert client.get("/").location == address
    assert ('data-place="work"' in client.get("/incidents").text) == works
