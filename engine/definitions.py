"""Definitions: processes, decisions and forms, immutable and versioned, deployed together or not at all.

A deployment says from when its definitions are in force; without an instant they are in force since ever. Deploying
an old content again therefore rolls back, and its old version number returns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, text

from engine import persistence as db
from engine.bundles import Bundle, FormRef, bundle_for, load_bundle
from engine.catalogue import EVER, NEWEST, Catalogue, DefinitionRef, catalogue, content, contents
from engine.check import Finding, check
from engine.context import Context
from engine.errors import DeploymentRefusedError, FormRefusedError
from engine.identity import Identity, UnclearIdentityError, identify
from engine.xml import XmlRefused

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
    "load_bundle",
]


@dataclass(frozen=True, slots=True)
class Deployment:
    """What was stored; ``warnings`` are findings that do not stand against it."""

    id: int
    definitions: tuple[DefinitionRef, ...]
    warnings: tuple[Finding, ...] = ()


def deploy(
    ctx: Context, files: Mapping[str, bytes], *, reason: str, effective_from: datetime | None = None
) -> Deployment:
    """Check ``files`` together with what is in force and store all of them, in force from ``effective_from``.

    The check is repeated for every later instant at which something deployed before takes force. Raises
    :class:`DeploymentRefusedError` with the findings; then nothing is stored.
    """
    if effective_from is not None and effective_from.tzinfo is None:
        raise ValueError("effective_from must be an aware datetime")
    _lock(ctx)
    before = catalogue(ctx)
    identities = _identities(files)
    findings = _check_together(ctx, before, files, identities, effective_from)
    if any(finding.severity == "error" for finding in findings):
        raise DeploymentRefusedError(findings)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    ids = {name: _definition_id(ctx, before, identities[name], name, files[name], hashes[name]) for name in files}
    fingerprint = _fingerprint(before.fingerprint, sorted((ids[name], hashes[name]) for name in files), effective_from)
    row = insert(db.deployment).values(
        author=ctx.actor, reason=reason, deployed_at=ctx.now, effective_from=effective_from, fingerprint=fingerprint
    )
    deployment_id = ctx.connection.execute(row.returning(db.deployment.c.id)).scalar_one()
    ctx.connection.execute(
        insert(db.deployment_item), [{"deployment_id": deployment_id, "definition_id": one} for one in ids.values()]
    )
    ctx.memo[NEWEST] = fingerprint
    stored = {ref.id: ref for ref in catalogue(ctx) if ref.deployment_id == deployment_id}
    return Deployment(deployment_id, tuple(stored[one] for one in ids.values()), tuple(findings))


def _lock(ctx: Context) -> None:
    # Deployments must become visible in the order of their ids. SQLite has one writer anyway.
    if ctx.connection.dialect.name == "postgresql":
        ctx.connection.execute(text("LOCK TABLE deployment IN SHARE ROW EXCLUSIVE MODE"))


def _identities(files: Mapping[str, bytes]) -> dict[str, Identity]:
    """What each file is; raises with the check's findings if one cannot be told or two are the same."""
    identities: dict[str, Identity] = {}
    troubles: list[Finding] = []
    owners: dict[tuple[str, str], str] = {}
    for name, data in files.items():
        try:
            identity = identify(name, data)
        except (UnclearIdentityError, FormRefusedError, XmlRefused) as trouble:
            troubles.append(_finding(name, getattr(trouble, "zh", str(trouble)), getattr(trouble, "en", "unreadable")))
            continue
        owner = owners.setdefault((identity.kind, identity.key), name)
        if owner != name:
            troubles.append(
                _finding(name, f"与 {owner} 是同一个定义 {identity.key}", f"{identity.key} is in {owner} too")
            )
        identities[name] = identity
    if not files:
        troubles.append(_finding("", "没有文件", "no files"))
    if troubles:
        said = check(files) if files else []
        known = {finding.file for finding in said if finding.severity == "error"}
        raise DeploymentRefusedError([*said, *(trouble for trouble in troubles if trouble.file not in known)])
    return identities


def _finding(file: str, zh: str, en: str) -> Finding:
    return Finding(file=file, line=1, element=None, rule="deployment", severity="error", zh=zh, en=en)


def _check_together(
    ctx: Context,
    before: Catalogue,
    files: Mapping[str, bytes],
    identities: Mapping[str, Identity],
    effective_from: datetime | None,
) -> list[Finding]:
    """The findings at the instant of taking force and at each later change."""
    start = effective_from or ctx.now
    findings: dict[Finding, None] = {}
    for at in [start, *before.changes_after(start)]:
        others = before.all_in_force(at)
        together: dict[str, bytes] = {}
        for name, identity in identities.items():
            other = others.get((identity.kind, identity.key))
            if other is None or (other.effective_from or EVER) <= (effective_from or EVER):
                others.pop((identity.kind, identity.key), None)
                together[name] = files[name]
        kept = contents(ctx, [ref.id for ref in others.values()])
        for ref in others.values():
            name = ref.filename if ref.filename not in together else f"{ref.key}@{ref.version}/{ref.filename}"
            together[name] = kept[ref.id]
        findings.update(dict.fromkeys(check(together, operations=ctx.handlers.keys())))
    return list(findings)


def _definition_id(
    ctx: Context, before: Catalogue, identity: Identity, filename: str, data: bytes, content_hash: str
) -> int:
    """The id of the definition with this content, stored under the next version number if it is new."""
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


def _fingerprint(before: str, items: Sequence[tuple[int, str]], effective_from: datetime | None) -> str:
    return hashlib.sha256(repr((before, items, effective_from and effective_from.timestamp())).encode()).hexdigest()
