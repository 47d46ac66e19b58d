"""Somebody was faster: what the page says, and how the two sets of values are brought together field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from flask_babel import gettext as _

from webapp.queries import tasks
from webapp.queries.rows import Record
from webapp.routes.reading import Reader
from webapp.routes.step_forms import Step, build_steps
from webapp.routes.task_view import Conflict, Opened, Values


@dataclass(frozen=True, slots=True)
class Merged:
    """The values to show, and for each field that somebody else changed the sentence beside it, by input name."""

    values: dict[str, dict[str, Any]]
    theirs: dict[str, str]


def merge(reader: Reader, it: Opened, typed: Values, now: Values, base: Mapping[str, str]) -> Merged:
    """Bring what was ``typed`` together with what holds ``now``; ``base`` is what the page began with.

    A field that only the other has changed takes his value; one that both have changed keeps what was typed, with his
    value beside it. Nothing of what was typed is lost.
    """
    mine = _fields(build_steps(reader, it.plan, typed, it.facts))
    others = _fields(build_steps(reader, it.plan, now, it.facts))
    values = {element_id: dict(each) for element_id, each in typed.items()}
    theirs: dict[str, str] = {}
    for name, (element_id, key, text, words) in others.items():
        before, typed_text = base.get(name, ""), mine[name][2] if name in mine else ""
        if text in (before, typed_text):
            continue
        if typed_text == before:
            values[element_id][key] = now[element_id].get(key)
            theirs[name] = _("别人改过这一项，已换成最新内容；打开页面时为：%(words)s", words=before or _("空"))
        else:
            theirs[name] = _("别人也改过这一项，现为：%(words)s。保留的是您填写的内容。", words=words or _("空"))
    return Merged(values, theirs)


def _fields(steps: list[Step]) -> dict[str, tuple[str, str, str, str]]:
    """Input name → element, key, text, and the text in words."""
    return {
        each.name: (step.element_id, each.key, each.value, each.words)
        for step in steps
        for each in step.fields
        if each.name
    }


def read_base(text: str) -> dict[str, str]:
    """What a page said that it began with; nothing for text that no page has sent."""
    try:
        found = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def conflict_words(reader: Reader, task: Record | None, message: str, by: str | None, at: Any) -> Conflict:
    """Who was faster and when; for a task taken meanwhile its row says both."""
    by = by or (task["assignee"] or task["changed_by"] or "" if task else "")
    at = at or (task["changed_at"] if task else None)
    name = reader.accounts(by).get(by, by)
    what = _("“%(step)s”", step=task["name"]) if task else _("这一步")
    if by == reader.person.account:
        title = _("您在另一个窗口改动过这项工作")
        return Conflict(_("您自己领取或改动了%(what)s，请从最新内容继续", what=what), "", at, title)
    if task and by and task["assignee"] == by:
        return Conflict(_("%(name)s 领取了%(what)s", name=name, what=what), "", at, _("别人已先领取"))
    words = message.replace(by, name) if by else message
    said = "" if name and name in words else name
    return Conflict(words, said, at, _("别人已先提交：这张单刚被改过"))


def taken_meanwhile(reader: Reader, task_id: str) -> bool:
    """Whether a task of the person's own group is in somebody else's hands: he was too late, not without the right."""
    task = tasks.get(reader.ctx.connection, task_id)
    if task is None:
        return False
    in_group = task["candidate_group"] in reader.person.groups
    return in_group and task["assignee"] not in (None, reader.person.account)
