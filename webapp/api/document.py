"""The OpenAPI 3.1 document, made of the operations and of the forms in force."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.context import SYSTEM, Context
from engine.errors import EngineError
from engine.forms import Form
from webapp.api import schemas
from webapp.api.alarms import webhook_schema
from webapp.api.incidents import PARTS, report_forms
from webapp.api.operations import KEY_AT_MOST, KEY_HEADER, OPERATIONS, Answer, Given, Operation, operation, published
from webapp.current import current_desk

VERSION = "1"
JSON = "application/json"
PROBLEM = {"content": {JSON: {"schema": schemas.ref("Problem")}}}
ABOUT = """\
The desk's verbs and queries as JSON. Who may do what is decided as on the pages: a token acts with the rights that its
account has at that moment. Messages are written for the staff behind a program, in Chinese unless `Accept-Language`
asks for English. Instants are ISO 8601 with their offset. An endpoint that takes `Idempotency-Key` answers a second
arrival with the first one's result for seven days."""
REFUSALS: Mapping[int, str] = {
    400: "Not understood: broken JSON, or a text with a NUL byte, which no database keeps",
    401: "No token, or one that is unknown, has ended, or whose account is disabled",
    403: "The account may not do this",
    404: "There is no such thing",
    409: "Somebody was faster (by, at), the state does not allow it, or the idempotency key came with another body",
    413: "The body is larger than 2 MiB",
    415: "The body is not application/json",
    422: "Refused values; `problems` names every field",
    429: "Too many requests with bad tokens from this address; wait for Retry-After",
    500: "A fault; nothing was changed, or the instance is stuck and somebody was told: do not repeat it",
    503: "The database is busy; nothing was changed, repeat it after Retry-After",
}
ALWAYS = (400, 401, 403, 422, 429, 500, 503)
WITH_BODY = (413, 415)
SIGNATURE = """\
HMAC-SHA256 of `<X-LoVEM-Timestamp>.<raw body>` with the installation's alarm secret, as `sha256=<hex>`; the timestamp
is in seconds since 1970 and at most five minutes old."""


@operation("GET", "/openapi.json", summary="This document", answers={200: {"type": "object"}}, open=True)
def openapi(given: Given) -> Answer:
    """Needs no token; the bodies of forms are those in force now."""
    return Answer(document())


def document() -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        paths.setdefault(_path(each.path), {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": "LoVEM Desk", "version": VERSION, "description": ABOUT},
        "servers": [{"url": "/api"}],
        "paths": paths,
        "components": {
            "schemas": {
                **schemas.COMPONENTS,
                "NewIncident": _new_incident(),
                "AlertmanagerWebhook": webhook_schema(),
            },
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A personal token (我的令牌)."},
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-LoVEM-Signature",
                    "description": SIGNATURE,
                },
            },
        },
    }


def _operation(this: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": this.name,
        "summary": this.summary,
        "description": this.description,
        "parameters": _parameters(this),
        "responses": _responses(this),
        "security": [] if this.open else [{"token": []}, *([{"signature": []}] if this.signed else [])],
    }
    if this.body is not None:
        schema = published(this.body) if isinstance(this.body, Form) else schemas.ref(this.body)
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    return described


def _parameters(this: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 200}}
        for name in re.findall(r"<(\w+)>", this.path)
    ]
    if this.query is not None:
        for name, schema in published(this.query)["properties"].items():
            plain = {key: value for key, value in schema.items() if key != "description"}
            described = {"name": name, "in": "query", "required": name in this.query.required, "schema": plain}
            found.append(described | {"description": schema.get("description", "")})
    if this.keyed is not None:
        schema = {"type": "string", "minLength": 1, "maxLength": KEY_AT_MOST, "pattern": "^[!-~]+$"}
        found.append({"name": KEY_HEADER, "in": "header", "required": this.keyed, "schema": schema})
    return found


def _responses(this: Operation) -> dict[str, Any]:
    statuses = {500} if this.open else {*ALWAYS, *this.refusals, *(WITH_BODY if this.body is not None else ())}
    if this.keyed is not None:
        statuses.add(409)
    answers: dict[str, Any] = {}
    for status, schema in this.answers.items():
        answers[str(status)] = {"description": REFUSALS.get(status, "Done"), "content": {JSON: {"schema": schema}}}
    for status in sorted(statuses - this.answers.keys()):
        answers[str(status)] = {"description": REFUSALS[status], **PROBLEM}
    return answers


def _path(rule: str) -> str:
    return re.sub(r"<(\w+)>", r"{\1}", rule)


def _new_incident() -> dict[str, Any]:
    """The body that creates an incident: by the forms in force, or any object where nothing is deployed yet."""
    desk = current_desk()
    with desk.reading() as connection:
        ctx = Context(connection=connection, now=desk.clock(), actor=SYSTEM, handlers=desk.handlers)
        try:
            parts = {part: published(form) for part, form in report_forms(ctx).items()}
        except EngineError:
            parts = {part: {"type": "object"} for part in PARTS}
    return {"type": "object", "properties": parts, "required": list(parts), "additionalProperties": False}
