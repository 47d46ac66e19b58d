"""What stands against a draft of a decision table: by itself, and against the version in force that steps ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from flask_babel import gettext as _

from engine.check import Finding
from engine.decisions import DecisionError, Model, TableFinding, check_table, load_model
from engine.decisions.tables import LIST_POLICIES
from engine.errors import InvalidValuesError
from engine.identity import UnclearIdentityError, identify
from engine.xml import XmlRefused
from webapp.language import N_
from webapp.sheets.sheet import EMPTY, LIMITS, Sheet, listed, read_sheet, texts_in

Severity = Literal["error", "warning"]
_SEVERITY: Mapping[str, Severity] = {"overlap": "error", "gap": "warning"}
_TITLES = {"gap": N_("有情形没有适用的行"), "overlap": N_("有两行同时适用"), "unchecked": N_("未能证明")}


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to mend (error) or to look at (warning); ``rows`` are pairs of row id and number to jump to."""

    severity: Severity
    text: str
    line: int | None = None
    element: str = ""
    rows: tuple[tuple[str, int], ...] = ()
    example: tuple[tuple[str, str], ...] = ()

    @property
    def place(self) -> str:
        """Line and element of the file, where no row is named."""
        parts = [_("第 %(line)s 行", line=self.line) if self.line else "", self.element]
        return "" if self.rows else "，".join(part for part in parts if part)


class DraftRefusedError(InvalidValuesError):
    """The file cannot be a draft of this table, or may not be submitted; ``remarks`` say why, with element and line."""

    def __init__(self, remarks: Iterable[Remark]) -> None:
        """Only errors count."""
        self.remarks = tuple(remark for remark in remarks if remark.severity == "error")
        said = [f"{remark.place}：{remark.text}" if remark.place else remark.text for remark in self.remarks]
        super().__init__({"file": "；".join(said)})


