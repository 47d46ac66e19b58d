"""Definitions: processes, decisions and forms, immutable and versioned, deployed together or not at all.

A deployment says from when its definitions are in force. Deploying an old content again therefore rolls back, and its
old version number returns.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, text

from engine import persistence as db
from engine.bundles import Bundle, FormRef, bundle_for, load_bundle
from engine.catalogue import EVER, NEWEST, Catalogue, DefinitionRef, catalogue, content, contents
from engine.check import Finding, check
from engine.context import Context
from engine.errors import DeploymentRefusedError
from engine.examination import examine as examine_files
from engine.examination import identified, refusal
from engine.identity import Identity
from engine.texts import MAX_ACCOUNT, MAX_REASON, require_texts

__all__ = [
    "Bundle",
    "Catalogue",
    "DefinitionRef",
    "Deployment",
    "FormRef",
    "bundle_for",
    "catalogue",
    "content",
    "deploy",
    "examine",
    "load_bundle",
]


@dataclass(frozen=True, slots=True)
class Deployment:
    """What was stored; ``warnings`` are findings that do not stand against it."""

    id: int
    definitions: tuple[DefinitionRef, ...]
    warnings: tuple[Finding, ...] = ()


def examine(
    ctx: Context,
    files: Mapping[str, bytes],
    *,
    effective_from: datetime | None = None,
    lanes: Collection[str] | None = None,
) -> list[Finding]:
    """What :func:`deploy` would find now; writes and locks nothing.

    A door asks this first in a transaction that only reads: ``deploy`` remembers the answer, so that nobody waits for
    the check. Raises :class:`DeploymentRefusedError` where it cannot be told what the files are.
    """
    return _examined(ctx, catalogue(ctx), files, _identities(files), effective_from, lanes)


def deploy(
    ctx: Context,
    files: Mapping[str, bytes],
    *,
    reason: str,
    effective_from: datetime | None = None,
    lanes: Collection[str] | None = None,
) -> Deployment:
    """Check ``files`` together with what is in force and store all of them, in force from ``effective_from``.

    Without an instant they are in force since ever if none of them had a version before, else from now on. ``lanes``
    are the names that lanes may have (None: any). The check is repeated for every later instant at which something
    deployed before takes force, and the processes that are concerned are compiled. Raises
    :class:`DeploymentRefusedError` with the findings, among them that a file would never be in force; then nothing is
    stored.
    """
    if effective_from is not None and effective_from.tzinfo is None:
        raise ValueError("effective_from must be an aware datetime")
    require_texts(MAX_ACCOUNT, author=ctx.actor)
    require_texts(MAX_REASON, reason=reason)
    identities = _identities(files)
    seen = catalogue(ctx)
    findings = _examined(ctx, seen, files, identities, effective_from, lanes)
    before = _locked(ctx)
    if before.fingerprint != seen.fingerprint:
        findings = _examined(ctx, before, files, identities, effective_from, lanes)
    if any(finding.severity == "error" for finding in findings):
        raise DeploymentRefusedError(findings)
    effective_from = _begin(ctx, before, identities, effective_from)
    ids = [_definition_id(ctx, before, identities[name], name, data) for name, data in files.items()]
    ctx.memo[NEWEST] = fingerprint = secrets.token_hex(32)
    row = insert(db.deployment).values(
        author=ctx.actor, reason=reason, deployed_at=ctx.now, effective_from=effective_from, fingerprint=fingerprint
    )
    deployment_id = ctx.connection.execute(row.returning(db.deployment.c.id)).scalar_one()
    ctx.connection.execute(
        insert(db.deployment_item), [{"deployment_id": deployment_id, "definition_id": one} for one in ids]
    )
    stored = {ref.id: ref for ref in catalogue(ctx) if ref.deployment_id == deployment_id}
    return Deployment(deployment_id, tuple(stored[one] for one in ids), tuple(findings))


def _locked(ctx: Context) -> Catalogue:
    """What is deployed, and stays so until the transaction ends."""
    # Deployments must become visible in the order of their ids. SQLite has one writer anyway.
    if ctx.connection.dialect.name == "postgresql":
        ctx.connection.execute(text("LOCK TABLE deployment IN SHARE ROW EXCLUSIVE MODE"))
        ctx.memo.pop(NEWEST, None)
    return catalogue(ctx)


def _identities(files: Mapping[str, bytes]) -> dict[str, Identity]:
    """What each file is; raises with the check's findings if something stands against one by itself."""
    identities, troubles = identified(files)
    if troubles:
        said = check(files) if files else []
        known = {finding.file for finding in said if finding.severity == "error"}
        raise DeploymentRefusedError([*said, *(trouble for trouble in troubles if trouble.file not in known)])
    return identities


def _begin(
    ctx: Context, before: Catalogue, identities: Mapping[str, Identity], effective_from: datetime | None
) -> datetime | None:
    """From when a deployment is in force; None is since ever, which cannot be said of what had a version already."""
    if effective_from is not None or not any((one.kind, one.key) in before.items for one in identities.values()):
        return effective_from
    return ctx.now


def _examined(
    ctx: Context,
    before: Catalogue,
    files: Mapping[str, bytes],
    identities: Mapping[str, Identity],
    effective_from: datetime | None,
    lanes: Collection[str] | None,
) -> list[Finding]:
    """The findings at the first instant from now at which the files are in force, and at each later change."""
    effective = _begin(ctx, before, identities, effective_from) or EVER
    start = max(effective, ctx.now)
    findings: dict[Finding, None] = {}
    for at in [start, *before.changes_after(start)]:
        others = before.all_in_force(at)
        together: dict[str, bytes] = {}
        for name, identity in identities.items():
            other = others.get((identity.kind, identity.key))
            if other is None or (other.effective_from or EVER) <= effective:
                others.pop((identity.kind, identity.key), None)
                together[name] = files[name]
            elif at == start:
                findings[_never(name, other)] = None
        changed = frozenset(together)
        kept = contents(ctx, [ref.id for ref in others.values()])
        for ref in others.values():
            name = ref.filename if ref.filename not in together else f"{ref.key}@{ref.version}/{ref.filename}"
            together[name] = kept[ref.id]
        findings.update(dict.fromkeys(examine_files(together, changed, ctx.handlers.keys(), lanes)))
    return list(findings)


def _never(name: str, other: DefinitionRef) -> Finding:
    begin = other.effective_from.isoformat() if other.effective_from else ""
    return refusal(
        name,
        f"不会生效：{other.key} 从 {begin} 起已有第 {other.version} 版，请写明更晚的生效时间",
        f"it would never be in force: version {other.version} of {other.key} is, from {begin} on",
    )


def _definition_id(ctx: Context, before: Catalogue, identity: Identity, filename: str, data: bytes) -> int:
    """The id of the definition with this content, stored under the next version number if it is new."""
    content_hash = hashlib.sha256(data).hexdigest()
    versions = before.items.get((identity.kind, identity.key), ())
    for ref in versions:
        if ref.content_hash == content_hash:
            return ref.id
    row = insert(db.definition).values(
        kind=identity.kind,
        key=identity.key,
        version=max((ref.version for ref in versions), default=0) + 1,
        content_hash=content_hash,
        filename=filename,
        name=identity.name,
        content=data,
    )
    return int(ctx.connection.execute(row.returning(db.definition.c.id)).scalar_one())
