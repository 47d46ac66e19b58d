"""The JSON Schemas of what the API answers; a test holds every answer against them."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TEXT_OR_NONE: Schema = {"type": ["string", "null"]}
NUMBER: Schema = {"type": "integer"}
NUMBER_OR_NONE: Schema = {"type": ["integer", "null"]}
FLAG: Schema = {"type": "boolean"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
INSTANT_OR_NONE: Schema = {"type": ["string", "null"], "format": "date-time"}
SECONDS_OR_NONE: Schema = {"type": ["number", "null"], "description": "Seconds."}
ANY: Schema = {}


def record(**properties: Schema) -> Schema:
    """An object that always has all of these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def many(items: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": items}


def ref(name: str) -> Schema:
    """A schema of the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def mapping(of: Schema) -> Schema:
    """An object whose names are not known here."""
    return {"type": "object", "additionalProperties": of}


AFTER: Schema = {**TEXT_OR_NONE, "description": "Where the next page begins, as parameter `after`; null on the last."}

PROBLEM = {
    **record(status=NUMBER, title=TEXT, message=TEXT, problems=mapping(TEXT)),
    "description": "Why a request was refused, in words for the person behind it.",
}
PROBLEM["properties"] = {
    **PROBLEM["properties"],
    "problems": {**mapping(TEXT), "description": "What is wrong, by the name of the field; empty for other refusals."},
    "by": {**TEXT_OR_NONE, "description": "409: the account that was faster."},
    "at": {**INSTANT_OR_NONE, "description": "409: when that was."},
}

WAITING = record(code=TEXT_OR_NONE, since=INSTANT_OR_NONE, until=INSTANT_OR_NONE)
RESPONSIBLE = record(group=TEXT_OR_NONE, person=TEXT_OR_NONE)

SUMMARY = record(
    number=TEXT_OR_NONE,
    summary=TEXT_OR_NONE,
    state=TEXT,
    stage=NUMBER,
    source=TEXT_OR_NONE,
    priority=NUMBER_OR_NONE,
    priority_provisional=FLAG,
    department=TEXT_OR_NONE,
    customer_name=TEXT_OR_NONE,
    responsible=RESPONSIBLE,
    waiting=WAITING,
    occurred_at=INSTANT_OR_NONE,
    recorded_at=INSTANT_OR_NONE,
    updated_at=INSTANT,
)

CLOCK = record(
    name=TEXT,
    target_seconds=SECONDS_OR_NONE,
    started_at=INSTANT_OR_NONE,
    stopped_at=INSTANT_OR_NONE,
    due_at=INSTANT_OR_NONE,
    counted_seconds=SECONDS_OR_NONE,
    paused_seconds=SECONDS_OR_NONE,
)

CHILD = record(number=TEXT, kind=TEXT, state=TEXT, title=TEXT, group=TEXT, person=TEXT_OR_NONE, result=TEXT_OR_NONE)

CHANGE = record(field=TEXT, old=ANY, new=ANY, reason=TEXT_OR_NONE)
DECISION = record(decision=TEXT, version=NUMBER, inputs=ANY, answer=ANY)
EVENT = record(
    kind=TEXT,
    at=INSTANT,
    actor=TEXT,
    on_behalf_of=TEXT_OR_NONE,
    element=TEXT_OR_NONE,
    text=TEXT_OR_NONE,
    changes=many(CHANGE),
    decisions=many(DECISION),
)

TASK = record(
    id=TEXT,
    name=TEXT,
    element=TEXT,
    incident=TEXT_OR_NONE,
    summary=TEXT_OR_NONE,
    group=TEXT_OR_NONE,
    assignee=TEXT_OR_NONE,
    priority=NUMBER,
    due_at=INSTANT_OR_NONE,
    created_at=INSTANT,
    token=NUMBER,
)

INCIDENT = record(
    number=TEXT_OR_NONE,
    state=TEXT,
    stage=NUMBER,
    revision=NUMBER,
    responsible=RESPONSIBLE,
    waiting=WAITING,
    facts={**mapping(ANY), "description": "What is known; telephones and mail only for those who may see them."},
    clocks=many(CLOCK),
    tasks=many(ref("OpenTask")),
    children=many(ref("Child")),
    related={**mapping(many(TEXT)), "description": "Numbers of other incidents by relation."},
    timeline=many(ref("Event")),
    updated_at=INSTANT,
)
OPEN_TASK = record(
    id=TEXT,
    name=TEXT,
    element=TEXT,
    group=TEXT_OR_NONE,
    assignee=TEXT_OR_NONE,
    due_at=INSTANT_OR_NONE,
    token=NUMBER,
)

FORM = record(key=TEXT, title=TEXT, schema={"type": "object"}, ui={"type": "object"})
WHOLE_TASK = record(
    id=TEXT,
    name=TEXT,
    element=TEXT,
    process=TEXT,
    business_key=TEXT,
    purpose=TEXT_OR_NONE,
    group=TEXT_OR_NONE,
    assignee=TEXT_OR_NONE,
    priority=NUMBER,
    due_at=INSTANT_OR_NONE,
    created_at=INSTANT,
    token=NUMBER,
    form={"anyOf": [ref("Form"), {"type": "null"}]},
)

ALARM_DONE = {
    "type": "string",
    "enum": ["created", "added", "cleared", "resolved", "unknown", "refused", "failed"],
    "description": (
        "created: a new incident; added: to its open incident; cleared: noted there; resolved: it was not accepted "
        "yet and is resolved by itself; unknown: nothing is open that could recover; refused: see problems; "
        "failed: send it again."
    ),
}
ALARM_RESULT = record(number=TEXT_OR_NONE, result=ALARM_DONE, incident=TEXT_OR_NONE, problems=mapping(TEXT))

COMPONENTS = {
    "Problem": PROBLEM,
    "IncidentSummary": SUMMARY,
    "Incident": INCIDENT,
    "Task": TASK,
    "OpenTask": OPEN_TASK,
    "WholeTask": WHOLE_TASK,
    "Form": FORM,
    "Child": CHILD,
    "Event": EVENT,
    "AlarmResult": ALARM_RESULT,
}
