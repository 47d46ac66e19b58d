"""One endpoint: what it takes and answers, as data; its route and its part of the OpenAPI document are made of it.

What a caller sends is described by forms (``engine.forms``), the one schema language of the product: the document
publishes their JSON Schema, a request is held against exactly that, and each refused field is named with a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from flask import Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from engine.errors import InvalidValuesError
from engine.form_texts import sentence
from engine.forms import Form, parse_form, validate
from engine.texts import storable
from webapp.api.blueprint import api
from webapp.desk.idempotency import KEY_LENGTH

Schema = Mapping[str, Any]
KEY_HEADER = "Idempotency-Key"
KEY_AT_MOST = KEY_LENGTH - 40  # verbs may add what tells one body from another
NOT_JSON = "请求体应为一个 JSON 对象，并以 Content-Type: application/json 提交。"
BROKEN = "请求体不是格式正确的 JSON。"


@dataclass(frozen=True, slots=True)
class Given:
    """What a request brought: checked parameters and body, and the key by which a second arrival is known."""

    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answers: content is plain JSON, instants are aware."""

    content: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


View = Callable[..., Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One line of the API. ``refusals`` are its statuses beside those that every operation can answer.

    ``body`` is a form, or the name of a part of the document where the body is made of forms in force. ``keyed`` says
    whether it takes an idempotency key: None never, False if given, True always. ``signed``: a signature will do, too.
    """

    name: str
    method: str
    path: str
    summary: str
    description: str
    answers: Mapping[int, Schema]
    refusals: Sequence[int] = ()
    query: Form | None = None
    body: Form | str | None = None
    keyed: bool | None = None
    signed: bool = False
    open: bool = False


OPERATIONS: list[Operation] = []


def operation(method: str, path: str, **told: Any) -> Callable[[View], View]:
    """Make a function the endpoint of ``method`` and ``path``; its docstring describes it to callers."""

    def register(function: View) -> View:
        text = " ".join((function.__doc__ or "").split())
        this = Operation(name=function.__name__, method=method, path=path, description=text, **told)
        OPERATIONS.append(this)

        def view(**parts: str) -> ResponseReturnValue:
            return respond(function(_given(this), **parts))

        api.add_url_rule(path, endpoint=this.name, view_func=view, methods=[method])
        return function

    return register


def fields(key: str, title: str, required: Sequence[str] = (), /, **properties: Schema) -> Form:
    """A form that only programs fill in: its fields' schemas by name."""
    schema = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    return parse_form(orjson.dumps({"key": key, "title": title, "schema": schema}))


def published(form: Form) -> dict[str, Any]:
    """The JSON Schema of a form as callers see it; what is asked for under a condition only says so in words."""
    layout = form.ui.get("fields", {})
    properties = {name: dict(part) for name, part in form.fields.items()}
    for name, part in properties.items():
        if condition := layout.get(name, {}).get("showIf"):
            asked = "Required" if name in form.required else "Taken"
            part["description"] = f"{asked} where {orjson.dumps(condition).decode()}; ignored elsewhere."
        elif help_ := layout.get(name, {}).get("help"):
            part["description"] = help_
    always = [
        name
        for name in form.schema.get("required", ())
        if not layout.get(name, {}).get("showIf") and "default" not in form.fields[name]
    ]
    return {
        "type": "object",
        "title": form.title,
        "properties": properties,
        "required": always,
        "additionalProperties": False,
    }


def check(form: Form, values: Any, prefix: str = "") -> tuple[dict[str, Any], dict[str, str]]:
    """Clean values and problems by field, each name after ``prefix``; values hold only where there is no problem.

    Stricter than a page, which leaves out what is empty: what the published schema does not allow is refused.
    """
    problems: dict[str, str] = {}
    for error in form.validator.iter_errors(values):
        if error.absolute_path:
            name = str(error.absolute_path[0])
            problems.setdefault(name, sentence(form.title_of(name), error))
    clean: dict[str, Any] = {}
    try:
        clean = validate(form, values)
    except InvalidValuesError as refused:
        problems = refused.problems | problems
    return clean, {(prefix + name).rstrip("."): text for name, text in problems.items()}


def respond(answer: Answer) -> Response:
    """An answer as a response: UTF-8, instants as ISO 8601 with their offset."""
    content = orjson.dumps(answer.content, option=orjson.OPT_NON_STR_KEYS)
    return Response(content, answer.status, dict(answer.headers), mimetype="application/json")


def read_json() -> Any:
    """The body of this request; answers 400 or 415."""
    if not request.is_json:
        raise UnsupportedMediaType(NOT_JSON)
    try:
        return orjson.loads(request.get_data(cache=True))
    except orjson.JSONDecodeError:
        raise BadRequest(BROKEN) from None


def _given(this: Operation) -> Given:
    problems: dict[str, str] = {}
    query = _read_query(this, problems)
    body: Mapping[str, Any] = {}
    if isinstance(this.body, Form):
        body, found = check(this.body, read_json())
        problems |= found
    elif this.body is not None:
        body = read_json()
    key = _read_key(this, problems)
    if problems:
        raise InvalidValuesError(problems)
    return Given(query, body, key)


def _read_query(this: Operation, problems: dict[str, str]) -> Mapping[str, Any]:
    form = this.query or _NOTHING
    given: dict[str, Any] = {}
    for name in request.args:
        texts = request.args.getlist(name)
        if len(texts) > 1:
            problems[storable(name, 100)] = "参数只能给一次"
        given[name] = _typed(texts[0], form.fields.get(name, {}).get("type"))
    clean, found = check(form, given)
    for name, text in found.items():
        problems.setdefault(name, text)
    return clean


def _read_key(this: Operation, problems: dict[str, str]) -> str | None:
    key = request.headers.get(KEY_HEADER) if this.keyed is not None else None
    if key is None:
        if this.keyed:
            problems[KEY_HEADER] = "请在请求头中给出幂等键，重试时用同一个"
    elif not (0 < len(key) <= KEY_AT_MOST and key.isascii() and key.isprintable()):
        problems[KEY_HEADER] = f"幂等键应为 1 到 {KEY_AT_MOST} 个可以显示的 ASCII 字符"
    return key


def _typed(text: str, kind: object) -> Any:
    if kind == "integer" and text.isascii() and text.lstrip("-").isdigit() and len(text) < 16:
        return int(text)
    return text


_NOTHING = fields("nothing", "查询参数")
