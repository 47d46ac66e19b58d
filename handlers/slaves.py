"""Master and slaves: telling the slaves what became of their master (§5.1.10, R147, C-28)."""

from __future__ import annotations

from engine import messages
from engine.context import Call, Context
from handlers.records import relations
from handlers.records.incidents import LEADS
from handlers.records.steps import incident_of

MESSAGE = "master_resolved"


def tell(ctx: Context, call: Call) -> None:
    """Send the outcome of the master to each of its slaves, which wait under the master's id; none is no error.

    The master may have left by any road: they are resolved with it, except where it was withdrawn (R147).
    """
    incident = incident_of(ctx, call)
    if not incident[LEADS]:
        return
    key = str(incident["id"])
    for slave_id in relations.slaves_of(ctx, incident["id"]):
        once = f"{MESSAGE}:{key}:{incident['revision']}:{slave_id}"
        messages.send(ctx, MESSAGE, key, call.data.get("outcome"), message_id=once)


def master_of(ctx: Context, call: Call) -> int:
    """The id of the master under which the slave waits, however it was bound (2.4, 3.4, by hand; C-28)."""
    return int(incident_of(ctx, call)["master_id"])
