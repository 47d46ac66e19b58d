"""The process of ``bench.engine_cycle``: one file set that our engine and SpiffWorkflow's stock parser both read.

An incident of the size of a real one: a main process and five called ones, 12 user tasks, 6 service tasks, 4
decisions, 3 non-interrupting timers with a reminder each, 2 ways back. Every step carries our properties and the
stock extensions side by side.
"""

from __future__ import annotations

from itertools import pairwise

NAMESPACES = (
    'xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core"'
)
DMN = "https://www.omg.org/spec/DMN/20191111/MODEL/"

LIGHT = "accept"  # its completion only opens the next user task
HEAVY = "support"  # its completion ends one call, cancels its timer, starts the next: decision, operation, new timer
LAST = "confirm"  # not satisfied leads back to the first call


def _node(tag: str, id: str, extension: str = "", body: str = "", **attributes: str) -> str:
    given = "".join(f' {name}="{value}"' for name, value in attributes.items())
    wrapped = f"<bpmn:extensionElements>{extension}</bpmn:extensionElements>" if extension else ""
    return f'<bpmn:{tag} id="{id}"{given}>{wrapped}{body}</bpmn:{tag}>'


def _properties(**values: str) -> str:
    items = "".join(f'<spiffworkflow:property name="{name}" value="{value}"/>' for name, value in values.items())
    return f"<spiffworkflow:properties>{items}</spiffworkflow:properties>"


def _user(id: str) -> str:
    return _node("userTask", id, _properties(form=id))


def _service(id: str) -> str:
    stock = (
        f'<spiffworkflow:serviceTaskOperator id="op_{id}" resultVariable="r_{id}">'
        "<spiffworkflow:parameters/></spiffworkflow:serviceTaskOperator>"
    )
    return _node("serviceTask", id, _properties(operation=id, result=f"r_{id}") + stock)


def _rule(id: str, decision: str, result: str) -> str:
    stock = f"<spiffworkflow:calledDecisionId>{decision}</spiffworkflow:calledDecisionId>"
    return _node("businessRuleTask", id, _properties(decision=decision, result=result) + stock)


def _call(id: str) -> str:
    return _node("callActivity", f"call_{id}", calledElement=id)


def _flow(source: str, target: str, condition: str = "") -> str:
    body = f"<bpmn:conditionExpression>{condition}</bpmn:conditionExpression>" if condition else ""
    ends = f'sourceRef="{source}" targetRef="{target}"'
    return f'<bpmn:sequenceFlow id="f_{source}_{target}" {ends}>{body}</bpmn:sequenceFlow>'


def _flows(*ids: str) -> str:
    return "".join(_flow(*pair) for pair in pairwise(ids))


def _timer(id: str, hours: int) -> str:
    definition = (
        f"<bpmn:timerEventDefinition><bpmn:timeDuration>'PT{hours}H'</bpmn:timeDuration></bpmn:timerEventDefinition>"
    )
    return (
        _node("boundaryEvent", f"late_{id}", body=definition, attachedToRef=f"call_{id}", cancelActivity="false")
        + _service(f"remind_{id}")
        + _node("endEvent", f"reminded_{id}", _properties(side="true"))
        + _flows(f"late_{id}", f"remind_{id}", f"reminded_{id}")
    )


def _process(id: str, *body: str) -> bytes:
    return (
        f'<bpmn:definitions {NAMESPACES} id="D_{id}" targetNamespace="http://bench">'
        f'<bpmn:process id="{id}" isExecutable="true">{"".join(body)}</bpmn:process></bpmn:definitions>'
    ).encode()


def _called(id: str, *steps: tuple[str, str]) -> bytes:
    ids = [f"{id}_start", *(step for step, _ in steps), f"{id}_end"]
    nodes = (body for _, body in steps)
    return _process(id, _node("startEvent", ids[0]), *nodes, _node("endEvent", ids[-1]), _flows(*ids))


