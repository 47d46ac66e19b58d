"""Any form, whatever is posted to it: bad input is refused by name and keeps what was typed, good input completes.

Each example draws two forms of one page, deploys them, and sends posts to the page and bodies to the API.
Eight examples in CI, 150 with ``LOVEM_PROVE=1``.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lxml import html
from sqlalchemy import select

from engine import definitions, instances
from engine.offers import Offer
from engine.persistence import instance, user_task
from tests.engine.check.draw import bpmn, end, start, user
from tests.engine.toys import form
from tests.office import Office
from webapp import auth, people, tokens
from webapp.app import create_app
from webapp.current import Services
from webapp.database import make_engine
from webapp.settings import Settings
from webapp.shipped import lane_names

EXAMPLES = 150 if os.environ.get("LOVEM_PROVE") else 8
FIRST, SECOND = "p_fill", "p_more"
PASSWORD = "correct horse battery"
OFFER = (
    '<bpmn:extensionElements><spiffworkflow:properties><spiffworkflow:property name="offer" value="probe.offer"/>'
    "</spiffworkflow:properties></bpmn:extensionElements>"
)
PROBE = bpmn(
    [
        start("p_start"),
        user(FIRST, props={"form": "first", "joined": SECOND}),
        user(SECOND, props={"form": "second"}),
        end("p_end", "done"),
    ],
    [f"p_start>{FIRST}", f"{FIRST}>{SECOND}", f"{SECOND}>p_end"],
    key="probe",
    extra=OFFER,
).encode()
LONG = "9" * 4300


@dataclass(frozen=True)
class Kind:
    """A kind of field: schema, hints, texts that a browser may send, texts that it must not, and JSON values alike."""

    schema: Mapping[str, Any]
    hints: Mapping[str, Any]
    good: Sequence[str]
    bad: Sequence[str]
    typed: Any  # a good JSON value
    untyped: Sequence[Any]  # bad ones
    chosen: bool = False  # one of a list: what is not in it cannot be shown again


TEXT, NUMBER = {"type": "string"}, {"type": "number"}
WORDS = ["red", "green", "blue"]
PLAIN_BAD: Sequence[Any] = (5, ["x"], {"a": "b"}, True)
KINDS: Mapping[str, Kind] = {
    "text": Kind(
        {**TEXT, "minLength": 2, "maxLength": 12}, {"widget": "text"},
        ["甲乙", " x １2 ", "<b>&'\"", "😀😀"], ["甲", "长" * 13, LONG], "甲乙", [*PLAIN_BAD, "甲", "长" * 13],
    ),
    "area": Kind(
        {**TEXT, "maxLength": 40}, {"widget": "area", "rows": 2},
        ["一行\r\n二行", "=1+1", "</textarea><script>"], ["长" * 41, "行\n" * 30], "一", [*PLAIN_BAD, "长" * 41],
    ),
    "phone": Kind(
        {**TEXT, "pattern": "^[0-9-]{5,20}$", "maxLength": 20}, {"widget": "phone"},
        ["0731—８５５５", "12345"], ["电话", "12", "１２", "1" * 21], "12345", [*PLAIN_BAD, "12", 12345],
    ),
    "mail": Kind({**TEXT, "format": "email", "maxLength": 60}, {}, ["a@b.cn"], ["nobody", "@", "a@" + "b" * 60],
                 "a@b.cn", [*PLAIN_BAD, "@"]),
    "instant": Kind(
        {**TEXT, "format": "date-time"}, {"widget": "date-time"},
        ["08:20", "11-22 15:20", "２０２６-11-22 10：00", "-20"],
        ["昨天", "25:61", "0001-01-01 00:00", "99999-01-01 00:00", "2026-02-30 10:00", "-" + LONG, "٣:٣٣"],
        "2026-11-22T10:00:00+08:00", [*PLAIN_BAD, "2026-11-22", "9999-99-99T00:00:00Z", "0001-01-01T00:00:00+14:00"],
    ),
    "day": Kind({**TEXT, "format": "date"}, {}, ["2026-11-23", "２０２６-11-23"], ["2026-02-30", "11-23", "0000-00-00"],
                "2026-11-23", [*PLAIN_BAD, "2026-02-30"]),
    "whole": Kind(
        {"type": "integer", "minimum": 1, "maximum": 99}, {},
        ["７", "12", "+5", " 3 "], ["0", "100", LONG, "1.5", "1e1", "nan", "٣", "十", "-1"],
        7, ["7", 0, 100, 1.5, 2**60, 1e300, True, [7]],
    ),
    "number": Kind(
        {**NUMBER, "minimum": 0, "maximum": 1000}, {"widget": "number"},
        ["1.5", "１．５", "0"], ["-1", "1e2", "inf", LONG, "1.2.3", "0x10"], 1.5, ["1.5", -1, 1e300, 2**60, False],
    ),
    "agreed": Kind({"type": "boolean", "const": True}, {"widget": "check"}, ["true"], [],
                   True, [False, "true", 1], True),
    "yes": Kind({"type": "boolean"}, {"widget": "chips"}, ["true", "false"], ["maybe", "1", "True"],
                False, ["false", 0, []], True),
    "select": Kind({**TEXT, "enum": WORDS}, {"widget": "select"}, WORDS, ["out", "RED", LONG], "red", ["out", 1], True),
    "chips": Kind({**TEXT, "oneOf": [{"const": each, "title": f"〔{each}〕"} for each in WORDS]}, {"widget": "chips"},
                  WORDS, ["out", "〔red〕"], "blue", ["out", None.__class__.__name__, 1], True),
    "cards": Kind({"type": "integer", "oneOf": [{"const": n, "title": f"第 {n} 级"} for n in (1, 2, 3)]},
                  {"widget": "cards"}, ["1", "3"], ["4", "一", "1.5"], 2, [4, "2", True], True),
    "list": Kind(
        {"type": "array", "items": {**TEXT, "maxLength": 5}, "maxItems": 3, "uniqueItems": True}, {},
        ["甲、乙", "甲，乙\n丙"], ["甲、乙、丙、丁", "甲,甲", "长" * 6], ["甲"], ["甲", ["甲", "甲"], [1]],
    ),
    "source": Kind({**TEXT, "maxLength": 20}, {"widget": "select", "source": "reference:sources"},
                   ["phone", "business"], ["x" * 21], "phone", [1, "x" * 21], True),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Part:
    """One drawn form: its fields in order, which must be filled in, on which answer each is shown, and what leaves."""

    step: str
    fields: Mapping[str, str]  # name → kind
    required: frozenset[str]
    shown_if: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # name → (another field, its answer)
    leaves: str | None = None  # the field of WORDS whose first answer ends the page here

    def title(self, name: str) -> str:
        return f"{'甲乙'[self.step == SECOND]}项{name}"

    def file(self, key: str) -> bytes:
        properties = {name: {"title": self.title(name), **KINDS[kind].schema} for name, kind in self.fields.items()}
        hints: dict[str, dict[str, Any]] = {name: dict(KINDS[kind].hints) for name, kind in self.fields.items()}
        for name, (other, answer) in self.shown_if.items():
            hints[name]["showIf"] = {other: answer}
        ui: dict[str, Any] = {"fields": hints, "order": list(self.fields)}
        if self.leaves:
            ui["leaves"] = {self.leaves: [WORDS[0]]}
        return form(key, properties, ui=ui, required=sorted(self.required), additionalProperties=False)

    def shown(self, name: str, answers: Mapping[str, str | None]) -> bool:
        """Whether a field is asked for; what hangs on a field that is not, is not either."""
        if name not in self.shown_if:
            return True
        other, answer = self.shown_if[name]
        return self.shown(other, answers) and answers.get(other) == answer

    def leaves_with(self, answers: Mapping[str, str | None]) -> bool:
        return self.leaves is not None and self.shown(self.leaves, answers) and answers[self.leaves] == WORDS[0]


@dataclass(frozen=True)
class Sent:
    """One drawn post: per step the text of each field (None: not sent), and the fields that must be refused."""

    texts: Mapping[str, Mapping[str, str | None]]
    wrong: frozenset[tuple[str, str]]

    def pairs(self) -> list[tuple[str, str]]:
        return [
            (f"{step}.{name}", text)
            for step, texts in self.texts.items()
            for name, text in texts.items()
            if text is not None
        ]


@st.composite
def parts(draw: st.DrawFn, step: str) -> Part:
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=6))
    fields = {f"f{place}": kind for place, kind in enumerate(kinds)}
    choices = [name for name, kind in fields.items() if kind in ("select", "chips")]
    shown_if = {}
    for name in fields:
        others = [each for each in choices if each < name]
        if others and draw(st.booleans()):
            shown_if[name] = (draw(st.sampled_from(others)), draw(st.sampled_from(WORDS)))
    required = frozenset(name for name in fields if draw(st.booleans()))
    leaves = draw(st.sampled_from([None, *choices])) if step == FIRST else None
    return Part(step, fields, required, shown_if, leaves)


@st.composite
def posts(draw: st.DrawFn, page: Sequence[Part], *, wrong: bool) -> Sent:
    """A post of which at least one field is refused (``wrong``), or none."""
    texts = {part.step: {name: _good(draw, part, name) for name in part.fields} for part in page}
    for part in page:  # hidden fields may hold anything: nobody looks at them
        for name, kind in part.fields.items():
            if not part.shown(name, texts[part.step]) and KINDS[kind].bad and draw(st.booleans()):
                texts[part.step][name] = draw(st.sampled_from(KINDS[kind].bad))
    asked = [
        (part, name)
        for part in (page[:1] if page[0].leaves_with(texts[FIRST]) else page)
        for name in part.fields
        if part.shown(name, texts[part.step]) and _may_be_wrong(part, name)
    ]
    if not wrong:
        return Sent(texts, frozenset())
    chosen = draw(st.lists(st.sampled_from(asked), min_size=1, max_size=3, unique=True)) if asked else []
    for part, name in chosen:
        texts[part.step][name] = _bad(draw, part, name)
    return Sent(texts, frozenset((part.step, name) for part, name in chosen))


def _good(draw: st.DrawFn, part: Part, name: str) -> str | None:
    kind = KINDS[part.fields[name]]
    optional = name not in part.required and part.fields[name] != "agreed"
    return draw(st.sampled_from([*kind.good, None, "", " 　"] if optional else kind.good))


def _may_be_wrong(part: Part, name: str) -> bool:
    """Fields on whose answer others hang stay as they are, so that what is asked for is known beforehand."""
    leading = {other for other, _ in part.shown_if.values()} | {part.leaves}
    kind = part.fields[name]
    return name not in leading and bool(KINDS[kind].bad or kind == "agreed" or name in part.required)


def _bad(draw: st.DrawFn, part: Part, name: str) -> str | None:
    kind = part.fields[name]
    if kind == "agreed":
        return None
    absent = [None, "", "\u3000 "] if name in part.required else []
    return draw(st.sampled_from([*KINDS[kind].bad, *absent]))


class World:
    """An office with the page of two steps, a signed-in browser and a program with a token."""

    def __init__(self, path: Path) -> None:
        url = f"sqlite:///{path}"
        self.office = Office(make_engine(url))
        self.desk = self.office.with_handlers(probe__offer=lambda _ctx, _call: Offer(candidate_group="desk"))
        app = create_app(Settings(database_url=url, demo=True), clock=lambda: self.office.now)
        app.config.update(WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False)
        app.extensions["lovem"] = Services(app.extensions["lovem"].settings, replace(self.desk))
        with self.desk.unit_of_work("test") as ctx:
            people.set_password(ctx, "reception01", auth.hash_password(PASSWORD))
        self.client: FlaskClient = app.test_client()
        self.client.post("/sign-in", data={"account": "reception01", "password": PASSWORD})
        token = tokens.issue(self.desk, "test", "reception01", "test").token
        self.program = {"Authorization": f"Bearer {token}"}
        self.client.get("/api/tasks", headers=self.program)
        self.incident_id = self.office.report()
        self.watcher = sqlite3.connect(path)

    def deploy(self, page: Sequence[Part]) -> None:
        files = {"probe.bpmn": PROBE, "first.json": page[0].file("first"), "second.json": page[1].file("second")}
        with self.desk.unit_of_work("test") as ctx:
            definitions.deploy(ctx, files, reason="随机表单", lanes=lane_names(ctx))

    def start(self) -> tuple[str, int]:
        """A new task at the first step: its id and token."""
        self.clear()
        with self.desk.unit_of_work("test") as ctx:
            (task_id,) = instances.start(ctx, "probe", str(self.incident_id), {}).opened
            return task_id, ctx.connection.scalar(select(user_task.c.revision).where(user_task.c.id == task_id)) or 0

    def clear(self) -> None:
        c = instance.c
        with self.desk.unit_of_work("test") as ctx:
            running = select(c.id).where(c.process_key == "probe", c.ended_at.is_(None))
            for each in ctx.connection.scalars(running).all():
                instances.cancel(ctx, each, "test")

    def open_steps(self) -> set[str]:
        """Where the probe waits for somebody."""
        joined = user_task.join(instance, instance.c.id == user_task.c.instance_id)
        with self.desk.reading() as connection:
            query = select(user_task.c.element_id).select_from(joined).where(instance.c.process_key == "probe")
            return set(connection.scalars(query))

    def version(self) -> int:
        """A number that changes whenever anybody commits anything."""
        return int(self.watcher.execute("PRAGMA data_version").fetchone()[0])


@pytest.fixture(scope="module")
def world(sqlite_office: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    path = tmp_path_factory.mktemp("forms") / "office.db"
    shutil.copyfile(sqlite_office, path)
    world = World(path)
    yield world
    world.watcher.close()
    world.desk.engine.dispose()


PAGES = st.tuples(parts(FIRST), parts(SECOND))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not os.environ.get("LOVEM_PROVE"),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each example deploys: shrinking one would take minutes
    suppress_health_check=list(HealthCheck),
)
@given(page=PAGES, data=st.data())
def test_any_form_refuses_what_is_wrong_by_name_and_keeps_what_was_typed(
    world: World, page: tuple[Part, Part], data: st.DataObject
) -> None:
    world.deploy(page)
    task_id, token = world.start()
    before = world.version()
    for _ in range(5):
        sent = data.draw(posts(page, wrong=True))
        if sent.wrong:
            answer = world.client.post(f"/tasks/{task_id}", data=_with_extras(data, sent, token, task_id))
            assert answer.status_code == 422, sent
            require_named_and_kept(answer.text, page, sent)
    strange = data.draw(st.sampled_from([part.step + "." + name for part in page for name in part.fields]))
    assert world.client.post(f"/tasks/{task_id}", data={strange: "a\0b", "token": token}).status_code == 400
    for body, status in bodies(page[0], token):
        answer = world.client.post(f"/api/tasks/{task_id}/complete", data=body, headers=world.program | JSON)
        assert answer.status_code == status, (body, answer.text)
    assert world.version() == before
    require_complete(world, page, data.draw(posts(page, wrong=False)), data, task_id, token)


JSON = {"Content-Type": "application/json"}


def _with_extras(data: st.DataObject, sent: Sent, token: int, task_id: str) -> dict[str, Any]:
    """The post with what no form asks for, and names that come twice, of which the first counts."""
    form_: dict[str, Any] = {"token": str(token), "key": f"{task_id[:8]}-{data.draw(st.integers(0, 10**9))}"}
    for name, text in sent.pairs():
        form_[name] = [text, "又来一次"] if data.draw(st.booleans()) else text
    return form_ | data.draw(st.sampled_from([{}, {f"{FIRST}.unknown": "x"}, {"q.z": "\ufffd"}, {"base": "[["}]))


def require_named_and_kept(text: str, page: Sequence[Part], sent: Sent) -> None:
    tree = html.fromstring(text)
    found = set()
    for part in page:
        for name in part.fields:
            (error,) = [each.text_content() for each in tree.xpath(f"//*[@id='{part.step}--{name}-error']")] or [""]
            if error:
                found.add((part.step, name))
                assert part.title(name) in error
            require_kept(tree, part, name, sent.texts[part.step][name])
    assert found == sent.wrong


def require_kept(tree: Any, part: Part, name: str, typed: str | None) -> None:
    inputs = tree.xpath(f"//*[@name='{part.step}.{name}']")
    held = [each for each in inputs if each.get("type") not in ("radio", "checkbox") or "checked" in each.attrib]
    offered = [each.get("value") for each in inputs] + tree.xpath(f"//*[@name='{part.step}.{name}']//option/@value")
    kind = KINDS[part.fields[name]]
    if kind.chosen and typed not in offered:
        return
    now = str(held[0].value or "") if held and held[0].tag != "input" else held[0].get("value") if held else ""
    if part.fields[name] == "instant" and typed in kind.good:
        assert re.fullmatch(r"2026-11-\d\d \d\d:\d\d", now)
    else:
        assert alike(now) == alike(typed or ""), (name, part.fields[name], typed, now)


def alike(text: str) -> str | float:
    """What two spellings of one input have in common: widths, line ends, blanks around, separators, kinds of dash."""
    plain = unicodedata.normalize("NFKC", text.replace("\r\n", "\n").replace("—", "-")).strip()
    if re.fullmatch(r"[+-]?[0-9.]{1,6}", plain) and plain.count(".") < 2:
        return float(plain)
    return re.sub(r"[、,;\n]+", "、", plain).strip("、")


def bodies(part: Part, token: int) -> list[tuple[bytes, int]]:
    """Bodies for the API that must be refused, with the status of the refusal."""
    good = {name: KINDS[kind].typed for name, kind in part.fields.items()}
    for other, answer in part.shown_if.values():
        good[other] = answer
    found = [({**good, "unknown": 1}, 422), ({**good, "lo\U0001f600ng" * 50: "x"}, 422)]
    leading = {other for other, _ in part.shown_if.values()}
    for name, kind in part.fields.items():
        if name not in part.shown_if and name not in leading:
            found += [({**good, name: value}, 422) for value in KINDS[kind].untyped]
    packed = [(orjson.dumps({"token": token, "values": values}), status) for values, status in found]
    whole = orjson.dumps({"token": token, "values": good})
    name = next(iter(part.fields))
    head = b'{"token": %d, "values": {"%s": ' % (token, name.encode())
    broken = [b'"\\ud800"}}', b'"a\\u0000b"}}', b'"\xff"}}', b"1" + b"0" * 400 + b"}}", b"NaN}}", b"[" * 3000]
    return [*packed, *((head + end_, 400) for end_ in broken), (whole[:-1], 400), (b"[]", 422), (b"null", 422)]


def require_complete(
    world: World, page: Sequence[Part], sent: Sent, data: st.DataObject, task_id: str, token: int
) -> None:
    answer = world.client.post(f"/tasks/{task_id}", data=_with_extras(data, sent, token, task_id))
    assert answer.status_code == 303, (sent, answer.text)
    assert world.open_steps() == ({SECOND} if page[0].leaves_with(sent.texts[FIRST]) else set())
