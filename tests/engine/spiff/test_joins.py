"""Joins, instances and ends: where SpiffWorkflow loses or doubles tokens, we do not."""

from __future__ import annotations

import itertools

import pytest

from engine import spiff
from tests.engine.spiff.diagrams import (
    Desk,
    Message,
    boundary,
    call,
    end,
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
    timer,
    user,
    xor,
)


def looped_join() -> spiff.Program:
    body = (
        start()
        + xor("m")
        + user("u")
        + fork("f")
        + user("a")
        + user("b")
        + fork("j")
        + user("chk")
        + xor("x", "f_x_end")
    )
    edges = flows("start", "m", "u", "f", "a", "j", "chk", "x", "end") + flows("f", "b", "j")
    return program(process("p", body, end(), edges, flow("x", "m", "again == True")))


@pytest.mark.parametrize(("saved", "order"), list(itertools.product([True, False], [("a", "b"), ("b", "a")])))
def test_a_join_in_a_loop_waits_for_both_branches_on_every_pass(saved: bool, order: tuple[str, str]) -> None:
    desk = Desk(looped_join(), {"again": True}, saved=saved)
    for _ in range(5):
        desk.do("u").do(order[0])
        assert desk.open == [order[1]]
        desk.do(order[1])
        assert desk.open == ["chk"]
        desk.do("chk", again=True)
    desk.do("u").do("a").do("b").do("chk", again=False)
    assert desk.completed


@pytest.mark.parametrize(("saved", "order"), list(itertools.product([True, False], [("a", "b"), ("b", "a")])))
def test_a_branch_that_did_not_touch_a_key_cannot_undo_what_the_other_wrote(
    saved: bool, order: tuple[str, str]
) -> None:
    desk = Desk(looped_join(), {"n": 0, "flag": True, "rows": ["start"]}, saved=saved)
    desk.do("u")
    for branch in order:
        desk.do(branch, **({"n": 5, "flag": 1, "rows": ["start", "a"]} if branch == "a" else {"other": 1}))
    data = desk.task("chk").data
    assert (data["n"], data["rows"], data["other"]) == (5, ["start", "a"], 1)
    assert data["flag"] is not True


def test_where_both_branches_write_a_key_the_later_one_stays() -> None:
    desk = Desk(looped_join(), {"n": 0})
    desk.do("u").do("b", n=1).do("a", n=2)
    assert desk.task("chk").data["n"] == 2


@pytest.mark.parametrize("saved", [True, False])
def test_a_join_that_can_never_fire_is_named(saved: bool) -> None:
    body = start() + xor("x", "f_x_a") + user("a") + user("b") + fork("j") + end()
    drawn = process("p", body, flows("start", "x", "a", "j", "end"), flows("b", "j"), flow("x", "b", "n == 1"))
    desk = Desk(program(drawn), {"n": 0}, saved=saved)
    with pytest.raises(spiff.DeadWorkflowError, match="j") as caught:
        desk.do("a")
    assert caught.value.element_id == "j"


def test_a_process_that_only_reaches_side_ends_is_dead() -> None:
    drawn = program(process("p", start(), user("u"), end("side", side="true"), flows("start", "u", "side")))
    with pytest.raises(spiff.DeadWorkflowError):
        Desk(drawn).do("u")


def test_parallel_branches_may_end_on_their_own() -> None:
    body = start() + fork("f") + user("a") + user("b") + end("e1") + end("e2")
    desk = Desk(program(process("p", body, flows("start", "f", "a", "e1"), flows("f", "b", "e2"))))
    desk.do("a", x=1)
    assert not desk.completed
    assert desk.do("b", y=2).completed
    assert desk.final == {"x": 1, "y": 2}


