"""The engine's tables. Every other module of the engine reads and writes rows through these; nothing here commits.

History, decision log and definitions are append-only: the database itself refuses update and delete (R014).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant; refuses naive ones. ``timestamptz`` on PostgreSQL, UTC text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn any aware instant into UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give every instant back as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """JSON as text in the order it was written (a JSONB column would reorder keys)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write compact JSON."""
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Read JSON."""
        return None if value is None else orjson.loads(value)


# SQLite gives 64-bit rowids to INTEGER keys only.
Id = BigInteger().with_variant(Integer, "sqlite")

definition = Table(
    "definition",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(10), nullable=False),  # process | decision | form
    Column("key", String(120), nullable=False),  # process id, decision id, form key
    Column("version", Integer, nullable=False),  # 1, 2, 3 … per kind and key
    Column("content_hash", String(64), nullable=False),  # sha256 of the bytes
    Column("filename", String(200), nullable=False),
    Column("name", String(200), nullable=False),
    Column("content", LargeBinary, nullable=False),  # the file's bytes, as given
    UniqueConstraint("kind", "key", "version"),
    UniqueConstraint("kind", "key", "content_hash"),
)

deployment = Table(
    "deployment",
    metadata,
    Column("id", Id, primary_key=True),
    Column("author", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    Column("deployed_at", Instant, nullable=False),
    Column("effective_from", Instant),  # null: since ever
    # Random, so that a deployment that was rolled back leaves nothing that a later one could be mistaken for.
    Column("fingerprint", String(64), nullable=False),
)

# In force at an instant: per kind and key, the item with the greatest (effective_from, deployment) not after it.
deployment_item = Table(
    "deployment_item",
    metadata,
    Column("deployment_id", Id, ForeignKey("deployment.id"), primary_key=True),
    Column("definition_id", Id, ForeignKey("definition.id"), primary_key=True),
)

# What an instance is pinned to: its process, all that it calls, and their forms.
bundle = Table(
    "bundle",
    metadata,
    Column("id", Id, primary_key=True),
    Column("process_key", String(120), nullable=False),
    Column("content_hash", String(64), nullable=False, unique=True),  # over ids and hashes of its definitions
    Column("definition_ids", Json, nullable=False),
)

instance = Table(
    "instance",
    metadata,
    Column("id", Id, primary_key=True),
    Column("bundle_id", Id, ForeignKey("bundle.id"), nullable=False),
    Column("process_key", String(120), nullable=False),
    Column("business_key", String(120), nullable=False),
    Column("status", String(10), nullable=False),  # running | suspended | stuck | completed | cancelled
    Column("revision", Integer, nullable=False),
    Column("state", LargeBinary),  # null once ended
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("end_reason", Text),  # why cancelled or suspended
    Index(
        "uq_instance_running",
        "process_key",
        "business_key",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index("ix_instance_business_key", "business_key"),
)

# One row per instance that cannot go on; ``command`` repeats the step that failed.
stuck = Table(
    "stuck",
    metadata,
    Column("instance_id", Id, ForeignKey("instance.id"), primary_key=True, autoincrement=False),
    Column("element_id", String(120)),
    Column("cause", Text, nullable=False),
    Column("command", Json, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("stuck_at", Instant, nullable=False),
)

# Open user tasks only: a completed one lives on in the history.
user_task = Table(
    "user_task",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("instance_id", Id, ForeignKey("instance.id"), nullable=False),
    Column("business_key", String(120), nullable=False),
    Column("element_id", String(120), nullable=False),
    Column("name", String(200), nullable=False),
    Column("lane", String(60)),
    Column("candidate_group", String(60)),
    Column("assignee", String(80)),
    Column("priority", Integer, nullable=False),  # 1 first; 9 where nothing says
    Column("due_at", Instant),
    Column("form_id", Id, ForeignKey("definition.id")),
    Column("revision", Integer, nullable=False),  # the version token of a rendered page
    Column("draft", Json),
    Column("draft_by", String(80)),
    Column("created_at", Instant, nullable=False),
    Column("claimed_at", Instant),
    Column("on_behalf_of", String(80)),  # the absent person for whom the assignee acts (§5.1.4)
    Column("changed_by", String(80)),  # who made this revision, for the page that comes too late
    Column("changed_at", Instant),
    Column("suspended", Boolean, nullable=False, default=False),  # its instance is suspended or stuck
    Index("ix_user_task_instance_id", "instance_id"),
    Index("ix_user_task_assignee", "assignee", "priority", "due_at", "id"),
    Index(
        "ix_user_task_candidate_group", "candidate_group", "assignee", "priority", "due_at", "id"
    ),  # free ones are one range
)

timer = Table(
    "timer",
    metadata,
    Column("task_id", String(32), primary_key=True),
    Column("instance_id", Id, ForeignKey("instance.id"), nullable=False),
    Column("element_id", String(120), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("leased_by", String(80)),
    Column("leased_until", Instant),
    Index("ix_timer_due_at", "due_at", "leased_until", "task_id"),  # the due scan reads nothing else
    Index("ix_timer_instance_id", "instance_id"),
)

subscription = Table(
    "subscription",
    metadata,
    Column("task_id", String(32), primary_key=True),
    Column("name", String(120), primary_key=True),
    Column("key", String(120), nullable=False),
    Column("instance_id", Id, ForeignKey("instance.id"), nullable=False),
    Index("ix_subscription_name_key", "name", "key"),
    Index("ix_subscription_instance_id", "instance_id"),
)

# A message waits here for its receiver. A delivered one stays a while, lest the same message_id be delivered twice.
message = Table(
    "message",
    metadata,
    Column("id", Id, primary_key=True),
    Column("message_id", String(120), nullable=False, unique=True),  # the sender's idempotency key
    Column("name", String(120), nullable=False),
    Column("key", String(120), nullable=False),
    Column("payload", Json),
    Column("sent_at", Instant, nullable=False),
    Column("leased_by", String(80)),
    Column("leased_until", Instant),
    Column("delivered_at", Instant),
    Column("receiver_id", Id),  # the instance that got it
    Column("hops", Integer, nullable=False, default=0, server_default="0"),  # messages that led to it, one by one
    Index(
        "ix_message_waiting",
        "name",
        "key",
        sqlite_where=text("delivered_at IS NULL"),
        postgresql_where=text("delivered_at IS NULL"),
    ),
    Index("ix_message_sent_at", "sent_at"),
)

history = Table(
    "history",
    metadata,
    Column("id", Id, primary_key=True),
    Column("instance_id", Id, nullable=False),
    Column("element_id", String(120), nullable=False),
    Column("element_type", String(30), nullable=False),  # BPMN's name: userTask, endEvent, …; process for the instance
    Column("task_id", String(32), nullable=False),
    Column("entered_at", Instant, nullable=False),
    Column("left_at", Instant, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("on_behalf_of", String(80)),
    Column("outcome", String(120)),  # end or boundary outcome, the result of a task, "cancelled", …
    Column("note", Text),  # why an instance was cancelled, suspended, resumed, retried
    Index("ix_history_instance_id", "instance_id"),
    Index(
        "ix_history_user_task",
        "task_id",
        sqlite_where=text("element_type = 'userTask'"),
        postgresql_where=text("element_type = 'userTask'"),
    ),
)

decision_log = Table(
    "decision_log",
    metadata,
    Column("id", Id, primary_key=True),
    Column("instance_id", Id),
    Column("element_id", String(120)),
    Column("definition_id", Id, nullable=False),  # which version answered
    Column("decided_at", Instant, nullable=False),
    Column("inputs", Json, nullable=False),
    Column("row_ids", Json, nullable=False),
    Column("outputs", Json),
    Column("warnings", Json, nullable=False),  # what became null on the way to the answer
    Index("ix_decision_log_instance_id", "instance_id"),
    Index("ix_decision_log_definition_id", "definition_id", "decided_at"),  # the hits of a version
)


def append_only_statements(table: str, dialect: str) -> list[str]:
    """The statements that make the database refuse update and delete on ``table`` (R014, R277)."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("update", "delete")
        ]
    return [
        f"CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$",
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()",
    ]


def append_only(tables: Iterable[Table]) -> None:
    """Have ``metadata.create_all`` protect ``tables`` as the migrations do."""
    for table in tables:
        for dialect in ("sqlite", "postgresql"):
            for statement in append_only_statements(table.name, dialect):
                ddl: DDL = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
                event.listen(table, "after_create", ddl.execute_if(dialect=dialect))


append_only([definition, deployment, deployment_item, bundle, history, decision_log])
