"""The filter of the list of incidents as it stands in an address, as form fields, and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask_babel import gettext as _

from handlers import reference
from webapp.forms import Option
from webapp.language import N_
from webapp.queries.filters import PRESSING, STATES, Filter
from webapp.routes.reading import Reader
from webapp.routes.words import PRIORITIES
from webapp.routes.words import STATES as STATE_WORDS

LONGEST_SEARCH = 100
STATE_NAMES: Mapping[str, str] = {
    "open": N_("未关闭"),
    "unaccepted": N_("未受理"),
    "waiting": N_("等待中"),
    "all": N_("全部"),
}
DUE_NAMES: Mapping[str, str] = {
    "over": N_("已超时"),
    "soon": N_("1 小时内到期"),
    "unclaimed": N_("未领取"),
    "escalated": N_("升级待处理"),
    "overwaited": N_("等待超期"),
}
TABLES: Mapping[str, str] = {"group": "groups", "source": "sources", "category": "categories"}
SORTS: Mapping[str, str] = {"urgent": N_("按紧急"), "newest": N_("按最新")}


@dataclass(frozen=True, slots=True)
class Chosen:
    """A part of the filter in words, and the address without it."""

    words: str
    without: dict[str, str]


def read(args: Mapping[str, str]) -> Filter:
    """The filter of an address; what is no value of its part narrows nothing."""
    text = args.get("q", "").strip()[:LONGEST_SEARCH]
    state = args.get("state") or ("all" if text else "open")
    priority = args.get("priority", "")
    return Filter(
        text=text,
        state=state if state in STATES else "open",
        priority=int(priority) if priority in {"1", "2", "3", "4"} else None,
        group=args.get("group", "")[:60],
        source=args.get("source", "")[:60],
        category=args.get("category", "")[:60],
        since=_day(args.get("since", "")),
        until=_day(args.get("until", "")),
        due=args.get("due", "") if args.get("due") in PRESSING else "",
    )


def as_args(wanted: Filter) -> dict[str, str]:
    """The same for an address; parts that narrow nothing are left out."""
    values: dict[str, Any] = {
        "q": wanted.text,
        "state": "" if wanted.state == ("all" if wanted.text else "open") else wanted.state,
        "priority": wanted.priority,
        "group": wanted.group,
        "source": wanted.source,
        "category": wanted.category,
        "since": wanted.since,
        "until": wanted.until,
        "due": wanted.due,
    }
    return {name: str(value) for name, value in values.items() if value}


def query_of(args: Mapping[str, str]) -> str:
    """The query string to keep under a name: what the address would be for this filter."""
    return urlencode(as_args(read(args)))


def state_options() -> list[Option]:
    """Every state that can be asked for."""
    return [Option(key, state_words(key)) for key in STATES]


def state_words(key: str) -> str:
    """A state of the filter as staff read it."""
    return str(_(STATE_NAMES.get(key) or STATE_WORDS[key][0]))


def options(reader: Reader) -> dict[str, Sequence[Option]]:
    """What can be chosen for each part of the filter."""
    found: dict[str, Sequence[Option]] = {
        part: [Option(row["key"], row["name"]) for row in reference.rows(reader.ctx, table)]
        for part, table in TABLES.items()
    }
    found["priority"] = [Option(str(n), f"{n} {_(words)}") for n, words in PRIORITIES.items()]
    found["due"] = [Option(key, _(words)) for key, words in DUE_NAMES.items()]
    found["state"] = state_options()
    return found


def chosen(reader: Reader, wanted: Filter) -> list[Chosen]:
    """Each part that narrows, in words, with a way to do without it."""
    args = as_args(wanted)
    words = {"q": f"“{wanted.text}”"}
    words |= {part: reader.name(table, getattr(wanted, part)) for part, table in TABLES.items()}
    if wanted.priority:
        words["priority"] = _("优先级 %(n)s", n=wanted.priority)
    if wanted.since:
        words["since"] = _("%(day)s 起登记", day=wanted.since)
    if wanted.until:
        words["until"] = _("%(day)s 止登记", day=wanted.until)
    if wanted.due:
        words["due"] = _(DUE_NAMES[wanted.due])
    left = {name: {key: value for key, value in args.items() if key != name} for name in args}
    return [Chosen(words[name], left[name]) for name in args if name in words]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
