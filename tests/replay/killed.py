"""A replay that kills its own process with SIGKILL at its n-th SQL statement: ``python -m tests.replay.killed``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from webapp.replay.run import replay


def main(log: str, url: str, statements: str) -> None:
    """Replay twelve incidents of ``log`` until statement number ``statements`` is about to be executed."""
    left = int(statements)

    @event.listens_for(Engine, "before_cursor_execute")
    def _count(*_arguments: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    replay(Path(log), url, incidents=12, quiet=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
