"""How a task ended, for whoever comes to its page afterwards: with what he had typed, if somebody was faster."""

from __future__ import annotations

from flask import render_template, request
from flask_babel import gettext as _

from engine import definitions
from engine.errors import EngineError, NotFoundError
from webapp.queries import tasks
from webapp.queries.rows import Record
from webapp.routes.reading import Reader
from webapp.routes.step_forms import build_steps, plan, posted_values
from webapp.routes.task_subject import Subject, subject_of


def done(reader: Reader, task_id: str, *, late: bool = False) -> tuple[str, int]:
    """The page of a task that is done; ``late`` for a command that came after it. Raises NotFoundError."""
    ended = tasks.done(reader.ctx.connection, task_id)
    if ended is None:
        raise NotFoundError(_("没有这项工作，地址可能有误。"))
    try:
        subject = subject_of(reader, ended["business_key"])
    except EngineError:
        subject = None  # the process is about another kind of record
    program = definitions.load_bundle(reader.ctx, ended["bundle_id"]).program
    context = {
        "step": program.elements[ended["element_id"]].name,
        "ended": ended,
        "by": reader.accounts(ended["actor"]).get(ended["actor"], ended["actor"]),
        "incident": subject.incident if subject else None,
        "late": late,
        "mine": ended["actor"] == reader.person.account,
        "typed": _typed_words(reader, ended, subject) if late and subject else [],
    }
    return render_template("task_done.html", here="work", **context), 409 if late else 200


def _typed_words(reader: Reader, ended: Record, subject: Subject) -> list[tuple[str, str]]:
    """What was typed, as label and words, for copying: the form itself is gone."""
    the_plan = plan(definitions.load_bundle(reader.ctx, ended["bundle_id"]), ended["element_id"])
    values = posted_values(reader, the_plan, request.form, subject.incident)
    fields = [each for step in build_steps(reader, the_plan, values, subject.incident) for each in step.fields]
    return [(each.label, each.words) for each in fields if each.words and not each.off]
