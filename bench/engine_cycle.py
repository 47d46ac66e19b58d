"""One step of an instance, load to save, beside SpiffWorkflow's own way of doing the same with the same diagrams.

Ours: ``load``, ``complete``, ``advance``, ``waits``, ``left``, ``dump``. The peer: ``deserialize_json``, run the task,
``do_engine_steps``, ``serialize_json``, with its own decision engine. Medians of CPU time of this thread, samples of
both alternating in one run. *Light* opens the next user task; *heavy* ends a called process, cancels its timer, asks a
table of 41 rows and calls an operation in the next one, and starts its timer. 10 and 200: activities finished before.
"""

from __future__ import annotations

import gc
import json
import statistics
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine, TaskDataEnvironment
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.spiff.parser import SpiffBpmnParser
from SpiffWorkflow.spiff.serializer import DEFAULT_CONFIG
from SpiffWorkflow.util.task import TaskState

from bench import _cycle_model as model
from engine import decisions, spiff

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
STEPS = {"light": model.LIGHT, "heavy": model.HEAVY}
SIZES = (10, 200)
BARS = {("light", 10): 15, ("light", 200): 60, ("heavy", 10): 6, ("heavy", 200): 20}
MAX_GROWTH = 1.2
SAMPLES = 60
WARM_UP = 3  # rounds that are not counted
OUR_SAMPLES_EACH = 4  # per sample of the peer, which is many times slower


class PeerEnvironment(TaskDataEnvironment):  # type: ignore[misc]
    """The stock environment with one operation that does nothing."""

    def call_service(self, context: Any, operation_name: str, operation_params: Any) -> str:
        return json.dumps("done")


class Peer:
    """SpiffWorkflow as its documentation shows it."""

    def __init__(self) -> None:
        parser = SpiffBpmnParser()
        for content in model.decisions().values():
            parser.add_dmn_str(content)
        for name, content in model.diagrams().items():
            parser.add_bpmn_str(content, name)
        self.spec = parser.get_spec("incident")
        self.callees = parser.get_subprocess_specs("incident")
        self.engine = PythonScriptEngine(PeerEnvironment())
        self.serializer = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(DEFAULT_CONFIG))

    def state_before(self, step: str, finished: int) -> str:
        """The saved state when ``step`` is open and at least ``finished`` activities are done."""
        workflow = BpmnWorkflow(self.spec, self.callees, script_engine=self.engine)
        workflow.get_next_task(spec_name="Start").set_data(**model.data())
        workflow.do_engine_steps()
        done = 0
        while True:
            task = workflow.get_next_task(state=TaskState.READY, manual=True)
            if task.task_spec.name == step and done >= finished:
                return str(self.serializer.serialize_json(workflow))
            if task.task_spec.name == model.LAST:
                task.data["satisfied"] = False
            task.run()
            workflow.do_engine_steps()
            done = sum(
                1
                for one in workflow.get_tasks(state=TaskState.COMPLETED)
                if type(one.task_spec).__name__ in ("UserTask", "ServiceTask", "BusinessRuleTask")
            )

    def cycle(self, state: str) -> str:
        workflow = self.serializer.deserialize_json(state)
        workflow.script_engine = self.engine
        task = workflow.get_next_task(state=TaskState.READY, manual=True)
        task.data["answer"] = "ok"
        task.run()
        workflow.do_engine_steps()
        return str(self.serializer.serialize_json(workflow))


