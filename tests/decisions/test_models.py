"""Models of several parts: requirements, business knowledge, boxed expressions, item definitions, JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.decisions import (
    DecisionError,
    InvalidInputError,
    LimitError,
    ModelRefusedError,
    UnknownDecisionError,
    UnsupportedError,
    decide_text,
    load_model,
    to_json,
)
from tests.decisions.dmn import file, literal, table
from webapp.cli import main

D = Decimal


def needs(kind: str, *ids: str) -> str:
    outer = {"Knowledge": "knowledgeRequirement"}.get(kind, "informationRequirement")
    return "".join(f'<{outer}><required{kind} href="#{id_}"/></{outer}>' for id_ in ids)


def input_data(name: str, type_: str = "number") -> str:
    return f'<inputData id="i_{name}" name="{name}"><variable name="{name}" typeRef="{type_}"/></inputData>'


def text(expression: str) -> str:
    return f"<literalExpression><text>{expression}</text></literalExpression>"


def decision(id_: str, body: str, more: str = "", type_: str = "") -> str:
    variable = f'<variable name="{id_}" typeRef="{type_}"/>' if type_ else ""
    return f'<decision id="{id_}" name="{id_}">{variable}{more}{body}</decision>'


PAYMENT = (
    '<businessKnowledgeModel id="b" name="支付 额"><variable name="支付 额"/><encapsulatedLogic>'
    '<formalParameter name="本金" typeRef="number"/><formalParameter name="rate" typeRef="number"/>'
    f"{text('本金 * rate / 12')}</encapsulatedLogic></businessKnowledgeModel>"
)


def test_decisions_that_require_decisions_and_the_rows_of_both() -> None:
    first = decision("a", table([("x", "number")], [["> 1", "x + 1"]]), needs("Input", "i_x"))
    second = decision("b", table([("a", "number")], [["> 2", '"big"'], ["-", '"small"']], policy="FIRST"))
    second = second.replace("<decisionTable", needs("Decision", "a") + "<decisionTable", 1)
    answer = load_model(file(input_data("x") + second + first)).decide("b", {"x": 2})
    assert (answer.result, answer.rows, answer.required) == ("big", ("r1",), (("a", ("r1",)),))


def test_a_chain_of_hundreds_of_decisions_is_no_deep_recursion() -> None:
    chain = decision("d0", text("1"))
    chain += "".join(decision(f"d{n}", text(f"d{n - 1} + 1"), needs("Decision", f"d{n - 1}")) for n in range(1, 400))
    assert load_model(file(chain)).decide("d399", {}).result == D(400)


def test_an_invocation_of_business_knowledge() -> None:
    call = (
        f"<invocation>{text('支付 额')}"
        f'<binding><parameter name="rate"/>{text("0.12")}</binding>'
        f'<binding><parameter name="本金"/>{text("x")}</binding></invocation>'
    )
    body = needs("Input", "i_x") + needs("Knowledge", "b") + call
    assert load_model(file(input_data("x") + PAYMENT + decision("t", body))).decide("t", {"x": 1200}).result == D(12)


@pytest.mark.parametrize("name", ["Rate", "other", "本"])
def test_a_binding_to_an_unknown_parameter_is_refused_with_its_line(name: str) -> None:
    call = f'<invocation>{text(" 支付  额 ")}\n<binding><parameter name="{name}"/>{text("0.12")}</binding></invocation>'
    with pytest.raises(ModelRefusedError, match=f"{name}.*本金、rate") as refused:
        load_model(file(PAYMENT + decision("t", needs("Knowledge", "b") + call)))
    assert (refused.value.decision, refused.value.line) == ("t", 3)


def test_a_variable_in_the_place_of_a_knowledge_model_has_parameters_of_its_own() -> None:
    own = (
        '<context><contextEntry><variable name="支付 额"/><functionDefinition><formalParameter name="x"/>'
        f"{text('x + 1')}</functionDefinition></contextEntry><contextEntry><invocation>{text('支付 额')}"
        f'<binding><parameter name="x"/>{text("1")}</binding></invocation></contextEntry></context>'
    )
    body = needs("Knowledge", "b") + own
    assert load_model(file(PAYMENT + decision("t", body))).decide("t", {}).result == D(2)


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("支付 额(1200, 0.12)", D(12)),
        ("支付 额(rate: 0.12, 本金: 1200)", D(12)),
        ("支付 额(1200)", None),
        ("支付 额(1200, 1, 2)", None),
        ("支付 额(本金: 1200, other: 1)", None),
        ('支付 额("x", 0.12)', None),
    ],
)
def test_business_knowledge_called_in_an_expression(call: str, result: Any) -> None:
    asked = load_model(file(PAYMENT + decision("t", text(call), needs("Knowledge", "b"))))
    assert asked.decide("t", {}).result == result


def test_business_knowledge_that_is_a_table_and_uses_other_knowledge_names_its_rows() -> None:
    inner = (
        '<businessKnowledgeModel id="k" name="k"><encapsulatedLogic><formalParameter name="n"/>'
        + table([("n", "number")], [["> 1", "支付 额(n, 12)"]])
        + f"</encapsulatedLogic>{needs('Knowledge', 'b')}</businessKnowledgeModel>"
    )
    asked = load_model(file(PAYMENT + inner + decision("t", text("k(2) + k(3)"), needs("Knowledge", "k"))))
    answer = asked.decide("t", {})
    assert answer.result == D(5) and answer.rows == ("r1", "r1")


def test_boxed_contexts_lists_relations_functions_and_conditions() -> None:
    def entry(name: str, body: str) -> str:
        return f'<contextEntry><variable name="{name}"/>{body}</contextEntry>'

    function = f'<functionDefinition><formalParameter name="a"/>{text("a * 2")}</functionDefinition>'
    relation = (
        f'<relation><column name="k"/><column name="v"/><row>{text("1")}{text("x")}</row>'
        f"<row>{text('2')}{text('3')}</row></relation>"
    )
    condition = f"<conditional><if>{text('x > 1')}</if><then>{text('1')}</then><else>{text('2')}</else></conditional>"
    parts = {
        "双倍": function,
        "list": f"<list>{text('x')}{text('双倍(x)')}</list>",
        "rel": relation,
        "sum": text("sum(rel.v)"),
        "cond": condition,
    }
    body = "<context>" + "".join(entry(name, part) for name, part in parts.items())
    asked = load_model(file(decision("t", f"{body}<contextEntry>{text('[list, sum, cond]')}</contextEntry></context>")))
    assert asked.decide("t", {"x": 2}).result == [[D(2), D(4)], D(5), D(1)]
    whole = load_model(file(decision("t", body + "</context>"))).decide("t", {"x": 2})
    assert to_json(whole)["result"]["rel"] == [{"k": 1, "v": 2}, {"k": 2, "v": 3}]


def test_item_definitions_hold_structure_list_and_allowed_values() -> None:
    types = (
        '<itemDefinition name="等级"><typeRef>string</typeRef><allowedValues><text>"A","B"</text></allowedValues>'
        '</itemDefinition><itemDefinition name="人">'
        '<itemComponent name="等 级"><typeRef>等级</typeRef></itemComponent>'
        '<itemComponent name="born"><typeRef>date</typeRef></itemComponent></itemDefinition>'
        '<itemDefinition name="人们" isCollection="true"><typeRef>人</typeRef></itemDefinition>'
    )
    asked = load_model(
        file(
            types
            + input_data("p", "人")
            + input_data("all", "人们")
            + decision("level", text("p.等 级"), needs("Input", "i_p"))
            + decision("year", text("p.born.year"), needs("Input", "i_p"), "number")
            + decision("years", text("all.born.year"), needs("Input", "i_all"))
        )
    )
    person = {"等 级": "A", "born": "1990-02-03"}
    assert asked.decide("level", {"p": person}).result == "A"
    assert asked.decide("year", {"p": person}).result == D(1990)
    assert asked.decide("years", {"all": [person, person]}).result == [D(1990), D(1990)]
    refused = asked.decide("level", {"p": {**person, "等 级": "C"}})
    assert refused.result is None and len(refused.warnings) == 1


def test_a_result_of_the_wrong_type_is_null_and_one_item_is_its_list() -> None:
    assert load_model(file(decision("t", text('"a"'), type_="number"))).decide("t", {}).result is None
    assert load_model(file(decision("t", text("[1]"), type_="number"))).decide("t", {}).result == D(1)
    assert load_model(file(decision("t", text("1"), type_="feel:number"))).decide("t", {}).result == D(1)


@pytest.mark.parametrize(
    "body",
    [
        decision("a", text("b"), needs("Decision", "b")) + decision("b", text("a"), needs("Decision", "a")),
        decision("a", text("1"), needs("Decision", "missing")),
        decision("a", text("1"), type_="unknown"),
        decision("a", "") + "",
        decision("a", text("1")) + decision("a", text("2")),
        '<itemDefinition name="x"><typeRef>x</typeRef></itemDefinition>' + decision("a", text("1"), type_="x"),
        '<businessKnowledgeModel id="b" name="b"/>' + decision("a", text("1"), needs("Knowledge", "b")),
    ],
)
def test_a_model_whose_parts_do_not_fit_is_refused(body: str) -> None:
    with pytest.raises(ModelRefusedError):
        load_model(file(body))


@pytest.mark.parametrize("kind", ["for", "every", "some", "filter"])
def test_boxed_iteration_is_refused_by_name(kind: str) -> None:
    with pytest.raises(UnsupportedError, match=kind):
        load_model(file(decision("a", f"<{kind}/>")))


def test_an_unknown_decision_names_those_that_there_are() -> None:
    with pytest.raises(UnknownDecisionError, match="答案"):
        load_model(file(literal("1"))).decide("nothing", {})


def test_a_function_that_calls_itself_through_its_argument_is_stopped() -> None:
    omega = f'<functionDefinition><formalParameter name="f"/>{text("f(f)")}</functionDefinition>'
    entries = f'<contextEntry><variable name="w"/>{omega}</contextEntry><contextEntry>{text("w(w)")}</contextEntry>'
    body = f"<context>{entries}</context>"
    with pytest.raises(LimitError):
        load_model(file(decision("t", body))).decide("t", {})


def test_data_that_doubles_with_every_entry_is_stopped() -> None:
    entries = ", ".join(["a0: [1, 1]", *(f"a{n}: [a{n - 1}, a{n - 1}]" for n in range(1, 40))])
    with pytest.raises(LimitError):
        load_model(file(literal(f"{{{entries}}}"))).decide("answer", {})
    texts = ", ".join(['a0: "xx"', *(f"a{n}: a{n - 1} + a{n - 1}" for n in range(1, 40))])
    assert load_model(file(literal(f"{{{texts}}}.a39"))).decide("answer", {}).result is None


DATES = (
    input_data("d", "date")
    + input_data("l", "dayTimeDuration")
    + input_data("t", "dateTime")
    + decision(
        "r",
        "<context>"
        + "".join(
            f'<contextEntry><variable name="{name}"/>{text(body)}</contextEntry>'
            for name, body in {
                "due": "t + l",
                "day": "d + duration(&quot;P1M&quot;)",
                "left": "date and time(&quot;2026-01-02T00:00:00Z&quot;) - t",
                "n": "1 / 4",
                "third": "1 / 3",
                "months": "@&quot;P14M&quot;",
            }.items()
        )
        + "</context>",
        needs("Input", "i_d", "i_l", "i_t"),
    )
)


def test_json_has_dates_and_durations_as_iso_text_both_ways() -> None:
    inputs = json.dumps({"d": "2026-01-31", "l": "PT36H", "t": "2026-01-01T00:00:00Z"})
    found = json.loads(decide_text(file(DATES), "r", inputs))["result"]
    assert found["due"] == "2026-01-02T12:00:00Z" and found["day"] == "2026-02-28" and found["left"] == "P1D"
    assert found["n"] == 0.25 and found["months"] == "P1Y2M"
    assert '"third": 0.3333333333333333333333333333333333' in decide_text(file(DATES), "r", inputs)


@pytest.mark.parametrize("inputs", ["[]", "{", '"a"', "1", '{"x": NaN}', "[" * 100_000])
def test_inputs_that_are_no_json_object_are_refused(inputs: str) -> None:
    if "NaN" in inputs:
        assert json.loads(decide_text(file(literal("x")), "answer", inputs))["result"] is None
        return
    with pytest.raises(InvalidInputError):
        decide_text(file(literal("1")), "answer", inputs)


@pytest.mark.parametrize("inputs", ["[" * 60_000, '{"x": ' + "[" * 60_000, '{"x": ' + "[" * 500 + "]" * 500 + "}"])
def test_the_command_line_refuses_deep_inputs_in_one_sentence(
    inputs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.dmn"
    path.write_bytes(file(literal("x")))
    assert main(["decide", str(path), "--decision", "answer", "--inputs", inputs]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_inputs_of_foreign_kinds_are_refused_and_plain_ones_converted() -> None:
    asked = load_model(file(literal("x")))
    with pytest.raises(InvalidInputError):
        asked.decide("answer", {"x": object()})
    assert asked.decide("answer", {"x": 0.1}).result == D("0.1")
    assert asked.decide("answer", {"x": (1, {"a": True})}).result == [D(1), {"a": True}]
    assert asked.decide("answer", {"other": 1}).result is None


def test_an_error_has_both_languages_and_a_place() -> None:
    with pytest.raises(DecisionError) as caught:
        load_model(file("\n\n" + decision("t", text("1 +"))))
    assert caught.value.line == 4 and caught.value.decision == "t" and " / " in str(caught.value)
