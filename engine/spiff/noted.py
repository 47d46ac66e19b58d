"""What every flow node of ours does: it tells where its tokens are, and predicts nothing."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.task import Task


class Noted:
    """Tells the workflow when a token arrives and when it is taken away; predicts nothing."""

    def _predict(self, my_task: Task, *args: Any, **kwargs: Any) -> None:
        """The run loop makes the children of a task when it runs it."""

    def _update_hook(self, my_task: Task) -> Any:
        my_task.workflow.top_workflow.arrive(my_task)
        return super()._update_hook(my_task)  # type: ignore[misc]

    def _on_cancel(self, my_task: Task) -> None:
        my_task.workflow.top_workflow.leave_cancelled(my_task)
        super()._on_cancel(my_task)  # type: ignore[misc]
