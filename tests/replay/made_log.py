"""A generated log of the shape of UCI 498, for machines that do not have the real one: same columns, same facts."""

from __future__ import annotations

import csv
import random
from datetime import datetime, timedelta
from pathlib import Path

COLUMNS = [
    "number", "incident_state", "active", "reassignment_count", "reopen_count", "sys_mod_count", "made_sla",
    "caller_id", "opened_by", "opened_at", "sys_created_by", "sys_created_at", "sys_updated_by", "sys_updated_at",
    "contact_type", "location", "category", "subcategory", "u_symptom", "cmdb_ci", "impact", "urgency", "priority",
    "assignment_group", "assigned_to", "knowledge", "u_priority_confirmation", "notify", "problem_id", "rfc", "vendor",
    "caused_by", "closed_code", "resolved_by", "resolved_at", "closed_at",
]  # fmt: skip
LEVELS = {1: "1 - High", 2: "2 - Medium", 3: "3 - Low"}
PRIORITIES = {2: 1, 3: 2, 4: 3, 5: 4, 6: 4}  # by the sum of impact and urgency
PRIORITY_NAMES = {1: "1 - Critical", 2: "2 - High", 3: "3 - Moderate", 4: "4 - Low"}
WAITING = ["Awaiting User Info", "Awaiting Vendor", "Awaiting Problem", "Awaiting Evidence"]


def write_log(path: Path, incidents: int, seed: int) -> None:
    """Write ``incidents`` incidents with moves, waiting, rejections, dirty states and one reopening after closing."""
    dice = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="?")
        writer.writeheader()
        for number in range(incidents):
            writer.writerows(_incident(dice, number, reopened=number == incidents // 2))


def _incident(dice: random.Random, number: int, *, reopened: bool) -> list[dict[str, str]]:
    at = datetime(2016, 3, 1) + timedelta(minutes=dice.randrange(60 * 24 * 30))  # noqa: DTZ001 (the log has no zone)
    impact, urgency = dice.choice([1, 2, 2, 2, 3]), dice.choice([1, 2, 2, 2, 3])
    category = dice.randrange(5)
    facts = {
        "number": f"INC{number:07d}",
        "caller_id": f"Caller {dice.randrange(50)}",
        "contact_type": dice.choice(["Phone", "Phone", "Email"]),
        "location": f"Location {dice.randrange(9)}",
        "category": f"Category {category}",
        "subcategory": f"Subcategory {category * 10 + dice.randrange(4)}",
        "u_symptom": dice.choice(["?", f"Symptom {dice.randrange(6)}"]),
        "impact": LEVELS[impact],
        "urgency": LEVELS[urgency],
        "priority": PRIORITY_NAMES[PRIORITIES[impact + urgency]],
        "closed_code": "code 6",
        "opened_at": _text(at),
    }
    states = _states(dice, reopened=reopened)
    rows, moves, resolved_at = [], 0, None
    group = dice.choice(["?", *(f"Group {n}" for n in range(4))])
    for position, state in enumerate(states):
        if position:
            after_five_days = state == "Closed" and states[position - 1] == "Resolved" and not reopened
            at += timedelta(days=5, minutes=7) if after_five_days else timedelta(minutes=dice.randrange(1, 600))
        if state not in ("Resolved", "Closed") and dice.random() < 0.3 and position:
            moves, group = moves + 1, f"Group {dice.randrange(4)}"
        resolved_at = at if state == "Resolved" else resolved_at
        rows.append(
            facts
            | {
                "incident_state": state,
                "reassignment_count": str(moves),
                "sys_mod_count": str(position),
                "sys_updated_at": _text(at),
                "assignment_group": group,
            }
        )
    ends = {"resolved_at": _text(resolved_at) if resolved_at else "?", "closed_at": _text(at)}
    return [row | ends for row in rows]


def _states(dice: random.Random, *, reopened: bool) -> list[str]:
    states = [dice.choice(["New", "New", "Active", "Resolved"])]
    if states[0] != "Resolved":
        states += [dice.choice(["New", "Active", "Active", "-100", *WAITING]) for _ in range(dice.randrange(4))]
        states.append("Resolved")
    if dice.random() < 0.2:
        states += ["Active", "Resolved"]
    states.append("Closed")
    return [*states, "Active", "Resolved", "Closed"] if reopened else states


def _text(at: datetime) -> str:
    return f"{at.day}/{at.month}/{at.year} {at:%H:%M}"
