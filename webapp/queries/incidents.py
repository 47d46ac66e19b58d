"""Finding incidents and reading one: by number, by words, by state; the newest or the most urgent first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, case, exists, or_, select, union_all

from engine.context import Context
from engine.errors import NotFoundError
from engine.persistence import bundle, definition, instance, stuck, user_task
from handlers.records.tables import attachment, child, incident, incident_link
from webapp.queries.filters import STATES, Filter, conditions
from webapp.queries.keyset import PAGE, pack
from webapp.queries.rows import Record, first, records
from webapp.queries.work import INCIDENT_COLUMNS, Page, capped

_i = incident.c
_NUMBER = re.compile(r"SJ\d{6}-\d{1,6}", re.IGNORECASE)
_SHORT_NUMBER = re.compile(r"\d{6}-\d{1,6}")
_RUNNING_NUMBER = re.compile(r"[0-9]{1,4}")  # the end of a number, as people say it on the telephone
MAX_WORDS = 5
EXPORTED_AT_ONCE = 500
TABS = ("open", "waiting", "closed", "all")  # the states that the list counts
Place = tuple[int | None, int]  # priority (None: not judged yet) and id of the last incident seen


def find(connection: Connection, wanted: Filter, now: datetime, after: int | None = None) -> Page:
    """One page of incidents, the newest first: a number finds its incident in every state, words must all occur."""
    query = select(*INCIDENT_COLUMNS).where(*newest(wanted, now))
    if after is not None:
        query = query.where(_i.id < after)
    found = connection.execute(query.order_by(_i.id.desc()).limit(PAGE + 1)).all()
    return Page(found[:PAGE], str(found[PAGE - 1].id) if len(found) > PAGE else None)


def newest(wanted: Filter, now: datetime) -> list[ColumnElement[bool]]:
    """All conditions of a filter. A call that only added to another incident (1.3) is no incident of its own."""
    if number := as_number(wanted.text):
        return [_i.number == number]
    states = wanted.states()
    found = [_i.supplement_of.is_(None), *conditions(wanted, now), *_by_words(wanted.text)]
    return [*found, _i.state.in_(sorted(states))] if states else found


def urgent(connection: Connection, wanted: Filter, now: datetime, after: Place | None = None) -> Page:
    """One page of open incidents, the highest priority first and of each the oldest, what is unjudged last.

    One range of ``ix_incident_state`` for each state, cut at a page; the ranges are then merged.
    """
    narrowed = conditions(wanted, now)
    pieces = [
        select(_i.id, _i.priority)
        .where(_i.state == each, band, *narrowed)
        .order_by(_i.priority, _i.id)
        .limit(PAGE + 1)
        .subquery()
        for each in sorted(wanted.states())
        for band in _bands(after)
    ]
    merged = union_all(*(select(piece) for piece in pieces)).subquery().c
    order = (merged.priority.is_(None), merged.priority, merged.id)
    found = connection.execute(select(merged.id, merged.priority).order_by(*order).limit(PAGE + 1)).all()
    ids = [row.id for row in found[:PAGE]]
    rows = {row.id: row for row in connection.execute(select(*INCIDENT_COLUMNS).where(_i.id.in_(ids)))}
    last = pack(found[PAGE - 1].priority, found[PAGE - 1].id) if len(found) > PAGE else None
    return Page([rows[each] for each in ids], last)


def _bands(after: Place | None) -> list[ColumnElement[bool]]:
    judged, unjudged = _i.priority.is_not(None), _i.priority.is_(None)
    if after is None:
        return [judged, unjudged]
    priority, last = after
    if priority is None:
        return [and_(unjudged, _i.id > last)]
    return [_i.priority > priority, and_(_i.priority == priority, _i.id > last), unjudged]


def counts(connection: Connection) -> dict[str, int]:
    """How many incidents each tab has, at most COUNT_TO: one statement of index ranges, each cut there."""
    columns = [capped(_of_states(STATES[name])).label(name) for name in TABS]
    row = connection.execute(select(*columns)).one()
    return {name: getattr(row, name) for name in TABS}


def export(connection: Connection, wanted: Filter, now: datetime, most: int) -> Iterator[Row[Any]]:
    """At most ``most`` incidents of a filter with all their columns, the newest first, a few at a time."""
    query = select(incident).where(*newest(wanted, now)).order_by(_i.id.desc()).limit(most)
    yield from connection.execution_options(yield_per=EXPORTED_AT_ONCE).execute(query)


def _of_states(states: Collection[str]) -> Select[Any]:
    query = select(_i.id).where(_i.supplement_of.is_(None))
    return query.where(_i.state.in_(sorted(states))) if states else query


def as_number(text: str) -> str | None:
    """The incident number that somebody typed, with or without its letters and in any width, else None."""
    plain = unicodedata.normalize("NFKC", text).strip().upper().replace("—", "-").replace("–", "-")
    if _SHORT_NUMBER.fullmatch(plain):
        plain = f"SJ{plain}"
    if not _NUMBER.fullmatch(plain):
        return None
    day, last = plain.split("-")
    return f"{day}-{int(last):03d}"


def words_of(text: str) -> list[str]:
    """What is searched for: the first few words, in normal width."""
    return unicodedata.normalize("NFKC", text).split()[:MAX_WORDS]


def _by_words(text: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for word in words_of(text):
        columns = (_i.summary, _i.details, _i.customer_name, _i.external_number)
        person = or_(_i.phone == word, _i.mobile == word, _i.staff_number == word)
        ways = [person, *(column.icontains(word, autoescape=True) for column in columns)]
        if _RUNNING_NUMBER.fullmatch(word):
            ways.append(_i.number.endswith(f"-{int(word):03d}"))
        found.append(or_(*ways))
    return found


# What most incidents have none of is only read where there is some: a page must do with few statements.
_ALSO = (
    exists().where(child.c.incident_id == _i.id).label("has_children"),
    exists().where(attachment.c.incident_id == _i.id).label("has_files"),
    or_(exists().where(incident_link.c.incident_id == _i.id), exists().where(incident_link.c.other_id == _i.id)).label(
        "has_links"
    ),
)
_BY_NUMBER = select(incident, *_ALSO).where(_i.number == bindparam("wanted"))
_BY_ID = select(incident, *_ALSO).where(_i.id == bindparam("wanted"))


def get(connection: Connection, key: str) -> Record:
    """The whole incident by number, or by id where it has no number yet; raises NotFoundError."""
    wanted = as_number(key)
    if wanted:
        row = first(connection.execute(_BY_NUMBER, {"wanted": wanted}))
    elif key.isascii() and key.isdigit() and len(key) < 16:
        row = first(connection.execute(_BY_ID, {"wanted": int(key)}))
    else:
        raise NotFoundError(_("没有单号为“%(key)s”的事件", key=key[:40]))
    if row is None:
        raise NotFoundError(_("没有单号为“%(key)s”的事件", key=key))
    return row


def related(connection: Connection, record: Record) -> dict[str, list[Record]]:
    """Master, slaves, original and recurrences of an incident: number, summary and state of each, by relation."""
    ids = [each for each in (record["master_id"], record["original_id"]) if each]
    wanted = or_(_i.id.in_(ids), _i.master_id == record["id"], _i.original_id == record["id"])
    columns = (_i.id, _i.number, _i.summary, _i.state, _i.waiting_code, _i.master_id, _i.original_id)
    found: dict[str, list[Record]] = {}
    for row in records(connection.execute(select(*columns).where(wanted).order_by(_i.id).limit(PAGE))):
        if row["id"] == record["master_id"]:
            kind = "master"
        elif row["master_id"] == record["id"]:
            kind = "slaves"
        else:
            kind = "original" if row["id"] == record["original_id"] else "recurrences"
        found.setdefault(kind, []).append(row)
    return found


def links_of(connection: Connection, incident_id: int) -> list[Record]:
    """Incidents that this one has to do with: number, summary and state of the other, who linked them, when, why."""
    c = incident_link.c
    other = case((c.incident_id == incident_id, c.other_id), else_=c.incident_id)
    columns = (c.id, c.at, c.actor, c.on_behalf_of, c.reason)
    query = (
        select(*columns, _i.number, _i.summary, _i.state, _i.waiting_code, _i.id.label("other_id"))
        .join(incident, _i.id == other)
        .where(or_(c.incident_id == incident_id, c.other_id == incident_id))
    )
    return records(connection.execute(query.order_by(c.id).limit(PAGE)))


def open_tasks(connection: Connection, business_key: int | str) -> list[Record]:
    """The open user tasks of the processes of an incident (its id) or child (its number), oldest first."""
    t = user_task.c
    query = (
        select(user_task)
        .join(instance, instance.c.id == t.instance_id)
        .where(instance.c.business_key == str(business_key), instance.c.ended_at.is_(None))
        .order_by(t.created_at, t.id)
    )
    return records(connection.execute(query))


def instances_of(connection: Connection, business_key: int | str) -> list[Record]:
    """The process instances of an incident or child, the newest first, with the cause where one is stuck."""
    c = instance.c
    columns = (c.id, c.bundle_id, c.process_key, c.status, c.end_reason, stuck.c.element_id, stuck.c.cause)
    query = select(*columns).outerjoin(stuck, stuck.c.instance_id == c.id).where(c.business_key == str(business_key))
    return records(connection.execute(query.order_by(c.id.desc())))


def pinned_process(ctx: Context, running: Sequence[Record], process_key: str) -> bytes | None:
    """The BPMN document of a process as one of these instances is pinned to it."""
    for row in running:
        ids = ctx.connection.scalar(select(bundle.c.definition_ids).where(bundle.c.id == row["bundle_id"]))
        c = definition.c
        query = select(c.content).where(c.id.in_(ids or []), c.kind == "process", c.key == process_key)
        found = ctx.connection.scalar(query)
        if found is not None:
            return bytes(found)
    return None
