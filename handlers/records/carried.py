"""What a form starts from: facts that the record holds already. Judgements are never filled in beforehand.

A field carries the fact of its own name; a few carry another one. What is agreed, restored, complete or satisfied is
judged anew each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Facts = Mapping[str, Any]

_OF_INCIDENT: Mapping[str, str] = {
    name: name
    for name in (
        "request_type",
        "ci_affected",
        "category",
        "type",
        "symptom",
        "service",
        "location",
        "impact",
        "service_effect",
        "cause",
        "solution",
        "problem_ref",
    )
} | {"close_code": "proposed_close_code", "group": "proposed_group"}


def from_incident(incident: Facts, fields: Iterable[str]) -> dict[str, Any]:
    """The values with which the fields of a form begin.

    The impact is a default of the system before 2.2, the proposed group is for the desk's dispatch alone.
    """
    left_out = set()
    if incident["priority_provisional"]:
        left_out.add("impact")
    if incident["state"] != "to_dispatch" and incident["held_state"] != "to_dispatch":
        left_out.add("group")
    found = {name: incident.get(_OF_INCIDENT[name]) for name in fields if name in _OF_INCIDENT and name not in left_out}
    return {name: value for name, value in found.items() if value is not None}


def from_child(child: Facts, fields: Iterable[str]) -> dict[str, Any]:
    """The values with which the fields of a child record's form begin: the facts of its kind, by their names.

    Not the cause: the incident's is a key of the tree, the problem's own is told in words.
    """
    return {name: child["facts"][name] for name in fields if name != "cause" and child["facts"].get(name) is not None}
