"""Decisions after DMN 1.3, conformance level 2: read, compiled, asked and checked. Knows no process and no database."""

from engine.decisions.answers import decide_text, plain, to_json, to_text
from engine.decisions.check import Budget, TableFinding, check_table
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
    "Budget",
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
    "TableFinding",
    "UnknownDecisionError",
    "UnsupportedError",
    "check_table",
    "decide_text",
    "load_model",
    "plain",
    "to_json",
    "to_text",
]
