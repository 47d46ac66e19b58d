"""Forms of the diagrams as HTML fields, and what a browser posts back as values.

A form is JSON Schema plus ``ui`` hints (engine.forms). Browsers send text only: this module gives every field its
type again, trims, turns full-width digits into ASCII ones, and reads local times. It validates nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Protocol

from flask_babel import gettext as _

from engine.forms import Form
from webapp.language import N_

Values = Mapping[str, Any]
REFERENCE_OF_WIDGET = {
    "group": "groups",
    "category": "categories",
    "type": "types",
    "symptom": "symptoms",
    "cause": "causes",
}
BELIEVABLE = timedelta(days=100 * 365)
YES_NO = (("true", N_("是")), ("false", N_("否")))
_FULL_WIDTH_DIGITS = {ord("０") + n: ord("0") + n for n in range(10)}
_FULL_WIDTH_SIGNS = _FULL_WIDTH_DIGITS | {ord(a): b for a, b in zip("：．－＋／　", ":.-+/ ", strict=True)}
_PHONE_SIGNS = _FULL_WIDTH_SIGNS | {ord(each): "-" for each in "‐‑–—―−"}
_TIME = r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?"
_DAY_TIME = re.compile(rf"(?:(?:(\d{{4}})[-/])?(\d{{1,2}})[-/](\d{{1,2}})[T ]+)?{_TIME}", re.ASCII)
AHEAD, BACK = "ahead", "back"
_TIME_HINTS = {AHEAD: N_("20:00 或 11-25 18:00"), BACK: N_("15:20、11-23 15:20 或 -20（分钟前）")}
_MINUTES_AGO = re.compile(r"-\s*(\d{1,5})", re.ASCII)


class Post(Protocol):
    """What a browser sent: werkzeug's MultiDict, or a plain dict in tests."""

    def get(self, key: str, /) -> str | None:
        """The first value of a name."""


@dataclass(frozen=True, slots=True)
class Option:
    """One choice; ``group`` is the heading under which a long list shows it."""

    value: str
    label: str
    help: str = ""
    group: str = ""


Choices = Callable[[str, str, Values], Sequence[Option]]
"""Options of a reference table: (table, field name, values so far) → options, narrowed by what is already chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field as the macro draws it; ``value`` is text as a browser would send it."""

    id: str
    name: str
    key: str
    label: str
    kind: str
    value: str = ""
    options: Sequence[Option] = ()
    help: str = ""
    error: str = ""
    optional: bool = False
    col: int = 6
    rows: int = 3
    when: str = ""
    off: bool = False
    placeholder: str = ""
    input_mode: str = ""
    blank: str = ""  # what an empty choice says, where it is not 请选择
    digits: bool = False
    longest: int = 0  # characters that the field takes; 0: no limit of its own
    note: Any = None  # what a computed field shows
    time: str = ""  # of a field for an instant: the way in which it points, AHEAD or BACK
    instant: datetime | None = None  # what was understood
    theirs: str = ""  # what somebody else did to the field meanwhile

    @property
    def grouped(self) -> bool:
        """Whether the options stand under headings."""
        return any(option.group for option in self.options)

    @property
    def words(self) -> str:
        """The value as it reads: the label of what was chosen, else the text itself."""
        return next((option.label for option in self.options if option.value == self.value), self.value)

    @property
    def anchor(self) -> str:
        """Where a line of the error summary jumps to: the control itself."""
        return self.id


def input_name(prefix: str, key: str) -> str:
    """The HTML name of a field: forms of several steps share one page, so each carries its step's id."""
    return f"{prefix}.{key}" if prefix else key


def field_keys(form: Form) -> list[str]:
    """The fields in the order in which they are shown."""
    first = list(form.ui.get("order", ()))
    return first + [key for key in form.fields if key not in first]


def build_fields(
    form: Form,
    values: Values,
    *,
    zone: tzinfo,
    choices: Choices,
    problems: Mapping[str, str] | None = None,
    prefix: str = "",
) -> list[Field]:
    """Describe every field of ``form`` filled with ``values`` (typed values, or text that could not be read)."""
    shown = form.shown({key: part["default"] for key, part in form.fields.items() if "default" in part} | dict(values))
    page = _Page(values, zone, choices, problems or {}, prefix, shown)
    return [_field(form, key, page) for key in field_keys(form) if _hints(form, key).get("widget") != "hidden"]


