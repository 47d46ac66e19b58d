"""The rules, grouped by what they look at; importing this package registers all of them.

K0 files · K1 ways through a diagram · K2 gateways · K3 events · K4 activities and data · K5 calls and outcomes ·
K6 messages · K7 names that refer to something · K8 expressions and timers · K9 the drawing.
"""

from engine.check.rules import (
    activities,
    boundaries,
    calls,
    drawing,
    events,
    expressions,
    faults,
    gateways,
    lanes,
    lengths,
    messages,
    nesting,
    parallel,
    references,
    structure,
)
from engine.check.rules.files import (
    DOCTYPE,
    MALFORMED,
    NOT_BPMN,
    TOO_COMPLICATED,
    TOO_DEEP,
    TOO_LARGE,
    TOO_MANY_ELEMENTS,
    TOO_MANY_FINDINGS,
    TOO_MUCH,
    UNKNOWN_KIND,
)
from engine.check.rules.tables import DECISION_REFUSED, FORM_REFUSED, ONE_DECISION

__all__ = [
    "DECISION_REFUSED",
    "DOCTYPE",
    "FORM_REFUSED",
    "MALFORMED",
    "NOT_BPMN",
    "ONE_DECISION",
    "TOO_COMPLICATED",
    "TOO_DEEP",
    "TOO_LARGE",
    "TOO_MANY_ELEMENTS",
    "TOO_MANY_FINDINGS",
    "TOO_MUCH",
    "UNKNOWN_KIND",
    "activities",
    "boundaries",
    "calls",
    "drawing",
    "events",
    "expressions",
    "faults",
    "gateways",
    "lanes",
    "lengths",
    "messages",
    "nesting",
    "parallel",
    "references",
    "structure",
]
