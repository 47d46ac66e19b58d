"""Asking the decision tables for a step: what it decides is logged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert

from engine.catalogue import Catalogue, catalogue
from engine.context import Call, Context
from engine.decide import answer_of
from engine.decisions import Answer
from engine.persistence import decision_log

_CATALOGUE = "catalogue of definitions"


class Asking:
    """The decisions of one step; ``keep`` writes them all into the decision log with one statement."""

    def __init__(self, ctx: Context, call: Call) -> None:
        """Nothing is asked yet."""
        self._ctx, self._call = ctx, call
        self._rows: list[dict[str, Any]] = []

    def ask(self, key: str, inputs: Mapping[str, Any]) -> Answer:
        """The answer of the version in force now; raises LookupError where there is none."""
        answer, row = answer_of(self._ctx, _known(self._ctx), key, inputs)
        self._rows.append({**row, "instance_id": self._call.instance_id, "element_id": self._call.element_id})
        return answer

    def keep(self) -> None:
        """Log what was asked (version, inputs, rows, outputs)."""
        self._ctx.connection.execute(insert(decision_log), self._rows)


def decide(ctx: Context, call: Call, key: str, inputs: Mapping[str, Any]) -> Answer:
    """One decision of the calling step, logged."""
    asking = Asking(ctx, call)
    answer = asking.ask(key, inputs)
    asking.keep()
    return answer


def _known(ctx: Context) -> Catalogue:
    """What is deployed; read once in a unit of work."""
    found: Catalogue | None = ctx.memo.get(_CATALOGUE)
    if found is None:
        found = ctx.memo[_CATALOGUE] = catalogue(ctx)
    return found
