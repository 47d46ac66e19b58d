"""The office on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from tests.office import Office


@pytest.fixture
def office(database: Engine) -> Office:
    """An office on SQLite and on PostgreSQL."""
    return Office(database)
