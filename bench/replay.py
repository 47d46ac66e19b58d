"""Events per second of a replay through the desk, and the ten places where its time goes.

The real log where the machine has it beside the project, else a generated one of the same shape (``log`` says which).
"""

from __future__ import annotations

import cProfile
import json
import pstats
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.replay.made_log import write_log
from webapp.replay.run import replay

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / "shared" / "data" / "uci498" / "incidents_first_15000.csv.gz"
INCIDENTS = 100
SEED = 498
TOP = 10


def main() -> None:
    """Replay once for the figure and once under the profiler."""
    with TemporaryDirectory(prefix="lovem-bench-") as folder:
        log = REAL
        if not log.exists():
            log = Path(folder) / "made.csv"
            write_log(log, INCIDENTS, SEED)
        plain = replay(log, f"sqlite:///{folder}/plain.db", incidents=INCIDENTS, quiet=True)
        profile = cProfile.Profile()
        profile.enable()
        replay(log, f"sqlite:///{folder}/profiled.db", incidents=INCIDENTS, quiet=True)
        profile.disable()
    figures = {
        "benchmark": "replay",
        "what": "logged events carried out per second by the verbs of the desk, SQLite FULL",
        "log": "real" if log == REAL else "generated",
        "incidents": plain["incidents"],
        "events": plain["events"],
        "events_per_second": plain["events_per_second"],
        "top_ten_by_own_time": _top(profile),
    }
    print(json.dumps(figures, ensure_ascii=False))


def _top(profile: cProfile.Profile) -> list[dict[str, object]]:
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    total = sum(own for _, _, own, _, _ in stats.values())
    busiest = sorted(stats.items(), key=lambda entry: entry[1][2], reverse=True)[:TOP]
    return [
        {"place": _place(file, line, name), "calls": calls, "share": round(own / total, 3)}
        for (file, line, name), (_, calls, own, _, _) in busiest
    ]


def _place(file: str, line: int, name: str) -> str:
    return name if line == 0 else f"{'/'.join(Path(file).parts[-2:])}:{line} {name}"


if __name__ == "__main__":
    main()
