"""The first start: on several nodes at once, and after one that was killed; on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, func, select

from handlers import HANDLERS
from handlers.records.tables import comment, incident, person, reference_row, reference_state
from tests.webapp.conftest import SECRET
from webapp import auth, demo
from webapp.database import make_engine
from webapp.demo import player
from webapp.desk import Desk
from webapp.shipped import deploy_shipped

NOW = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
COMMAND = [sys.executable, "-c", "import sys; from webapp.cli import main; sys.exit(main(['demo']))"]


class KilledError(BaseException):
    """The process ends here."""


def desk_on(engine: Engine) -> Desk:
    desk = Desk(engine, lambda: NOW, HANDLERS, "demo")
    deploy_shipped(desk, update=True)
    return desk


def facts(desk: Desk, table) -> list[object]:
    with desk.reading() as connection:
        return list(connection.execute(select(table).order_by(table.c.id)))


@pytest.mark.parametrize("verb", ["report", "complete_joined", "hold", "comment", "withdraw"])
def test_a_demo_that_was_interrupted_is_finished_by_the_next_start(
    database: Engine, sqlite_database: Engine, monkeypatch: pytest.MonkeyPatch, verb: str
):
    calls = 0
    usual = getattr(player.verbs, verb)

    def killed_at_the_second(*arguments, **named):
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KilledError
        return usual(*arguments, **named)

    desk, undisturbed = desk_on(database), desk_on(sqlite_database)
    with monkeypatch.context() as patched:
        patched.setattr(player.verbs, verb, killed_at_the_second)
        with pytest.raises(KilledError):
            demo.load(desk)
    with pytest.raises(auth.SignInRefusedError):
        auth.sign_in(desk, "reception01", demo.PASSWORD, demo.JUST_NOW)  # nobody works in half a demo
    assert demo.load(desk) is True
    assert demo.load(desk) is False
    demo.load(undisturbed)
    assert facts(desk, incident) == facts(undisturbed, incident)
    assert len(facts(desk, comment)) == len(facts(undisturbed, comment))
    auth.sign_in(desk, "reception01", demo.PASSWORD, demo.JUST_NOW)


def test_several_nodes_may_start_for_the_first_time_at_once(empty_url: str):
    environment = os.environ | {"LOVEM_DATABASE_URL": empty_url, "LOVEM_SECRET_KEY": SECRET, "LOVEM_DEMO": "1"}
    nodes = [subprocess.Popen(COMMAND, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE) for _ in "ab"]
    said = [node.communicate()[1].decode() for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], said
    engine = make_engine(empty_url, pooled=False)
    with engine.connect() as connection:
        accounts = connection.scalar(select(func.count()).select_from(person))
        assert accounts == len(demo.ACCOUNTS)
        assert connection.scalar(select(func.count()).select_from(incident)) == len(demo.STORIES)
    engine.dispose()


def test_reference_data_that_are_missing_are_loaded_beside_definitions_that_are_there(database: Engine):
    desk = desk_on(database)
    with desk.unit_of_work("test") as ctx:
        ctx.connection.execute(reference_row.delete())
        ctx.connection.execute(reference_state.delete())
    deploy_shipped(desk, update=False)
    with desk.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(reference_row)) > 100
