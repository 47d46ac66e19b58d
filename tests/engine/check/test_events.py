"""Every position in which SpiffWorkflow reads an event as nothing is refused; every position we execute passes."""

from __future__ import annotations

import pytest

from engine.check import Known, check
from engine.spiff import compile_program
from tests.engine.check.draw import about, border, bpmn, catch, el, end, message_, start, throw, timer, user

KEY = {"key": "incident_id"}
DECLARED = (
    message_("M_m", "{'key': incident_id, 'value': None}", variable="said")
    + '<bpmn:error id="E_x" name="x" errorCode="x"/><bpmn:escalation id="X_x" name="x" escalationCode="x"/>'
    + '<bpmn:signal id="S_x" name="x"/>\n'
)
KINDS = {
    "message": about("M_m"),
    "timer": timer("'P1D'"),
    "error": '<bpmn:errorEventDefinition errorRef="E_x"/>',
    "escalation": '<bpmn:escalationEventDefinition escalationRef="X_x"/>',
    "signal": '<bpmn:signalEventDefinition signalRef="S_x"/>',
    "conditional": "<bpmn:conditionalEventDefinition/>",
    "link": '<bpmn:linkEventDefinition name="l"/>',
    "compensate": "<bpmn:compensateEventDefinition/>",
    "cancel": "<bpmn:cancelEventDefinition/>",
    "terminate": "<bpmn:terminateEventDefinition/>",
    "none": "",
}
EXECUTED = {
    "start": {"none", "message"},
    "end": {"none", "message", "terminate"},
    "catch": {"message", "timer"},
    "throw": {"none", "message"},
    "boundary": {"message", "timer", "error", "escalation"},
}


def diagram(position: str, kind: str) -> str:
    inner = KINDS[kind]
    key = KEY if kind == "message" and position in ("start", "catch", "boundary") else {}
    ways = ["s>a", "a>e"]
    if position == "start":
        nodes = [start(inner=inner, props=key), user(), end()]
    elif position == "end":
        nodes = [start(), user(), end(inner=inner)]
    elif position == "boundary":
        host = user(props={"form": "f", "operation": "op"})
        nodes, ways = [start(), host, border("b", "a", inner, props=key), end(), end("e2")], [*ways, "b>e2"]
    else:
        middle = catch("m", inner, props=key) if position == "catch" else throw("m", inner)
        nodes, ways = [start(), middle, user(), end()], ["s>m", "m>a", "a>e"]
    return bpmn(nodes, ways, declared=DECLARED)


def errors(text: str) -> list[str]:
    found = check({"p.bpmn": text.encode()}, known=Known(forms={"f"}))
    return [finding.en for finding in found if finding.severity == "error"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("position", EXECUTED)
def test_an_event_passes_exactly_where_it_is_executed(position: str, kind: str) -> None:
    text = diagram(position, kind)
    assert (errors(text) == []) == (kind in EXECUTED[position])
    if kind in EXECUTED[position]:
        compile_program({"p.bpmn": text.encode()}, "p")


@pytest.mark.parametrize("kind", ["error", "escalation"])
def test_a_fault_at_the_end_passes_where_a_boundary_event_around_it_catches_it(kind: str) -> None:
    inside = el(
        "subProcess",
        "k",
        nodes=[start("s1"), user(), end("e1", inner=KINDS[kind])],
        flows=["s1>a", "a>e1"],
    )
    nodes = [start(), inside, border("b", "k", KINDS[kind]), end(), end("e2")]
    text = bpmn(nodes, ["s>k", "k>e", "b>e2"], declared=DECLARED)
    assert errors(text) == []


@pytest.mark.parametrize(
    ("kind", "text", "good"),
    [
        ("timeDuration", "'PT30M'", True),
        ("timeDuration", "'P1M'", True),
        ("timeDuration", "due_for", None),
        ("timeDuration", "PT30M", None),
        ("timeDuration", "'-PT5M'", False),
        ("timeDuration", "'P'", False),
        ("timeDuration", "30", False),
        ("timeDuration", "'0 8 * * *'", False),
        ("timeDate", "'2030-01-01T09:00:00+08:00'", True),
        ("timeDate", "'2030-01-01T09:00:00Z'", True),
        ("timeDate", "'2030-01-01T09:00:00'", False),
        ("timeDate", "'2030-01-01'", False),
        ("timeDate", "'P1D'", False),
        ("timeCycle", "'R3/P7D'", True),
        ("timeCycle", "'R/PT1H'", True),
        ("timeCycle", "'R2/2030-01-01T09:00:00Z/PT1H'", True),
        ("timeCycle", "'R2/2030-01-01T09:00:00/PT1H'", False),
        ("timeCycle", "'0 8 * * *'", False),
        ("timeCycle", "'P7D'", False),
        ("timeCycle", "'R/PT0S'", False),
    ],
)
def test_a_constant_time_is_iso_and_a_key_is_only_warned_about(kind: str, text: str, good: bool | None) -> None:
    beside = {"cancelActivity": "false"} if kind == "timeCycle" else {}
    far = end("e2", props={"side": "true"}) if beside else end("e2")
    nodes = [start(), user(), border("b", "a", timer(text, kind), **beside), end(), far]
    found = check({"p.bpmn": bpmn(nodes, ["s>a", "a>e", "b>e2"]).encode()}, known=Known(forms={"f"}))
    assert [finding.rule for finding in found] == ({True: [], False: ["K804"], None: ["K805"]}[good])
