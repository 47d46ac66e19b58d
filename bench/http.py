"""A task completed over HTTP, by its form and by the API, beside a Flask route that makes one durable insert.

All are served by waitress with as many threads, each in a process of its own; 1, 4 and 16 clients send one after the
other over connections that stay open. The rounds of all alternate in one run.
"""

from __future__ import annotations

import http.client
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

from bench._servers import ACCOUNT, PASSWORD

CLIENTS = (1, 4, 16)
ROUNDS = 5
REQUESTS = 40  # of all clients together, a round
BAR = 4.0
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Server:
    """A server's process, its port, and the lines that it printed before it was ready."""

    def __init__(self, kind: str, folder: str) -> None:
        command = [sys.executable, "-m", "bench._servers", kind, folder]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.lines: list[str] = []
        self.bearer = ""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word, _, rest = line.partition(" ")
            if word == "ready":
                self.port = int(rest)
                break
            if word == "bearer":
                self.bearer = rest.strip()
            else:
                self.lines.append(rest.strip())

    def connect(self) -> http.client.HTTPConnection:
        """A new connection."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


class Client:
    """A browser that has signed in: its cookie and its form token."""

    def __init__(self, server: Server) -> None:
        self._connection = server.connect()
        self._cookie = self.csrf = ""
        page = self.send("GET", "/sign-in", {})
        self.send("POST", "/sign-in", {"account": ACCOUNT, "password": PASSWORD, "csrf_token": _token(page)})
        self.csrf = _token(self.send("GET", "/work", {}))

    def complete(self, task_id: str) -> None:
        """Submit the form of a task of the reference process."""
        values = {"csrf_token": self.csrf, "token": "1", "record.note": "done", "note": "done"}
        self.send("POST", f"/tasks/{task_id}", values, expect=303)

    def send(self, method: str, path: str, values: dict[str, str], expect: int | None = None) -> str:
        """One request; returns the page."""
        headers = {**FORM, "Cookie": self._cookie}
        self._connection.request(method, path, urlencode(values) if values else None, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if expect is not None and answer.status != expect:
            raise RuntimeError(f"{method} {path}: {answer.status}\n{re.sub('<[^>]+>', ' ', text)[:2000]}")
        if not self.csrf and (cookie := answer.getheader("Set-Cookie")):
            # Once signed in it stays: a browser's next page would take the notes out again that each answer adds.
            self._cookie = cookie.partition(";")[0]
        return text


class Program:
    """A caller of the API with its token."""

    def __init__(self, server: Server) -> None:
        self._connection = server.connect()
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {server.bearer}"}

    def complete(self, task_id: str) -> None:
        """Complete a task of the reference process."""
        body = json.dumps({"token": 1, "values": {"note": "done"}})
        self._connection.request("POST", f"/api/tasks/{task_id}/complete", body, self._headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {text[:2000]}")


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"|name="csrf-token" content="([^"]+)"', page)
    if found is None:
        raise RuntimeError("the page has no form token")
    return found[1] or found[2]


def round_of(workers: Sequence[Callable[[], None]]) -> float:
    """Seconds for REQUESTS requests, shared among the workers."""
    share = REQUESTS // len(workers)
    with ThreadPoolExecutor(len(workers)) as pool:
        began = time.perf_counter()
        done = [pool.submit(_repeat, worker, share) for worker in workers]
        for future in done:
            future.result()
        return (time.perf_counter() - began) / (share * len(workers))


def _repeat(worker: Callable[[], None], times: int) -> None:
    for _ in range(times):
        worker()


def main() -> None:
    """Print the ratios for each number of clients."""
    with TemporaryDirectory(prefix="lovem-bench-") as folder:
        desk, peer = Server("desk", folder), Server("peer", folder)
        try:
            measured = {clients: _measure(desk, peer, clients) for clients in CLIENTS}
        finally:
            desk.stop()
            peer.stop()
    ratios = [ratio for each in measured.values() for ratio in (each.by_form / each.peer, each.by_api / each.peer)]
    figures = {
        "benchmark": "http",
        "what": "a task completed over HTTP / a Flask route with one durable insert, by number of clients",
        "form": {str(clients): round(each.by_form / each.peer, 2) for clients, each in measured.items()},
        "form_ms": {str(clients): round(each.by_form * 1000, 2) for clients, each in measured.items()},
        "api": {str(clients): round(each.by_api / each.peer, 2) for clients, each in measured.items()},
        "api_ms": {str(clients): round(each.by_api * 1000, 2) for clients, each in measured.items()},
        "bar": BAR,
        "holds": all(ratio <= BAR for ratio in ratios),
    }
    print(json.dumps(figures))


@dataclass(frozen=True, slots=True)
class Seconds:
    """The median of a request of each kind."""

    by_form: float
    by_api: float
    peer: float


def _measure(desk: Server, peer: Server, clients: int) -> Seconds:
    by_form, by_api, theirs = [], [], []
    browsers = [Client(desk) for _ in range(clients)]
    programs = [Program(desk) for _ in range(clients)]
    connections = [peer.connect() for _ in range(clients)]
    for _ in range(ROUNDS):
        by_form.append(round_of([lambda b=browser: b.complete(desk.lines.pop()) for browser in browsers]))
        by_api.append(round_of([lambda p=program: p.complete(desk.lines.pop()) for program in programs]))
        theirs.append(round_of([partial(_insert, connection) for connection in connections]))
    return Seconds(statistics.median(by_form), statistics.median(by_api), statistics.median(theirs))


def _insert(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/note", urlencode({"note": "done"}), FORM)
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(str(answer.status))


if __name__ == "__main__":
    main()