class Ours:
    """Our engine with our decisions."""

    def __init__(self) -> None:
        self.program = spiff.compile_program(model.diagrams(), "incident")
        self.models = {key: decisions.load_model(content) for key, content in model.decisions().items()}
        self.run = spiff.Run(now=NOW, operate=lambda element, data: "done", decide=self.decide)

    def decide(self, element: spiff.Element, data: Mapping[str, Any]) -> Any:
        key = element.properties["decision"]
        result = self.models[key].decide(key, data).result
        return next(iter(result.values())) if isinstance(result, dict) else result

    def state_before(self, step: str, finished: int) -> bytes:
        """The same as the peer's; the activities are counted from what was left."""
        workflow = spiff.start(self.program, model.data(), self.run)
        done = 0
        while True:
            spiff.advance(workflow)
            done += sum(1 for one in spiff.left(workflow) if one.type.endswith("Task"))
            state = spiff.dump(workflow)
            workflow = spiff.load(self.program, state, self.run)
            (task,) = spiff.waits(workflow).user_tasks
            if task.element_id == step and done >= finished:
                return state
            written = {"satisfied": False} if task.element_id == model.LAST else {}
            spiff.complete(workflow, task.task_id, written)

    def cycle(self, state: bytes) -> bytes:
        workflow = spiff.load(self.program, state, self.run)
        before = spiff.waits(workflow)
        spiff.complete(workflow, before.user_tasks[0].task_id, {"answer": "ok"})
        spiff.advance(workflow)
        spiff.waits(workflow)
        spiff.left(workflow)
        return spiff.dump(workflow)


def cpu_time(function: Callable[[Any], Any], argument: Any) -> float:
    """CPU milliseconds of this thread for one call."""
    begin = time.thread_time()
    function(argument)
    return (time.thread_time() - begin) * 1000


def measure(peer: Peer, ours: Ours, cases: Sequence[tuple[str, int]]) -> dict[tuple[str, int], dict[str, Any]]:
    """Medians of both for each case; all cases take turns, so that a busy moment of the machine hits all alike."""
    states = {
        case: (peer.state_before(STEPS[case[0]], case[1]), ours.state_before(STEPS[case[0]], case[1])) for case in cases
    }
    peer_times: dict[tuple[str, int], list[float]] = {case: [] for case in cases}
    our_times: dict[tuple[str, int], list[float]] = {case: [] for case in cases}
    for place in range(WARM_UP + SAMPLES):
        for case, (peer_state, our_state) in states.items():
            peer_time = cpu_time(peer.cycle, peer_state)
            our_samples = [cpu_time(ours.cycle, our_state) for _ in range(OUR_SAMPLES_EACH)]
            if place >= WARM_UP:
                peer_times[case].append(peer_time)
                our_times[case] += our_samples
    return {
        case: _figures(*states[case], statistics.median(peer_times[case]), statistics.median(our_times[case]))
        for case in cases
    }


def _figures(peer_state: str, our_state: bytes, peer_median: float, our_median: float) -> dict[str, Any]:
    return {
        "peer_ms": round(peer_median, 3),
        "ours_ms": round(our_median, 3),
        "ratio": round(peer_median / our_median, 1),
        "peer_bytes": len(peer_state),
        "our_bytes": len(our_state),
    }


def main() -> None:
    """Print the figures and whether each bar holds."""
    warnings.simplefilter("ignore")
    peer, ours = Peer(), Ours()
    gc.collect()
    gc.freeze()
    figures = measure(peer, ours, [(kind, size) for kind in STEPS for size in SIZES])
    growth = {kind: round(figures[kind, 200]["ours_ms"] / figures[kind, 10]["ours_ms"], 2) for kind in STEPS}
    holds = {f"{kind} {size}": figures[kind, size]["ratio"] >= bar for (kind, size), bar in BARS.items()}
    holds |= {f"{kind} growth": value <= MAX_GROWTH for kind, value in growth.items()}
    report = {
        "benchmark": "engine_cycle",
        "samples": {"peer": SAMPLES, "ours": SAMPLES * OUR_SAMPLES_EACH},
        "steps": {f"{kind} at {size}": figure for (kind, size), figure in figures.items()},
        "growth_10_to_200": growth,
        "bars": {f"{kind} {size}": bar for (kind, size), bar in BARS.items()} | {"growth": MAX_GROWTH},
        "holds": holds,
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
