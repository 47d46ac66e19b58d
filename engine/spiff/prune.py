"""Forgetting what is finished, so that an instance's state does not grow with its history.

Kept are the live tasks, what they hang on up to their nearest common ancestor, and the splits above it whose boundary
events may still fire. History is reported before (``Workflow.left``) and lives in its own table.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.spiff import gateways, specs
from engine.spiff.workflow import Workflow

LIVE = TaskState.WAITING | TaskState.READY | TaskState.STARTED | TaskState.ERROR


def prune(workflow: Workflow) -> None:
    """Forget finished inner workflows, finished ancestors and the finished firings of cycles."""
    _forget_inner_workflows(workflow)
    for tree in (workflow, *workflow.subprocesses.values()):
        if not tree.completed:
            _forget_ancestors(tree)
            _forget_firings(tree)


def _forget_inner_workflows(workflow: Workflow) -> None:
    while True:
        alive = {
            task_id
            for tree in (workflow, *workflow.subprocesses.values())
            for task_id, task in tree.tasks.items()
            if task._state & LIVE
        }
        gone = [task_id for task_id in workflow.subprocesses if task_id not in alive]
        if not gone:
            return
        for task_id in gone:
            del workflow.subprocesses[task_id]


def _forget_ancestors(tree: Any) -> None:
    live = [task for task in tree.tasks.values() if task._state & LIVE]
    nearest = gateways.common_ancestor(live)
    root = tree.task_tree
    if nearest is None or nearest is root:
        return
    chain = [root, *_pending_splits(nearest, root), nearest]
    kept = {task.id for task in chain} | {task.id for task in _below(nearest)}
    for task_id in [task_id for task_id in tree.tasks if task_id not in kept]:
        del tree.tasks[task_id]
    for above, below in pairwise(chain):
        above._children = [below.id]
        if below._parent != above.id:
            above.data = {}  # a waiting child takes over its parent's data: never leave old ones there
            below._parent = above.id


def _pending_splits(nearest: Task, root: Task) -> list[Task]:
    """The boundary splits between ``root`` and ``nearest`` that were not joined yet, outermost first."""
    splits: list[Task] = []
    below, task = nearest, nearest.parent
    while task is not None and task is not root:
        open_below = below is nearest or not below._state & TaskState.FINISHED_MASK
        if isinstance(task.task_spec, BoundaryEventSplit) and open_below:
            splits.append(task)
        below, task = task, task.parent
    return splits[::-1]


def _forget_firings(tree: Any) -> None:
    """Branches that a waiting cycle timer started and that are over."""
    for timer in [task for task in tree.tasks.values() if task._state == TaskState.WAITING and task._children]:
        if isinstance(timer.task_spec, specs.Boundary):
            for child in timer.children:
                branch = list(_below(child))
                if all(task._state & TaskState.FINISHED_MASK for task in branch):
                    timer._children.remove(child.id)
                    for task in branch:
                        del tree.tasks[task.id]


def _below(task: Task) -> Iterator[Task]:
    """``task`` and everything under it in its own workflow."""
    stack = [task]
    while stack:
        task = stack.pop()
        yield task
        stack.extend(task.children)
