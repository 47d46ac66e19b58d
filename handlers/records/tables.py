"""The records' tables: incidents with everything that was ever changed in them, people, customers, reference data.

What happened is append-only and an incident is never deleted; a closed one keeps its state: the database itself
refuses otherwise (R014, R277).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    TypeDecorator,
    event,
    false,
    text,
)

from engine.persistence import Id, Instant, Json, append_only, metadata


class Duration(TypeDecorator[timedelta]):
    """A length of time as whole microseconds, so that running and paused time add up exactly."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:
        """Write microseconds."""
        return None if value is None else value // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> timedelta | None:
        """Read microseconds."""
        return None if value is None else timedelta(microseconds=value)


ACCOUNT, KEY, LINE = 80, 60, 200  # lengths of account names, reference keys and one-line texts

person = Table(
    "person",
    metadata,
    Column("account", String(ACCOUNT), primary_key=True),
    Column("name", String(LINE), nullable=False),
    Column("phone", String(LINE)),
    Column("email", String(LINE)),
    Column("password_hash", String(LINE)),  # null: cannot sign in
    Column("active", Boolean, nullable=False, default=True),
    Column("demo", Boolean, nullable=False, default=False),
    Column("must_change_password", Boolean, nullable=False, server_default=false()),  # somebody else chose it
    Column("created_at", Instant, nullable=False),
)

# Somebody may stand in several groups (R010) and hold several posts of one group; post "" is none.
membership = Table(
    "membership",
    metadata,
    Column("account", String(ACCOUNT), ForeignKey("person.account"), primary_key=True),
    Column("group", String(KEY), primary_key=True),
    Column("post", String(KEY), primary_key=True, default=""),
    Index("ix_membership_group", "group"),
)

role_grant = Table(
    "role_grant",
    metadata,
    Column("account", String(ACCOUNT), ForeignKey("person.account"), primary_key=True),
    Column("role", String(KEY), primary_key=True),
)

# The customer master (R072, R074): looked up by staff number, then phone, then name.
customer = Table(
    "customer",
    metadata,
    Column("id", Id, primary_key=True),
    Column("staff_number", String(KEY), unique=True),
    Column("name", String(LINE), nullable=False),
    Column("grade", String(KEY), nullable=False),
    Column("phone", String(KEY)),
    Column("mobile", String(KEY)),
    Column("extension", String(KEY)),
    Column("location", String(LINE)),
    Column("email", String(LINE)),
    Column("department", String(LINE)),
    Column("served", Boolean, nullable=False, default=True),
    Column("account", String(ACCOUNT)),  # with which he signs in to follow his own incidents
    Column("updated_at", Instant, nullable=False),
    Index("ix_customer_account", "account", unique=True),
    Index("ix_customer_phone", "phone"),
    Index("ix_customer_mobile", "mobile"),
    Index("ix_customer_name", "name"),
)