def test_a_side_branch_that_still_waits_holds_the_end() -> None:
    body = start() + user("u") + end() + boundary("t", "u", timer("'PT1H'"), interrupting=False) + user("late")
    drawn = program(
        process("p", body, end("side", side="true"), flows("start", "u", "end"), flows("t", "late", "side"))
    )
    desk = Desk(drawn, {"n": 1})
    desk.move(hours=1)
    desk.fire("t").do("u", n=2)
    assert desk.open == ["late"]
    assert desk.do("late", n=3).completed
    assert desk.final["n"] == 2


# ---------------------------------------------------------------- budgets


def test_a_loop_without_a_wait_is_stopped_with_its_element() -> None:
    body = start() + xor("m") + service("s", "n") + xor("x", "f_x_m") + end() + flows("start", "m", "s", "x", "m")
    drawn = program(process("p", body, flow("x", "end", "n >= limit")))

    def counting(limit: int) -> Desk:
        return Desk(drawn, {"n": 0, "limit": limit}, {"s": lambda data: data["n"] + 1})

    assert counting(500).completed
    with pytest.raises(spiff.LoopBudgetExceededError) as caught:
        counting(501)
    assert caught.value.element_id == "m"


def calling_itself() -> spiff.Program:
    body = start() + service("s", "n") + xor("x", "f_x_c") + call("c", "p") + end()
    return program(process("p", body, flows("start", "s", "x", "c", "end"), flow("x", "end", "n >= limit")))


@pytest.mark.parametrize(("limit", "fits"), [(20, True), (21, True), (22, False)])
def test_processes_may_call_each_other_twenty_deep(limit: int, fits: bool) -> None:
    answers = {"s": lambda data: data["n"] + 1}
    if fits:
        assert Desk(calling_itself(), {"n": 0, "limit": limit}, answers).completed
    else:
        with pytest.raises(spiff.LoopBudgetExceededError) as caught:
            Desk(calling_itself(), {"n": 0, "limit": limit}, answers)
        assert caught.value.element_id == "c"


@pytest.mark.parametrize("saved", [True])
def test_many_loops_with_waits_are_no_problem(saved: bool) -> None:
    desk = Desk(looped_join(), {"again": True}, saved=saved)
    sizes = []
    for _ in range(300):
        desk.do("u").do("a").do("b").do("chk", again=True)
        sizes.append(desk.size)
        desk.history.clear()
    assert max(sizes) - min(sizes) <= 16
    assert max(sizes) < 500


# ---------------------------------------------------------------- multi-instance


def many(sequential: bool = False, border: str = "", inner: str = "") -> spiff.Program:
    """A call to a process that does one task per group; ``border`` hangs on the outer call, ``inner`` on the many."""
    task = process("task", outputs("outcome"), start("st"), user("accept"), user("do"), end("et", "done"),
                   flows("st", "accept", "do", "et"))  # fmt: skip
    loop = instances("groups", "group", output="results", output_item="outcome", sequential=sequential)
    tasks = process("tasks", outputs("results", inputs=("groups",)), start("sts"), call("mi", "task", loop), end("ets"),
                    flows("sts", "mi", "ets"), inner, messages=(Message("stop"),))  # fmt: skip
    body = start() + xor("m") + call("c", "tasks") + user("u") + xor("x", "f_x_end") + end() + border
    edges = flows("start", "m", "c", "u", "x", "end") + flow("x", "m", "again == True")
    return program(process("p", body, edges, messages=(Message("stop"),)), tasks, task)


@pytest.mark.parametrize(("saved", "sequential"), list(itertools.product([True, False], [True, False])))
def test_instances_run_pass_after_pass_in_their_own_called_process(saved: bool, sequential: bool) -> None:
    desk = Desk(many(sequential), {"groups": ["A", "B", "C"]}, saved=saved)
    for again in (True, True, False):
        for group in "ABC":
            assert (len(desk.open) == 1) is sequential or not sequential
            desk.do("accept", {"group": group}).do("do", {"group": group})
        assert desk.task("u").data["results"] == ["done"] * 3
        spiff.complete(desk.workflow, desk.task("u").task_id, {"again": again})
        desk._advance()
    assert desk.completed


