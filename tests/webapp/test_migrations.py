from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import Connection, Engine, text

from engine.persistence import metadata
from webapp import ready
from webapp.app import desk_of
from webapp.settings import SettingsError

TRIGGERS = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
    "postgresql": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 2",
}


def triggers(connection: Connection) -> list[tuple[str, str]]:
    return [tuple(row) for row in connection.execute(text(TRIGGERS[connection.dialect.name]))]


def migrated(app: Flask) -> Engine:
    with app.app_context():
        ready.migrate()
    return desk_of(app).engine


def test_a_migrated_database_is_what_the_tables_say(empty_url: str, make_app: Callable[[str], Flask]):
    with migrated(make_app(empty_url)).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": metadata})
        assert compare_metadata(context, metadata) == []


@pytest.mark.proves("R014")
def test_migrations_protect_what_must_be_kept_as_create_all_does(
    database: Engine, tmp_path: Path, make_app: Callable[[str], Flask]
):
    with database.connect() as connection:
        wanted = triggers(connection)
    assert len(wanted) >= 10
    if database.dialect.name == "sqlite":
        url = f"sqlite:///{tmp_path / 'migrated.db'}"
    else:
        with database.connect() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
            connection.commit()
        url = database.url.render_as_string(hide_password=False)
    with migrated(make_app(url)).connect() as connection:
        assert triggers(connection) == wanted


def test_migrating_again_changes_nothing(empty_url: str, make_app: Callable[[str], Flask]):
    app = make_app(empty_url)
    migrated(app)
    with migrated(app).connect() as connection:
        assert MigrationContext.configure(connection).get_current_heads() == ("0002",)


def test_a_database_of_another_version_is_not_served(empty_url: str, make_app: Callable[..., Flask]):
    app = make_app(empty_url)
    desk, settings = desk_of(app), app.extensions["lovem"].settings
    with pytest.raises(SettingsError, match="lovem migrate"):
        ready.require_ready(desk, settings)
    migrated(app)
    ready.require_ready(desk, settings)
