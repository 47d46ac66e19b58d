"""The incident's facts as lists of label and words, short beside a form and whole on its own page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup, escape

from webapp.contacts import seen_by
from webapp.queries import timeline
from webapp.routes.labels import LABELS
from webapp.routes.reading import Reader

Fact = tuple[str, Any]
SOURCE_FACTS = (
    "external_number",
    "external_contact",
    "external_deadline",
    "alarm_severity",
    "alarm_number",
    "alarm_text",
    "alarm_trigger",
    "alarm_account",
    "prehandling",
    "failed_change",
)


# What each stage goes by, beside what was reported; what 5.1 and 5.5 ask for is shown even where it is missing.
REACHED = ("cause", "analysis", "diagnosis", "solution", "agreement", "recovery")
JUDGED = ("restored", "verification", "opinion", "check_remark")
CLOSING = 5
ASKED_AT_CLOSING = ("cause", "solution", "recovery", "verification")
FOLD_FROM = 120  # characters; a longer text beside a form is cut until somebody unfolds it
LINE = 24  # characters to a line of the facts


def beside_form(reader: Reader, incident: Mapping[str, Any], accounts: Mapping[str, str]) -> list[Fact]:
    """What somebody who fills in a form must have in sight: who passed it on and why, what is known, who reported it.

    Long texts are folded, and the details stand last, so that they push nothing out of sight.
    """
    incident = seen_by(reader.person, incident)
    found = [*handed_over(reader, incident), *_progress(reader, incident)]
    found += [(_("报告人"), reporter(reader, incident)), (_("来源"), reader.value("source", incident["source"]))]
    found += labelled(reader, incident, SOURCE_FACTS)
    found += labelled(reader, incident, ("occurred_at", "recorded_at"))
    found.append((_("登记人"), accounts.get(incident["recorder"], incident["recorder"])))
    found += labelled(reader, incident, ("service_effect", "affected_departments"))
    found += [
        (_("分类"), classification(reader, incident)),
        *labelled(reader, incident, ("impact", "configuration_items", "details")),
    ]
    return [(label, folded(words)) for label, words in found]


def handed_over(reader: Reader, incident: Mapping[str, Any]) -> list[Fact]:
    """Who passed the incident on, when and why, and how often that has happened (R216)."""
    found: list[Fact] = []
    move = timeline.last_handover(reader.ctx.connection, incident["id"])
    if move is not None:
        who = f"{move['name'] or move['actor']} {reader.moment(move['at'])}"
        found.append((_("转来"), f"{who}\n{move['reason']}" if move["reason"] else who))
    if incident["dispatches"] > 1:
        found.append((_("派单次数"), moves(incident)))
    return found


def moves(incident: Mapping[str, Any]) -> str:
    """How often it was dispatched, and how often of these it was passed on."""
    counts = {"dispatches": incident["dispatches"], "transfers": incident["transfers"]}
    return str(_("%(dispatches)s 次，转派 %(transfers)s 次", **counts))


def _progress(reader: Reader, incident: Mapping[str, Any]) -> list[Fact]:
    """What stages 3 to 5 have found so far."""
    found = []
    for column in (*REACHED, *JUDGED):
        words = reader.value(column, incident[column])
        if not words and incident["stage"] == CLOSING and column in ASKED_AT_CLOSING and not incident["withdrawn"]:
            words = _("未填写")
        if words:
            found.append((_(LABELS[column]), words))
    return found


def folded(words: Any) -> Any:
    """A long text with a handle that unfolds it; a short one as it is."""
    if not isinstance(words, str) or isinstance(words, Markup) or len(words) + LINE * words.count("\n") <= FOLD_FROM:
        return words
    handle = Markup(
        '<details><summary><span class="closed">{}</span><span class="opened">{}</span></summary></details>'
    ).format(_("展开全文"), _("收起"))
    return Markup('<div class="fold-text"><div class="cut">{}</div>{}</div>').format(words, handle)


def whole(reader: Reader, incident: Mapping[str, Any], accounts: Mapping[str, str]) -> list[Fact]:
    """Everything that is known, for the incident's own page; long texts follow apart (``long_texts``)."""
    incident = seen_by(reader.person, incident)
    found = [
        (_("报告人"), reporter(reader, incident)),
        (_("所属部门"), reader.value("department", incident["department"])),
        (_("客户标识"), reader.value("customer_grade", incident["customer_grade"])),
        (_("来源"), reader.value("source", incident["source"])),
        (_("请求类型"), incident["request_type"]),
        (_("登记人"), accounts.get(incident["recorder"], incident["recorder"])),
    ]
    found += labelled(reader, incident, ("occurred_at", "recorded_at"))
    found.append((_("分类"), classification(reader, incident)))
    places = ("location", "customer_location")
    alike = incident["location"] == incident["customer_location"]
    found += labelled(reader, incident, ("cause", "impact", "urgency", "service", *places[: 1 if alike else 2]))
    found += labelled(reader, incident, SOURCE_FACTS)
    found += labelled(reader, incident, ("affected_departments", "configuration_items", "problem_ref"))
    if incident["dispatches"]:
        found.append((_("派单次数"), moves(incident)))
    found += labelled(reader, incident, ("close_code",) if incident["close_code"] else ("proposed_close_code",))
    return found


def long_texts(reader: Reader, incident: Mapping[str, Any]) -> list[Fact]:
    """The texts that staff wrote, in the order in which the process asks for them."""
    columns = ("details", "service_effect", "analysis", "diagnosis", "solution", "agreement", "recovery")
    return labelled(reader, incident, (*columns, "verification", "opinion", "close_remark"))


def labelled(reader: Reader, incident: Mapping[str, Any], columns: Iterable[str]) -> list[Fact]:
    """Label and words of columns that have a value."""
    pairs = [(_(LABELS[column]), reader.value(column, incident[column])) for column in columns]
    return [(label, words) for label, words in pairs if words]


def classification(reader: Reader, incident: Mapping[str, Any]) -> str:
    """Category, type and symptom on one line."""
    parts = [reader.value(column, incident[column]) for column in ("category", "type", "symptom")]
    return " / ".join(part for part in parts if part)


def reporter(reader: Reader, incident: Mapping[str, Any]) -> Markup | str:
    """The reporter's name with his numbers on a second line, of an incident as ``seen_by`` the reader."""
    if not incident["customer_name"]:
        return ""
    numbers = [
        incident["phone"],
        incident["mobile"],
        incident["extension"] and _("分机 %(extension)s", extension=incident["extension"]),
    ]
    second = " · ".join(number for number in numbers if number)
    words = escape(incident["customer_name"])
    return words + (Markup('\n<span class="small quiet">') + escape(second) + Markup("</span>") if second else "")
