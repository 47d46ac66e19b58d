"""Every way in which the engine says no. Doors turn the kinds into 404, 409 and 422; the rest is a stuck step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.check import Finding


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


class DeploymentRefusedError(EngineError):
    """The files do not pass the check together with what is in force: nothing was stored."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        """``findings`` are all of the check, errors and warnings, to be shown with file, line and element."""
        errors = [finding for finding in findings if finding.severity == "error"]
        super().__init__("; ".join(f"{finding.file}:{finding.line} {finding.rule} {finding.zh}" for finding in errors))
        self.findings = tuple(findings)


class FormRefusedError(EngineError):
    """The bytes are not a form that we render and validate; the message is a Chinese sentence."""


class BpmnError(Exception):
    """A business fault that the diagram models: raised by a handler, caught by the error boundary with its code."""

    def __init__(self, code: str, message: str = "") -> None:
        """``code`` is the errorCode of the diagram."""
        super().__init__(message or code)
        self.code = code


class StepFailedError(Exception):
    """A step could not be carried out: roll back, then ``instances.mark_stuck`` records it with ``command`` for retry.

    ``instance_id`` and ``revision`` are None for a start: the roll-back has taken the instance away.
    """

    def __init__(
        self,
        instance_id: int | None,
        element_id: str | None,
        cause: str,
        command: dict[str, Any],
        *,
        revision: int | None = None,
        actor: str = "system",
    ) -> None:
        """``element_id`` failed, where known; ``command`` repeats the step, tried on ``revision`` for ``actor``."""
        super().__init__(f"instance {instance_id}, element {element_id}: {cause}")
        self.instance_id = instance_id
        self.element_id = element_id
        self.cause = cause
        self.command = command
        self.revision = revision
        self.actor = actor