@dataclass(frozen=True, slots=True)
class _Page:
    values: Values
    zone: tzinfo
    choices: Choices
    problems: Mapping[str, str]
    prefix: str
    shown: frozenset[str]


def _field(form: Form, key: str, page: _Page) -> Field:
    schema, hints = form.fields[key], _hints(form, key)
    widget = hints.get("widget") or _widget_of(schema)
    kind = _kind(widget)
    name = input_name(page.prefix, key)
    return Field(
        id=name.replace(".", "--"),
        name=name,
        key=key,
        label=form.title_of(key),
        kind=kind,
        value=as_text(page.values.get(key, schema.get("default")), schema, page.zone),
        options=_options(schema, hints, widget, key, page),
        help=hints.get("help", ""),
        error=page.problems.get(key, ""),
        optional=key not in form.required and schema.get("type") != "boolean" and hints.get("optional", True),
        col=hints.get("col") or (12 if kind in {"area", "chips", "cards", "check"} else 6),
        rows=hints.get("rows", 3),
        when=_when(hints.get("showIf"), page.prefix),
        off=key not in page.shown,
        placeholder=hints.get("placeholder") or (_time_hint(schema, hints) if widget == "date-time" else ""),
        input_mode={"number": "decimal", "phone": "tel"}.get(widget, ""),
        digits=key == "source",
        longest=schema.get("maxLength", 0) if kind in {"text", "area"} and "format" not in schema else 0,
        time=_points(schema, hints),
        instant=_local(page.values.get(key), page.zone) if schema.get("format") == "date-time" else None,
    )


def _hints(form: Form, key: str) -> Mapping[str, Any]:
    hints: Mapping[str, Any] = form.ui.get("fields", {}).get(key, {})
    return hints


def _points(schema: Mapping[str, Any], hints: Mapping[str, Any]) -> str:
    if schema.get("format") != "date-time":
        return ""
    return AHEAD if hints.get("points") == AHEAD else BACK


