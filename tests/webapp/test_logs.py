"""No log record and no cause of a stuck step carries what people typed: names, telephones, texts, tokens, searches."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from engine.context import Call, Context
from engine.errors import StepFailedError
from engine.persistence import history, stuck
from handlers.records.tables import customer, person
from tests.office import CUSTOMER, Office
from webapp import auth, logs, people, tokens
from webapp import desk as verbs
from webapp.app import create_app, desk_of
from webapp.settings import Settings

PASSWORD = "correct horse 标记 battery"
NAME, PHONE, MAIL, TEXT, SEARCH = "标记甲营业厅", "0731-86660199", "marked@example.org", "标记乙的话", "标记丙"
MARKS = ("标记", "86660199", "marked@", "%E6%A0%87")
CALLER = {**CUSTOMER, "customer_name": NAME, "phone": PHONE, "email": MAIL}


def written(caplog: pytest.LogCaptureFixture) -> str:
    """Every record as the plainest of all formats would print it, with whatever hangs on it."""
    plain = logging.Formatter("%(name)s %(message)s")
    return "\n".join(f"{plain.format(each)} {each.args!r} {each.exc_info!r} {each.exc_text}" for each in caplog.records)


def require_unmarked(text: str) -> None:
    assert [mark for mark in MARKS if mark in text] == []


def spill(_ctx: Context, call: Call) -> Any:
    raise ValueError(f"could not use {dict(call.values or {})!r}")


def spill_row(ctx: Context, _call: Call) -> Any:
    """A row that exists already: PostgreSQL's DETAIL quotes its key."""
    row = {"account": MAIL, "name": NAME, "active": True, "demo": False}
    for _ in range(2):
        ctx.connection.execute(insert(person).values(row))


@pytest.mark.parametrize(
    "broken", [spill, spill_row], ids=["a fault of the program", "a row that the database refuses"]
)
def test_a_step_that_fails_keeps_what_was_typed_out_of_the_cause_and_of_the_log(
    office: Office, caplog: pytest.LogCaptureFixture, broken: Any
) -> None:
    caplog.set_level(logging.DEBUG, "lovem")
    incident_id = office.accept("crm01")
    desk = office.with_handlers(investigation__analyse=broken)
    task = office.task(incident_id)
    with pytest.raises(StepFailedError) as failed:
        verbs.complete(desk, office["crm01"], task.id, {"analysis": f"{TEXT} {NAME} {PHONE}\n{MAIL}"}, task.token)
    with desk.reading() as connection:
        cause = connection.scalar(select(stuck.c.cause))
        noted = str(connection.execute(select(history).where(history.c.outcome == "stuck")).all())
    assert cause and type(failed.value.__cause__).__name__ and ("ValueError" in cause or "IntegrityError" in cause)
    for text in (cause, noted, str(failed.value), written(caplog)):
        require_unmarked(text)
    assert "spill" in written(caplog)  # the place in the program is what it is found by


