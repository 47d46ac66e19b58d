"""Whether a database may be served: the schema of this version, and no demo accounts outside demo mode."""

from __future__ import annotations

from alembic import command
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import Connection

from webapp import people
from webapp.desk import Desk
from webapp.settings import Settings, SettingsError


def migrate(connection: Connection | None = None, revision: str = "head") -> None:
    """Bring the schema to this version, or to ``revision``; needs an active application context.

    With a ``connection`` it happens in its transaction, which the caller ends.
    """
    config = current_app.extensions["migrate"].migrate.get_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def revisions() -> set[str]:
    """Every revision of the schema that this version knows."""
    return {one.revision for one in _script().walk_revisions()}


def heads() -> set[str]:
    """The revision of this version's schema."""
    return set(_script().get_heads())


def require_ready(desk: Desk, settings: Settings) -> None:
    """Raise SettingsError when the schema is of another version or demo accounts would be open to everybody."""
    if not _schema_is_current(desk):
        raise SettingsError(["The database's schema is not that of this version: run `lovem migrate` first"])
    if settings.demo:
        return
    with desk.reading() as connection:
        found = people.demo_accounts(connection)
    if found:
        problem = (
            f"The database has {len(found)} demo accounts ({', '.join(found[:3])} …), and everybody knows their "
            "password: start with an empty database, or set LOVEM_DEMO=1"
        )
        raise SettingsError([problem])


def _schema_is_current(desk: Desk) -> bool:
    with desk.reading() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()) == heads()


def _script() -> ScriptDirectory:
    from webapp.app import MIGRATIONS

    return ScriptDirectory(str(MIGRATIONS))
