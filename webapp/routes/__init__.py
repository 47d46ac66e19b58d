"""The pages: sign-in, my work, a task, reporting, incidents. Routes parse, call one verb of the desk, and redirect."""

from __future__ import annotations

from flask import Flask

from webapp.routes import (
    admin,
    admin_instances,
    admin_people,
    admin_reference,
    attachments,
    board,
    bulk,
    children,
    customer,
    frame,
    incident_list,
    incidents,
    password,
    processes,
    raising,
    report,
    rule_drafts,
    rules,
    session,
    task_hands,
    tasks,
    times,
    tokens,
    work,
)
from webapp.routes.blueprint import pages

__all__ = ["register"]

# Imported for their routes.
MODULES = (
    customer,
    session,
    password,
    attachments,
    board,
    work,
    bulk,
    children,
    tasks,
    task_hands,
    times,
    tokens,
    report,
    raising,
    incident_list,
    incidents,
    rules,
    rule_drafts,
    processes,
    admin,
    admin_people,
    admin_reference,
    admin_instances,
)


def register(app: Flask) -> None:
    """Give the application its pages, filters and the frame around them."""
    frame.install(app)
    app.register_blueprint(pages)
