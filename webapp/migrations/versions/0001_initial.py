"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.persistence import Instant, Json, append_only_statements
from handlers.records.tables import Duration, incident_protection

revision = "0001"
down_revision = None

APPEND_ONLY = (
    "bundle",
    "definition",
    "deployment",
    "deployment_item",
    "history",
    "decision_log",
    "customer_change",
    "field_change",
    "comment",
)


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "bundle",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("process_key", sa.String(length=120), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("definition_ids", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bundle")),
        sa.UniqueConstraint("content_hash", name=op.f("uq_bundle_content_hash")),
    )
    op.create_table(
        "comment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("incident_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=80), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment")),
    )
    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.create_index("ix_comment_incident_id", ["incident_id"], unique=False)

    op.create_table(
        "customer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("staff_number", sa.String(length=60), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("grade", sa.String(length=60), nullable=False),
        sa.Column("phone", sa.String(length=60), nullable=True),
        sa.Column("mobile", sa.String(length=60), nullable=True),
        sa.Column("extension", sa.String(length=60), nullable=True),
        sa.Column("location", sa.String(length=200), nullable=True),
        sa.Column("email", sa.String(length=200), nullable=True),
        sa.Column("department", sa.String(length=200), nullable=True),
        sa.Column("served", sa.Boolean(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("staff_number", name=op.f("uq_customer_staff_number")),
    )
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.create_index("ix_customer_mobile", ["mobile"], unique=False)
        batch_op.create_index("ix_customer_name", ["name"], unique=False)
        batch_op.create_index("ix_customer_phone", ["phone"], unique=False)

    op.create_table(
        "customer_change",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=80), nullable=True),
        sa.Column("field", sa.String(length=60), nullable=False),
        sa.Column("old", Json(), nullable=True),
        sa.Column("new", Json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_change")),
    )
    with op.batch_alter_table("customer_change", schema=None) as batch_op:
        batch_op.create_index("ix_customer_change_customer_id", ["customer_id"], unique=False)

    op.create_table(
        "decision_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("instance_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("element_id", sa.String(length=120), nullable=True),
        sa.Column("definition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("decided_at", Instant(), nullable=False),
        sa.Column("inputs", Json(), nullable=False),
        sa.Column("row_ids", Json(), nullable=False),
        sa.Column("outputs", Json(), nullable=True),
        sa.Column("warnings", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_log")),
    )
    with op.batch_alter_table("decision_log", schema=None) as batch_op:
        batch_op.create_index("ix_decision_log_instance_id", ["instance_id"], unique=False)

    op.create_table(
        "definition",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_definition")),
        sa.UniqueConstraint("kind", "key", "content_hash", name=op.f("uq_definition_kind_key_content_hash")),
        sa.UniqueConstraint("kind", "key", "version", name=op.f("uq_definition_kind_key_version")),
    )
    op.create_table(
        "deployment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("deployed_at", Instant(), nullable=False),
        sa.Column("effective_from", Instant(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment")),
    )
    op.create_table(
        "field_change",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("incident_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=80), nullable=True),
        sa.Column("element_id", sa.String(length=120), nullable=True),
        sa.Column("field", sa.String(length=60), nullable=False),
        sa.Column("old", Json(), nullable=True),
        sa.Column("new", Json(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_change")),
    )
    with op.batch_alter_table("field_change", schema=None) as batch_op:
        batch_op.create_index("ix_field_change_incident_id", ["incident_id"], unique=False)

    op.create_table(
        "history",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("instance_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("element_id", sa.String(length=120), nullable=False),
        sa.Column("element_type", sa.String(length=30), nullable=False),
        sa.Column("task_id", sa.String(length=32), nullable=False),
        sa.Column("entered_at", Instant(), nullable=False),
        sa.Column("left_at", Instant(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=80), nullable=True),
        sa.Column("outcome", sa.String(length=120), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
    )
    with op.batch_alter_table("history", schema=None) as batch_op:
        batch_op.create_index("ix_history_instance_id", ["instance_id"], unique=False)
        batch_op.create_index(
            "ix_history_user_task",
            ["task_id"],
            unique=False,
            sqlite_where=sa.text("element_type = 'userTask'"),
            postgresql_where=sa.text("element_type = 'userTask'"),
        )

    op.create_table(
        "idempotency",
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("verb", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("result", Json(), nullable=False),
        sa.Column("arrived_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("actor", "verb", "key", name=op.f("pk_idempotency")),
    )
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.create_index("ix_idempotency_arrived_at", ["arrived_at"], unique=False)

    op.create_table(
        "incident_number",
        sa.Column("day", sa.String(length=6), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_incident_number")),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("payload", Json(), nullable=True),
        sa.Column("sent_at", Instant(), nullable=False),
        sa.Column("leased_by", sa.String(length=80), nullable=True),
        sa.Column("leased_until", Instant(), nullable=True),
        sa.Column("delivered_at", Instant(), nullable=True),
        sa.Column("receiver_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("message_id", name=op.f("uq_message_message_id")),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index(
            "ix_message_waiting",
            ["name", "key"],
            unique=False,
            sqlite_where=sa.text("delivered_at IS NULL"),
            postgresql_where=sa.text("delivered_at IS NULL"),
        )

    op.create_table(
        "person",
        sa.Column("account", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=200), nullable=True),
        sa.Column("email", sa.String(length=200), nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_person")),
    )
    op.create_table(
        "reference_row",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("table", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("data", Json(), nullable=False),
        sa.Column("valid_from", Instant(), nullable=True),
        sa.Column("valid_to", Instant(), nullable=True),
        sa.Column("changed_by", sa.String(length=80), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_row")),
    )
    with op.batch_alter_table("reference_row", schema=None) as batch_op:
        batch_op.create_index("ix_reference_row_table_key", ["table", "key"], unique=False)

    op.create_table(
        "reference_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_state")),
    )
    op.create_table(
        "reference_load",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("loaded_at", Instant(), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_rows", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_load")),
    )
    op.create_table(
        "sign_in_failure",
        sa.Column("account", sa.String(length=80), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", Instant(), nullable=False),
        sa.Column("locked_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_sign_in_failure")),
    )
    with op.batch_alter_table("sign_in_failure", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_failure_failed_at", ["failed_at"], unique=False)

    op.create_table(
        "web_session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=80), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_web_session")),
    )
    with op.batch_alter_table("web_session", schema=None) as batch_op:
        batch_op.create_index("ix_web_session_account", ["account"], unique=False)
        batch_op.create_index("ix_web_session_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "deployment_item",
        sa.Column("deployment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("definition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["definition_id"], ["definition.id"], name=op.f("fk_deployment_item_definition_id")),
        sa.ForeignKeyConstraint(["deployment_id"], ["deployment.id"], name=op.f("fk_deployment_item_deployment_id")),
        sa.PrimaryKeyConstraint("deployment_id", "definition_id", name=op.f("pk_deployment_item")),
    )
    op.create_table(
        "incident",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("updated_by", sa.String(length=80), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("held_state", sa.String(length=12), nullable=True),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("responsible_role", sa.String(length=12), nullable=True),
        sa.Column("responsible_group", sa.String(length=60), nullable=True),
        sa.Column("responsible_person", sa.String(length=80), nullable=True),
        sa.Column("recorder", sa.String(length=80), nullable=False),
        sa.Column("recorder_group", sa.String(length=60), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("staff_number", sa.Text(), nullable=True),
        sa.Column("customer_name", sa.Text(), nullable=True),
        sa.Column("customer_grade", sa.String(length=60), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("mobile", sa.Text(), nullable=True),
        sa.Column("extension", sa.Text(), nullable=True),
        sa.Column("customer_location", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("served", sa.Boolean(), nullable=True),
        sa.Column("source", sa.String(length=60), nullable=True),
        sa.Column("request_type", sa.String(length=60), nullable=True),
        sa.Column("ci_affected", sa.Boolean(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=True),
        sa.Column("service_effect", sa.Text(), nullable=True),
        sa.Column("affected_departments", sa.Text(), nullable=True),
        sa.Column("occurred_at", Instant(), nullable=True),
        sa.Column("configuration_items", sa.Text(), nullable=True),
        sa.Column("external_number", sa.Text(), nullable=True),
        sa.Column("external_contact", sa.Text(), nullable=True),
        sa.Column("external_deadline", Instant(), nullable=True),
        sa.Column("alarm_severity", sa.Text(), nullable=True),
        sa.Column("alarm_number", sa.Text(), nullable=True),
        sa.Column("alarm_text", sa.Text(), nullable=True),
        sa.Column("alarm_trigger", sa.String(length=60), nullable=True),
        sa.Column("alarm_account", sa.Text(), nullable=True),
        sa.Column("prehandling", sa.Text(), nullable=True),
        sa.Column("failed_change", sa.Text(), nullable=True),
        sa.Column("recorded_at", Instant(), nullable=True),
        sa.Column("category", sa.String(length=60), nullable=True),
        sa.Column("type", sa.String(length=60), nullable=True),
        sa.Column("symptom", sa.String(length=60), nullable=True),
        sa.Column("cause", sa.String(length=60), nullable=True),
        sa.Column("service", sa.String(length=60), nullable=True),
        sa.Column("location", sa.String(length=60), nullable=True),
        sa.Column("impact", sa.Integer(), nullable=True),
        sa.Column("urgency", sa.String(length=60), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.Column("priority_provisional", sa.Boolean(), nullable=False),
        sa.Column("escalated", sa.Boolean(), nullable=False),
        sa.Column("proposed_group", sa.String(length=60), nullable=True),
        sa.Column("proposed_post", sa.String(length=60), nullable=True),
        sa.Column("holder_group", sa.String(length=60), nullable=True),
        sa.Column("dispatches", sa.Integer(), nullable=False),
        sa.Column("transfers", sa.Integer(), nullable=False),
        sa.Column("rejections", sa.Integer(), nullable=False),
        sa.Column("analysis", sa.Text(), nullable=True),
        sa.Column("diagnosis", sa.Text(), nullable=True),
        sa.Column("found", sa.String(length=60), nullable=True),
        sa.Column("solution", sa.Text(), nullable=True),
        sa.Column("workaround", sa.Boolean(), nullable=True),
        sa.Column("agreed", sa.Boolean(), nullable=True),
        sa.Column("agreement", sa.Text(), nullable=True),
        sa.Column("recovery", sa.Text(), nullable=True),
        sa.Column("restored", sa.Boolean(), nullable=True),
        sa.Column("verification", sa.Text(), nullable=True),
        sa.Column("resolver", sa.String(length=80), nullable=True),
        sa.Column("resolving_group", sa.String(length=60), nullable=True),
        sa.Column("resolved_at", Instant(), nullable=True),
        sa.Column("check_remark", sa.Text(), nullable=True),
        sa.Column("satisfied", sa.Boolean(), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("proposed_close_code", sa.String(length=60), nullable=True),
        sa.Column("close_code", sa.String(length=60), nullable=True),
        sa.Column("close_remark", sa.Text(), nullable=True),
        sa.Column("problem_ref", sa.Text(), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("master_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("original_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("waiting_since", Instant(), nullable=True),
        sa.Column("waiting_code", sa.String(length=60), nullable=True),
        sa.Column("waiting_until", Instant(), nullable=True),
        sa.Column("response_for", Duration(), nullable=True),
        sa.Column("response_started_at", Instant(), nullable=True),
        sa.Column("response_stopped_at", Instant(), nullable=True),
        sa.Column("response_paused", Duration(), nullable=False),
        sa.Column("acceptance_for", Duration(), nullable=True),
        sa.Column("acceptance_started_at", Instant(), nullable=True),
        sa.Column("acceptance_stopped_at", Instant(), nullable=True),
        sa.Column("acceptance_paused", Duration(), nullable=False),
        sa.Column("restoration_for", Duration(), nullable=True),
        sa.Column("restoration_started_at", Instant(), nullable=True),
        sa.Column("restoration_stopped_at", Instant(), nullable=True),
        sa.Column("restoration_paused", Duration(), nullable=False),
        sa.Column("closure_for", Duration(), nullable=True),
        sa.Column("closure_started_at", Instant(), nullable=True),
        sa.Column("closure_stopped_at", Instant(), nullable=True),
        sa.Column("closure_paused", Duration(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_incident_customer_id")),
        sa.ForeignKeyConstraint(["master_id"], ["incident.id"], name=op.f("fk_incident_master_id")),
        sa.ForeignKeyConstraint(["original_id"], ["incident.id"], name=op.f("fk_incident_original_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        sa.UniqueConstraint("number", name=op.f("uq_incident_number")),
    )
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.create_index("ix_incident_customer_id", ["customer_id"], unique=False)
        batch_op.create_index(
            "ix_incident_master_id",
            ["master_id"],
            unique=False,
            sqlite_where=sa.text("master_id IS NOT NULL"),
            postgresql_where=sa.text("master_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_incident_original_id",
            ["original_id"],
            unique=False,
            sqlite_where=sa.text("original_id IS NOT NULL"),
            postgresql_where=sa.text("original_id IS NOT NULL"),
        )
        batch_op.create_index("ix_incident_recorder", ["recorder", "state"], unique=False)
        batch_op.create_index("ix_incident_responsible_group", ["responsible_group", "state"], unique=False)
        batch_op.create_index("ix_incident_state", ["state", "priority", "id"], unique=False)

    op.create_table(
        "instance",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("bundle_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("process_key", sa.String(length=120), nullable=False),
        sa.Column("business_key", sa.String(length=120), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=True),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["bundle_id"], ["bundle.id"], name=op.f("fk_instance_bundle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
    )
    with op.batch_alter_table("instance", schema=None) as batch_op:
        batch_op.create_index("ix_instance_business_key", ["business_key"], unique=False)
        batch_op.create_index(
            "uq_instance_running",
            ["process_key", "business_key"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "membership",
        sa.Column("account", sa.String(length=80), nullable=False),
        sa.Column("group", sa.String(length=60), nullable=False),
        sa.Column("post", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["person.account"], name=op.f("fk_membership_account")),
        sa.PrimaryKeyConstraint("account", "group", "post", name=op.f("pk_membership")),
    )
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.create_index("ix_membership_group", ["group"], unique=False)

    op.create_table(
        "role_grant",
        sa.Column("account", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["person.account"], name=op.f("fk_role_grant_account")),
        sa.PrimaryKeyConstraint("account", "role", name=op.f("pk_role_grant")),
    )
    op.create_table(
        "stuck",
        sa.Column(
            "instance_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("element_id", sa.String(length=120), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("command", Json(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("stuck_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_stuck_instance_id")),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_stuck")),
    )
    op.create_table(
        "subscription",
        sa.Column("task_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("instance_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_subscription_instance_id")),
        sa.PrimaryKeyConstraint("task_id", "name", name=op.f("pk_subscription")),
    )
    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.create_index("ix_subscription_instance_id", ["instance_id"], unique=False)
        batch_op.create_index("ix_subscription_name_key", ["name", "key"], unique=False)

    op.create_table(
        "timer",
        sa.Column("task_id", sa.String(length=32), nullable=False),
        sa.Column("instance_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("element_id", sa.String(length=120), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("leased_by", sa.String(length=80), nullable=True),
        sa.Column("leased_until", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_timer_instance_id")),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_timer")),
    )
    with op.batch_alter_table("timer", schema=None) as batch_op:
        batch_op.create_index("ix_timer_due_at", ["due_at", "leased_until", "task_id"], unique=False)
        batch_op.create_index("ix_timer_instance_id", ["instance_id"], unique=False)

    op.create_table(
        "user_task",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("instance_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("business_key", sa.String(length=120), nullable=False),
        sa.Column("element_id", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("lane", sa.String(length=60), nullable=True),
        sa.Column("candidate_group", sa.String(length=60), nullable=True),
        sa.Column("assignee", sa.String(length=80), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("form_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("draft", Json(), nullable=True),
        sa.Column("draft_by", sa.String(length=80), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("claimed_at", Instant(), nullable=True),
        sa.Column("on_behalf_of", sa.String(length=80), nullable=True),
        sa.Column("changed_by", sa.String(length=80), nullable=True),
        sa.Column("changed_at", Instant(), nullable=True),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["form_id"], ["definition.id"], name=op.f("fk_user_task_form_id")),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_user_task_instance_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_task")),
    )
    with op.batch_alter_table("user_task", schema=None) as batch_op:
        batch_op.create_index("ix_user_task_assignee", ["assignee", "priority", "due_at", "id"], unique=False)
        batch_op.create_index(
            "ix_user_task_candidate_group",
            ["candidate_group", "assignee", "priority", "due_at", "id"],
            unique=False,
        )
        batch_op.create_index("ix_user_task_instance_id", ["instance_id"], unique=False)

    op.create_table(
        "waiting_period",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("incident_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("began_at", Instant(), nullable=False),
        sa.Column("expected_end", Instant(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=80), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("ended_by", sa.String(length=80), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"], name=op.f("fk_waiting_period_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_period")),
    )
    with op.batch_alter_table("waiting_period", schema=None) as batch_op:
        batch_op.create_index("ix_waiting_period_incident_id", ["incident_id"], unique=False)

    _protect()


def downgrade() -> None:
    """There is nothing before the first schema."""
    raise NotImplementedError("the first schema cannot be taken back: drop the database")


def _protect() -> None:
    """Have the database itself refuse to change what must be kept (R014, R277)."""
    dialect = op.get_bind().dialect.name
    statements = [one for table in APPEND_ONLY for one in append_only_statements(table, dialect)]
    for statement in [*statements, *incident_protection(dialect)]:
        op.get_bind().exec_driver_sql(statement)
