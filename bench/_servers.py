"""The two servers of ``bench http``, each in a process of its own: ``python -m bench._servers desk|peer FOLDER``."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import waitress
from flask import Flask, request

from bench._reference import deploy
from engine import instances
from handlers.records import incidents
from webapp import auth, people, tokens
from webapp.app import create_app, desk_of
from webapp.database import create_schema
from webapp.settings import Settings

ACCOUNT, PASSWORD = "bench", "bench-password"
INSTANCES = 1400
THREADS = 16


def desk(folder: Path) -> Flask:
    """The desk with enough instances of the reference process, each beside an incident of its own."""
    settings = Settings(database_url=f"sqlite:///{folder}/desk.db", demo=True, threads=THREADS)
    app = create_app(settings)
    our = desk_of(app)
    create_schema(our.engine)
    deploy(our)
    with our.unit_of_work(ACCOUNT) as ctx:
        hashed = auth.hash_password(PASSWORD)
        people.add(ctx, ACCOUNT, "bench", hashed, posts=[("desk", "")], roles=["desk"])
    print("bearer", tokens.issue(our, ACCOUNT, ACCOUNT, "bench").token)
    with our.unit_of_work(ACCOUNT) as ctx:
        for _ in range(INSTANCES):
            incident_id = incidents.create(ctx)
            started = instances.start(ctx, "reference", str(incident_id), {})
            print("task", started.opened[0])
    return app


def peer(folder: Path) -> Flask:
    """One route that makes one durable insert."""
    app = Flask("peer")
    path = str(folder / "peer.db")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")

    @app.post("/note")
    def note() -> str:
        connection = sqlite3.connect(path, timeout=15, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("INSERT INTO note (text) VALUES (?)", (request.form["note"],))
        finally:
            connection.close()
        return "done"

    return app


def main(kind: str, folder: str) -> None:
    """Serve until killed; the line ``ready PORT`` says where."""
    app = {"desk": desk, "peer": peer}[kind](Path(folder))
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=THREADS)
    print("ready", server.effective_port, flush=True)  # type: ignore[union-attr]
    server.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
