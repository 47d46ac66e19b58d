"""Proves decision tables complete and free of overlap, or names an example input for each gap and overlap.

Exact where every input is a boolean, a number, a date, a duration or a text with constant cells: the values of each
input are cut into pieces that all rows treat alike (``domains``), and the pieces are combined column by column, each
set of rows that is still possible once. What cannot be decided so is said as a finding ``unchecked``. Null inputs are
not considered. With FIRST, PRIORITY and the lists an overlap is meant, and only gaps are reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from engine.decisions.closures import Run, Scope
from engine.decisions.datatypes import shown
from engine.decisions.domains import domain_of
from engine.decisions.errors import LimitError
from engine.decisions.model import Decision, Model
from engine.decisions.tables import Column, DecisionTable
from engine.decisions.values import Value, equal

MAX_STEPS = 200_000
MAX_FINDINGS = 50
OUTPUT_STEPS = 200  # what an output that must be calculated counts: it may be a long expression
Kind = Literal["gap", "overlap", "unchecked", "unknown-name"]


@dataclass(frozen=True, slots=True)
class TableFinding:
    """Something to mend in a table: ``example`` maps input expressions to values, ``rows`` are rule ids."""

    kind: Kind
    decision: str
    zh: str
    en: str
    rows: tuple[str, ...] = ()
    example: dict[str, Value] = field(default_factory=dict)
    line: int | None = None


@dataclass(slots=True)
class Budget:
    """The steps that the proofs which share it may take together: cells asked, values combined, rows compared."""

    most: int = MAX_STEPS
    spent: int = 0

    def spend(self, steps: int) -> bool:
        """Count ``steps``; false if they do not fit any more. Nothing fits after that."""
        self.spent = min(self.spent + steps, self.most + 1)
        return self.spent <= self.most


def check_table(model: Model, decision: str | None = None, *, budget: Budget | None = None) -> list[TableFinding]:
    """The findings for one decision (id or name), or for all; empty means proved complete and unambiguous.

    A table that does not fit into what is left of ``budget`` is ``unchecked``.
    """
    asked = model.decisions if decision is None else (model.find(decision),)
    shared = budget or Budget()
    return [finding for entry in asked for finding in _check_decision(entry, shared)]


def _check_decision(decision: Decision, budget: Budget) -> Iterator[TableFinding]:
    for table in decision.tables:
        yield from _unknown_names(decision, table)
        yield from _Search(table, decision.id, budget).findings()


def _unknown_names(decision: Decision, table: DecisionTable) -> Iterator[TableFinding]:
    """Names that stand only in cells: mostly a text whose quotes were forgotten."""
    asked = {name for column in table.columns for name in column.code.names}
    undeclared = {entry.name for entry in decision.inputs if not entry.declared} - asked
    for i, rule in enumerate(table.rules):
        used = frozenset().union(
            *(column.cells[i].names for column in table.columns), *(code.names for code in rule.outputs)
        )
        for name in sorted(used & undeclared):
            yield TableFinding(
                "unknown-name",
                decision.id,
                f"第 {i + 1} 行使用了未声明的名称“{name}”；若是文本，请加英文双引号。",
                f"row {i + 1} uses the undeclared name {name!r}; put a text into double quotes",
                (rule.id,),
                line=rule.line,
            )


class _Search:
    """Combines the pieces of all inputs of one table."""

    def __init__(self, table: DecisionTable, decision: str, budget: Budget) -> None:
        self.table = table
        self.decision = decision
        self.budget = budget
        grouped: dict[str, list[Column]] = {}
        for column in table.columns:
            grouped.setdefault(column.text, []).append(column)
        domains = [domain_of(columns, budget.spend) for columns in grouped.values()]
        self.domains = sorted(domains, key=lambda domain: -len(domain.pieces))
        self.found = 0
        self.complete = True

    def findings(self) -> list[TableFinding]:
        found = list(self._doubts())
        if all(domain.pieces for domain in self.domains):
            if not self.table.has_default:
                found += self._gaps()
            if self.table.policy in ("UNIQUE", "ANY"):
                found += self._overlaps()
        if not self.complete or self.found >= MAX_FINDINGS:
            found.append(self._unchecked("组合过多，未全部检查", "too many combinations, not fully checked"))
        return found

    def _unchecked(self, zh: str, en: str) -> TableFinding:
        return TableFinding(
            "unchecked",
            self.decision,
            f"决策表“{self.table.name}”：{zh}。",
            f"table {self.table.name!r}: {en}",
            line=self.table.line,
        )

    def _may(self, steps: int) -> bool:
        """Whether the search may go on with ``steps`` more."""
        self.complete = self.complete and self.budget.spend(steps)
        return self.complete

    def _doubts(self) -> Iterator[TableFinding]:
        for domain in self.domains:
            if domain.doubt is not None:
                zh, en = domain.doubt
                yield self._unchecked(
                    f"输入“{domain.text}”{zh}，未完全检查", f"input {domain.text!r}: {en}, not fully checked"
                )
            elif not domain.pieces:
                yield self._unchecked(
                    f"输入“{domain.text}”没有可能的值", f"input {domain.text!r} has no possible value"
                )
        rows = sorted({i for column in self.table.columns for i in column.other_cells})
        if rows:
            numbers = ", ".join(str(i + 1) for i in rows[:20])
            yield self._unchecked(
                f"第 {numbers} 行的条件取决于其他变量，未完全检查",
                f"rows {numbers} depend on other variables, not fully checked",
            )

    def _leaves(self, surely: bool, wanted: Callable[[int], int | bool]) -> Iterator[tuple[int, dict[str, Value]]]:
        """The sets of rows (as masks) that some input reaches, each once, with that input; ``wanted`` prunes."""
        seen: set[tuple[int, int]] = set()
        stack: list[tuple[int, int, tuple[Value, ...]]] = [(0, self.table.everything, ())]
        while stack and self.complete and self.found < MAX_FINDINGS:
            depth, mask, examples = stack.pop()
            if depth == len(self.domains) or not mask:
                rest = (domain.pieces[0].example for domain in self.domains[depth:])
                values = (*examples, *rest)
                yield mask, {domain.text: value for domain, value in zip(self.domains, values, strict=True)}
                continue
            if not self._may(len(self.domains[depth].pieces)):
                return
            for piece in reversed(self.domains[depth].pieces):
                following = mask & (piece.surely if surely else piece.perhaps)
                if (depth + 1, following) not in seen and wanted(following):
                    seen.add((depth + 1, following))
                    stack.append((depth + 1, following, (*examples, piece.example)))

    def _gaps(self) -> Iterator[TableFinding]:
        for mask, example in self._leaves(surely=False, wanted=lambda _mask: True):
            if not mask:
                self.found += 1
                said = _said(example)
                yield TableFinding(
                    "gap",
                    self.decision,
                    f"决策表“{self.table.name}”没有一行适用于：{said}。",
                    f"table {self.table.name!r}: no row matches {said}",
                    example=example,
                    line=self.table.line,
                )

    def _overlaps(self) -> Iterator[TableFinding]:
        reported: set[tuple[int, int]] = set()
        for mask, example in self._leaves(surely=True, wanted=lambda mask: mask & (mask - 1)):
            rows = [i for i in range(mask.bit_length()) if mask >> i & 1]
            if not self._may(len(rows) ** 2):
                return
            pairs = {(a, b) for a in rows for b in rows if a < b}
            if len(rows) < 2 or pairs <= reported:
                continue
            if not self._may(self._answering(rows)):
                return
            if not self._contradicts(rows, example):
                continue
            reported |= pairs
            self.found += 1
            yield self._overlap(rows, example)

    def _answering(self, rows: list[int]) -> int:
        """The steps of comparing what ``rows`` answer."""
        if self.table.policy == "UNIQUE":
            return 0
        return sum(OUTPUT_STEPS for i in rows for code in self.table.rules[i].outputs if not code.constant)

    def _overlap(self, rows: list[int], example: dict[str, Value]) -> TableFinding:
        numbers = ", ".join(str(i + 1) for i in rows)
        said = _said(example)
        return TableFinding(
            "overlap",
            self.decision,
            f"决策表“{self.table.name}”（{self.table.policy}）的第 {numbers} 行同时适用于：{said}。",
            f"table {self.table.name!r} ({self.table.policy}): rows {numbers} all match {said}",
            tuple(self.table.rules[i].id for i in rows),
            example,
            self.table.rules[rows[0]].line,
        )

    def _contradicts(self, rows: list[int], example: dict[str, Value]) -> bool:
        """Under UNIQUE always; under ANY if the outputs differ for the example, or one of them is past all limits."""
        if self.table.policy == "UNIQUE":
            return True
        scope = Scope(example, Run())
        try:
            answers = [self.table.output(i, scope) for i in rows]
        except LimitError:
            return True
        return any(equal(answer, answers[0]) is not True for answer in answers)


def _said(example: dict[str, Value]) -> str:
    return ", ".join(f"{name} = {shown(value)}" for name, value in example.items())
