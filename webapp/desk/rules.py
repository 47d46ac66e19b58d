"""Verbs on rules: a change of a decision table is drafted, submitted with a reason, and approved by somebody else.

The table ``rule_draft`` keeps every change, who wrote it, who approved it, and the deployment that it became.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from engine import definitions
from engine.catalogue import catalogue, content
from engine.context import Context
from engine.errors import ConflictError, DeploymentRefusedError, InvalidValuesError, NotAllowedError, NotFoundError
from webapp.desk import permission
from webapp.desk.core import Desk, given
from webapp.desk.idempotency import once
from webapp.desk.rule_rows import (
    APPROVED,
    DRAFT,
    OPEN,
    SUBMITTED,
    WITHDRAWN,
    BaseChangedError,
    Draft,
    held,
    insert_row,
    new_row,
    replaced_by,
    version_of,
    write,
)
from webapp.language import N_
from webapp.rights import Person, allowed
from webapp.sheets import edit
from webapp.sheets.merge import Merged, merge
from webapp.sheets.remarks import DraftRefusedError, Remark, of_deployment, remarks, require_storable
from webapp.sheets.sheet import read_sheet
from webapp.shipped import lane_names
from webapp.tables import rule_draft

_DRAFTING = N_("只有流程负责人、事件经理和流程维护组可以起草规则的改动。")
_APPROVING = N_("只有流程负责人和事件经理可以批准规则的改动。")

Change = Callable[[bytes, str], bytes]
"""From the draft's file and the decision's key to the new file."""


class AlreadyDraftedError(ConflictError):
    """Somebody works on this table already; ``draft_id`` is his draft."""

    def __init__(self, draft_id: int, by: str, at: datetime) -> None:
        """The page offers to look at it, or to begin another one all the same."""
        super().__init__(_("这张表已有一份没有办完的改动，请先看看它。"), by=by, at=at)
        self.draft_id = draft_id


def begin(
    desk: Desk, actor: Person, decision: str, *, version: int | None = None, alongside: bool = False, key: str | None
) -> int:
    """A new draft from the version in force, or from ``version``; returns its id.

    Raises AlreadyDraftedError where one is under way, unless it may stand ``alongside``.
    """

    def act(ctx: Context) -> dict[str, Any]:
        _require_right(ctx, actor, "rule.draft", _DRAFTING)
        known = catalogue(ctx)
        present = known.in_force("decision", decision, ctx.now)
        if present is None:
            raise NotFoundError(_("没有决策表 %(decision)s。", decision=decision))
        other = ctx.connection.execute(
            select(rule_draft.c.id, rule_draft.c.author, rule_draft.c.updated_at)
            .where(rule_draft.c.key == decision, rule_draft.c.state.in_(OPEN))
            .order_by(rule_draft.c.id)
        ).first()
        if other is not None and not alongside:
            raise AlreadyDraftedError(other.id, other.author, other.updated_at)
        source = present if version is None else version_of(known, decision, version)
        row = new_row(ctx, decision, present.version, content(ctx, source.id), DRAFT)
        return {"draft": insert_row(ctx, row)}

    return int(once(desk, actor, "rule.begin", decision, key, act)["draft"])


def save_file(desk: Desk, actor: Person, draft_id: int, file: bytes, *, revision: int | None, key: str | None) -> None:
    """Keep another file as the draft; it may have errors, but must be a file of this decision.

    Raises DraftRefusedError for a file that is none, and ConflictError for a stale ``revision``.
    """
    _change(desk, actor, draft_id, lambda _file, _decision: file, revision, key)


def change_row(
    desk: Desk,
    actor: Person,
    draft_id: int,
    row: str,
    cells: list[str],
    note: str,
    *,
    revision: int | None,
    key: str | None,
) -> None:
    """Write the cells of one row; ``row`` "" adds one at the end."""
    texts = [*cells, note]
    if any(len(text) > edit.LONGEST_CELL for text in texts):
        raise InvalidValuesError({"row": _("一格最多 %(longest_cell)s 个字符", longest_cell=edit.LONGEST_CELL)})

    def change(file: bytes, decision: str) -> bytes:
        sheet = read_sheet(file, decision)
        if sheet is None or len(cells) != len(sheet.columns):
            raise ConflictError(_("这张表的列已改变，请查看最新内容。"))
        if row:
            return edit.change_row(file, decision, row, cells, note)
        return edit.add_row(file, decision, None, cells, note)

    _change(desk, actor, draft_id, change, revision, key)


def arrange_row(
    desk: Desk, actor: Person, draft_id: int, row: str, how: str, *, revision: int | None, key: str | None
) -> None:
    """Move a row (``how`` up or down), remove it, or add an empty one behind it (``add``)."""

    def change(file: bytes, decision: str) -> bytes:
        if how == "remove":
            return edit.remove_row(file, decision, row)
        if how == "add":
            return edit.add_row(file, decision, row, [], "")
        if how not in ("up", "down"):
            raise InvalidValuesError({"row": _("不认识的操作")})
        return edit.move_row(file, decision, row, up=how == "up")

    _change(desk, actor, draft_id, change, revision, key)


def submit(
    desk: Desk,
    actor: Person,
    draft_id: int,
    reason: str,
    effective_from: datetime | None,
    *,
    revision: int | None,
    key: str | None,
) -> None:
    """Ask for approval; ``effective_from`` None is at once. Raises DraftRefusedError, BaseChangedError."""
    _examine_before(desk, actor, draft_id, "rule.draft", _DRAFTING)

    def act(ctx: Context) -> dict[str, Any]:
        _require_right(ctx, actor, "rule.draft", _DRAFTING)
        draft = held(ctx, draft_id, revision, DRAFT)
        _require_author(draft, actor)
        text = given(reason)
        if effective_from is not None and effective_from <= ctx.now:
            raise InvalidValuesError({"effective_from": _("生效时间应晚于现在；要立即生效请选“批准后立即”")})
        draft = {**draft, "effective_from": effective_from}
        _require_fit(ctx, draft)
        values = {"reason": text, "effective_from": effective_from, "submitted_at": ctx.now, "state": SUBMITTED}
        write(ctx, draft, **values)
        return {}

    once(desk, actor, "rule.submit", draft_id, key, act)


def recall(desk: Desk, actor: Person, draft_id: int, *, revision: int | None, key: str | None) -> None:
    """The author takes a submitted draft back, to change it further."""

    def act(ctx: Context) -> dict[str, Any]:
        _require_right(ctx, actor, "rule.draft", _DRAFTING)
        draft = held(ctx, draft_id, revision, SUBMITTED)
        _require_author(draft, actor)
        write(ctx, draft, state=DRAFT, submitted_at=None)
        return {}

    once(desk, actor, "rule.recall", draft_id, key, act)


def withdraw(desk: Desk, actor: Person, draft_id: int, *, revision: int | None, key: str | None) -> None:
    """Give a draft up: its author, or whoever may approve. It stays readable."""

    def act(ctx: Context) -> dict[str, Any]:
        approves = allowed(permission.as_now(ctx, actor, _(_DRAFTING)), "rule.approve")
        if not approves:
            _require_right(ctx, actor, "rule.draft", _DRAFTING)
        draft = held(ctx, draft_id, revision, *OPEN)
        if not approves:
            _require_author(draft, actor)
        write(ctx, draft, state=WITHDRAWN)
        return {}

    once(desk, actor, "rule.withdraw", draft_id, key, act)


def send_back(desk: Desk, actor: Person, draft_id: int, note: str, *, revision: int | None, key: str | None) -> None:
    """An approver returns the draft to its author with a note."""

    def act(ctx: Context) -> dict[str, Any]:
        _require_right(ctx, actor, "rule.approve", _APPROVING)
        draft = held(ctx, draft_id, revision, SUBMITTED)
        text = given(note, field="note", name=N_("退回的说明"))
        reviewed = {"reviewer": actor.account, "reviewed_at": ctx.now, "review_note": text}
        write(ctx, draft, state=DRAFT, submitted_at=None, **reviewed)
        return {}

    once(desk, actor, "rule.send_back", draft_id, key, act)


def approve(desk: Desk, actor: Person, draft_id: int, *, revision: int | None, key: str | None) -> None:
    """Put the draft in force from its instant on; never by its own author.

    The deployment carries the author's name, the draft the approver's. An instant that has passed meanwhile is now.
    Raises NotAllowedError, BaseChangedError, DraftRefusedError.
    """
    _examine_before(desk, actor, draft_id, "rule.approve", _APPROVING)

    def act(ctx: Context) -> dict[str, Any]:
        _require_right(ctx, actor, "rule.approve", _APPROVING)
        draft = held(ctx, draft_id, revision, SUBMITTED)
        if draft["author"] == actor.account:
            raise NotAllowedError(_("自己起草的改动须由另一个人批准。"))
        _require_fit(ctx, draft)
        deployment = _deploy(replace(ctx, actor=draft["author"]), draft)
        reviewed = {"reviewer": actor.account, "reviewed_at": ctx.now, "review_note": None}
        write(ctx, draft, state=APPROVED, deployment_id=deployment, **reviewed)
        return {}

    once(desk, actor, "rule.approve", draft_id, key, act)


def rebase(desk: Desk, actor: Person, draft_id: int, *, revision: int | None, key: str | None) -> tuple[str, ...]:
    """Carry a draft over to the version that it would replace now; returns what both had changed."""

    def act(ctx: Context) -> dict[str, Any]:
        _require_right(ctx, actor, "rule.draft", _DRAFTING)
        draft = held(ctx, draft_id, revision, *OPEN)
        _require_author(draft, actor)
        present = replaced_by(ctx, draft)
        base = version_of(catalogue(ctx), draft["key"], draft["base_version"])
        merged = merge(content(ctx, base.id), draft["content"], content(ctx, present.id), draft["key"])
        write(ctx, draft, content=merged.content, base_version=present.version, state=DRAFT, submitted_at=None)
        return {"both": list(_said(merged))}

    return tuple(once(desk, actor, "rule.rebase", draft_id, key, act)["both"])


def restore(desk: Desk, actor: Person, decision: str, version: int, reason: str, *, key: str | None) -> None:
    """Put an earlier version in force again at once; recorded like any change, with the approver as its author.

    One step, without a second person: this very content was approved before, and a bad rule must go quickly.
    """

    def act(ctx: Context) -> dict[str, Any]:
        _require_right(ctx, actor, "rule.approve", _APPROVING)
        text = given(reason)
        known = catalogue(ctx)
        present = known.in_force("decision", decision, ctx.now)
        old = version_of(known, decision, version)
        if present is None or present.version == version:
            raise ConflictError(_("第 %(version)s 版就是现行版本。", version=version))
        if old.effective_from is not None and old.effective_from > ctx.now:  # approved, but for a later instant
            raise ConflictError(_("第 %(version)s 版还没有生效过，不能恢复。", version=version))
        file = content(ctx, old.id)
        reviewed = {"reviewer": actor.account, "reviewed_at": ctx.now, "submitted_at": ctx.now}
        row = new_row(ctx, decision, present.version, file, APPROVED) | reviewed
        row |= {"reason": f"恢复到第 {version} 版：{text}"}
        deployment = _deploy(ctx, row)
        return {"draft": insert_row(ctx, row | {"deployment_id": deployment})}

    once(desk, actor, "rule.restore", f"{decision} {version}", key, act)


def draft_remarks(ctx: Context, draft: Draft) -> list[Remark]:
    """What is to be said of a draft against the version that it would replace."""
    return remarks(bytes(draft["content"]), content(ctx, replaced_by(ctx, draft).id), draft["key"])


def _change(
    desk: Desk,
    actor: Person,
    draft_id: int,
    change: Change,
    revision: int | None,
    key: str | None,
) -> None:
    def act(ctx: Context) -> dict[str, Any]:
        _require_right(ctx, actor, "rule.draft", _DRAFTING)
        draft = held(ctx, draft_id, revision, DRAFT)
        _require_author(draft, actor)
        file = change(bytes(draft["content"]), draft["key"])
        require_storable(file, draft["key"])
        write(ctx, draft, content=file)
        return {}

    once(desk, actor, "rule.save", draft_id, key, act)


def _require_right(ctx: Context, actor: Person, action: str, refusal: str) -> None:
    permission.require(ctx, actor, action, _(refusal))


def _require_author(draft: Draft, actor: Person) -> None:
    if draft["author"] != actor.account:
        raise NotAllowedError(_("只有起草人可以修改这份改动；您可以另起一份。"))


def _require_fit(ctx: Context, draft: Draft) -> None:
    """Refuse what stands against the draft being in force, and one whose ground has changed."""
    present = replaced_by(ctx, draft)
    if present.version != draft["base_version"]:
        raise BaseChangedError(present.version)
    file = bytes(draft["content"])
    if file == content(ctx, present.id):
        raise InvalidValuesError({"file": _("和现行版本相同，没有改动可以提交")})
    found = [remark for remark in draft_remarks(ctx, draft) if remark.severity == "error"]
    if found:
        raise DraftRefusedError(found)


def _deploy(ctx: Context, draft: Draft) -> int:
    """Deploy the draft's file under the name of the version before; returns the deployment's id."""
    ref = replaced_by(ctx, draft)
    begins = draft["effective_from"]
    begins = begins if begins is not None and begins > ctx.now else None
    files = {ref.filename: bytes(draft["content"])}
    try:
        done = definitions.deploy(ctx, files, reason=draft["reason"], effective_from=begins, lanes=lane_names(ctx))
    except DeploymentRefusedError as refused:
        raise DraftRefusedError(of_deployment(refused.findings, ref.filename)) from refused
    return done.id


def _examine_before(desk: Desk, actor: Person, draft_id: int, action: str, refusal: str) -> None:
    """Have the whole deployment checked before anything is locked; the answer is remembered for the deployment."""
    with desk.reading() as connection:
        ctx = Context(connection=connection, now=desk.clock(), actor=actor.account, handlers=desk.handlers)
        _require_right(ctx, actor, action, refusal)
        found = connection.execute(select(rule_draft).where(rule_draft.c.id == draft_id)).first()
        if found is None:
            raise NotFoundError(_("没有这份改动。"))
        draft: Draft = found._asdict()
        if any(remark.severity == "error" for remark in draft_remarks(ctx, draft)):
            return  # the unit of work refuses it
        ref = replaced_by(ctx, draft)
        try:
            said = definitions.examine(ctx, {ref.filename: bytes(draft["content"])}, lanes=lane_names(ctx))
        except DeploymentRefusedError as refused:
            raise DraftRefusedError(of_deployment(refused.findings, ref.filename)) from refused
        if found_errors := of_deployment(said, ref.filename):
            raise DraftRefusedError(found_errors)


def _said(merged: Merged) -> tuple[str, ...]:
    whole = (_("列或命中方式不同，不能逐格移过去：草稿保持原样，请对照差异修改。"),) if merged.whole else ()
    return (*whole, *merged.both)
