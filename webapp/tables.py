"""The doors' own tables: who is signed in, who failed to, and which commands have arrived already."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text

from engine.persistence import Id, Instant, Json, metadata

# A signed-in browser; the cookie holds the token, the database only its hash.
web_session = Table(
    "web_session",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("account", String(80), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_web_session_account", "account"),
    Index("ix_web_session_expires_at", "expires_at"),
)

# Attempts to sign in since the last success, for existing and invented accounts alike (else the answer would tell).
sign_in_failure = Table(
    "sign_in_failure",
    metadata,
    Column("account", String(80), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("failed_at", Instant, nullable=False),
    Column("locked_until", Instant),
    Index("ix_sign_in_failure_failed_at", "failed_at"),
)

# Who loaded reference data, when and why; the rows themselves say from when on they hold.
reference_load = Table(
    "reference_load",
    metadata,
    Column("id", Id, primary_key=True),
    Column("loaded_at", Instant, nullable=False),
    Column("author", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed_rows", Integer, nullable=False),
)

# A command that may arrive twice (double click, API retry): the first arrival's result, for the second.
idempotency = Table(
    "idempotency",
    metadata,
    Column("actor", String(80), primary_key=True),
    Column("verb", String(40), primary_key=True),
    Column("key", String(120), primary_key=True),
    Column("result", Json, nullable=False),
    Column("arrived_at", Instant, nullable=False),
    Index("ix_idempotency_arrived_at", "arrived_at"),
)

# A program's key to the API: who it acts as; only the hash of the token is kept.
api_token = Table(
    "api_token",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account", String(80), nullable=False),
    Column("name", String(200), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),  # to the hour: not every call is a write
    Column("revoked_at", Instant),
    Index("ix_api_token_account", "account"),
)

# A search that somebody keeps under a name; ``query`` is the address's query string.
saved_filter = Table(
    "saved_filter",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account", String(80), nullable=False),
    Column("name", String(200), nullable=False),
    Column("query", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_saved_filter_account", "account"),
)

# A change of a rule on its way: written, submitted with a reason, approved or sent back by somebody else, in force.
rule_draft = Table(
    "rule_draft",
    metadata,
    Column("id", Id, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("key", String(120), nullable=False),  # of the decision
    Column("base_version", Integer, nullable=False),  # which version it started from
    Column("content", LargeBinary, nullable=False),
    Column("state", String(12), nullable=False),  # draft | submitted | approved | withdrawn
    Column("author", String(80), nullable=False),
    Column("reason", Text),
    Column("effective_from", Instant),  # null: at once
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("submitted_at", Instant),
    Column("reviewer", String(80)),
    Column("reviewed_at", Instant),
    Column("review_note", Text),
    Column("deployment_id", Id),  # what it became
    Index("ix_rule_draft_key", "key", "state"),
)
