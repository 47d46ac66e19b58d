"""The check itself: read every file, let every rule judge, sort what was found."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from engine.check import documents, rules
from engine.check.deployment import Deployment, Known, TooComplicated
from engine.check.findings import Finding, Place, judge_all
from engine.xml import LIMITS, XmlLimits

__all__ = ["Limits", "check"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one check may cost. ``max_findings`` is what a person can still read."""

    xml: XmlLimits = LIMITS
    max_files: int = 500
    max_bytes: int = 10_000_000
    max_findings: int = 500
    max_steps: int = 1_000_000
    max_proof_steps: int = 400_000


def check(
    files: Mapping[str, bytes],
    *,
    operations: Collection[str] | None = None,
    known: Known | None = None,
    limits: Limits | None = None,
) -> list[Finding]:
    """What stands against deploying ``files`` together, in the order of file and line; empty is good.

    ``operations`` are the names that handlers answer to (None: not looked at). ``known`` are keys in force already.
    Never raises, whatever the bytes are, and never reads more than ``limits`` allow.
    """
    limits = limits or Limits()
    deployment = Deployment(operations, known or Known(), limits.max_steps, limits.max_proof_steps)
    total = sum(len(data) for data in files.values())
    if len(files) > limits.max_files or total > limits.max_bytes:
        place = Place(min(files))
        return [rules.TOO_MUCH.at(place, files=len(files), bytes=total, most=limits.max_files, room=limits.max_bytes)]
    found = [finding for name in sorted(files) for finding in documents.read(deployment, name, files[name], limits.xml)]
    try:
        found.extend(judge_all(deployment))
    except TooComplicated:
        found.append(rules.TOO_COMPLICATED.at(Place(min(files))))
    unique = sorted(set(found), key=lambda f: (f.file, f.line, f.element or "", f.rule, f.en))
    return _readable(unique, limits.max_findings)


def _readable(found: list[Finding], most: int) -> list[Finding]:
    """At most ``most`` findings, errors first in line for the places, and a last one that says what was left out."""
    if len(found) <= most:
        return found
    kept = [finding for finding in found if finding.severity == "error"][:most]
    more = rules.TOO_MANY_FINDINGS.at(Place(kept[-1].file if kept else found[0].file), more=len(found) - len(kept))
    return [*kept, more]
