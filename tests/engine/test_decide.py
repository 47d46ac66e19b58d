from __future__ import annotations

from datetime import timedelta

import pytest

from engine import decide, instances
from engine import persistence as db
from engine.decisions import InvalidInputError
from engine.errors import StepFailedError
from tests.engine.check.draw import bpmn, choice, el, end, start, user
from tests.engine.toys import NOW, Toy, form

DAY = timedelta(days=1)


def discount(small: object = 0, large: object = 10) -> bytes:
    """One output; an amount up to 100, and above."""
    return f"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="http://e">
<decision id="discount" name="折扣"><decisionTable id="t" hitPolicy="UNIQUE">
<input id="i"><inputExpression id="ie" typeRef="number"><text>amount</text></inputExpression></input>
<output id="o" name="percent" typeRef="number"/>
<rule id="r_small"><inputEntry id="a"><text>&lt;= 100</text></inputEntry>
<outputEntry id="b"><text>{small}</text></outputEntry></rule>
<rule id="r_large"><inputEntry id="c"><text>&gt; 100</text></inputEntry>
<outputEntry id="e"><text>{large}</text></outputEntry></rule>
</decisionTable></decision></definitions>""".encode()


def rating() -> bytes:
    return bpmn(
        [
            start("q_start"),
            user("q_fill", props={"form": "fill", "result": "amount"}),
            el("businessRuleTask", "q_rate", props={"decision": "discount", "result": "percent"}),
            choice("q_any", default="f_q_any_q_none"),
            user("q_check", props={"form": "left"}),
            end("q_none"),
            end("q_end"),
        ],
        [
            "q_start>q_fill",
            "q_fill>q_rate",
            "q_rate>q_any",
            "q_any>q_none",
            "q_any>q_check: percent > 0",
            "q_check>q_end",
        ],
        key="rating",
    ).encode()


@pytest.fixture
def shop(toy: Toy) -> Toy:
    toy.deploy({"rating.bpmn": rating(), "discount.dmn": discount()})
    return toy


def test_a_rule_task_asks_its_decision_and_logs_version_inputs_rows_and_answer(shop: Toy) -> None:
    instance_id = shop.start("rating")
    shop.complete("q_fill", amount=101)
    assert shop.task("q_check")
    (row,) = shop.rows(db.decision_log)
    (definition,) = shop.rows(db.definition, key="discount")
    assert (row.instance_id, row.element_id, row.definition_id) == (instance_id, "q_rate", definition.id)
    assert (row.decided_at, row.inputs, row.row_ids, row.outputs) == (NOW, {"amount": 101}, ["r_large"], 10)


@pytest.mark.parametrize(("amount", "ended"), [(99, True), (100, True), (101, False)])
def test_the_answer_decides_the_way(shop: Toy, amount: int, ended: bool) -> None:
    shop.start("rating")
    assert shop.complete("q_fill", amount=amount).completed is ended


@pytest.mark.parametrize(("at", "percent"), [(-1, 10), (0, 20)])
def test_a_running_instance_asks_the_version_in_force_at_that_moment(shop: Toy, at: int, percent: int) -> None:
    shop.start("rating")
    shop.deploy({"discount.dmn": discount(large=20)}, effective_from=NOW + DAY)
    shop.now = NOW + DAY + timedelta(microseconds=at)
    shop.complete("q_fill", amount=101)
    assert shop.rows(db.decision_log)[0].outputs == percent


def test_an_operation_can_ask_a_decision_and_gets_plain_values(shop: Toy) -> None:
    answer = shop.do(decide.decide, "discount", {"amount": 5, "other": 1}, instance_id=3, element_id="x")
    assert (answer.result, answer.rows) == (0, ("r_small",))
    assert type(answer.result) is int
    (row,) = shop.rows(db.decision_log)
    assert (row.instance_id, row.element_id, row.inputs) == (3, "x", {"amount": 5})


def test_a_decision_that_is_not_in_force_is_an_error(shop: Toy) -> None:
    with pytest.raises(LookupError):
        shop.do(decide.decide, "nothing", {})


def test_an_answer_that_the_gateway_cannot_read_sticks_and_a_better_version_repairs_it(shop: Toy) -> None:
    numbers, texts = b'"percent" typeRef="number"', b'"percent" typeRef="string"'
    words = discount(small='"none"', large='"many"').replace(numbers, texts)
    shop.deploy({"discount.dmn": words}, effective_from=NOW)
    instance_id = shop.start("rating")
    with pytest.raises(StepFailedError) as failed:
        shop.complete("q_fill", amount=101)
    assert failed.value.element_id == "q_any"
    shop.deploy({"discount.dmn": discount()}, effective_from=NOW)
    shop.do(instances.retry, instance_id)
    assert shop.task("q_check").instance_id == instance_id


def test_a_form_that_changed_does_not_touch_the_pinned_one(shop: Toy) -> None:
    shop.start("rating")
    lower = form("fill", {"amount": {"type": "integer", "title": "金额", "maximum": 2}}, required=["amount"])
    shop.deploy({"fill.json": lower})
    shop.complete("q_fill", amount=3)


def strict() -> bytes:
    """The discount of customers of two grades only."""
    column = b'<input id="g"><inputExpression id="ge" typeRef="string"><text>grade</text></inputExpression>'
    column += b'<inputValues><text>"A","B"</text></inputValues></input><output id="o"'
    dash = b'<inputEntry id="%s"><text>-</text></inputEntry><outputEntry id="%s">'
    return (
        discount()
        .replace(b'<output id="o"', column)
        .replace(b'<outputEntry id="b">', dash % (b"a2", b"b"))
        .replace(b'<outputEntry id="e">', dash % (b"c2", b"e"))
    )


@pytest.mark.parametrize("inputs", [{"amount": "many"}, {"amount": [1, 2]}, {"amount": 5, "grade": "C"}])
def test_an_input_outside_its_type_or_values_is_an_error_and_no_silent_null(
    shop: Toy, inputs: dict[str, object]
) -> None:
    shop.deploy({"discount.dmn": strict()})
    with pytest.raises(InvalidInputError):
        shop.do(decide.decide, "discount", inputs)
    assert shop.do(decide.decide, "discount", {"amount": 5, "grade": "A"}).result == 0


def test_a_rule_task_whose_input_is_refused_leaves_the_step_stuck(shop: Toy) -> None:
    shop.deploy(
        {"discount.dmn": discount().replace(b'typeRef="number"><text>amount', b'typeRef="string"><text>amount')}
    )
    shop.start("rating")
    with pytest.raises(StepFailedError) as failed:
        shop.complete("q_fill", amount=101)
    assert failed.value.element_id == "q_rate"
    assert shop.rows(db.instance)[0].status == "stuck"


def test_an_operation_whose_decision_fails_leaves_the_step_stuck(toy: Toy) -> None:
    toy.deploy({"discount.dmn": discount()})
    toy.handlers["order.price"] = lambda ctx, call: decide.decide(ctx, "discount", {"amount": "many"}).result
    toy.start()
    with pytest.raises(StepFailedError) as failed:
        toy.complete("o_fill", amount=101)
    assert failed.value.element_id == "o_price"


def test_what_became_null_on_the_way_is_logged_with_the_answer(shop: Toy) -> None:
    shop.deploy({"discount.dmn": discount(small='"x"').replace(b'<text>"x"</text>', b"<text>1 / 0</text>")})
    assert shop.do(decide.decide, "discount", {"amount": 5}).result is None
    (row,) = shop.rows(db.decision_log)
    assert row.outputs is None
    assert isinstance(row.warnings, list)
