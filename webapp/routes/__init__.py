"""The pages: sign-in, my work, a task, reporting, incidents. Routes parse, call one verb of the desk, and redirect."""

from __future__ import annotations

from flask import Flask

from webapp.routes import attachments, frame, incidents, report, session, tasks, times, work
from webapp.routes.blueprint import pages

__all__ = ["register"]

MODULES = (session, attachments, work, tasks, times, report, incidents)  # imported for their routes


def register(app: Flask) -> None:
    """Give the application its pages, filters and the frame around them."""
    frame.install(app)
    app.register_blueprint(pages)
