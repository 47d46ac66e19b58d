"""A house without engine: the real decision tables and reference data, and operations called as the diagrams would."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, make_url, text

from engine.context import Call, Context
from engine.definitions import deploy
from handlers import HANDLERS
from handlers.records import children, incidents
from handlers.records.incidents import Incident
from handlers.reference import load_reference
from webapp.database import make_engine

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
START = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai
DESK_PERSON, SUPPORTER, OTHER = "服务受理岗01", "CRM组-支持岗02", "结算组-支持岗01"


def reference_files() -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in (PROCESSES / "reference").glob("*.csv")}


def decision_files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (PROCESSES / "decisions").glob("*.dmn")}


class House:
    """One connection, a clock that the test moves, and the operations under their names."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.now = START
        self.statements: list[str] = []
        self.last: Context | None = None

        def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
            self.statements.append(statement)

        event.listen(connection, "before_cursor_execute", note)

    def context(self, actor: str = DESK_PERSON, **more: Any) -> Context:
        """A new unit of work at the present instant; the one before it ends."""
        self.settle()
        self.last = Context(self._connection, self.now, actor, HANDLERS, **more)
        return self.last

    @property
    def connection(self) -> Connection:
        """The connection, for looking at what is written."""
        self.settle()
        return self._connection

    def settle(self) -> None:
        """Write what the last unit of work has deferred, as a door does before the commit."""
        if self.last is not None:
            self.last.settle()

    def wait(self, **duration: float) -> datetime:
        """Move the clock."""
        self.now += timedelta(**duration)
        return self.now

    def report(self, **facts: Any) -> int:
        return incidents.create(self.context(), facts)

    def step(self, operation: str, incident_id: int, actor: str = DESK_PERSON, **values: Any) -> Any:
        """Call an operation in a unit of work of its own, as a user task (with values) or a service task does."""
        ctx = self.context(actor)
        self.statements.clear()
        call = Call(operation, 1, str(incident_id), {"incident_id": incident_id}, values or None)
        answer = HANDLERS[operation](ctx, call)
        ctx.settle()
        return answer

    def incident(self, incident_id: int) -> Incident:
        return incidents.get(self.context(), incident_id)

    # The main road, step by step.

    def problem(self, incident_id: int) -> str:
        """The number of a problem that is opened for an incident."""
        ctx = self.context()
        record = incidents.get(ctx, incident_id)
        return children.open_child(ctx, record, "problem", "频繁报错", None, None, {}, waits=False, element=None)

    def identify(self, incident_id: int, **more: Any) -> None:
        self.step("intake.identify", incident_id, **{**CUSTOMER, **more})

    def record(self, incident_id: int, **more: Any) -> None:
        self.step("intake.record", incident_id, **{**REQUEST, "occurred_at": self.now.isoformat(), **more})

    def classify(self, incident_id: int, **more: Any) -> None:
        self.step("classification.set_type", incident_id, request_type="故障", ci_affected=False)
        self.step("classification.classify", incident_id, **{**CLASS, **more})
        self.step("classification.assess", incident_id, "system")

    def dispatched(self, group: str = "crm", **more: Any) -> int:
        """A new incident that the desk has dispatched."""
        incident_id = self.report()
        self.identify(incident_id)
        self.record(incident_id)
        self.classify(incident_id, **more)
        self.step("dispatch.propose", incident_id, "system")
        self.step("dispatch.dispatch", incident_id, group=group)
        return incident_id

    def accepted(self, **more: Any) -> int:
        incident_id = self.dispatched(**more)
        self.step("dispatch.answer", incident_id, SUPPORTER, answer="accept")
        return incident_id

    def work(self, incident_id: int, actor: str = SUPPORTER) -> None:
        """Stage 3 and 4 with a good end."""
        self.step("investigation.analyse", incident_id, actor, analysis="受理台账与日志不一致")
        self.step("investigation.diagnose", incident_id, actor, diagnosis="配置被覆盖")
        self.step("investigation.conclude", incident_id, actor, found="solution", solution="恢复配置", workaround=False)
        self.step("resolution.agree", incident_id, actor, agreed=True, answer="同意")
        self.step("resolution.recover", incident_id, actor, action="已恢复")
        self.step("resolution.verify", incident_id, actor, restored=True, verification="正常", cause="crm.app.config")

    def resolved(self, **more: Any) -> int:
        incident_id = self.accepted(**more)
        self.work(incident_id)
        self.step("closing.resolve", incident_id, "system")
        return incident_id

    def closed(self) -> int:
        incident_id = self.resolved()
        self.step("closing.close", incident_id, close_code="C01", solution="恢复配置")
        return incident_id


CUSTOMER: Mapping[str, Any] = {
    "staff_number": "A1001",
    "customer_name": "营业厅岗位01",
    "customer_grade": "普通员工",
    "phone": "0731-8000 1001",
    "department": "marketing",
    "served": True,
}
REQUEST: Mapping[str, Any] = {"source": "phone", "summary": "受理时报错", "details": "提交订单后提示系统异常"}
CLASS: Mapping[str, Any] = {"category": "crm", "type": "crm.app", "symptom": "crm.app.error", "impact": 3}


@pytest.fixture(scope="session")
def _furnished_sqlite(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    path = tmp_path_factory.mktemp("house") / "house.db"
    shutil.copyfile(_sqlite_template, path)
    yield from _furnished(f"sqlite:///{path}")


@pytest.fixture(scope="session")
def _furnished_postgres(postgres_server: str, _postgres_template: str) -> Iterator[Engine]:
    name = f"lovem_house_{os.getpid()}"
    administrator = make_engine(postgres_server, pooled=False)
    with administrator.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {_postgres_template}"))
        yield from _furnished(make_url(postgres_server).set(database=name).render_as_string(hide_password=False))
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    administrator.dispose()


def _furnished(url: str) -> Iterator[Engine]:
    """One database for the session: every house rolls back what happened in it."""
    database = make_engine(url)
    with database.begin() as connection:
        ctx = House(connection).context("system")
        load_reference(ctx, reference_files())
        deploy(ctx, decision_files(), reason="首次部署")
    yield database
    database.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """A house on SQLite and on PostgreSQL, with the shipped reference data and decision tables."""
    yield from _open(request.getfixturevalue(f"_furnished_{request.param}"))


@pytest.fixture
def sqlite_house(_furnished_sqlite: Engine) -> Iterator[House]:
    """A house on SQLite alone, for what does not depend on the database."""
    yield from _open(_furnished_sqlite)


def _open(database: Engine) -> Iterator[House]:
    with database.connect() as connection:
        yield House(connection)
        connection.rollback()
