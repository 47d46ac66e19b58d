"""Several files together: what is in force already, who calls whom, and which outcomes arrive where."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime

import pytest

from engine import persistence as db
from engine.check import Known, check, render
from engine.check.rules import lengths
from engine.check.rules.files import ID
from engine.spiff import LoopBudgetExceededError, Run, advance, compile_program
from engine.spiff import start as start_workflow
from tests.decisions.dmn import file
from tests.engine.check.draw import (
    El,
    about,
    border,
    bpmn,
    call,
    catch,
    choice,
    el,
    end,
    io,
    message_,
    properties,
    service,
    start,
    throw,
    user,
)

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
KEY = {"key": "incident_id"}
PAYLOAD = "{'key': incident_id, 'value': None}"


def errors(*files: str, **more: object) -> list[tuple[str, str | None]]:
    data = {f"{number}.bpmn": text.encode() for number, text in enumerate(files)}
    found = check(data, **({"known": Known(forms={"f"})} | more))  # type: ignore[arg-type]
    return [(finding.rule, finding.element) for finding in found if finding.severity == "error"]


def stage(key: str, *outcomes: str, entry: str | None = None) -> str:
    """A called process that ends with one of ``outcomes``; ``entry`` makes it ask for one when it begins."""
    ask = user(f"{key}_ask", props={"form": "f", "result": f"{key}_answer"})
    gate = choice(f"{key}_x", default=f"f_{key}_x_{key}_e0")
    ends = [end(f"{key}_e{number}", outcome) for number, outcome in enumerate(outcomes)]
    ways = [f"{key}_ask>{key}_x", f"{key}_x>{key}_e0"]
    ways += [f"{key}_x>{key}_e{number}: {key}_answer == {number}" for number in range(1, len(outcomes))]
    nodes: list[El] = [start(f"{key}_s")]
    if entry is None:
        ways.append(f"{key}_s>{key}_ask")
    else:
        nodes += [choice(f"{key}_in", default=f"f_{key}_in_{key}_ask"), user(f"{key}_again")]
        ways += [f"{key}_s>{key}_in", f"{key}_in>{key}_ask", f"{key}_in>{key}_again: outcome == '{entry}'"]
        ways.append(f"{key}_again>{key}_x")
    return bpmn([*nodes, ask, gate, *ends], ways, key=key, io=io(["outcome"]))


def test_a_partial_deployment_refers_to_what_is_in_force() -> None:
    rule = el("businessRuleTask", "r", props={"decision": "urgency", "result": "level"})
    text = bpmn([start(), call(called="stage"), rule, user(), end()], ["s>c", "c>r", "r>a", "a>e"])
    known = Known(processes={"stage"}, decisions={"urgency"}, forms={"f"}, lanes={"服务台"})
    assert errors(text, known=known) == []
    assert errors(text, known=Known(lanes={"客户"})) == [
        ("K707", "lane_p"),
        ("K501", "c"),
        ("K713", "r"),
        ("K705", "a"),
    ]


def test_operations_are_looked_at_only_where_they_are_given() -> None:
    text = bpmn([start(), service(), end()], ["s>w", "w>e"])
    assert errors(text) == []
    assert errors(text, operations={"op"}) == []
    assert errors(text, operations=set()) == [("K711", "w")]


def test_the_offer_of_a_process_is_an_operation_too() -> None:
    extra = properties({"offer": "incident.offer"})
    text = bpmn([start(), user(), end()], ["s>a", "a>e"], extra=extra)
    assert errors(text, operations={"incident.offer"}) == []
    assert errors(text, operations={"op"}) == [("K711", "p")]


def test_outcomes_of_all_ways_into_a_gateway_may_be_asked_for() -> None:
    nodes = [start(), user(props={"form": "f", "result": "r"}), choice("x", default="f_x_c"), call("c", "one")]
    nodes += [call("d", "two"), choice("y", default="f_y_e"), user("b"), end()]
    ways = ["s>a", "a>x", "x>c", "x>d: r == 1", "c>y", "d>y", "y>e", "b>e"]
    both = bpmn(nodes, [*ways, "y>b: outcome in ['left', 'right']"])
    wrong = bpmn(nodes, [*ways, "y>b: outcome in ['left', 'rihgt']"])
    stages = [stage("one", "done", "left"), stage("two", "done", "right")]
    assert errors(both, *stages) == []
    assert errors(wrong, *stages) == [("K508", "f_y_b")]


def test_an_outcome_goes_through_a_frame_and_out_of_it() -> None:
    inside = el("subProcess", "k", nodes=[start("s1"), call("c", "one"), end("e1")], flows=["s1>c", "c>e1"])
    nodes = [start(), inside, choice("y", default="f_y_e"), user("b"), end()]
    ways = ["s>k", "k>y", "y>e", "b>e"]
    assert errors(bpmn(nodes, [*ways, "y>b: outcome == 'left'"]), stage("one", "done", "left")) == []
    assert errors(bpmn(nodes, [*ways, "y>b: outcome == 'gone'"]), stage("one", "done")) == [("K508", "f_y_b")]


def test_an_interrupt_that_returns_to_a_process_that_asks_on_entry_says_its_outcome() -> None:
    def loop(**outcome: str) -> str:
        stop = border("b", "c", about("M_m"), props=KEY | outcome)
        nodes = [start(), choice("m"), call("c", "one"), stop, end()]
        return bpmn(nodes, ["s>m", "m>c", "c>e", "b>m"], declared=message_("M_m"))

    asking, plain = stage("one", "done", entry="moved"), stage("one", "done")
    assert errors(loop(outcome="moved"), asking) == []
    assert errors(loop(), asking) == [("K509", "b")]
    assert errors(loop(), plain) == []


def test_a_process_that_calls_itself_through_another_is_refused() -> None:
    one = bpmn([start("s1"), call("c1", "two"), end("e1", "x")], ["s1>c1", "c1>e1"], key="one", io=io(["outcome"]))
    two = bpmn([start("s2"), call("c2", "one"), end("e2", "x")], ["s2>c2", "c2>e2"], key="two", io=io(["outcome"]))
    assert errors(one, two) == [("K510", "c1"), ("K510", "c2")]


def levels(calls: int, frames: int) -> list[str]:
    """``calls`` processes that call each other in a row; the last one has ``frames`` frames inside each other."""
    nodes, ways = [start("s0"), user("a0"), end("e0", "x")], ["s0>a0", "a0>e0"]
    for n in range(1, frames + 1):
        inner, nodes = nodes, [start(f"s{n}"), end(f"e{n}", "x")]
        nodes.append(el("subProcess", f"k{n}", nodes=inner, flows=ways))
        ways = [f"s{n}>k{n}", f"k{n}>e{n}"]
    files = [bpmn(nodes, ways, key=f"p{calls}", io=io(["outcome"]))]
    for n in range(calls):
        own = [start(f"ps{n}"), call(f"c{n}", f"p{n + 1}"), end(f"pe{n}", "x")]
        files.append(bpmn(own, [f"ps{n}>c{n}", f"c{n}>pe{n}"], key=f"p{n}", io=io(["outcome"])))
    return files


@pytest.mark.parametrize(
    ("calls", "frames", "found"),
    [(19, 0, []), (20, 0, []), (21, 0, [("K512", "c20")]), (18, 1, []), (18, 2, []), (18, 3, [("K512", "k1")])],
)
def test_calls_and_frames_together_lie_no_deeper_than_the_engine_runs(
    calls: int, frames: int, found: list[tuple[str, str]]
) -> None:
    files = levels(calls, frames)
    assert errors(*files) == found
    program = compile_program({f"{n}.bpmn": text.encode() for n, text in enumerate(files)}, "p0")
    workflow = start_workflow(program, {}, Run(now=NOW, operate=print, decide=print))
    with pytest.raises(LoopBudgetExceededError) if found else nullcontext():
        advance(workflow)


def test_a_message_is_not_caught_in_a_process_that_its_sender_calls() -> None:
    waiting = bpmn(
        [start("s1"), catch("m1", about("M_m"), props=KEY), end("e1", "x")],
        ["s1>m1", "m1>e1"],
        key="one",
        io=io(["outcome"]),
        declared=message_("M_m", PAYLOAD),
    )
    sender = bpmn(
        [start(), throw("t", about("M_m")), call("c", "one"), end()],
        ["s>t", "t>c", "c>e"],
        declared=message_("M_m", PAYLOAD),
    )
    stranger = bpmn([start(), throw("t", about("M_m")), end()], ["s>t", "t>e"], declared=message_("M_m", PAYLOAD))
    assert errors(sender, waiting) == [("K605", "t")]
    assert errors(stranger, waiting) == []


def test_a_message_is_declared_alike_in_all_files() -> None:
    one = bpmn([start(), catch("m1", about("M_m"), props=KEY), end()], ["s>m1", "m1>e"], declared=message_("M_m"))
    ways = ["s2>m2", "m2>e2"]
    nodes = [start("s2"), catch("m2", about("M_m"), props=KEY), end("e2")]
    assert errors(one, bpmn(nodes, ways, key="q", declared=message_("M_m"))) == []
    assert errors(one, bpmn(nodes, ways, key="q", declared=message_("M_m", variable="v"))) == [("K013", "M_m")]


@pytest.mark.parametrize("text", ["r == 1", "r == 1 and q == 2", "outcome == 'a'"])
def test_a_condition_on_what_earlier_steps_wrote_passes(text: str) -> None:
    keys = user(props={"form": "f", "result": "r"}), user("b", props={"form": "f", "result": "q"})
    nodes = [start(), *keys, choice(default="f_x_e"), user("c"), end()]
    assert errors(bpmn(nodes, ["s>a", "a>b", "b>x", "x>e", f"x>c: {text}", "c>e"])) == []


def test_the_order_of_files_does_not_matter() -> None:
    files = {"b.bpmn": stage("one", "done").encode(), "a.bpmn": stage("two").encode(), "c.dmn": b"<x/>"}
    backward = dict(reversed(files.items()))
    assert check(files) == check(backward)


def test_a_finding_is_one_line_of_json() -> None:
    said = render(check({"a.txt": b""})[0])
    assert said["rule"] == "K007"
    assert said["severity"] == "error"
    assert said["message"] == {
        "zh": "不认识的文件类型：a.txt。只能部署 .bpmn、.dmn 和 .json（表单）文件。",
        "en": "Unknown kind of file: a.txt. Deploy .bpmn, .dmn and .json (forms) only.",
    }


def test_no_files_have_no_findings() -> None:
    assert check({}) == []


def test_what_may_be_named_fits_into_its_column() -> None:
    assert db.definition.c.name.type.length == db.user_task.c.name.type.length == lengths.NAME
    assert db.user_task.c.lane.type.length == lengths.LANE
    assert db.message.c.name.type.length == db.subscription.c.name.type.length == lengths.MESSAGE
    assert db.definition.c.key.type.length == lengths.KEY
    columns = (db.user_task.c.element_id, db.timer.c.element_id, db.history.c.element_id, db.stuck.c.element_id)
    for column in columns:
        assert ID.fullmatch("x" * column.type.length) and not ID.fullmatch("x" * (column.type.length + 1))


@pytest.mark.parametrize(("more", "fits"), [(-1, True), (0, True), (1, False)])
def test_a_decision_is_keyed_and_named_within_its_columns(more: int, fits: bool) -> None:
    names = f'id="{"k" * (lengths.KEY + more)}" name="{"决" * (lengths.NAME + more)}"'
    data = file(f"<decision {names}><literalExpression><text>1</text></literalExpression></decision>")
    assert {finding.rule for finding in check({"d.dmn": data})} == (set() if fits else {"K016", "K017"})
