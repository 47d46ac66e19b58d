"""Several tasks at once: take, give to a colleague, pass on to another group; each row says what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import InvalidValuesError
from webapp import desk as verbs
from webapp.current import current_desk, current_person
from webapp.desk import Outcome
from webapp.queries import work
from webapp.queries.keyset import PAGE
from webapp.routes.blueprint import pages
from webapp.routes.bulk_choices import Result
from webapp.routes.reading import reading
from webapp.routes.work import TABS, work_list
from webapp.routes.work_rows import task_row

_DIGITS = 9
Chosen = list[tuple[str, int]]


@pages.post("/work/bulk")
def bulk() -> ResponseReturnValue:
    """Do the act to each marked task and show the list again, with a result for each."""
    chosen = _chosen(request.form.getlist("task"))
    if not chosen:
        raise InvalidValuesError({"task": str(_("请先勾选要办理的工作"))})
    act = ACTS.get(request.form.get("act", ""))
    if act is None:
        raise InvalidValuesError({"act": str(_("没有这种操作"))})
    with reading() as reader:
        before = work.several(reader.ctx.connection, [task_id for task_id, _token in chosen])
        rows = {task.id: task_row(reader, task) for task in before}
        elements = {task.id: task.element_id for task in before}
        accounts = reader.accounts(*(task.assignee for task in before), current_person().account)
    outcomes = act(chosen, elements)
    results = [
        Result(
            title=rows[each.task_id].title if each.task_id in rows else _("已办完的工作"),
            number=rows[each.task_id].second if each.task_id in rows else "",
            url=rows[each.task_id].url if each.task_id in rows else "",
            refusal=_named(each.refusal, accounts),
        )
        for each in outcomes
    ]
    tab = request.args.get("tab", "mine")
    return work_list(tab if tab in TABS else "mine", results)


def _claim(chosen: Chosen, _elements: dict[str, str]) -> Sequence[Outcome]:
    return verbs.claim_each(current_desk(), current_person(), chosen)


def _assign(chosen: Chosen, _elements: dict[str, str]) -> Sequence[Outcome]:
    account = request.form.get("person", "")
    if not account:
        raise InvalidValuesError({"person": str(_("请选择改派给谁"))})
    return verbs.assign_each(current_desk(), current_person(), chosen, account)


def _transfer(chosen: Chosen, elements: dict[str, str]) -> Sequence[Outcome]:
    given = {name: request.form.get(name, "").strip() for name in ("group", "reason", "cause", "note")}
    for name, label in (("group", _("转到的组")), ("reason", _("转派原因")), ("cause", _("故障根源分类"))):
        if not given[name]:
            raise InvalidValuesError({name: str(_("请选择%(label)s", label=label))})
    values = {name: text for name, text in given.items() if text}
    return verbs.transfer_each(current_desk(), current_person(), chosen, values, elements)


ACTS: dict[str, Callable[[Chosen, dict[str, str]], Sequence[Outcome]]] = {
    "claim": _claim,
    "assign": _assign,
    "transfer": _transfer,
}


def _chosen(marks: Sequence[str]) -> Chosen:
    """(task id, token) of the marks ``id~token``; at most a page of them, and none twice."""
    found: dict[str, int] = {}
    for mark in marks[:PAGE]:
        task_id, _tilde, token = mark.partition("~")
        if task_id and token.isascii() and token.isdigit() and len(token) <= _DIGITS:
            found[task_id[:40]] = int(token)
    return list(found.items())


def _named(sentence: str, accounts: dict[str, str]) -> str:
    """A refusal with names in place of accounts."""
    for account, name in accounts.items():
        sentence = sentence.replace(account, name)
    return sentence
