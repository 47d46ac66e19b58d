"""The API: the desk's verbs and queries as JSON under ``/api``, described by OpenAPI at ``/api/openapi.json``."""

from __future__ import annotations

from flask import Flask
from flask_wtf import CSRFProtect

import webapp.api.alarms
import webapp.api.document
import webapp.api.incidents
import webapp.api.similar
import webapp.api.tasks  # noqa: F401  (all of them for their routes)
from webapp.api.blueprint import api
from webapp.api.strangers import FAILURES
from webapp.attempts import Failures

__all__ = ["register"]


def register(app: Flask, csrf: CSRFProtect) -> None:
    """Give the application its API; no cookie counts there, so no form token is asked for."""
    csrf.exempt(api)
    app.extensions[FAILURES] = Failures()
    app.register_blueprint(api)
