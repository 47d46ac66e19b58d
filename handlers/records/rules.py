"""Asking the decision tables for a step: what it decides is logged."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import insert

from engine.catalogue import catalogue
from engine.context import Call, Context
from engine.decide import answer_of
from engine.decisions import Answer
from engine.persistence import decision_log

_LOG = "decisions to log"
_INSERT = insert(decision_log)


class Asking:
    """The decisions of one operation; ``keep`` has them written into the decision log when the step ends."""

    def __init__(self, ctx: Context, call: Call) -> None:
        """Nothing is asked yet."""
        self._ctx, self._call = ctx, call
        self._rows: list[dict[str, Any]] = []

    def ask(self, key: str, inputs: Mapping[str, Any]) -> Answer:
        """The answer of the version in force now; raises LookupError where there is none."""
        answer, row = answer_of(self._ctx, catalogue(self._ctx), key, inputs)
        self._rows.append({**row, "instance_id": self._call.instance_id, "element_id": self._call.element_id})
        return answer

    def keep(self) -> None:
        """Log what was asked (version, inputs, rows, outputs); all of a step's decisions cost one statement."""
        self._ctx.memo.setdefault(_LOG, []).extend(self._rows)
        self._ctx.defer(_LOG, partial(_write, self._ctx))


def decide(ctx: Context, call: Call, key: str, inputs: Mapping[str, Any]) -> Answer:
    """One decision of the calling step, logged."""
    asking = Asking(ctx, call)
    answer = asking.ask(key, inputs)
    asking.keep()
    return answer


def _write(ctx: Context) -> None:
    ctx.connection.execute(_INSERT, ctx.memo.pop(_LOG))