@pytest.mark.parametrize("sequential", [True, False])
def test_an_empty_list_passes_straight_on(sequential: bool) -> None:
    assert Desk(many(sequential), {"groups": []}).open == ["u"]


@pytest.mark.parametrize("saved", [True, False])
def test_interrupting_a_call_with_many_instances_leaves_nothing_behind(saved: bool) -> None:
    border = boundary("b", "c", message("stop"), key="incident_id") + user("z") + flows("b", "z", "m")
    desk = Desk(many(border=border), {"groups": ["A", "B"], "incident_id": 5}, saved=saved)
    for _ in range(3):
        desk.do("accept", {"group": "A"})
        assert desk.send("stop", 5)
        assert desk.open == ["z"]
        assert not desk.waits.subscriptions
        desk.do("z")
    assert desk.open == ["accept", "accept"]
    assert desk.trail().count("do=cancelled") == 3
    assert desk.trail().count("accept=cancelled") == 3


@pytest.mark.parametrize("saved", [True, False])
def test_an_interrupting_event_directly_on_the_instances_ends_them_all(saved: bool) -> None:
    inner = boundary("b", "mi", message("stop"), key="group_of_stop") + user("z") + flows("b", "z", "ets")
    task = process(
        "task", outputs("outcome"), start("st"), user("accept"), end("et", "done"), flows("st", "accept", "et")
    )
    loop = instances("groups", "group", output="results", output_item="outcome")
    tasks = process("p", start("sts"), call("mi", "task", loop), end("ets"), flows("sts", "mi", "ets"), inner,
                    messages=(Message("stop"),))  # fmt: skip
    desk = Desk(program(tasks, task), {"groups": ["A", "B"], "group_of_stop": 1}, saved=saved)
    assert desk.send("stop", 1)
    assert desk.open == ["z"]
    assert desk.trail().count("accept=cancelled") == 2
    assert desk.do("z").completed


@pytest.mark.parametrize("sequential", [True, False])
@pytest.mark.parametrize("given", ["abc", {"a": 1, "b": 2}, None, 3, True])
def test_instances_over_what_is_no_list_fail_the_step_and_name_it(given: object, sequential: bool) -> None:
    loop = instances("groups", "group", sequential=sequential)
    drawn = program(process("p", start(), node("userTask", "u", loop), end(), flows("start", "u", "end")))
    with pytest.raises(spiff.StepError, match=r"u: .*'groups' 不是列表"):
        Desk(drawn, {"groups": given})
    with pytest.raises(spiff.StepError, match=r"u: .*'groups' 不是列表"):
        Desk(drawn, {})


@pytest.mark.parametrize(("spelt", "open_at_once"), [("1", 1), ("true", 1), ("0", 2), ("false", 2)])
def test_instances_run_one_after_the_other_in_every_spelling_of_true(spelt: str, open_at_once: int) -> None:
    loop = instances("groups", "group").replace('isSequential="false"', f'isSequential="{spelt}"')
    drawn = program(process("p", start(), node("userTask", "u", loop), end(), flows("start", "u", "end")))
    assert Desk(drawn, {"groups": ["A", "B"]}).open == ["u"] * open_at_once


@pytest.mark.parametrize("saved", [True, False])
def test_many_user_tasks_each_have_their_item(saved: bool) -> None:
    body = start() + node("userTask", "u", instances("groups", "group"), properties={"form": "f"}) + end()
    desk = Desk(program(process("p", body, flows("start", "u", "end"))), {"groups": ["A", "B"]}, saved=saved)
    assert desk.open == ["u", "u"]
    desk.do("u", {"group": "B"})
    assert desk.task("u").data["group"] == "A"
    assert desk.do("u").completed
    assert desk.trail().count("u") == 2
