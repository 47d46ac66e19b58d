"""Numbers: prefix + local date + daily sequence, SJ261122-001 for an incident (R008), BG261122-001 for a change.

Each prefix counts by itself; a number is unique and never re-used.
"""

from __future__ import annotations

from datetime import tzinfo
from zoneinfo import ZoneInfo

from sqlalchemy import text

from engine.context import Context

PREFIX = "SJ"
HOUSE_ZONE = ZoneInfo("Asia/Shanghai")

# One statement on both databases; the day's row stays locked until the commit, so two steps never get one number.
_NEXT = text(
    "INSERT INTO incident_number (day, last) VALUES (:day, 1) "
    "ON CONFLICT (day) DO UPDATE SET last = incident_number.last + 1 RETURNING last"
)


def next_number(ctx: Context, zone: tzinfo = HOUSE_ZONE, prefix: str = PREFIX) -> str:
    """The next number of the day as ``zone`` has it; a roll-back gives it back before anybody has seen it."""
    day = ctx.now.astimezone(zone).strftime("%y%m%d")
    row = day if prefix == PREFIX else prefix + day
    last: int = ctx.connection.execute(_NEXT, {"day": row}).scalar_one()
    return f"{prefix}{day}-{last:03d}"
