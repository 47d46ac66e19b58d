"""A program is what the diagrams say, and nothing that we do not execute gets in."""

from __future__ import annotations

import threading

import pytest

from engine import spiff
from tests.engine.spiff.diagrams import (
    TERMINATE,
    Desk,
    Message,
    boundary,
    call,
    catch,
    end,
    fault,
    flow,
    flows,
    fork,
    instances,
    message,
    node,
    outputs,
    process,
    program,
    service,
    start,
    throw,
    timer,
    user,
    xor,
)

STEP = start() + user("u") + end() + flows("start", "u", "end")


def test_elements_carry_the_facts_of_the_diagram() -> None:
    lanes = (
        '<bpmn:laneSet id="ls"><bpmn:lane id="l1" name="服务台"><bpmn:flowNodeRef>u</bpmn:flowNodeRef>'
        "<bpmn:flowNodeRef>sp</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>"
    )
    inside = start("s1") + node("userTask", "inner", name="里面") + end("e1") + flows("s1", "inner", "e1")
    body = node(
        "userTask",
        "u",
        "<bpmn:documentation> 做什么（手册 §1） </bpmn:documentation>",
        properties={"form": "f", "result": "r"},
        name="1.4 记录",
    )
    drawn = program(
        process("p", lanes, start(), body, node("subProcess", "sp", inside), end(), flows("start", "u", "sp", "end"))
    )
    element = drawn.elements["u"]
    assert (element.id, element.type, element.name, element.lane) == ("u", "userTask", "1.4 记录", "服务台")
    assert (element.process_id, dict(element.properties)) == ("p", {"form": "f", "result": "r"})
    assert element.documentation == "做什么（手册 §1）"
    assert element.line == 1
    assert drawn.elements["inner"].lane == "服务台"
    assert drawn.elements["inner"].process_id == "p"


def test_process_properties_are_known_by_process() -> None:
    offer = (
        "<bpmn:extensionElements><spiffworkflow:properties>"
        '<spiffworkflow:property name="offer" value="incident.offer"/>'
        "</spiffworkflow:properties></bpmn:extensionElements>"
    )
    drawn = program(process("p", offer, STEP))
    assert dict(drawn.process_properties["p"]) == {"offer": "incident.offer"}


def test_other_files_than_diagrams_are_passed_over() -> None:
    files = {"p.bpmn": process("p", STEP), "d.dmn": b"<no", "f.json": b"{"}
    assert set(spiff.compile_program(files, "p").elements) == {"start", "u", "end"}


def refused(*documents: bytes) -> spiff.ProgramError:
    with pytest.raises(spiff.ProgramError) as caught:
        program(*documents)
    return caught.value


def line(*nodes: str) -> str:
    """The nodes between a start and an end."""
    ids = [one.split('id="')[1].split('"')[0] for one in nodes]
    return start() + "".join(nodes) + end() + flows("start", *ids, "end")


@pytest.mark.parametrize(("spelt", "stays"), [("0", True), ("false", True), ("1", False), ("true", False)])
def test_a_boundary_event_interrupts_in_every_spelling_of_true(spelt: str, stays: bool) -> None:
    event = boundary("b", "u", timer("'PT1H'")).replace('cancelActivity="true"', f'cancelActivity="{spelt}"')
    side = user("z") + end("e2") + flows("b", "z", "e2")
    desk = Desk(program(process("p", line(user("u")) + event + side)))
    desk.move(hours=1)
    assert desk.fire("b").open == (["u", "z"] if stays else ["z"])


@pytest.mark.parametrize("spelt", ["no", "FALSE", " false ", ""])
def test_another_spelling_of_a_boolean_is_refused_with_its_place(spelt: str) -> None:
    event = boundary("b", "u", timer("'PT1H'")).replace('cancelActivity="true"', f'cancelActivity="{spelt}"')
    error = refused(process("p", line(user("u")) + event + end("e2") + flows("b", "e2")))
    assert (error.file, error.element) == ("0.bpmn", "b")


MULTIPLE = timer("'PT1H'") + timer("'PT2H'")
WITHOUT_LOOP_END = '<bpmn:standardLoopCharacteristics loopMaximum="3"/>'


@pytest.mark.parametrize(
    ("body", "element"),
    [
        (line(node("scriptTask", "x", "<bpmn:script>1</bpmn:script>")), "x"),
        (line(node("task", "x")), "x"),
        (line(node("manualTask", "x")), "x"),
        (line(node("sendTask", "x")), "x"),
        (line(node("receiveTask", "x")), "x"),
        (line(node("inclusiveGateway", "x")), "x"),
        (line(node("complexGateway", "x")), "x"),
        (line(node("transaction", "x", STEP.replace('"start"', '"s2"').replace('"end"', '"e2"'))), "x"),
        (line(node("adHocSubProcess", "x", user("v"))), "x"),
        (line(node("subProcess", "x", start("s2") + end("e2") + flows("s2", "e2"), triggeredByEvent="true")), "x"),
        (line(node("userTask", "x", WITHOUT_LOOP_END)), "x"),
        (line(catch("x", "<bpmn:signalEventDefinition/>")), "x"),
        (line(catch("x", "<bpmn:conditionalEventDefinition/>")), "x"),
        (line(catch("x", '<bpmn:linkEventDefinition name="l"/>')), "x"),
        (line(throw("x", "<bpmn:compensateEventDefinition/>")), "x"),
        (line(throw("x", "<bpmn:signalEventDefinition/>")), "x"),
        (line(catch("x", MULTIPLE)), "x"),
        (line(catch("x", "")), "x"),
        (line(catch("x", timer("'R/PT1H'", "timeCycle"))), "x"),
        (line(catch("x", message("unknown"))), "x"),
        (line(throw("x", fault("escalation", None))), "x"),
        (start() + end("x", body="<bpmn:cancelEventDefinition/>") + flows("start", "x"), "x"),
        (start() + end("x", body=fault("error", "missing")) + flows("start", "x"), "x"),
        (line(user("u")) + boundary("x", "u", ""), "x"),
        (line(user("u")) + boundary("x", "u", timer("'R/PT1H'", "timeCycle")), "x"),
        (line(user("u")) + boundary("x", "u", fault("error", None), interrupting=False), "x"),
        (line(node("eventBasedGateway", "x"), user("u")), "x"),
        (line(catch("x", timer("PT1H.real"))), "x"),
        (line(catch("x", timer("__import__('os')"))), "x"),
        (start() + xor("x") + user("u") + end() + flows("start", "x", "u", "end") + flow("x", "end"), "x"),
        (start() + xor("x", "f_x_end") + user("u") + end() + flows("start", "x", "end") + flow("u", "end")
         + flow("x", "u", "outcome.upper()"), "x"),
        (start() + user("x") + end() + flow("start", "x") + flow("x", "end", "n == 1"), "x"),
        (start() + user("x") + user("v") + end() + flows("start", "x", "end") + flows("x", "v", "end"), "x"),
        (start() + start("x") + end() + flows("start", "end") + flows("x", "end"), "p"),
        (end(), "p"),
    ],
)  # fmt: skip
def test_what_is_not_executed_is_refused_with_its_place(body: str, element: str) -> None:
    error = refused(process("p", body, codes=("other",)))
    assert error.element == element
    assert error.file == "0.bpmn"
    assert error.line == 1


