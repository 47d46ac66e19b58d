"""Decisions asked by key: the version in force at the Context's instant answers, and every answer is logged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import insert

from engine import persistence as db
from engine.cache import Cache
from engine.catalogue import Catalogue, catalogue, contents
from engine.context import Context
from engine.decisions import Answer, InvalidInputError, Model, load_model, to_json

_models: Cache[str, Model] = Cache(128)


def decide(
    ctx: Context,
    key: str,
    inputs: Mapping[str, Any],
    *,
    instance_id: int | None = None,
    element_id: str | None = None,
) -> Answer:
    """The answer of decision ``key``, as plain JSON; logged with version, inputs, rows, outputs and warnings.

    Raises as :func:`answer_of` does.
    """
    answer, row = answer_of(ctx, catalogue(ctx), key, inputs)
    row |= {"instance_id": instance_id, "element_id": element_id}
    ctx.connection.execute(insert(db.decision_log), [row])
    return answer


def answer_of(ctx: Context, known: Catalogue, key: str, inputs: Mapping[str, Any]) -> tuple[Answer, dict[str, Any]]:
    """The answer, and its row of the decision log for the caller to insert.

    Raises LookupError if no version is in force, InvalidInputError for an input outside its declared type or allowed
    values (DMN answers null there, which nobody would notice), and what else :mod:`engine.decisions` raises.
    """
    ref = known.in_force("decision", key, ctx.now)
    if ref is None:
        raise LookupError(f"决策 {key} 没有已生效的版本")
    model = _models.get(ref.content_hash, lambda: load_model(contents(ctx, [ref.id])[ref.id]))
    answer = model.decide(key, inputs)
    if answer.refused:
        zh, _, en = answer.refused[0].partition(" / ")
        raise InvalidInputError(zh, en, decision=key)
    answer = replace(answer, result=to_json(answer)["result"])
    row = {
        "definition_id": ref.id,
        "decided_at": ctx.now,
        "inputs": {wanted.name: inputs.get(wanted.name) for wanted in model.find(key).inputs},
        "row_ids": list(answer.rows),
        "outputs": answer.result,
        "warnings": list(answer.warnings),
    }
    return answer, row
