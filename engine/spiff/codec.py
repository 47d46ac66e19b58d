"""Compact state of an instance as bytes.

Byte 0 is the format, the next eight are the program's fingerprint, the rest is compressed JSON with a checksum: tasks
in the order parent before child, each with what its data differ from its parent's in. Definitions are not in it (the
bundle pins them), nor finished history. Keep it in a binary column: anything that reorders keys would destroy it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import zstandard
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.spiff.data import changes, copied
from engine.spiff.errors import StateError
from engine.spiff.program import FINGERPRINT_SIZE, Program
from engine.spiff.prune import prune
from engine.spiff.workflow import OPEN, InnerWorkflow, Run, Workflow

FORMAT = 1
MAX_STATE = 16_000_000  # bytes, unpacked
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PREDICTED = TaskState.PREDICTED_MASK | TaskState.FUTURE


def dump(workflow: Workflow) -> bytes:
    """The state at rest. Forgets finished history in ``workflow`` too. Raises StateError in the midst of a step."""
    if workflow.pending or workflow.failed:
        raise StateError("only a workflow that was advanced without error can be saved")
    prune(workflow)
    inner = sorted(workflow.subprocesses.values(), key=lambda tree: tree.depth)
    body = [
        _rows(workflow, workflow),
        [[tree.parent_task_id.hex, tree.spec.name, tree.completed, _rows(workflow, tree)] for tree in inner],
        workflow.completed,
        workflow.data,
    ]
    packed = zstandard.ZstdCompressor(level=3, write_checksum=True).compress(orjson.dumps(body))
    return bytes((FORMAT,)) + workflow.program.fingerprint + packed


def load(program: Program, state: bytes, run: Run) -> Workflow:
    """The workflow that :func:`dump` saved. Raises StateError for another format or another program."""
    if not state or state[0] != FORMAT:
        raise StateError(f"流程状态的格式不认识：{state[0] if state else '空'}")
    if state[1 : 1 + FINGERPRINT_SIZE] != program.fingerprint:
        raise StateError(f"流程状态属于另一个版本，不是这个 {program.process_key}")
    try:
        packed = state[1 + FINGERPRINT_SIZE :]
        rows, inner, completed, data = orjson.loads(
            zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_STATE)
        )
    except (zstandard.ZstdError, ValueError) as error:
        raise StateError(f"流程状态已损坏：{error}") from error
    workflow = Workflow(program, run, deserializing=True)
    workflow.pending = False
    workflow.completed = completed
    workflow.data = data
    _restore(workflow, workflow, rows)
    for parent_id, name, inner_completed, inner_rows in inner:
        parent = workflow.get_task_from_id(UUID(hex=parent_id))
        tree = InnerWorkflow(program.callees[name], parent.id, workflow, deserializing=True)
        tree.completed = inner_completed
        _restore(workflow, tree, inner_rows)
        workflow.subprocesses[parent.id] = tree
        tree.completed_event.connect(parent.task_spec._on_subworkflow_completed, parent)
    return workflow


def _rows(workflow: Workflow, tree: Any) -> list[list[Any]]:
    """A row per task: id, parent's row, state, spec, order, arrival, triggered, internal data, data set, data gone."""
    tasks = _in_order(tree)
    places = {task.id: place for place, task in enumerate(tasks)}
    orders = {task.id: order for order, task in enumerate(sorted(tasks, key=lambda task: task.last_state_change))}
    rows = []
    for task in tasks:
        parent = tree.tasks.get(task._parent)
        written, gone = _difference(parent.data, task.data) if parent is not None else (task.data, ())
        is_open = task._state & OPEN
        rows.append(
            [
                task.id.hex,
                places[parent.id] if parent is not None else -1,
                task._state,
                task.task_spec.name,
                orders[task.id],
                _microseconds(workflow.arrivals.get(task.id)) if is_open else 0,
                int(task.triggered),
                task.internal_data if is_open else 0,
                written or 0,
                gone or 0,
            ]
        )
    return rows


def _in_order(tree: Any) -> list[Task]:
    """All tasks that were reached, every parent before its children, children in their order."""
    tasks, found, stack = tree.tasks, [], [tree.task_tree]
    while stack:
        task = stack.pop()
        found.append(task)
        stack.extend(child for key in reversed(task._children) if not (child := tasks[key])._state & _PREDICTED)
    return found


def _difference(base: dict[str, Any], data: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    return changes(base, data), [key for key in base if key not in data]


def _restore(workflow: Workflow, tree: Any, rows: list[list[Any]]) -> None:
    specs = tree.spec.task_specs
    built: list[Task] = []
    for key, place, state, name, order, arrival, triggered, internal, written, gone in rows:
        parent = built[place] if place >= 0 else None
        task = _task(tree, specs[name], parent, state, UUID(hex=key))
        task.last_state_change = order
        task.triggered = bool(triggered)
        task.internal_data = internal or {}
        if parent is not None:
            task.data = copied(parent.data)
        for lost in gone or ():
            del task.data[lost]
        if written:
            task.data.update(written)
        if arrival:
            workflow.arrivals[task.id] = _EPOCH + arrival * _MICROSECOND
        built.append(task)
    tree.task_tree = built[0]


def _task(tree: Any, spec: Any, parent: Task | None, state: int, key: UUID) -> Task:
    """A task as the library makes it, which would read the clock for it."""
    task = Task.__new__(Task)
    task.id = key
    task.workflow = tree
    task.task_spec = spec
    task._parent = None
    task._children = []
    task._state = state
    task.thread_id = 0
    task.data = {}
    tree.tasks[key] = task
    if parent is not None:
        task._parent = parent.id
        parent._children.append(key)
    return task


def _microseconds(instant: datetime | None) -> int:
    return 0 if instant is None else (instant - _EPOCH) // _MICROSECOND
