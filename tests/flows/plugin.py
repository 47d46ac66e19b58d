"""Which sequence flows of the shipped diagrams the scenarios really take; ``pytest --flows`` fails on the others.

A flow is taken when a token leaves its source by it: a choice says which way it went, an event gateway which event
came, and everything else has one way out, or takes all of them at once. Tokens that were taken away take no flow.
Workers of pytest-xdist hand their flows to the controller when they finish.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from engine.spiff.facts import NAMESPACES
from engine.spiff.workflow import Workflow

KEY = "flows"  # in what a worker of pytest-xdist hands over


@dataclass(frozen=True, slots=True)
class Flow:
    """One sequence flow of a diagram."""

    id: str
    file: str
    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.file}: {self.source} → {self.target} ({self.id})"


def flows_of(folder: Path) -> list[Flow]:
    """Every sequence flow of every diagram under ``folder``."""
    return [
        Flow(one.get("id", ""), str(path.relative_to(folder)), one.get("sourceRef", ""), one.get("targetRef", ""))
        for path in sorted(folder.rglob("*.bpmn"))
        for one in etree.parse(path).iterfind(".//bpmn:sequenceFlow", NAMESPACES)
    ]


@dataclass
class Recorder:
    """The flows taken while it is ``on``."""

    flows: list[Flow]
    taken: set[str] = field(default_factory=set)
    on: bool = False

    def __post_init__(self) -> None:
        self._from: dict[str, list[Flow]] = {}
        for flow in self.flows:
            self._from.setdefault(flow.source, []).append(flow)
        self._leave: Any = None

    def begin(self) -> None:
        """Listen to the engine: it tells its history of every token that leaves a flow node."""
        self._leave = leave = Workflow.leave

        def noted(workflow: Workflow, task: Any) -> None:
            if self.on:
                self.note(getattr(task.task_spec, "bpmn_id", None) or "", workflow.outcomes.get(task.id))
            leave(workflow, task)

        Workflow.leave = noted  # type: ignore[method-assign,assignment]

    def end(self) -> None:
        """Listen no more."""
        Workflow.leave = self._leave  # type: ignore[method-assign]

    def note(self, element: str, outcome: str | None) -> None:
        """A token left ``element``; of several ways out, ``outcome`` is the flow, or the event to which it leads."""
        ways = self._from.get(element, [])
        chosen = [flow for flow in ways if outcome in (flow.id, flow.target)]
        self.taken.update(flow.id for flow in chosen or ways)

    def missing(self) -> list[Flow]:
        """The flows that were not taken."""
        return [flow for flow in self.flows if flow.id not in self.taken]


class Plugin:
    """Records while the scenarios run, and speaks at the end."""

    def __init__(self, config: pytest.Config) -> None:
        """``flows_diagrams`` and ``flows_tests`` are folders under the root."""
        self.recorder = Recorder(flows_of(config.rootpath / config.getini("flows_diagrams")))
        self.tests = config.rootpath / config.getini("flows_tests")
        self.recorder.begin()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Scenarios count, other tests do not."""
        self.recorder.on = item.path.is_relative_to(self.tests)
        try:
            return (yield)
        finally:
            self.recorder.on = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """What a worker saw."""
        self.take_over(getattr(node, "workeroutput", {}).get(KEY, ()))

    def take_over(self, taken: Iterable[str]) -> None:
        """Add what another process saw."""
        self.recorder.taken.update(taken)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over as a worker; else fail the run where a flow is missing."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[KEY] = sorted(self.recorder.taken)
        elif self.recorder.missing() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name every flow that no scenario takes."""
        missing = self.recorder.missing()
        total = len(self.recorder.flows)
        terminalreporter.section("sequence flows", "=")
        terminalreporter.write_line(f"{total - len(missing)} of {total} flows are taken by {self.tests.name}")
        for flow in missing:
            terminalreporter.write_line(f"not taken: {flow}", red=True)

    def pytest_unconfigure(self) -> None:
        """Leave the engine as it was."""
        self.recorder.end()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option, and where diagrams and scenarios lie."""
    parser.addoption("--flows", action="store_true", help="fail on sequence flows that no scenario takes")
    parser.addini("flows_diagrams", "folder of the diagrams", default="processes")
    parser.addini("flows_tests", "folder of the scenarios", default="tests/scenarios")


def pytest_configure(config: pytest.Config) -> None:
    """Record where it is asked for."""
    if config.getoption("--flows"):
        config.pluginmanager.register(Plugin(config), "sequence-flows")
