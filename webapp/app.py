"""Putting the doors together: one Flask application around one desk."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from engine.persistence import metadata
from handlers import handlers_in
from webapp import api, failures, language, logs, routes, security
from webapp.clock import system_now
from webapp.current import Services
from webapp.database import PRIVATE, absolute_url, configure
from webapp.desk import Desk
from webapp.settings import Settings

MIGRATIONS = Path(__file__).resolve().parent / "migrations"

db = SQLAlchemy(metadata=metadata)
migrate = Migrate(directory=str(MIGRATIONS), compare_type=True)
csrf = CSRFProtect()


def create_app(settings: Settings, *, clock: Callable[[], datetime] = system_now) -> Flask:
    """Make the application; touches neither the database nor the clock until the first request.

    ``clock`` is the desk's only source of time; tests and the demo give one that they move.
    """
    app = Flask("webapp")
    app.config.update(_configuration(settings))
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # people read the answers of the API, too
    db.init_app(app)
    migrate.init_app(app, db)
    csrf.init_app(app)
    language.install(app, time_zone=settings.time_zone)
    with app.app_context():
        engine = configure(db.engine)
    desk = Desk(engine=engine, clock=clock, handlers=handlers_in(settings.zone), node=node_name())
    app.extensions["lovem"] = Services(settings=settings, desk=desk)
    logs.install()
    security.install(app, https=not settings.demo)
    failures.install(app)
    routes.register(app)
    api.register(app, csrf)
    if settings.proxies:
        count = settings.proxies
        proxied = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)
        app.wsgi_app = proxied  # type: ignore[method-assign]
    return app


def desk_of(app: Flask) -> Desk:
    """The desk of an application, for commands and tests that have no request."""
    services: Services = app.extensions["lovem"]
    return services.desk


def node_name() -> str:
    """A name for this process that no other process has: it marks the rows that are leased to it."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def _configuration(settings: Settings) -> dict[str, object]:
    https = not settings.demo
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": absolute_url(settings.database_url),
        "SQLALCHEMY_ENGINE_OPTIONS": PRIVATE,
        "SESSION_COOKIE_NAME": "__Host-lovem" if https else "lovem",
        "SESSION_COOKIE_PATH": "/",
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": settings.session_lasts_for,
        "SESSION_REFRESH_EACH_REQUEST": False,
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session
    }
