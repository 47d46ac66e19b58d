"""What can go wrong between the engine and SpiffWorkflow. None of these is ever swallowed."""

from __future__ import annotations


class ProgramError(Exception):
    """A diagram that cannot be executed as drawn: where it is, and why (for the author)."""

    def __init__(
        self, why: str, *, file: str | None = None, line: int | None = None, element: str | None = None
    ) -> None:
        """``line`` counts from 1."""
        place = ":".join(str(part) for part in (file, line, element) if part is not None)
        super().__init__(f"{place}: {why}" if place else why)
        self.why = why
        self.file = file
        self.line = line
        self.element = element


class StateError(Exception):
    """Saved state that this version or this program cannot take, or a workflow used in a way that would lose work."""


class StepError(Exception):
    """A step that cannot be carried out; ``element_id`` names the element where it is known. Roll back, do not save."""

    def __init__(self, element_id: str | None, why: str) -> None:
        """``why`` is shown to the operator of a stuck instance."""
        super().__init__(f"{element_id}: {why}" if element_id else why)
        self.element_id = element_id
        self.why = why


class LoopBudgetExceededError(StepError):
    """One advance ran too many steps, or one element too often: a loop without a wait."""


class DeadWorkflowError(StepError):
    """The process is neither completed nor waiting for anything, or completed with work still open."""


class UnhandledEventError(StepError):
    """An error or escalation that no boundary event around it catches."""


class DataRefusedError(StepError):
    """A value that plain JSON cannot keep: only text, finite numbers, booleans, null, lists and text-keyed objects."""
