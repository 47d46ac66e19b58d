"""Child records, links, attachments, customers' accounts, passwords to change, API tokens, filters, rule drafts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.persistence import Instant, Json, append_only_statements

revision = "0002"
down_revision = "0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("child_change", "incident_link", "attachment", "attachment_content")


def upgrade() -> None:
    """Go to this revision; what is there stays as it is."""
    _incident()
    _person()
    _customer()
    _children()
    _attachments()
    _doors()
    _messages()
    dialect = op.get_bind().dialect.name
    for statement in [one for table in APPEND_ONLY for one in append_only_statements(table, dialect)]:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """What people have recorded since is not thrown away."""
    raise NotImplementedError("restore the backup that was made before the upgrade")


def _incident() -> None:
    op.add_column("incident", sa.Column("collected", sa.Text()))
    op.add_column("incident", sa.Column("announce", sa.Boolean()))
    op.add_column("incident", sa.Column("supplement_of", ID))
    op.add_column("incident", sa.Column("alarm_cleared_at", Instant()))
    op.add_column("incident", sa.Column("child_wait", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_incident_type", "incident", ["type", "id"])
    there = sa.text("alarm_number IS NOT NULL")
    op.create_index(
        "ix_incident_alarm_number", "incident", ["alarm_number"], sqlite_where=there, postgresql_where=there
    )


def _messages() -> None:
    op.add_column("message", sa.Column("hops", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_message_sent_at", "message", ["sent_at"])


def _person() -> None:
    op.add_column("person", sa.Column("must_change_password", sa.Boolean(), nullable=False, server_default=sa.false()))


def _customer() -> None:
    op.add_column("customer", sa.Column("account", sa.String(length=80)))
    op.create_index("ix_customer_account", "customer", ["account"], unique=True)
    with op.batch_alter_table("incident_number") as batch:
        batch.alter_column(
            "day", existing_type=sa.String(length=6), type_=sa.String(length=12), existing_nullable=False
        )


def _children() -> None:
    op.create_table(
        "child",
        sa.Column("id", ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("updated_by", sa.String(length=80), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("incident_id", ID, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=True),
        sa.Column("group", sa.String(length=60), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.Column("facts", Json(), nullable=False),
        sa.Column("wait", sa.Integer(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_child_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_child")),
        sa.UniqueConstraint("number", name=op.f("uq_child_number")),
    )
    op.create_index("ix_child_incident_id", "child", ["incident_id"])
    op.create_index("ix_child_kind", "child", ["kind", "state", "id"])
    op.create_table(
        "child_change",
        sa.Column("id", ID, nullable=False),
        sa.Column("child_id", ID, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=80), nullable=True),
        sa.Column("element_id", sa.String(length=120), nullable=True),
        sa.Column("field", sa.String(length=60), nullable=False),
        sa.Column("old", Json(), nullable=True),
        sa.Column("new", Json(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_child_change")),
    )
    op.create_index("ix_child_change_child_id", "child_change", ["child_id"])
    op.create_table(
        "incident_link",
        sa.Column("id", ID, nullable=False),
        sa.Column("incident_id", ID, nullable=False),
        sa.Column("other_id", ID, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=80), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_link")),
    )
    op.create_index("ix_incident_link_incident_id", "incident_link", ["incident_id"])
    op.create_index("ix_incident_link_other_id", "incident_link", ["other_id"])


def _attachments() -> None:
    op.create_table(
        "attachment",
        sa.Column("id", ID, nullable=False),
        sa.Column("incident_id", ID, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=80), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content_type", sa.String(length=80), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index("ix_attachment_incident_id", "attachment", ["incident_id"])
    op.create_table(
        "attachment_content",
        sa.Column("attachment_id", ID, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["attachment_id"], ["attachment.id"], name=op.f("fk_attachment_content_attachment_id")),
        sa.PrimaryKeyConstraint("attachment_id", name=op.f("pk_attachment_content")),
    )


def _doors() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_index("ix_api_token_account", "api_token", ["account"])
    op.create_table(
        "saved_filter",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filter")),
    )
    op.create_index("ix_saved_filter_account", "saved_filter", ["account"])
    op.create_table(
        "rule_draft",
        sa.Column("id", ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("effective_from", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("submitted_at", Instant(), nullable=True),
        sa.Column("reviewer", sa.String(length=80), nullable=True),
        sa.Column("reviewed_at", Instant(), nullable=True),
        sa.Column("review_note", sa.Text(), nullable=True),
        sa.Column("deployment_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_draft")),
    )
    op.create_index("ix_rule_draft_key", "rule_draft", ["key", "state"])
    op.create_index("ix_decision_log_definition_id", "decision_log", ["definition_id", "decided_at"])