def test_a_called_process_that_is_missing_is_refused() -> None:
    assert "missing" in str(refused(process("p", line(call("c", "missing")))))


def test_a_process_key_that_is_missing_is_refused() -> None:
    assert "'p'" in str(refused(process("q", STEP)))


def test_an_id_used_twice_is_refused() -> None:
    other = process("q", start("s2"), user("u"), end("e2"), flows("s2", "u", "e2"))
    assert refused(process("p", line(call("c", "q"), user("u"))), other).element == "u"


def test_a_process_used_twice_is_refused() -> None:
    refused(process("p", STEP), process("p", STEP))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<broken",
        b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
    ],
)
def test_xml_that_is_broken_or_carries_a_doctype_is_refused(content: bytes) -> None:
    assert refused(content).file == "0.bpmn"


def test_fingerprints_tell_programs_apart_and_ignore_the_order_of_files() -> None:
    one = process("p", line(call("c", "q")))
    two = process("q", start("s2"), user("u"), end("e2"), flows("s2", "u", "e2"))
    same = spiff.compile_program({"a.bpmn": one, "b.bpmn": two}, "p").fingerprint
    assert spiff.compile_program({"b.bpmn": two, "a.bpmn": one}, "p").fingerprint == same
    changed = two.replace(b'id="u"', b'id="u" name="x"')
    assert spiff.compile_program({"a.bpmn": one, "b.bpmn": changed}, "p").fingerprint != same
    assert spiff.compile_program({"a.bpmn": one, "b.bpmn": two}, "q").fingerprint != same


def test_a_terminate_end_event_ends_its_process_with_all_that_is_open() -> None:
    body = start() + fork("f") + user("a") + user("b") + end("stop", body=TERMINATE) + end()
    desk = Desk(program(process("p", body, flows("start", "f", "a", "stop"), flows("f", "b", "end"))))
    desk.do("a")
    assert desk.completed
    assert "b=cancelled" in desk.trail()


def test_the_order_of_conditions_is_that_of_the_file_not_of_the_drawing() -> None:
    shapes = (
        '<di:BPMNDiagram xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI" '
        'xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"><di:BPMNPlane>'
        '<di:BPMNShape bpmnElement="one"><dc:Bounds x="0" y="900" width="1" height="1"/></di:BPMNShape>'
        '<di:BPMNShape bpmnElement="two"><dc:Bounds x="0" y="10" width="1" height="1"/></di:BPMNShape>'
        "</di:BPMNPlane></di:BPMNDiagram></bpmn:definitions>"
    )
    body = start() + xor("x", "f_x_end") + user("one") + user("two") + end()
    edges = flow("start", "x") + flow("x", "one", "n > 0") + flow("x", "two", "n > 1") + flow("x", "end")
    drawn = process("p", body, edges, flows("one", "end"), flows("two", "end"))
    drawn = drawn.replace(b"</bpmn:definitions>", shapes.encode())
    assert Desk(program(drawn), {"n": 5}).open == ["one"]


def test_one_program_serves_many_threads_at_once() -> None:
    many = instances("items", "item", output="results", output_item="outcome")
    wrapper = process(
        "w", outputs("outcome", inputs=("items",)), start("sw"), call("mi", "t", many), end("ew", "done"),
        flows("sw", "mi", "ew"),
    )  # fmt: skip
    task = process(
        "t", outputs("outcome"), start("st"), service("s"), user("v"), end("et", "ok"), flows("st", "s", "v", "et")
    )
    drawn = program(process("p", line(call("c", "w"), user("u"))), wrapper, task)
    trails: list[list[str]] = []

    def work() -> None:
        for _ in range(8):
            desk = Desk(drawn, {"items": ["A", "B", "C"]})
            for item in "BCA":
                desk.do("v", {"item": item})
            trails.append(desk.do("u").trail())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(trails) == 32
    assert all(trail == trails[0] for trail in trails)


def test_a_message_of_a_start_event_does_not_hold_the_start() -> None:
    begin = node("startEvent", "start", message("breach"))
    drawn = process("p", begin, user("u"), end(), flows("start", "u", "end"), messages=(Message("breach"),))
    assert Desk(program(drawn)).open == ["u"]
