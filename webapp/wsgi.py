"""For a WSGI server: ``gunicorn --worker-class gthread webapp.wsgi:application``; each worker process has a ticker."""

from __future__ import annotations

import atexit

from flask import Flask

from webapp import ready
from webapp.app import create_app, desk_of
from webapp.clock import Ticker
from webapp.settings import Settings


def make() -> Flask:
    """The application of this environment with its ticker running; raises SettingsError where it must not start.

    The server must not load it before it forks (gunicorn's ``--preload``): threads do not survive a fork.
    """
    settings = Settings.from_environment()
    app = create_app(settings)
    ready.require_ready(desk_of(app), settings)
    ticker = Ticker(desk_of(app), settings.tick_seconds)
    ticker.start()
    atexit.register(ticker.stop)
    return app


application = make()
