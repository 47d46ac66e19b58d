"""What the check says: rules, and findings that name file, element and line in Chinese and English."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from engine.check.deployment import Deployment

Severity = Literal["error", "warning"]
ERROR: Severity = "error"
WARNING: Severity = "warning"

SHOWN = 80
"""Longest piece of a file that a message repeats: findings stay small whatever the file holds."""


def shown(value: object) -> str:
    """``value`` as it may stand in a message: one line, at most :data:`SHOWN` characters."""
    text = " ".join(str(value)[: SHOWN * 4].split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


class Text(NamedTuple):
    """One sentence in both languages; ``{names}`` are filled from the hit."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to change before the deployment is accepted (error) or worth a look (warning)."""

    file: str
    line: int
    element: str | None
    rule: str
    severity: Severity
    zh: str
    en: str


def render(finding: Finding) -> dict[str, object]:
    """The finding as one JSON line of ``lovem check``."""
    return {
        "file": finding.file,
        "line": finding.line,
        "element": finding.element,
        "rule": finding.rule,
        "severity": finding.severity,
        "message": {"zh": finding.zh, "en": finding.en},
    }


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: ``line`` counts from 1, ``element`` is an id where there is one."""

    file: str
    line: int = 1
    element: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule broken at a place; ``facts`` fill the braces of the rule's sentences."""

    place: Place
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: ``what`` is wrong, ``why`` it is refused, what to ``do``. The id never changes its meaning."""

    id: str
    severity: Severity
    what: Text
    do: Text
    why: str

    def at(self, place: Place, **facts: object) -> Finding:
        """The finding of this rule at ``place``."""
        words = {name: shown(value) for name, value in facts.items()}
        return Finding(
            file=place.file,
            line=place.line,
            element=None if place.element is None else shown(place.element),
            rule=self.id,
            severity=self.severity,
            zh=f"{self.what.zh.format_map(words)}。{self.do.zh.format_map(words)}。",
            en=f"{self.what.en.format_map(words)}. {self.do.en.format_map(words)}.",
        )


Judge = Callable[["Deployment"], Iterable[Hit]]

RULES: dict[str, Rule] = {}
"""Every rule by id, in the order of the documentation."""

JUDGES: list[tuple[Rule, Judge]] = []
"""The rules that look at a whole deployment; the others are reported by the reader of files."""


def declare(rule_id: str, severity: Severity, *, what: Text, do: Text, why: str) -> Rule:
    """Register a rule that the reader of files reports itself."""
    if rule_id in RULES:
        raise ValueError(f"rule {rule_id} is declared twice")
    RULES[rule_id] = Rule(rule_id, severity, what, do, why)
    return RULES[rule_id]


def rule(rule_id: str, severity: Severity, *, what: Text, do: Text, why: str) -> Callable[[Judge], Judge]:
    """Register the decorated function as the judge of a rule."""
    declared = declare(rule_id, severity, what=what, do=do, why=why)

    def register(judge: Judge) -> Judge:
        JUDGES.append((declared, judge))
        return judge

    return register


def judge_all(deployment: Deployment) -> Iterator[Finding]:
    """Every finding of every registered judge."""
    for declared, judge in JUDGES:
        for hit in judge(deployment):
            yield declared.at(hit.place, **hit.facts)
