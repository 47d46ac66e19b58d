"""Everything that one check looks at together, and what may be taken as there already."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from engine.check.findings import Place
from engine.check.model import BpmnFile, Node, Scope
from engine.decisions import Model
from engine.forms import Form

Result = TypeVar("Result")


class TooComplicated(Exception):  # noqa: N818 - a private signal, turned into a finding at the border
    """The check would take more steps than it may."""


@dataclass(frozen=True, slots=True)
class Known:
    """Keys in force already, so that a partial deployment can refer to them.

    ``lanes`` is None where any lane name is right.
    """

    processes: Collection[str] = ()
    decisions: Collection[str] = ()
    forms: Collection[str] = ()
    lanes: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class DecisionFile:
    """A DMN file, known by the one decision that no other in it requires."""

    place: Place
    model: Model
    content_hash: str


@dataclass(frozen=True, slots=True)
class FormFile:
    """A form with its place."""

    place: Place
    form: Form


@dataclass(eq=False)
class Deployment:
    """Everything that is checked together."""

    operations: Collection[str] | None
    known: Known
    max_steps: int
    max_proof_steps: int
    steps: int = 0
    results: dict[Callable[[Deployment], Any], Any] = field(default_factory=dict)
    files: list[BpmnFile] = field(default_factory=list)
    decisions: dict[str, DecisionFile] = field(default_factory=dict)
    forms: dict[str, FormFile] = field(default_factory=dict)
    again: list[tuple[Place, str, str]] = field(default_factory=list)
    """Decision and form keys that were found a second time: where, key, first file."""

    def once(self, compute: Callable[[Deployment], Result]) -> Result:
        """What ``compute`` says of this deployment, computed for the first rule that asks."""
        if compute not in self.results:
            self.results[compute] = compute(self)
        result: Result = self.results[compute]
        return result

    def spend(self, steps: int = 1) -> None:
        """Count work that can grow faster than the files do; raises :class:`TooComplicated` past the limit."""
        self.steps += steps
        if self.steps > self.max_steps:
            raise TooComplicated

    @cached_property
    def scopes(self) -> list[Scope]:
        """All scopes that are small enough to be looked at."""
        return [scope for file in self.files for scope in file.scopes if not scope.too_many]

    @cached_property
    def processes(self) -> dict[str, Scope]:
        """Processes of this deployment by key; the first of a name wins (K013 names the others)."""
        found: dict[str, Scope] = {}
        for file in self.files:
            for scope in file.processes:
                found.setdefault(scope.id, scope)
        return found

    @cached_property
    def nodes(self) -> list[Node]:
        """All nodes of all scopes."""
        return [node for scope in self.scopes for node in scope.nodes.values()]

    @cached_property
    def called(self) -> dict[str, list[Node]]:
        """The call activities by the process that they call."""
        callers: dict[str, list[Node]] = {}
        for node in self.of("callActivity"):
            callers.setdefault(node.called, []).append(node)
        return callers

    def of(self, *types: str) -> Iterator[Node]:
        """The nodes of these BPMN types."""
        return (node for node in self.nodes if node.type in types)

    def unseen(self, call: Node) -> bool:
        """Whether ``call`` calls a process that is in force already and not part of this deployment."""
        return call.called not in self.processes and call.called in self.known.processes

    def target(self, call: Node) -> Scope | None:
        """The process that a call activity calls, where it is part of this deployment."""
        return self.processes.get(call.called)
