"""Every way in which the engine says no. Doors turn the kinds into 404, 409 and 422; the rest is a stuck step."""

from __future__ import annotations

from datetime import datetime
from typing import Any


class EngineError(Exception):
    """A refusal that a person can act on: nothing was changed, the message says what to do."""


class NotFoundError(EngineError):
    """No such definition, instance or task (HTTP 404)."""


class ConflictError(EngineError):
    """Somebody was faster, or the state does not allow it any more (HTTP 409); ``by`` and ``at`` say who and when."""

    def __init__(self, message: str, *, by: str | None = None, at: datetime | None = None) -> None:
        """Keep who won and when, so that the page can say it."""
        super().__init__(message)
        self.by = by
        self.at = at


class NotAllowedError(EngineError):
    """The actor may not do this (HTTP 403)."""


class InvalidValuesError(EngineError):
    """Form values that the form's schema refuses (HTTP 422); ``problems`` maps a field name to a Chinese sentence."""

    def __init__(self, problems: dict[str, str]) -> None:
        """Keep the field names, so that the page can mark them."""
        super().__init__("; ".join(f"{name}: {text}" for name, text in problems.items()))
        self.problems = problems


class BpmnError(Exception):
    """A business fault that the diagram models: raised by a handler, caught by the error boundary with its code."""

    def __init__(self, code: str, message: str = "") -> None:
        """``code`` is the errorCode of the diagram."""
        super().__init__(message or code)
        self.code = code


class StepFailedError(Exception):
    """A step could not be carried out: roll back, then ``instances.mark_stuck`` records it with ``command`` for retry."""

    def __init__(self, instance_id: int, element_id: str | None, cause: str, command: dict[str, Any]) -> None:
        """``element_id`` is the element that failed where it is known; ``command`` repeats the step on retry."""
        super().__init__(f"instance {instance_id}, element {element_id}: {cause}")
        self.instance_id = instance_id
        self.element_id = element_id
        self.cause = cause
        self.command = command
