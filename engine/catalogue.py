"""The catalogue: every definition ever deployed, and which of them is in force at an instant.

In force is, per kind and key, the definition with the greatest (effective from, deployment) not after the instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ScalarSelect, select

from engine import persistence as db
from engine.cache import Cache
from engine.context import Context
from engine.errors import NotFoundError
from engine.identity import Kind

EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DefinitionRef:
    """One immutable definition as a deployment put it in force; ``effective_from`` None means since ever."""

    id: int
    kind: str
    key: str
    version: int
    name: str
    filename: str
    content_hash: str
    effective_from: datetime | None
    deployment_id: int


@dataclass(frozen=True)
class Catalogue:
    """All that was deployed, up to one deployment. Immutable, shared between threads."""

    fingerprint: str
    items: Mapping[tuple[str, str], tuple[DefinitionRef, ...]]  # per kind and key, in the order of taking force

    def in_force(self, kind: Kind, key: str, at: datetime) -> DefinitionRef | None:
        """The definition that holds at ``at``, or None."""
        return _last(self.items.get((kind, key), ()), at)

    def all_in_force(self, at: datetime) -> dict[tuple[str, str], DefinitionRef]:
        """Every definition that holds at ``at``, by kind and key."""
        return {pair: ref for pair, refs in self.items.items() if (ref := _last(refs, at))}

    def changes_after(self, at: datetime) -> list[datetime]:
        """The instants after ``at`` at which something else takes force."""
        return sorted({ref.effective_from for ref in self if ref.effective_from and ref.effective_from > at})

    def __iter__(self) -> Iterator[DefinitionRef]:
        """Every deployed definition, as often as it was deployed."""
        return (ref for refs in self.items.values() for ref in refs)


_catalogues: Cache[str, Catalogue] = Cache(16)


def _last(refs: tuple[DefinitionRef, ...], at: datetime) -> DefinitionRef | None:
    return next((ref for ref in reversed(refs) if ref.effective_from is None or ref.effective_from <= at), None)


def latest_fingerprint() -> ScalarSelect[Any]:
    """The subquery that a step's first SELECT carries along, so that knowing the catalogue costs no statement."""
    return select(db.deployment.c.fingerprint).order_by(db.deployment.c.id.desc()).limit(1).scalar_subquery()


_NEWEST = select(latest_fingerprint())
NEWEST = "fingerprint of the newest deployment"
"""Where a unit of work remembers it (``Context.memo``)."""


def catalogue(ctx: Context, fingerprint: str | None = None) -> Catalogue:
    """All that is deployed; ``fingerprint`` is the newest deployment's, where the caller has read it already.

    A unit of work asks the database once at most.

    Cached by the fingerprint, which covers all content: a deployment that was rolled back can never be mistaken for
    the one that got its id afterwards.
    """
    newest = ctx.memo.get(NEWEST) if fingerprint is None else fingerprint
    if newest is None:
        newest = ctx.memo[NEWEST] = ctx.connection.execute(_NEWEST).scalar() or ""
    return _catalogues.get(newest, lambda: _load(ctx, newest))


def content(ctx: Context, definition_id: int) -> bytes:
    """The file of a definition, byte for byte. Raises :class:`NotFoundError`."""
    found = contents(ctx, [definition_id])
    if definition_id not in found:
        raise NotFoundError(f"没有编号为 {definition_id} 的定义")
    return found[definition_id]


def contents(ctx: Context, ids: Iterable[int]) -> dict[int, bytes]:
    """The files of several definitions by id."""
    wanted = list(ids)
    if not wanted:
        return {}
    rows = ctx.connection.execute(
        select(db.definition.c.id, db.definition.c.content).where(db.definition.c.id.in_(wanted))
    )
    return {row.id: bytes(row.content) for row in rows}


def _load(ctx: Context, fingerprint: str) -> Catalogue:
    d, deployed, item = db.definition.c, db.deployment.c, db.deployment_item.c
    rows = ctx.connection.execute(
        select(d.id, d.kind, d.key, d.version, d.name, d.filename, d.content_hash)
        .add_columns(deployed.effective_from, deployed.id.label("deployment_id"))
        .select_from(db.deployment_item)
        .join(db.deployment, deployed.id == item.deployment_id)
        .join(db.definition, d.id == item.definition_id)
    )
    refs = [DefinitionRef(**row._mapping) for row in rows]
    refs.sort(key=lambda ref: (ref.effective_from or EVER, ref.deployment_id))
    items: dict[tuple[str, str], tuple[DefinitionRef, ...]] = {}
    for ref in refs:
        items[ref.kind, ref.key] = (*items.get((ref.kind, ref.key), ()), ref)
    return Catalogue(fingerprint, items)
