"""Decision tables: their rows by place (staff know "row 10", the log keeps its id), hits, and changes under way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType

import orjson
from flask_babel import gettext as _
from sqlalchemy import Connection, Text, cast, func, select

from engine.catalogue import contents
from engine.context import Context
from engine.errors import NotFoundError
from engine.persistence import decision_log, deployment
from engine.xml import XmlRefused, parse_xml
from webapp.queries.rows import Record, first, records
from webapp.tables import rule_draft

_MEMO = "row numbers of a decision"


def read_tables(ctx: Context, definition_ids: Iterable[int]) -> None:
    """Fetch the decisions that a page is going to ask about: one statement for all of them."""
    missing = {each for each in definition_ids if (_MEMO, each) not in ctx.memo}
    if missing:
        for definition_id, document in contents(ctx, missing).items():
            ctx.memo[(_MEMO, definition_id)] = _numbers(document)


def row_numbers(ctx: Context, definition_id: int) -> Mapping[str, int]:
    """Row id → its number in its table, counted from 1, of one version of a decision."""
    read_tables(ctx, [definition_id])
    found: Mapping[str, int] = ctx.memo[(_MEMO, definition_id)]
    return found


@lru_cache(maxsize=64)
def _numbers(document: bytes) -> MappingProxyType[str, int]:
    try:
        root = parse_xml(document)
    except XmlRefused:
        return MappingProxyType({})
    tables = root.iter("{*}decisionTable")
    return MappingProxyType(
        {rule.get("id", ""): number for table in tables for number, rule in enumerate(table.iterchildren("{*}rule"), 1)}
    )


# What the pages of rules ask beside the tables themselves.
HITS_FOR = timedelta(days=30)
_PLAIN = [column for column in rule_draft.c if column.name != "content"]


def open_drafts(connection: Connection, key: str | None = None) -> list[Record]:
    """Changes under way, of one decision or of all, oldest first; without their files."""
    query = select(*_PLAIN).where(rule_draft.c.state.in_(("draft", "submitted")))
    if key is not None:
        query = query.where(rule_draft.c.key == key)
    return records(connection.execute(query.order_by(rule_draft.c.id)))


def draft(connection: Connection, draft_id: int) -> Record:
    """One change with its file. Raises NotFoundError."""
    found = first(connection.execute(select(rule_draft).where(rule_draft.c.id == draft_id)))
    if found is None:
        raise NotFoundError(_("没有这份改动。"))
    return found


def became(connection: Connection, deployment_ids: Iterable[int]) -> dict[int, Record]:
    """Deployment → the approved change that it came from, where it came from one."""
    query = select(*_PLAIN).where(rule_draft.c.deployment_id.in_(list(deployment_ids)))
    return {row["deployment_id"]: row for row in records(connection.execute(query))}


def deployments(connection: Connection, ids: Iterable[int]) -> dict[int, Record]:
    """Deployments by id."""
    return {row["id"]: row for row in records(connection.execute(select(deployment).where(deployment.c.id.in_(ids))))}


def hits(connection: Connection, definition_ids: Iterable[int], since: datetime) -> Counter[str]:
    """How often each row answered since then, in any of these versions; key "" is how often they were asked."""
    c = decision_log.c
    which = cast(c.row_ids, Text)
    query = select(which.label("row_ids"), func.count().label("times"))
    rows = connection.execute(
        query.where(c.definition_id.in_(list(definition_ids)), c.decided_at >= since).group_by(which)
    )
    found: Counter[str] = Counter()
    for row in rows:
        found[""] += row.times
        for row_id in set(orjson.loads(row.row_ids)):
            found[row_id] += row.times
    return found
