"""The same act on several tasks: each in a unit of work of its own, with a result of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask_babel import gettext as _

from engine.errors import EngineError, InvalidValuesError, NotAllowedError, NotFoundError
from webapp.desk.core import Desk
from webapp.desk.tasks import assign, claim, complete_joined
from webapp.language import N_
from webapp.rights import Person

ACCEPT, TRANSFER = "s2_9_accept", "s2_11_transfer"  # a group that must accept may pass on instead
GONE = N_("已经办完或已不存在")

Chosen = Sequence[tuple[str, int]]
"""(task id, its token when the list was made)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one task: carried out, or the sentence that says why not."""

    task_id: str
    refusal: str = ""


def claim_each(desk: Desk, actor: Person, chosen: Chosen) -> list[Outcome]:
    """Take each of the tasks."""
    return [_outcome(task_id, partial(claim, desk, actor, task_id, token)) for task_id, token in chosen]


def assign_each(desk: Desk, actor: Person, chosen: Chosen, person: str) -> list[Outcome]:
    """Give each of the tasks to one person, who must be of the group to which it is offered (C-16)."""
    return [_outcome(task_id, partial(assign, desk, actor, task_id, person)) for task_id, _ in chosen]


def transfer_each(
    desk: Desk, actor: Person, chosen: Chosen, values: Mapping[str, Any], elements: Mapping[str, str]
) -> list[Outcome]:
    """Pass each incident on to another group with the ``values`` of 2.11; ``elements`` says at which step a task is.

    Only at 2.9 may a group pass on what it has not accepted.
    """

    def act(task_id: str, token: int) -> None:
        if elements.get(task_id) != ACCEPT:
            raise NotAllowedError(_("不在 2.9 接受事件并分析，不能直接转派，请打开后办理"))
        complete_joined(desk, actor, task_id, {ACCEPT: {"answer": "transfer"}, TRANSFER: values}, token)

    return [_outcome(task_id, partial(act, task_id, token)) for task_id, token in chosen]


def _outcome(task_id: str, act: Callable[[], object]) -> Outcome:
    try:
        act()
    except NotFoundError:
        return Outcome(task_id, str(_(GONE)))
    except InvalidValuesError as refused:
        return Outcome(task_id, "；".join(refused.problems.values()))
    except EngineError as refused:
        return Outcome(task_id, str(refused))
    return Outcome(task_id)
