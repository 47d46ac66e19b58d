"""The rows of changes of decision tables: their states, who holds one, and the version that one would replace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import insert, select, update

from engine.catalogue import Catalogue, DefinitionRef, catalogue
from engine.context import Context
from engine.errors import ConflictError, NotFoundError
from webapp.language import N_
from webapp.tables import rule_draft

DRAFT, SUBMITTED, APPROVED, WITHDRAWN = "draft", "submitted", "approved", "withdrawn"
OPEN = (DRAFT, SUBMITTED)
STATES = {DRAFT: N_("草稿"), SUBMITTED: N_("待批准"), APPROVED: N_("已批准"), WITHDRAWN: N_("已撤回")}

Draft = Mapping[str, Any]


class BaseChangedError(ConflictError):
    """Another version took force since the draft was begun; ``version`` is the one that it would replace now."""

    def __init__(self, version: int) -> None:
        """The page shows the difference to it and offers to carry the draft over."""
        super().__init__(
            _(
                "起草以后，第 %(version)s 版已成为这份改动要替换的版本：请先看差异，再把改动移到新版本上。",
                version=version,
            )
        )
        self.version = version


def version_of(known: Catalogue, key: str, version: int) -> DefinitionRef:
    """A version of a decision. Raises NotFoundError."""
    for ref in reversed(known.items.get(("decision", key), ())):
        if ref.version == version:
            return ref
    raise NotFoundError(_("决策表 %(key)s 没有第 %(version)s 版。", key=key, version=version))


def replaced_by(ctx: Context, draft: Draft) -> DefinitionRef:
    """The version that the draft would replace: the one in force at its instant."""
    at = max(draft["effective_from"] or ctx.now, ctx.now)
    ref = catalogue(ctx).in_force("decision", draft["key"], at)
    if ref is None:
        raise NotFoundError(_("没有决策表 %(key)s。", key=draft["key"]))
    return ref


def held(ctx: Context, draft_id: int, revision: int | None, *states: str) -> Draft:
    """The draft, locked; raises NotFoundError, or ConflictError where it is in another state or was changed since."""
    found = ctx.connection.execute(select(rule_draft).where(rule_draft.c.id == draft_id).with_for_update()).first()
    if found is None:
        raise NotFoundError(_("没有这份改动。"))
    draft: Draft = found._asdict()
    if draft["state"] not in states:
        state = draft["state"]
        words = _(STATES[state])
        text = _("这份改动现在是“%(state)s”，这一步不能再做。", state=words)
        raise ConflictError(text, by=draft["reviewer"] or draft["author"], at=draft["updated_at"])
    if revision != draft["revision"]:
        raise ConflictError(_("这份改动刚被改过，您的操作没有生效。"), by=draft["author"], at=draft["updated_at"])
    return draft


def new_row(ctx: Context, decision: str, base_version: int, file: bytes, state: str) -> dict[str, Any]:
    """The values of a new draft of the actor's."""
    return {
        "revision": 1,
        "key": decision,
        "base_version": base_version,
        "content": file,
        "state": state,
        "author": ctx.actor,
        "effective_from": None,
        "created_at": ctx.now,
        "updated_at": ctx.now,
    }


def insert_row(ctx: Context, row: Mapping[str, Any]) -> int:
    """Write a new draft; returns its id."""
    return int(ctx.connection.execute(insert(rule_draft).values(row).returning(rule_draft.c.id)).scalar_one())


def write(ctx: Context, draft: Draft, **values: Any) -> None:
    """Change a draft that is held; its revision moves on."""
    changed = values | {"revision": draft["revision"] + 1, "updated_at": ctx.now}
    ctx.connection.execute(update(rule_draft).where(rule_draft.c.id == draft["id"]).values(**changed))
