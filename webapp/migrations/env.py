"""How Alembic reaches the database: through the Flask application, in one transaction, one node at a time."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app
from sqlalchemy import Connection, text

from engine.persistence import Instant, Json
from handlers.records.tables import Duration

OWN_TYPES = (Instant, Json, Duration)
LOCK = 0x10_7E_3D  # any number that no other use of advisory locks takes


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write the product's own column types by name into a generated migration."""
    if kind == "type" and isinstance(item, OWN_TYPES):
        autogen.imports.add(f"from {type(item).__module__} import {type(item).__name__}")
        return f"{type(item).__name__}()"
    return False


def run(connection: Connection) -> None:
    """Bring the schema to the wanted revision, whole or not at all."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    extension = current_app.extensions["migrate"]
    arguments = dict(extension.configure_args)
    context.configure(
        connection=connection,
        target_metadata=extension.db.metadata,
        transactional_ddl=True,
        render_item=render_item,
        **arguments,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with current_app.extensions["migrate"].db.engine.begin() as opened:
        run(opened)
