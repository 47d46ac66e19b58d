"""Compiled decision tables: columns that answer with a bit mask of rules, and the hit policies (DMN 1.3, chapter 8).

Rule i is bit i. The constants of a column cut the values into regions inside which every constant cell answers alike;
a column therefore evaluates its cells once per region and afterwards finds the mask by bisection.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from engine.decisions.closures import NOTHING, Cell, Code, Run, Scope
from engine.decisions.datatypes import Type, shown
from engine.decisions.errors import AnyConflictError, ModelRefusedError, NotUniqueError
from engine.decisions.functions import BUILTINS, total
from engine.decisions.values import Months, Value, bounded, equal

_INDEXED = (Decimal, str, bool, date, timedelta, Months)
ORDERED_POLICIES = ("PRIORITY", "OUTPUT ORDER")
POLICIES = ("UNIQUE", "ANY", "FIRST", "RULE ORDER", "COLLECT", *ORDERED_POLICIES)
LIST_POLICIES = ("RULE ORDER", "OUTPUT ORDER", "COLLECT")


@dataclass(slots=True)
class Column:
    """An input of a table with the cells below it; ``allowed`` are its input values, ``None`` for no restriction."""

    text: str
    code: Code
    declared: Type
    cells: tuple[Cell, ...]
    allowed: Cell | None = None
    allowed_text: str = ""
    bounds: dict[type, list[Value]] = field(default_factory=dict)
    _masks: dict[Hashable, int] = field(default_factory=dict)
    constant_cells: tuple[tuple[Cell, int], ...] = ()
    other_cells: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Put equal constant cells together with the mask of their rows, and sort their constants by kind."""
        masks: dict[int, int] = {}
        for i, cell in enumerate(self.cells):
            masks[id(cell)] = masks.get(id(cell), 0) | 1 << i
        distinct = {id(cell): cell for cell in self.cells}
        self.constant_cells = tuple((cell, masks[key]) for key, cell in distinct.items() if cell.constant)
        self.other_cells = tuple(i for i, cell in enumerate(self.cells) if not cell.constant)
        found: dict[type, set[Value]] = {}
        for cell, _ in self.constant_cells:
            for bound in cell.bounds():
                if type(bound) in _INDEXED:
                    found.setdefault(type(bound), set()).add(bound)
        self.bounds = {kind: sorted(values) for kind, values in found.items()}

    def hits(self, value: Value, wanted: int, scope: Scope) -> int:
        """The rules among ``wanted`` whose cell fits ``value``."""
        mask = self._constant_hits(value)
        for i in self.other_cells:
            if wanted >> i & 1 and self.cells[i].match(value, scope) is True:
                mask |= 1 << i
        return mask & wanted

    def _constant_hits(self, value: Value) -> int:
        kind = type(value)
        region: Hashable
        if value is None:
            region = None
        elif kind in _INDEXED:
            bounds = self.bounds.get(kind, [])
            place = bisect_left(bounds, value)
            region = (kind, place, place < len(bounds) and bounds[place] == value)
        else:
            return self.evaluate(value)
        mask = self._masks.get(region)
        if mask is None:
            mask = self._masks[region] = self.evaluate(value)
        return mask

    def evaluate(self, value: Value) -> int:
        """The rules whose constant cell fits, found by asking every cell."""
        return sum(mask for cell, mask in self.constant_cells if cell.match(value, NOTHING) is True)


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a table: ``ranking`` are its output values in order of priority, empty for no restriction."""

    name: str
    declared: Type
    allowed: Cell | None
    ranking: tuple[Value, ...]
    default: Code | None

    def rank(self, value: Value) -> int:
        """The place of a value among the output values; unlisted ones come last."""
        for place, listed in enumerate(self.ranking):
            if equal(value, listed) is True:
                return place
        return len(self.ranking)

    def checked(self, value: Value, run: Run, table: str) -> Value:
        """The value, or null with a warning if it is outside the type or the output values."""
        what = f"决策表“{table}”的输出“{self.name}”" if self.name else f"决策表“{table}”的输出"
        value = self.declared.conform(value, run, what)
        if value is None or self.allowed is None or self.allowed.match(value, NOTHING) is True:
            return value
        run.warn(
            f"{what}的值 {shown(value)} 不在输出值列表中，按空值处理。 / "
            f"{what}: {shown(value)} is not among the output values, taken as null"
        )
        return None


@dataclass(frozen=True, slots=True)
class Rule:
    """A row: its id (or its number from 1 where it has none), line in the file, and output expressions."""

    id: str
    line: int | None
    outputs: tuple[Code, ...]


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """A table ready to answer; ``everything`` has the bit of every rule."""

    name: str
    policy: str
    aggregation: str | None
    columns: tuple[Column, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Rule, ...]
    line: int | None
    everything: int

    def evaluate(self, scope: Scope) -> Value:
        """The answer under the hit policy; the ids of the rules behind it go into the run."""
        mask = self.everything
        for column in self.columns:
            what = f"决策表“{self.name}”的输入“{column.text}”"
            value = column.declared.conform(column.code.run(scope), scope.run, what, is_input=True)
            if column.allowed is not None and value is not None and column.allowed.match(value, NOTHING) is not True:
                self._warn_input(column, value, scope.run)
                return None
            mask = column.hits(value, mask, scope)
            if not mask:
                return self._unmatched(scope)
        return self._answer(mask, scope)

    def _warn_input(self, column: Column, value: Value, run: Run) -> None:
        run.refuse(
            f"决策表“{self.name}”的输入“{column.text}”的值 {shown(value)} 不在 {column.allowed_text} 之中，"
            "结果为空。 / "
            f"table {self.name!r}: {shown(value)} is not among the input values of {column.text!r}, the result is null"
        )

    def _answer(self, mask: int, scope: Scope) -> Value:
        if self.policy == "FIRST":
            mask &= -mask
        hits = _bits(mask)
        if self.policy == "UNIQUE" and len(hits) > 1:
            raise self._conflict(NotUniqueError, hits, "的策略为 UNIQUE，却有多行匹配", "UNIQUE, all match")
        answers = [(i, self.output(i, scope)) for i in hits]
        if self.policy == "ANY" and any(equal(answer, answers[0][1]) is not True for _, answer in answers):
            raise self._conflict(AnyConflictError, hits, "的策略为 ANY，各行输出却不同", "ANY, but they differ")
        if self.policy in ORDERED_POLICIES:
            answers.sort(key=lambda hit: self._ranks(hit[1]))
        scope.run.rows.extend(self.rules[i].id for i, _ in answers)
        if self.policy not in LIST_POLICIES:
            return answers[0][1]
        listed = bounded([answer for _, answer in answers])
        return self._aggregated(listed) if self.aggregation else listed

    def _conflict(
        self, kind: type[NotUniqueError | AnyConflictError], hits: list[int], zh: str, en: str
    ) -> NotUniqueError | AnyConflictError:
        rows = tuple(self.rules[i].id for i in hits)
        named_zh = "、".join(f"第 {i + 1} 行（{self.rules[i].id}）" for i in hits[:20])
        named_en = ", ".join(f"row {i + 1} ({self.rules[i].id})" for i in hits[:20])
        return kind(
            f"决策表“{self.name}”{zh}：{named_zh}。",
            f"table {self.name!r}: {en}: {named_en}",
            decision=self.name,
            rows=rows,
            line=self.rules[hits[0]].line,
        )

    def output(self, rule: int, scope: Scope) -> Value:
        """What one row answers: a value, or a context where the table has several outputs."""
        codes = self.rules[rule].outputs
        values = [
            output.checked(code.run(scope), scope.run, self.name)
            for output, code in zip(self.outputs, codes, strict=True)
        ]
        return self._shaped(values)

    def _shaped(self, values: list[Value]) -> Value:
        if len(self.outputs) == 1:
            return values[0]
        return {output.name: value for output, value in zip(self.outputs, values, strict=True)}

    def _ranks(self, answer: Value) -> list[int]:
        if len(self.outputs) == 1:
            return [self.outputs[0].rank(answer)]
        return [output.rank(answer[output.name]) for output in self.outputs]

    @property
    def has_default(self) -> bool:
        """Does an output have a default entry?"""
        return any(output.default is not None for output in self.outputs)

    def _unmatched(self, scope: Scope) -> Value:
        as_list = self.policy in LIST_POLICIES and not self.aggregation
        if not self.has_default:
            if self.aggregation == "COUNT":
                return Decimal(0)
            return [] if as_list else None
        values = [
            output.checked(output.default.run(scope), scope.run, self.name) if output.default else None
            for output in self.outputs
        ]
        return [self._shaped(values)] if as_list else self._shaped(values)

    def _aggregated(self, answers: list[Value]) -> Value:
        aggregate = _AGGREGATORS[self.aggregation or ""]
        if len(self.outputs) == 1 or self.aggregation == "COUNT":
            return aggregate(answers)
        return {output.name: aggregate([answer[output.name] for answer in answers]) for output in self.outputs}


_AGGREGATORS: dict[str, Callable[[list[Value]], Value]] = {
    "SUM": total,
    "MIN": BUILTINS["min"].run,
    "MAX": BUILTINS["max"].run,
    "COUNT": lambda answers: Decimal(len(answers)),
}
AGGREGATIONS = tuple(_AGGREGATORS)


def _bits(mask: int) -> list[int]:
    """The places of the bits that are set, lowest first."""
    found = []
    while mask:
        found.append((mask & -mask).bit_length() - 1)
        mask &= mask - 1
    return found


def ranking_of(allowed: Cell | None) -> tuple[Value, ...]:
    """The constants of a list of output values, in their order."""
    if allowed is None or allowed.negated:
        return ()
    return tuple(test.code.run(NOTHING) for test in allowed.tests if test.operator is None and test.code.constant)


def check_policy(table: DecisionTable) -> None:
    """Refuse an unknown hit policy or aggregation, and an order without output values to order by."""
    if table.policy not in POLICIES or (table.aggregation and table.aggregation not in AGGREGATIONS):
        named = " ".join(filter(None, (table.policy, table.aggregation)))
        raise ModelRefusedError(
            f"决策表“{table.name}”的命中策略 {named} 不存在。",
            f"table {table.name!r}: no such hit policy {named}",
            decision=table.name,
            line=table.line,
        )
    if table.policy in ORDERED_POLICIES and not any(output.ranking for output in table.outputs):
        raise ModelRefusedError(
            f"决策表“{table.name}”的命中策略 {table.policy} 需要输出值列表来确定次序。",
            f"table {table.name!r}: {table.policy} needs output values to order by",
            decision=table.name,
            line=table.line,
        )