def _users(*ids: str) -> list[tuple[str, str]]:
    return [(id, _user(id)) for id in ids]


def diagrams() -> dict[str, bytes]:
    """The six diagrams by file name."""
    main = _process(
        "incident",
        _node("startEvent", "start"),
        _user("record"),
        _service("number"),
        _rule("first_priority", "priority", "priority"),
        *(_call(id) for id in ("classify", "investigate", "resolve", "close", "review")),
        *(_timer(id, hours) for id, hours in (("classify", 1), ("investigate", 4), ("resolve", 8))),
        _node("exclusiveGateway", "is_resolved", default="f_is_resolved_call_close"),
        _node("exclusiveGateway", "is_satisfied", default="f_is_satisfied_call_review"),
        _node("endEvent", "end"),
        _flows("start", "record", "number", "first_priority", "call_classify", "call_investigate", "call_resolve"),
        _flows("call_resolve", "is_resolved", "call_close", "is_satisfied", "call_review", "end"),
        _flow("is_resolved", "call_investigate", "resolved == False"),
        _flow("is_satisfied", "call_classify", "satisfied == False"),
    )
    dispatch = ("dispatch", _rule("dispatch", "dispatch", "group"))
    return {
        "incident.bpmn": main,
        "classify.bpmn": _called(
            "classify",
            *_users("classify_it"),
            ("priority_of", _rule("priority_of", "priority", "priority")),
            *_users("support"),
        ),
        "investigate.bpmn": _called(
            "investigate", dispatch, ("order", _service("order")), *_users("accept", "look", "diagnose")
        ),
        "resolve.bpmn": _called("resolve", *_users("plan", "repair", "verify")),
        "close.bpmn": _called("close", ("archive", _service("archive")), *_users("check", "confirm")),
        "review.bpmn": _called(
            "review", ("review_rule", _rule("review_rule", "priority", "priority")), *_users("talk")
        ),
    }


def _table(id: str, inputs: list[str], output: str, rows: list[tuple[list[str], str]]) -> bytes:
    columns = "".join(
        f'<input id="i_{id}_{name}" label="{name}"><inputExpression id="e_{id}_{name}" typeRef="string">'
        f"<text>{name}</text></inputExpression></input>"
        for name in inputs
    )
    lines = "".join(
        f'<rule id="r_{id}_{place}">'
        + "".join(
            f'<inputEntry id="c_{id}_{place}_{column}"><text>"{cell}"</text></inputEntry>'
            for column, cell in enumerate(cells)
        )
        + f'<outputEntry id="o_{id}_{place}"><text>"{answer}"</text></outputEntry></rule>'
        for place, (cells, answer) in enumerate(rows)
    )
    return (
        f'<definitions xmlns="{DMN}" id="defs_{id}" name="{id}" namespace="http://bench">'
        f'<decision id="{id}" name="{id}"><decisionTable id="t_{id}" hitPolicy="UNIQUE">{columns}'
        f'<output id="out_{id}" name="{output}" typeRef="string"/>'
        f"{lines}</decisionTable></decision></definitions>"
    ).encode()


def decisions() -> dict[str, bytes]:
    """The two decision tables by key: 25 rows and 41 rows."""
    priority = [
        ([str(impact), str(urgency)], f"P{min(impact, urgency)}") for impact in range(5) for urgency in range(5)
    ]
    dispatch = [
        ([f"C{category}", f"R{region}"], f"G{category}_{region}") for category in range(10) for region in range(4)
    ]
    return {
        "priority": _table("priority", ["impact", "urgency"], "priority", priority),
        "dispatch": _table("dispatch", ["category", "region"], "group", [*dispatch, (["CX", "RX"], "GX")]),
    }


def data() -> dict[str, object]:
    """The process data of one incident: ids and routing facts."""
    return {
        "incident_id": 1,
        "impact": "2",
        "urgency": "3",
        "category": "C9",
        "region": "R3",
        "resolved": True,
        "satisfied": True,
    }
