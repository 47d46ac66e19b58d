"""Decisions after DMN 1.3, conformance level 2: read, compiled, asked and checked. Knows no process and no database."""

from engine.decisions.answers import decide_json, decide_text, to_json, to_text
from engine.decisions.errors import (
    AnyConflictError,
    DecisionError,
    ExpressionRefusedError,
    InvalidInputError,
    LimitError,
    ModelRefusedError,
    NotUniqueError,
    UnknownDecisionError,
    UnsupportedError,
)
from engine.decisions.model import Answer, Decision, Input, Model, load_model
from engine.decisions.values import Months

__all__ = [
    "Answer",
    "AnyConflictError",
    "Decision",
    "DecisionError",
    "ExpressionRefusedError",
    "Input",
    "InvalidInputError",
    "LimitError",
    "Model",
    "ModelRefusedError",
    "Months",
    "NotUniqueError",
    "UnknownDecisionError",
    "UnsupportedError",
    "decide_json",
    "decide_text",
    "load_model",
    "to_json",
    "to_text",
]
