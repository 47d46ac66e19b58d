"""What a request works with: the desk, the settings and the person; set once by the application, read by routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import abort, current_app, g, session

from webapp.auth import person_of
from webapp.desk import Desk
from webapp.rights import Person
from webapp.settings import Settings

TOKEN = "token"  # noqa: S105  (the key in the signed cookie, not a secret)


@dataclass(frozen=True, slots=True)
class Services:
    """The two things every route needs; kept in ``app.extensions["lovem"]``."""

    settings: Settings
    desk: Desk


def current_services() -> Services:
    """The services of the application that answers this request."""
    return cast(Services, current_app.extensions["lovem"])


def current_desk() -> Desk:
    """The desk whose verbs a route calls."""
    return current_services().desk


def current_settings() -> Settings:
    """The installation's settings."""
    return current_services().settings


def person_or_none() -> Person | None:
    """Who is signed in, read once a request; None for a stranger, an ended session or a disabled account."""
    if "person" not in g:
        g.person = person_of(current_desk(), session.get(TOKEN))
    return cast("Person | None", g.person)


def current_person() -> Person:
    """Who is signed in; answers 401 to a stranger (pages redirect to the sign-in page)."""
    person = person_or_none()
    if person is None:
        abort(401)
    return person
