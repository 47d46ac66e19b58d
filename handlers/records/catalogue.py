"""Checks of what people choose against the reference tables: classification trees, groups, codes (§5.1.2, §5.1.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.context import Context
from engine.errors import InvalidValuesError
from handlers import reference
from handlers.records.incidents import Incident
from handlers.reference import Row

# Kinds of groups (column kind of groups) that work on incidents; 支持组 is of kind expert (R043, R044).
DISPATCH_KINDS = frozenset({"desk", "support", "local"})
EXPERT_KIND = "expert"
SET_BY_SYSTEM = "system"
OPERATIONS = "operations"  # 运行组, from which 支持组 may be asked for help


def check_classification(ctx: Context, values: Mapping[str, Any]) -> None:
    """Category, type and symptom must exist and hang together (R107, R207–R209); raises InvalidValuesError.

    A symptom that is None is not yet known: only 5.1 leaves it open (C-29).
    """
    problems: dict[str, str] = {}
    if reference.row(ctx, "categories", values["category"]) is None:
        problems["category"] = "没有这个类别"
    kind = reference.row(ctx, "types", values["type"])
    if kind is None or kind["category"] != values["category"]:
        problems["type"] = "所选子类不属于该类别"
    symptom = reference.row(ctx, "symptoms", values["symptom"])
    if values["symptom"] is not None and (symptom is None or symptom["type"] != values["type"]):
        problems["symptom"] = "所选现象不属于该子类"
    if problems:
        raise InvalidValuesError(problems)


def check_cause(ctx: Context, incident: Incident, cause: str | None) -> None:
    """The root cause must exist and belong to the incident's type, or to all types (R206, R210)."""
    found = reference.row(ctx, "causes", cause)
    if found is None:
        raise InvalidValuesError({"cause": "请选择故障根源分类"})
    if found["type"] and found["type"] != incident["type"]:
        raise InvalidValuesError({"cause": "所选根源不属于该事件的子类"})


def close_codes_for_people(ctx: Context) -> Sequence[Row]:
    """The close codes that a person may choose; the others belong to the system (T-7)."""
    return [row for row in reference.rows(ctx, "close_codes") if row["set_by"].split() != [SET_BY_SYSTEM]]


def selectable_groups(ctx: Context, incident: Incident) -> Sequence[Row]:
    """The groups to which the desk may dispatch: by classification and location, never 支持组 (R043, R213).

    A group whose columns ``categories`` or ``locations`` are empty takes all; the rule's proposal is always among them.
    """
    found = [row for row in reference.rows(ctx, "groups") if row["kind"] in DISPATCH_KINDS]
    return [row for row in found if row["key"] == incident["proposed_group"] or _takes(row, incident)]


def transferable_groups(ctx: Context, incident: Incident) -> Sequence[Row]:
    """The groups to which a support person may transfer; 支持组 only from 运行组 or when escalated (R044, R132)."""
    experts = incident["escalated"] or incident["responsible_group"] == OPERATIONS
    kinds = DISPATCH_KINDS | {EXPERT_KIND} if experts else DISPATCH_KINDS
    return [row for row in reference.rows(ctx, "groups") if row["kind"] in kinds]


def task_groups(ctx: Context) -> Sequence[Row]:
    """The groups that may be given a part of the work (R160): all that work on incidents, 支持组 too."""
    kinds = DISPATCH_KINDS | {EXPERT_KIND}
    return [row for row in reference.rows(ctx, "groups") if row["kind"] in kinds]


def check_group(groups: Sequence[Row], group: str) -> Row:
    """The chosen group out of those that may be chosen; raises InvalidValuesError."""
    for row in groups:
        if row["key"] == group:
            return row
    raise InvalidValuesError({"group": "该事件不能派给这个组，请从列表中选择"})


def _takes(group: Row, incident: Incident) -> bool:
    return _names(group.get("categories"), incident["category"]) and _names(
        group.get("locations"), incident["location"]
    )


def _names(cell: str | None, key: str | None) -> bool:
    """Whether a cell of space-separated keys names ``key``; an empty cell names all."""
    return not cell or key in cell.split()
