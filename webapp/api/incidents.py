"""Incidents: list, read, create, supplement, answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson
from flask import url_for
from sqlalchemy import Connection, select

from engine import definitions
from engine.context import Context
from engine.errors import ConflictError, InvalidValuesError
from engine.forms import Form
from handlers.records.tables import child
from webapp import contacts
from webapp import desk as verbs
from webapp.api import schemas, shapes
from webapp.api.operations import Answer, Given, check, fields, operation
from webapp.api.reading import reading
from webapp.current import current_desk, current_person
from webapp.desk import IDENTIFY, RECORD, InvalidStepError
from webapp.desk.incidents import COMMENT_LENGTH, PROCESS
from webapp.queries import filters, incidents, keyset, timeline
from webapp.queries.filters import Filter
from webapp.queries.rows import Record, records

PARTS: Mapping[str, str] = {"customer": IDENTIFY, "incident": RECORD}  # of the body that creates an incident
ANSWERING = "s1_5_wait"
TEXT = {"type": "string", "minLength": 1, "maxLength": COMMENT_LENGTH}

DAY = {"type": "string", "format": "date", "maxLength": 10}
KEY = {"type": "string", "minLength": 1, "maxLength": 60}
LISTED = fields(
    "list_incidents",
    "事件查询",
    q={
        "type": "string",
        "title": "查找内容",
        "minLength": 1,
        "maxLength": 100,
        "description": "A number, or words of summary, details or customer.",
    },
    state={
        "type": "string",
        "title": "状态",
        "enum": list(filters.STATES),
        "description": "Default: open; with `q` all.",
    },
    priority={"type": "integer", "title": "优先级", "minimum": 1, "maximum": 4},
    group={**KEY, "title": "负责组"},
    source={**KEY, "title": "来源"},
    category={**KEY, "title": "类别"},
    since={**DAY, "title": "登记开始日", "description": "Local day of recording, this one included."},
    until={**DAY, "title": "登记结束日", "description": "Local day of recording, this one included."},
    due={
        "type": "string",
        "title": "时限",
        "enum": list(filters.PRESSING),
        "description": "What presses: overdue, due within an hour, and so on.",
    },
    after={
        "type": "string",
        "title": "翻页位置",
        "maxLength": 15,
        "pattern": "^[0-9]{1,15}$",
        "description": "`after` of the page before.",
    },
)
SUPPLEMENT = fields("supplement", "补充信息", ["text"], text={**TEXT, "title": "补充内容"})
ANSWER = fields("answer", "答复", ["answer"], answer={**TEXT, "title": "答复内容"})


@operation(
    "GET",
    "/incidents",
    summary="List incidents",
    query=LISTED,
    answers={200: schemas.record(incidents=schemas.many(schemas.ref("IncidentSummary")), after=schemas.AFTER)},
)
def list_incidents(given: Given) -> Answer:
    """The newest first, 50 a page."""
    asked: dict[str, Any] = dict(given.query)
    after = keyset.unpack_id(asked.pop("after", ""))
    text = asked.pop("q", "").strip()
    asked |= {name: date.fromisoformat(asked[name]) for name in ("since", "until") if name in asked}
    asked.setdefault("state", "all" if text else "open")
    wanted = Filter(text=text, **asked)
    with reading() as ctx:
        page = incidents.find(ctx.connection, wanted, ctx.now, after)
        return Answer({"incidents": [shapes.summary(row) for row in page.rows], "after": page.after})


@operation(
    "POST",
    "/incidents",
    summary="Report an incident",
    body="NewIncident",
    keyed=True,
    refusals=(409,),
    answers={201: schemas.record(number=schemas.TEXT, next_task=schemas.TEXT_OR_NONE)},
)
def create_incident(given: Given) -> Answer:
    """Steps 1.2 and 1.4 in one: `customer` and `incident` are their forms.

    The same key with the same body answers what the first arrival led to; with another body 409.
    """
    with reading() as ctx:
        values = _clean(report_forms(ctx), given.body)
    body = hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()
    try:
        done = verbs.report(current_desk(), current_person(), values, key=given.key, subject=body)
    except InvalidStepError as refused:
        raise InvalidValuesError(_placed(refused)) from refused
    where = {"Location": url_for("api.read_incident", number=done.number)}
    return Answer({"number": done.number, "next_task": done.next_task}, 201, where)


@operation(
    "GET", "/incidents/<number>", summary="Read an incident", refusals=(404,), answers={200: schemas.ref("Incident")}
)
def read_incident(given: Given, number: str) -> Answer:
    """What is known of it, its clocks, open tasks, child records, relations, and what happened, the newest first."""
    with reading() as ctx:
        connection, person = ctx.connection, current_person()
        found = incidents.get(connection, number)
        running = [row["id"] for row in incidents.instances_of(connection, found["id"])]
        events = timeline.events(connection, found["id"], running)
        reaches = contacts.may_reach(person, found)
        content = shapes.incident(contacts.seen_by(person, found), ctx.now)
        return Answer(
            content
            | {
                "tasks": [shapes.open_task(row) for row in incidents.open_tasks(connection, found["id"])],
                "children": [shapes.child(row) for row in _children(connection, found["id"])],
                "related": _related(incidents.related(connection, found)),
                "timeline": shapes.timeline(events, contacts=reaches),
            }
        )


@operation(
    "POST",
    "/incidents/<number>/supplement",
    summary="Add what the reporter says",
    body=SUPPLEMENT,
    keyed=False,
    refusals=(404, 409),
    answers={201: schemas.record(number=schemas.TEXT_OR_NONE)},
)
def supplement(given: Given, number: str) -> Answer:
    """Step 1.3: further information on an open incident; it changes no state. A second arrival adds nothing."""
    found = _find(number)
    text = given.body["text"]
    verbs.comment(current_desk(), current_person(), found["id"], text, kind="supplement", key=given.key)
    return Answer({"number": found["number"]}, 201)


@operation(
    "POST",
    "/incidents/<number>/answer",
    summary="Answer what the desk asked",
    body=ANSWER,
    keyed=False,
    refusals=(404, 409),
    answers={200: schemas.record(number=schemas.TEXT_OR_NONE)},
)
def answer(given: Given, number: str) -> Answer:
    """Step 1.5: the information that an incident waits for. 409 where it waits for none."""
    with reading() as ctx:
        found = incidents.get(ctx.connection, number)
        open_tasks = incidents.open_tasks(ctx.connection, found["id"])
    asked = next((row for row in open_tasks if row["element_id"] == ANSWERING), None)
    if asked is None:
        raise ConflictError("这个事件现在没有等待补充的信息。", by=found["updated_by"], at=found["updated_at"])
    verbs.complete(current_desk(), current_person(), asked["id"], given.body, asked["revision"], key=given.key)
    return Answer({"number": found["number"]})


def report_forms(ctx: Context) -> dict[str, Form]:
    """The forms in force of the parts of a new incident."""
    bundle = definitions.bundle_for(ctx, PROCESS)
    elements = bundle.program.elements
    return {part: bundle.forms[elements[step].properties["form"]].form for part, step in PARTS.items()}


def _clean(forms: Mapping[str, Form], body: Any) -> dict[str, dict[str, Any]]:
    """Values by step; raises InvalidValuesError naming everything that is wrong in all parts, as ``part.field``."""
    given: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    problems = {name: "没有这一部分" for name in given if name not in forms}
    if not isinstance(body, Mapping):
        problems[""] = "请求体应为一个 JSON 对象"
    values: dict[str, dict[str, Any]] = {}
    for part, form in forms.items():
        if isinstance(given.get(part), Mapping):
            values[PARTS[part]], found = check(form, given[part], f"{part}.")
            problems |= found
        else:
            problems[part] = f"请给出{form.title}的内容"
    if problems:
        raise InvalidValuesError(problems)
    return values


def _placed(refused: InvalidStepError) -> dict[str, str]:
    """The problems of a step under the names of its part of the body."""
    part = next((part for part, step in PARTS.items() if step == refused.element_id), refused.element_id)
    return {f"{part}.{name}".rstrip("."): text for name, text in refused.problems.items()}


def _find(number: str) -> Record:
    with reading() as ctx:
        return incidents.get(ctx.connection, number)


def _children(connection: Connection, incident_id: int) -> list[Record]:
    return records(connection.execute(select(child).where(child.c.incident_id == incident_id).order_by(child.c.id)))


def _related(found: Mapping[str, list[Record]]) -> dict[str, list[str]]:
    return {kind: [row["number"] for row in rows if row["number"]] for kind, rows in found.items()}