def _widget_of(schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return "date-time"
    if schema.get("type") == "boolean":
        return "check"
    if "enum" in schema or "oneOf" in schema:
        return "select"
    return "number" if schema.get("type") in {"integer", "number"} else "text"


def _time_hint(schema: Mapping[str, Any], hints: Mapping[str, Any]) -> str:
    """How an instant may be written, by the way in which the field points; empty for one that points nowhere."""
    points = _points(schema, hints)
    return str(_(_TIME_HINTS[points])) if points else ""


def _kind(widget: str) -> str:
    if widget in REFERENCE_OF_WIDGET or widget in {"select", "person"}:
        return "select"
    return widget if widget in {"area", "chips", "cards", "check"} else "text"


def _options(
    schema: Mapping[str, Any], hints: Mapping[str, Any], widget: str, key: str, page: _Page
) -> Sequence[Option]:
    table = str(hints.get("source", "")).removeprefix("reference:") or REFERENCE_OF_WIDGET.get(widget, "")
    if table:
        return page.choices(table, key, page.values)
    if schema.get("oneOf"):
        return [
            Option(plain(each["const"]), each.get("title", plain(each["const"])), each.get("description", ""))
            for each in schema["oneOf"]
        ]
    if schema.get("enum"):
        labels = hints.get("labels", {})
        return [Option(plain(each), labels.get(plain(each), plain(each))) for each in schema["enum"]]
    if schema.get("type") == "boolean" and widget != "check":
        labels = {value: str(_(name)) for value, name in YES_NO} | hints.get("labels", {})
        return [Option(value, labels[value]) for value, _name in YES_NO]
    return ()


def plain(value: Any) -> str:
    """A value as an input holds it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_text(value: Any, schema: Mapping[str, Any], zone: tzinfo) -> str:
    """A value as its input shows it; instants in local time."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "、".join(str(each) for each in value)
    if schema.get("format") == "date-time":
        instant = _local(value, zone)
        return f"{instant:%Y-%m-%d %H:%M}" if instant else str(value)
    return plain(value)


def _local(value: Any, zone: tzinfo) -> datetime | None:
    try:
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return instant.astimezone(zone) if instant.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _when(show_if: Mapping[str, Any] | None, prefix: str) -> str:
    if not show_if:
        return ""
    return "&".join(f"{input_name(prefix, key)}={'|'.join(_wanted(value))}" for key, value in show_if.items())


def _wanted(value: Any) -> list[str]:
    return [plain(each) for each in value] if isinstance(value, list) else [plain(value)]


def read_values(form: Form, post: Post, *, zone: tzinfo, now: datetime, prefix: str = "") -> dict[str, Any]:
    """The typed values of a post for its form: empty fields are left out, and so are fields that are not shown."""
    return shown_values(form, read_all(form, post, zone=zone, now=now, prefix=prefix))


def shown_values(form: Form, values: Values) -> dict[str, Any]:
    """The values without those of fields that are not shown."""
    shown = form.shown(values)
    return {key: value for key, value in values.items() if key in shown}


def read_all(form: Form, post: Post, *, zone: tzinfo, now: datetime, prefix: str = "") -> dict[str, Any]:
    """The typed values of a post, of hidden fields too: a page that is shown again must not lose them.

    What cannot be read as its type stays text, so that the page can show it again and the validation can say why.
    """
    values: dict[str, Any] = {}
    for key in field_keys(form):
        schema, hints = form.fields[key], _hints(form, key)
        widget = hints.get("widget") or _widget_of(schema)
        text = post.get(input_name(prefix, key))
        clock = _Clock(zone, now, _points(schema, hints) == AHEAD)
        value = (text is not None) if widget == "check" else _read(text, schema, widget, clock)
        if value is not None:
            values[key] = value
    return values


@dataclass(frozen=True, slots=True)
class _Clock:
    zone: tzinfo
    now: datetime
    ahead: bool


def _read(text: str | None, schema: Mapping[str, Any], widget: str, clock: _Clock) -> Any:
    text = (text or "").replace("\r\n", "\n").strip().strip("　")
    if not text:
        return None
    if schema.get("format") == "date-time":
        return read_time(text, zone=clock.zone, now=clock.now, ahead=clock.ahead)
    kind = schema.get("type")
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind in {"integer", "number"}:
        return _number(text.translate(_FULL_WIDTH_SIGNS).replace(" ", ""))
    if kind == "array":
        return [part.strip() for part in re.split(r"[、,，;；\n]", text) if part.strip()]
    if widget == "phone":
        return text.translate(_PHONE_SIGNS)
    return text if widget == "area" else text.translate(_FULL_WIDTH_DIGITS)


def _number(text: str) -> int | float | str:
    if re.fullmatch(r"[+-]?\d{1,15}", text, re.ASCII):
        return int(text)
    return float(text) if re.fullmatch(r"[+-]?\d{1,15}\.\d{1,6}", text, re.ASCII) else text


def read_time(text: str, *, zone: tzinfo, now: datetime, ahead: bool = False) -> str:
    """ISO text with offset from what staff type: ``2026-11-23 15:20``, ``11-23 15:20``, ``15:20``, ``-20``.

    A time alone is today's, or yesterday's if that would lie more than an hour ahead; ``-20`` is twenty minutes ago.
    In a field that points ``ahead`` a time alone is the next one to come, and there are no minutes ago.
    Text that is no time, or one further away than BELIEVABLE, comes back unchanged.
    """
    plain = text.translate(_FULL_WIDTH_SIGNS).strip()
    ago = _MINUTES_AGO.fullmatch(plain)
    if ago and not ahead:
        return (now - timedelta(minutes=int(ago[1]))).astimezone(zone).replace(second=0, microsecond=0).isoformat()
    typed = _DAY_TIME.fullmatch(plain)
    if not typed:
        return text
    year, month, day, hour, minute, second = typed.groups()
    local = now.astimezone(zone)
    try:
        instant = local.replace(
            year=int(year or local.year),
            month=int(month or local.month),
            day=int(day or local.day),
            hour=int(hour),
            minute=int(minute),
            second=int(second or 0),
            microsecond=0,
        )
    except ValueError:
        return text
    if abs(instant.replace(tzinfo=None) - local.replace(tzinfo=None)) > BELIEVABLE:
        return text
    if not month and ahead and instant <= now:
        instant += timedelta(days=1)
    elif not month and not ahead and instant - now > timedelta(hours=1):
        instant -= timedelta(days=1)
    return instant.isoformat()