def test_pages_and_api_log_nothing_of_what_they_are_given(
    office: Office, office_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(Settings(database_url=office_url, demo=True), clock=lambda: office.now)
    app.config.update(WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False)
    desk = desk_of(app)
    with desk.unit_of_work("test") as ctx:
        people.set_password(ctx, "reception01", auth.hash_password(PASSWORD))
    caplog.set_level(logging.DEBUG)
    for name in ("sqlalchemy", "apscheduler"):
        caplog.set_level(logging.WARNING, name)
    client = app.test_client()
    assert client.post("/sign-in", data={"account": NAME, "password": PASSWORD}).status_code == 403
    assert client.post("/sign-in", data={"account": "reception01", "password": PASSWORD}).status_code == 303
    cookie = client.get_cookie("lovem")
    token = tokens.issue(desk, office["reception01"], "reception01", "标记丁").token
    incident_id = reported(office, desk)
    link = re.search(r"/follow/([\w.-]+)", client.post(f"/incidents/{incident_id}/customer-link").text)
    assert cookie and token and link
    followed = link[0]

    def broken(*_: Any, **__: Any) -> Any:
        raise ValueError(f"{NAME} {PHONE} {SEARCH} {token}")

    def refused(*_: Any, **__: Any) -> Any:
        raise IntegrityError("INSERT", {"name": NAME}, Exception("UNIQUE constraint failed: person.account"))

    for fault in (None, broken, refused):
        if fault:
            for module in ("incidents.find", "incidents.get", "customers.by_id"):
                monkeypatch.setattr(f"webapp.queries.{module}", fault)
            monkeypatch.setattr("webapp.desk.report", fault)
        drive(client, followed, str(token), incident_id)
    said = written(caplog)
    require_unmarked(said)
    for secret in (token, link[1], cookie.value, PASSWORD):
        assert secret not in said
    assert "GET pages.followed failed" in said
    assert "GET pages.incidents failed" in said


def reported(office: Office, desk: verbs.Desk) -> int:
    values: Mapping[str, Mapping[str, Any]] = {verbs.IDENTIFY: CALLER, verbs.RECORD: office.record(details=TEXT)}
    found = verbs.report(desk, office["reception01"], values).incident_id
    with desk.unit_of_work("test") as ctx:  # the account to which the customer's row belongs is not needed
        ctx.connection.execute(update(customer).values(account=None))
    return found


def drive(client: Any, followed: str, token: str, incident_id: int) -> None:
    """Pages, acts and the API, each with marked data in every place that a request has."""
    client.get("/incidents", query_string={"q": SEARCH})
    client.get(followed)
    client.post(followed, data={"act": "supplement", "text": TEXT})
    client.post(f"/incidents/{incident_id}/comments", data={"kind": "note", "text": TEXT})
    client.get(f"/incidents/{NAME}")
    form = {f"s1_2_identify.{name}": str(value) for name, value in CALLER.items()}
    client.post("/report", data=form | {"s1_4_record.summary": TEXT, "s1_4_record.details": TEXT})
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k-1"}
    client.get("/api/incidents", query_string={"q": SEARCH}, headers=headers)
    client.post("/api/incidents", json={"customer": CALLER, "incident": {"summary": TEXT}}, headers=headers)
    client.post("/api/incidents", data=TEXT.encode(), content_type="application/json", headers=headers)
    client.get("/api/tasks", headers={"Authorization": f"Bearer {token}0"})


def test_a_servers_own_line_about_a_customers_link_hides_it(caplog: pytest.LogCaptureFixture) -> None:
    logs.install()
    caplog.set_level(logging.DEBUG, "waitress")
    logging.getLogger("waitress").info("Client disconnected while serving /follow/WzEsMV0.aBc-d_e")
    logging.getLogger("webapp").error("Exception on %s [%s]", "/follow/WzEsMV0.aBc-d_e", "GET")
    assert "WzEs" not in written(caplog)
    assert "Exception on /follow/… [GET]" in written(caplog)


def test_a_fault_is_told_by_its_kinds_and_places_in_the_order_in_which_it_went(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = logs.logger("lovem.test")
    try:
        try:
            int(PHONE)
        except ValueError as error:
            raise KeyError(NAME) from error
    except KeyError:
        log.exception("it failed")
    (record,) = caplog.records
    assert re.findall(r"^\w+$", str(record.exc_text), re.MULTILINE) == ["ValueError", "KeyError"]
    assert f"{Path(__file__).name}:" in str(record.exc_text)
    require_unmarked(written(caplog))


def test_every_logger_of_the_product_is_one_of_these() -> None:
    root = Path(logs.__file__).parent.parent
    allowed = {root / "webapp" / "logs.py", root / "webapp" / "cli" / "__init__.py"}
    for folder in ("engine", "handlers", "webapp"):
        for path in (root / folder).rglob("*.py"):
            assert path in allowed or "getLogger" not in path.read_text(encoding="utf-8"), path
