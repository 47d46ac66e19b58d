"""A deployed desk of toy processes, on both databases and on SQLite alone."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from tests.engine.toys import Toy


@pytest.fixture
def toy(database: Engine) -> Toy:
    toy = Toy(database)
    toy.deploy()
    return toy


@pytest.fixture
def lite(sqlite_database: Engine) -> Toy:
    toy = Toy(sqlite_database)
    toy.deploy()
    return toy