customer_change = Table(
    "customer_change",
    metadata,
    Column("id", Id, primary_key=True),
    Column("customer_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(ACCOUNT), nullable=False),
    Column("on_behalf_of", String(ACCOUNT)),
    Column("field", String(KEY), nullable=False),
    Column("old", Json),
    Column("new", Json),
    Index("ix_customer_change_customer_id", "customer_id"),
)


def _clock(name: str) -> list[Column[object]]:
    """The four columns of one service-level clock (§5.1.6); ``handlers.clocks`` reads and writes them."""
    return [
        Column(f"{name}_for", Duration),  # the target of the incident's priority
        Column(f"{name}_started_at", Instant),
        Column(f"{name}_stopped_at", Instant),
        Column(f"{name}_paused", Duration, nullable=False, default=timedelta()),
    ]


incident = Table(
    "incident",
    metadata,
    Column("id", Id, primary_key=True),
    Column("revision", Integer, nullable=False),  # optimistic lock: the second writer is told who was faster
    Column("updated_at", Instant, nullable=False),
    Column("updated_by", String(ACCOUNT), nullable=False),
    Column("number", String(20), unique=True),  # given at 1.4, never re-used (R008); a supplement (1.3) has none
    Column("state", String(12), nullable=False),  # T-8
    Column("held_state", String(12)),  # what a waiting incident goes back to
    Column("stage", Integer, nullable=False),  # 1 … 5 (R058)
    # Who answers for it now: exactly one while it is open, nobody afterwards (R203, T-8).
    Column("responsible_role", String(12)),  # desk | support | recorder
    Column("responsible_group", String(KEY)),
    Column("responsible_person", String(ACCOUNT)),  # null: the group
    Column("recorder", String(ACCOUNT), nullable=False),  # 事件记录员 (C-17)
    Column("recorder_group", String(KEY), nullable=False),  # for which he recorded it
    # The customer as he was when he reported (R002, R065–R073).
    Column("customer_id", Id, ForeignKey("customer.id")),
    Column("staff_number", Text),
    Column("customer_name", Text),
    Column("customer_grade", String(KEY)),
    Column("phone", Text),
    Column("mobile", Text),
    Column("extension", Text),
    Column("customer_location", Text),
    Column("email", Text),
    Column("department", Text),
    Column("served", Boolean),
    # What was reported (R078–R090).
    Column("source", String(KEY)),
    Column("request_type", String(KEY)),
    Column("ci_affected", Boolean),
    Column("summary", Text),
    Column("details", Text),
    Column("service_effect", Text),
    Column("affected_departments", Text),
    Column("occurred_at", Instant),
    Column("configuration_items", Text),
    Column("announce", Boolean),  # the desk wants an announcement (R098)
    Column("external_number", Text),
    Column("external_contact", Text),
    Column("external_deadline", Instant),  # replaces the restoration target (C-40)
    Column("alarm_severity", Text),
    Column("alarm_number", Text),
    Column("alarm_text", Text),
    Column("alarm_trigger", String(KEY)),
    Column("alarm_account", Text),
    Column("prehandling", Text),
    Column("failed_change", Text),
    Column("recorded_at", Instant),  # when 1.4 was done
    # Classification and priority (R107, R204–R210, R220–R229).
    Column("category", String(KEY)),
    Column("type", String(KEY)),
    Column("symptom", String(KEY)),
    Column("cause", String(KEY)),
    Column("service", String(KEY)),
    Column("location", String(KEY)),
    Column("impact", Integer),  # 1 … 4
    Column("urgency", String(KEY)),  # 高 | 中 | 低, by rule
    Column("priority", Integer),  # 1 … 4, only ever computed (C-03)
    Column("priority_provisional", Boolean, nullable=False, default=False),  # before 2.2
    Column("escalated", Boolean, nullable=False, default=False),
    # Dispatch (R205–R216): the rule's proposal, every move, moves after the first dispatch (C-12).
    Column("proposed_group", String(KEY)),
    Column("proposed_post", String(KEY)),
    Column("holder_group", String(KEY)),  # to which the last move brought it
    Column("dispatches", Integer, nullable=False, default=0),
    Column("transfers", Integer, nullable=False, default=0),
    Column("rejections", Integer, nullable=False, default=0),  # in 5.3 (R248)
    # Investigation and resolution.
    Column("analysis", Text),
    Column("collected", Text),  # what 3.2 found out
    Column("diagnosis", Text),
    Column("found", String(KEY)),
    Column("solution", Text),
    Column("workaround", Boolean),
    Column("agreed", Boolean),
    Column("agreement", Text),
    Column("recovery", Text),
    Column("restored", Boolean),
    Column("verification", Text),
    Column("resolver", String(ACCOUNT)),
    Column("resolving_group", String(KEY)),
    Column("resolved_at", Instant),  # null again after a rejection
    # Closing (R166–R177, R270–R277).
    Column("check_remark", Text),
    Column("satisfied", Boolean),
    Column("opinion", Text),
    Column("proposed_close_code", String(KEY)),
    Column("close_code", String(KEY)),
    Column("close_remark", Text),
    Column("problem_ref", Text),
    Column("withdrawn", Boolean, nullable=False, default=False),
    Column("closed_at", Instant),
    # Relations.
    Column("master_id", Id, ForeignKey("incident.id")),  # while it is a slave (C-28)
    Column("original_id", Id, ForeignKey("incident.id")),  # it is a recurrence of this one (R269)
    Column("supplement_of", Id),  # a call that only added to this incident: a closed record without a number (R075)
    Column("alarm_cleared_at", Instant),  # monitoring reported recovery (C-19)
    Column("child_wait", Integer, nullable=False, default=0, server_default="0"),  # waits for child records so far
    # Waiting now (§5.1.7); the periods themselves are rows of waiting_period.
    Column("waiting_since", Instant),
    Column("waiting_code", String(KEY)),
    Column("waiting_until", Instant),
    *_clock("response"),
    *_clock("acceptance"),
    *_clock("restoration"),
    *_clock("closure"),
    Index("ix_incident_state", "state", "priority", "id"),
    Index("ix_incident_responsible_group", "responsible_group", "state"),
    Index("ix_incident_recorder", "recorder", "state"),
    Index("ix_incident_customer_id", "customer_id"),
    Index("ix_incident_type", "type", "id"),
    Index(
        "ix_incident_master_id",
        "master_id",
        sqlite_where=text("master_id IS NOT NULL"),
        postgresql_where=text("master_id IS NOT NULL"),
    ),
    Index(
        "ix_incident_original_id",
        "original_id",
        sqlite_where=text("original_id IS NOT NULL"),
        postgresql_where=text("original_id IS NOT NULL"),
    ),
    Index(
        "ix_incident_alarm_number",
        "alarm_number",
        sqlite_where=text("alarm_number IS NOT NULL"),
        postgresql_where=text("alarm_number IS NOT NULL"),
    ),
)

# What an incident has others do for it, each a record with a process of its own (§4.1): change, requirement, joint
# check, problem, task, announcement. ``number`` is its process's business key.
child = Table(
    "child",
    metadata,
    Column("id", Id, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("updated_by", String(ACCOUNT), nullable=False),
    Column("number", String(20), unique=True, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("incident_id", Id, ForeignKey("incident.id"), nullable=False),
    Column("state", String(12), nullable=False),  # open, or how it ended: done | failed | rejected | cancelled
    Column("title", Text, nullable=False),
    Column("details", Text),
    Column("group", String(KEY), nullable=False),  # which does it
    Column("person", String(ACCOUNT)),
    Column("priority", Integer),  # the incident's when it was opened: its tasks stand in the lists by it
    Column("facts", Json, nullable=False),  # what its kind has beside this
    Column("wait", Integer),  # the ``child_wait`` of the incident that waits for it; null: nobody waits
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(ACCOUNT), nullable=False),
    Column("finished_at", Instant),
    Column("result", Text),  # what came back
    Index("ix_child_incident_id", "incident_id"),
    Index("ix_child_kind", "kind", "state", "id"),
)

child_change = Table(
    "child_change",
    metadata,
    Column("id", Id, primary_key=True),
    Column("child_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(ACCOUNT), nullable=False),
    Column("on_behalf_of", String(ACCOUNT)),
    Column("element_id", String(120)),
    Column("field", String(KEY), nullable=False),
    Column("old", Json),
    Column("new", Json),
    Column("reason", Text),
    Index("ix_child_change_child_id", "child_id"),
)

# Incidents that have to do with each other and are not bound (R264, R265); both ends show it.
incident_link = Table(
    "incident_link",
    metadata,
    Column("id", Id, primary_key=True),
    Column("incident_id", Id, nullable=False),
    Column("other_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(ACCOUNT), nullable=False),
    Column("on_behalf_of", String(ACCOUNT)),
    Column("reason", Text),
    Index("ix_incident_link_incident_id", "incident_id"),
    Index("ix_incident_link_other_id", "other_id"),
)

# Files that show the symptom (R080); what a file is, and its bytes, which no list reads.
attachment = Table(
    "attachment",
    metadata,
    Column("id", Id, primary_key=True),
    Column("incident_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(ACCOUNT), nullable=False),
    Column("on_behalf_of", String(ACCOUNT)),
    Column("name", String(LINE), nullable=False),
    Column("content_type", String(ACCOUNT), nullable=False),
    Column("size", Integer, nullable=False),  # bytes
    Column("content_hash", String(64), nullable=False),  # SHA-256, hexadecimal
    Index("ix_attachment_incident_id", "incident_id"),
)

attachment_content = Table(
    "attachment_content",
    metadata,
    Column("attachment_id", Id, ForeignKey("attachment.id"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

# Every change of a fact, from creation on (R014, R221, R312).
field_change = Table(
    "field_change",
    metadata,
    Column("id", Id, primary_key=True),
    Column("incident_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(ACCOUNT), nullable=False),
    Column("on_behalf_of", String(ACCOUNT)),
    Column("element_id", String(120)),  # the step that changed it; null for a verb
    Column("field", String(KEY), nullable=False),
    Column("old", Json),
    Column("new", Json),
    Column("reason", Text),
    Index("ix_field_change_incident_id", "incident_id"),
)

waiting_period = Table(
    "waiting_period",
    metadata,
    Column("id", Id, primary_key=True),
    Column("incident_id", Id, ForeignKey("incident.id"), nullable=False),
    Column("code", String(KEY), nullable=False),
    Column("reason", Text, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("expected_end", Instant, nullable=False),
    Column("actor", String(ACCOUNT), nullable=False),
    Column("on_behalf_of", String(ACCOUNT)),
    Column("ended_at", Instant),
    Column("ended_by", String(ACCOUNT)),
    Column("end_reason", Text),
    Index("ix_waiting_period_incident_id", "incident_id"),
)

# Notes, supplements (1.3) and contacts with the customer; what crosses the line of visibility is a contact.
comment = Table(
    "comment",
    metadata,
    Column("id", Id, primary_key=True),
    Column("incident_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(ACCOUNT), nullable=False),
    Column("on_behalf_of", String(ACCOUNT)),
    Column("kind", String(12), nullable=False),  # note | supplement | contact
    Column("channel", String(KEY)),  # of a contact: phone, mail, sms, visit
    Column("text", Text, nullable=False),
    Index("ix_comment_incident_id", "incident_id"),
)

# The last number given on each day (local date), counted up under its row's lock.
incident_number = Table(
    "incident_number",
    metadata,
    Column("day", String(12), primary_key=True),  # YYMMDD; for child records with their prefix before it
    Column("last", Integer, nullable=False),
)

# Reference data (groups, trees, codes …), effective-dated: in force from valid_from (null: since ever) until valid_to.
reference_row = Table(
    "reference_row",
    metadata,
    Column("id", Id, primary_key=True),
    Column("table", String(KEY), nullable=False),
    Column("key", String(120), nullable=False),
    Column("position", Integer, nullable=False),  # order of the file
    Column("data", Json, nullable=False),  # column → text
    Column("valid_from", Instant),
    Column("valid_to", Instant),
    Column("changed_by", String(ACCOUNT), nullable=False),
    Column("changed_at", Instant, nullable=False),
    Index("ix_reference_row_table_key", "table", "key"),
)

# One row: its token is new after each load, so that caches in memory know whether they still hold.
reference_state = Table(
    "reference_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("token", String(32), nullable=False),
)

APPEND_ONLY = (
    customer_change,
    field_change,
    comment,
    child_change,
    incident_link,
    attachment,
    attachment_content,
)


def incident_protection(dialect: str) -> list[str]:
    """The statements that make the database refuse deleting an incident and leaving ``closed`` (R014, R277)."""
    if dialect == "sqlite":
        return [
            "CREATE TRIGGER incident_no_delete BEFORE DELETE ON incident "
            "BEGIN SELECT RAISE(ABORT, 'an incident is never deleted'); END",
            "CREATE TRIGGER incident_stays_closed BEFORE UPDATE OF state ON incident "
            "WHEN OLD.state = 'closed' AND NEW.state <> 'closed' "
            "BEGIN SELECT RAISE(ABORT, 'a closed incident stays closed'); END",
        ]
    return [
        "CREATE OR REPLACE FUNCTION incident_protected() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'an incident is never deleted, and a closed one stays closed'; END $$",
        "CREATE TRIGGER incident_no_delete BEFORE DELETE ON incident "
        "FOR EACH ROW EXECUTE FUNCTION incident_protected()",
        "CREATE TRIGGER incident_no_truncate BEFORE TRUNCATE ON incident "
        "FOR EACH STATEMENT EXECUTE FUNCTION incident_protected()",
        "CREATE TRIGGER incident_stays_closed BEFORE UPDATE OF state ON incident FOR EACH ROW "
        "WHEN (OLD.state = 'closed' AND NEW.state <> 'closed') EXECUTE FUNCTION incident_protected()",
    ]


def _protect(dialects: Iterable[str]) -> None:
    for dialect in dialects:
        for statement in incident_protection(dialect):
            ddl: DDL = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
            event.listen(incident, "after_create", ddl.execute_if(dialect=dialect))


append_only(APPEND_ONLY)
_protect(("sqlite", "postgresql"))
