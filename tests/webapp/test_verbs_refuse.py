"""Every verb of the desk checks its right by itself: past all doors, nobody without it does or changes anything."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import webapp.desk
from engine.errors import NotAllowedError
from handlers.records.attachments import File
from tests.office import CUSTOMER, Office
from webapp import desk as verbs
from webapp.database import make_engine
from webapp.desk import rules
from webapp.desk.alarms import Alarm
from webapp.rights import Person

# Parts of other verbs, and what everybody may do with what is his own.
NO_VERBS = {"once", "first_result", "change", "apart"}
OWN = {"save_filter", "delete_filter"}
AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
NOBODY = Person("nobody", "无岗位")
STRANGER = Person("customer09", "别的用户", roles=frozenset({"customer"}), customer=10**6)
LEADER = Person("leaders01", "领导", frozenset({"leaders"}), frozenset({"leaders"}))
MONITORING = Person("platform", "监控平台", roles=frozenset({"monitoring"}))
MAY = {("customer09", "request"), ("platform", "take_alarm")}


def found_verbs() -> Iterator[tuple[str, Callable[..., Any]]]:
    for module_info in pkgutil.iter_modules(webapp.desk.__path__):
        module = importlib.import_module(f"webapp.desk.{module_info.name}")
        for name, function in vars(module).items():
            own = inspect.isfunction(function) and function.__module__ == module.__name__
            if not own or name.startswith("_") or name in NO_VERBS | OWN:
                continue
            if list(inspect.signature(function).parameters)[:2] == ["desk", "actor"]:
                yield f"{module_info.name}.{name}", function


VERBS = dict(found_verbs())


class Scene:
    """An office with something for every verb to be done to, and plausible values for every parameter."""

    def __init__(self, path: Path) -> None:
        self.office = office = Office(make_engine(f"sqlite:///{path}"))
        self.watcher = sqlite3.connect(path)
        incident_id = office.accept("crm01")
        task = office.task(incident_id)
        child = verbs.open_problem(office.desk, office["manager01"], incident_id, "锁", "反复出现")
        draft = rules.begin(office.desk, office["manager01"], "urgency", key=None)
        self.values: dict[str, Any] = {
            "incident_id": incident_id, "master_id": office.report(), "other_id": incident_id, "task_id": task.id,
            "token": task.token, "number": child, "draft_id": draft, "revision": None, "instance_id": 1, "key": None,
            "values": {}, "chosen": [(task.id, task.token)], "elements": {task.id: "s2_9_accept"}, "person": "crm02",
            "account": "crm01", "name": "改名", "posts": [], "roles": ["owner"], "active": False,
            "files": [File("a.txt", "text/plain", b"a")], "kind": "change", "title": "标题", "details": "说明",
            "group": None, "reason": "原因", "note": "说明", "text": "文字", "summary": "概要", "satisfied": True,
            "opinion": "满意", "code": "W06", "until": AT, "decision": "urgency", "version": 1, "alongside": True,
            "file": b"<a/>", "row": "1", "cells": ["a"], "how": "up", "effective_from": None, "table": "groups",
            "valid_from": None,
            "alarm": Alarm(number="A-1", severity="major", text="断", occurred_at=AT),
        }  # fmt: skip

    def call(self, verb: Callable[..., Any], actor: Person) -> Any:
        parameters = list(inspect.signature(verb).parameters.values())[2:]
        named = {each.name: self.value(verb, each) for each in parameters if self.gives(each)}
        return verb(self.office.desk, actor, **named)

    def gives(self, parameter: inspect.Parameter) -> bool:
        return parameter.default is inspect.Parameter.empty or parameter.name in ("kind", "revision", "key")

    def value(self, verb: Callable[..., Any], parameter: inspect.Parameter) -> Any:
        if verb.__name__ == "comment" and parameter.name == "kind":
            return "supplement"
        if verb.__name__ == "report" and parameter.name == "values":
            return {verbs.IDENTIFY: CUSTOMER, verbs.RECORD: self.office.record()}
        if verb.__name__ == "save_row" and parameter.name == "cells":
            return {"key": "crm", "name": "改名"}
        return self.values[parameter.name]

    def version(self) -> int:
        """A number that changes whenever anybody commits anything."""
        return int(self.watcher.execute("PRAGMA data_version").fetchone()[0])


@pytest.fixture(scope="module")
def scene(sqlite_office: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    path = tmp_path_factory.mktemp("verbs") / "office.db"
    shutil.copyfile(sqlite_office, path)
    scene = Scene(path)
    yield scene
    scene.watcher.close()
    scene.office.desk.engine.dispose()


def test_the_verbs_are_found() -> None:
    assert len(VERBS) > 45
    assert {"people.set_roles", "rules.restore", "tasks.complete", "incidents.report"} <= VERBS.keys()


@pytest.mark.parametrize("name", sorted(VERBS))
def test_a_verb_refuses_whoever_has_no_right_and_changes_nothing(scene: Scene, name: str) -> None:
    before = scene.version()
    for actor in (NOBODY, STRANGER, LEADER, MONITORING):
        if (actor.account, VERBS[name].__name__) in MAY:
            continue
        if name.startswith("bulk."):
            (outcome,) = scene.call(VERBS[name], actor)
            assert outcome.refusal
        else:
            with pytest.raises(NotAllowedError):
                scene.call(VERBS[name], actor)
    assert scene.version() == before


@pytest.mark.parametrize("account", ["manager01", "maintenance01"])
def test_nobody_but_an_owner_makes_himself_one(scene: Scene, account: str) -> None:
    before = scene.version()
    me = next((each for each in scene.office.people.values() if each.account == account), None)
    me = me or next(each for each in scene.office.people.values() if "maintenance" in each.roles)
    assert "owner" not in me.roles
    for name in ("people.set_roles", "people.add", "people.reset_password", "people.set_active", "people.set_posts"):
        with pytest.raises(NotAllowedError):
            scene.call(VERBS[name], me)
    assert scene.version() == before