def require_storable(content: bytes, key: str) -> None:
    """Refuse what could not be shown as a draft of decision ``key``: no XML, a DOCTYPE, too large, another decision."""
    if len(content) > LIMITS.max_bytes:
        raise DraftRefusedError(
            [Remark("error", _("文件超过 %(max_bytes)s KB", max_bytes=LIMITS.max_bytes // 1000), element="definitions")]
        )
    try:
        identity = identify("draft.dmn", content)
    except XmlRefused as refused:
        text = refused.why_zh
        element = "DOCTYPE" if refused.kind == "doctype" else "definitions"
        raise DraftRefusedError([Remark("error", text, refused.line, element)]) from refused
    except UnclearIdentityError as refused:
        raise DraftRefusedError([Remark("error", refused.zh, 1, "definitions")]) from refused
    if identity.key != key:
        text = _("这是决策 %(found)s 的文件，不是 %(key)s 的", found=identity.key or _(EMPTY), key=key)
        raise DraftRefusedError([Remark("error", text, 1, f"decision {identity.key}")])


def remarks(content: bytes, present: bytes, key: str) -> list[Remark]:
    """All that is to be said of a draft, errors first. ``present`` is the version in force."""
    require_storable(content, key)
    try:
        model = load_model(content)
    except DecisionError as error:
        return [_refused(error, read_sheet(content, key))]
    sheet = read_sheet(content, key)
    found = list(_against_present(model, sheet, present, key))
    if sheet is not None:
        found += _unknown_values(sheet)
        found += (_proved(finding, sheet) for finding in check_table(model, key))
    return sorted(found, key=lambda remark: remark.severity != "error")


def of_deployment(findings: Iterable[Finding], filename: str) -> list[Remark]:
    """What the check of the whole deployment finds: its errors, those of the table itself where there are any."""
    errors = [finding for finding in findings if finding.severity == "error"]
    own = [finding for finding in errors if finding.file == filename]
    return [
        Remark("error", f"{finding.zh}（{finding.rule}）", finding.line, finding.element or finding.file)
        for finding in own or errors
    ]


def _refused(error: DecisionError, sheet: Sheet | None) -> Remark:
    rows = _numbered(error.rows, sheet)
    if not rows and sheet is not None and error.line is not None:
        starts = [row for row in sheet.rows if row.line <= error.line]
        inside = starts[-1:] if starts and error.line > sheet.rows[0].line else []
        rows = tuple((row.id, row.number) for row in inside)
    return Remark("error", error.zh, error.line, error.decision or "", rows)


def _proved(finding: TableFinding, sheet: Sheet) -> Remark:
    labels = {column.name: column.label for column in sheet.inputs}
    example = tuple((labels.get(name, name), _example(value)) for name, value in finding.example.items())
    title = _(_TITLES[finding.kind]) if finding.kind in _TITLES else ""
    text = title if example and title else finding.zh
    severity = _SEVERITY.get(finding.kind, "warning")
    return Remark(severity, text, finding.line, finding.decision, _numbered(finding.rows, sheet), example)


def _example(value: object) -> str:
    plain = {True: _("是"), False: _("否"), None: _("（无）")}
    if isinstance(value, bool) or value is None:
        return str(plain[value])
    text = str(value).replace("\0", "…")
    return text or _("（空文本）")


def _numbered(rows: Iterable[str], sheet: Sheet | None) -> tuple[tuple[str, int], ...]:
    found = (sheet.row(each) for each in rows) if sheet else ()
    return tuple((row.id, row.number) for row in found if row is not None)


def _against_present(model: Model, sheet: Sheet | None, present: bytes, key: str) -> Iterator[Remark]:
    """What the steps that ask this decision would not know: other inputs, other outputs, another kind of answer."""
    known = {each.name: each for each in load_model(present).find(key).inputs}
    for wanted in model.find(key).inputs:
        if wanted.name not in known:
            yield Remark(
                "error", _("输入“%(name)s”：问这张表的步骤没有给出它", name=wanted.name), _line(model, key), wanted.name
            )
    old = read_sheet(present, key)
    if sheet is None or old is None:
        if (sheet is None) != (old is None):
            yield Remark("error", _("决策表与其他形式的决策不能互换"), _line(model, key), key)
        return
    types = {column.name: column.type for column in old.inputs}
    for column in sheet.inputs:
        if column.name in types and column.type != types[column.name]:
            text = _(
                "输入“%(label)s”的类型由 %(types)s 改为 %(type)s",
                label=column.label,
                types=types[column.name] or _(EMPTY),
                type=column.type or _(EMPTY),
            )
            yield Remark("error", _("%(text)s，与步骤给出的不符", text=text), _line(model, key), column.id)
    if [c.name for c in sheet.outputs] != [c.name for c in old.outputs]:
        names = ["、".join(c.name for c in each.outputs) for each in (old, sheet)]
        text = _("输出由 %(old)s 改为 %(new)s，问这张表的步骤认不出来", old=names[0], new=names[1])
        yield Remark("error", text, _line(model, key), sheet.outputs[0].id if sheet.outputs else key)
    if (old.policy in LIST_POLICIES) != (sheet.policy in LIST_POLICIES) or old.aggregation != sheet.aggregation:
        yield Remark("error", _("命中方式改变了结果的形式，问这张表的步骤认不出来"), _line(model, key), "hitPolicy")
    yield from _new_outputs(old, sheet)


def _new_outputs(old: Sheet, sheet: Sheet) -> Iterator[Remark]:
    values = {column.name: listed(column.values) or [] for column in old.outputs}
    for column in sheet.outputs:
        more = [each for each in listed(column.values) or [] if each not in values.get(column.name, [])]
        if values.get(column.name) and more:
            text = _(
                "输出“%(label)s”多了允许的值 %(more)s：请确认后面的步骤和其他决策表认得它",
                label=column.label,
                more="、".join(more),
            )
            yield Remark("warning", text, element=column.id)


def _unknown_values(sheet: Sheet) -> Iterator[Remark]:
    """Texts in cells that are not among the column's allowed values: an answer would be lost, a row never match."""
    width = len(sheet.inputs)
    for place, column in enumerate(sheet.columns):
        allowed = listed(column.values)
        if allowed is None:
            continue
        for row in sheet.rows:
            cell = row.cells[place] if place < len(row.cells) else ""
            unknown = [text for text in texts_in(cell) if text not in allowed]
            if unknown:
                output = place >= width
                text = _(
                    "%(label)s“%(unknown)s”不在允许的值 %(allowed)s 中",
                    label=column.label,
                    unknown="、".join(unknown),
                    allowed="、".join(allowed),
                )
                tail = _("，结果会成为空值") if output else _("，这一行不会适用")
                where = ((row.id, row.number),)
                yield Remark("error" if output else "warning", text + tail, row.line, column.id, where)


def _line(model: Model, key: str) -> int | None:
    return model.find(key).line
