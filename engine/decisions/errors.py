"""Every way in which a decision model or a decision says no.

Inside an expression DMN knows no errors: a wrong operation gives null (DMN 1.3, 10.3.2.13). What is raised here is
what a person must mend: the model, the question, or two rows that contradict each other.
"""

from __future__ import annotations

from engine.errors import EngineError


class DecisionError(EngineError):
    """A model or a question that cannot be answered.

    ``decision`` is its name, ``rows`` are rule ids, ``line`` is the line of the model, each where known.
    """

    def __init__(
        self, zh: str, en: str, *, decision: str | None = None, rows: tuple[str, ...] = (), line: int | None = None
    ) -> None:
        """``zh`` is for staff, ``en`` for developers; both say what to do."""
        super().__init__(f"{zh} / {en}")
        self.zh = zh
        self.en = en
        self.decision = decision
        self.rows = rows
        self.line = line

    def at(self, *, decision: str | None = None, line: int | None = None) -> DecisionError:
        """Add the place where it is not yet known; returns itself, to be raised again."""
        self.decision = self.decision or decision
        self.line = self.line or line
        return self


class ModelRefusedError(DecisionError):
    """The file is no DMN model, or its parts do not fit together."""


class ExpressionRefusedError(DecisionError):
    """The text of an expression or of a unary test is not S-FEEL."""


class UnsupportedError(DecisionError):
    """Valid DMN above conformance level 2."""


class UnknownDecisionError(DecisionError):
    """The model has no decision of that id or name."""


class InvalidInputError(DecisionError):
    """Inputs that are not a mapping of names to plain values."""


class NotUniqueError(DecisionError):
    """Hit policy UNIQUE, and more than one row matches; ``rows`` names them."""


class AnyConflictError(DecisionError):
    """Hit policy ANY, and the rows that match answer differently; ``rows`` names them."""


class LimitError(DecisionError):
    """The model asks for more calls, depth or data than one decision may use."""
