"""Whether a database may be served: the schema of this version, and no demo accounts outside demo mode."""

from __future__ import annotations

import flask_migrate
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from webapp import people
from webapp.desk import Desk
from webapp.settings import Settings, SettingsError


def migrate() -> None:
    """Bring the schema to this version; needs an active application context."""
    flask_migrate.upgrade()


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
    from webapp.app import MIGRATIONS

    heads = set(ScriptDirectory(str(MIGRATIONS)).get_heads())
    with desk.reading() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()) == heads
