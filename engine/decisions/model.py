"""A DMN model that answers: load it once, ask its decisions by id or name.

``load_model(data).decide("urgency", {"class": "A"})`` → ``Answer(result, rows, decision)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.decisions.boxed import compile_boxed, function_maker
from engine.decisions.closures import Evaluate, Function, Run, Scope
from engine.decisions.datatypes import ANY, Type, from_python
from engine.decisions.elements import Element, child, expression_of, local
from engine.decisions.errors import DecisionError, LimitError, ModelRefusedError, UnknownDecisionError
from engine.decisions.places import Place
from engine.decisions.reader import Graph, Node, read_graph
from engine.decisions.tables import LIST_POLICIES, DecisionTable
from engine.decisions.tokens import Names, normalized
from engine.decisions.values import Value


@dataclass(frozen=True, slots=True)
class Answer:
    """What a decision said.

    ``result`` is a FEEL value (``values``), ``rows`` the ids of the rules behind it: the one that matches under UNIQUE,
    the first under FIRST, every one that matches under the other policies (ANY, RULE ORDER and COLLECT in the order of
    the table, PRIORITY and OUTPUT ORDER best first); none where a default answers, or nothing. ``required`` has the
    same for the decisions that it required, ``warnings`` what became null on the way; ``refused`` are
    those of them that speak of an input outside its type or its allowed values.
    """

    result: Value
    rows: tuple[str, ...]
    decision: str
    required: tuple[tuple[str, tuple[str, ...]], ...] = ()
    warnings: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Input:
    """A value that a decision asks for; ``declared`` is false if only an expression names it."""

    name: str
    type: Type
    declared: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision of a model, with every input that it needs in the end, and its own tables."""

    id: str
    name: str
    line: int | None
    inputs: tuple[Input, ...]
    tables: tuple[DecisionTable, ...] = field(repr=False, default=())


@dataclass(slots=True)
class _Logic:
    """A compiled decision: its expression, its type, and where each variable comes from."""

    node: Node
    evaluate: Evaluate
    type: Type
    inputs: dict[str, Type]
    undeclared: dict[str, Type]
    decisions: dict[str, str]
    functions: dict[str, Function]
    tables: tuple[DecisionTable, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    decision: Decision
    steps: tuple[_Logic, ...]


class Model:
    """The decisions of one file, compiled. Immutable, and safe to share between threads."""

    def __init__(self, name: str, plans: Mapping[str, _Plan]) -> None:
        """``plans`` maps decision ids to what has to be evaluated."""
        self.name = name
        self._plans = dict(plans)
        self._by_name: dict[str, _Plan] = {}
        for plan in plans.values():
            self._by_name.setdefault(plan.decision.name, plan)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Every decision, in the order of the file."""
        return tuple(plan.decision for plan in self._plans.values())

    def _plan(self, decision: str) -> _Plan:
        plan = self._plans.get(decision) or self._by_name.get(normalized(decision))
        if plan is None:
            known = "、".join(entry.name for entry in self.decisions[:20])
            raise UnknownDecisionError(
                f"模型中没有决策“{decision}”，只有：{known}。",
                f"no decision {decision!r} in the model, only: {known}",
                decision=decision,
            )
        return plan

    def find(self, decision: str) -> Decision:
        """The decision of that id, else of that name; UnknownDecisionError if there is none."""
        return self._plan(decision).decision

    def decide(self, decision: str, inputs: Mapping[str, Any]) -> Answer:
        """Ask a decision.

        ``inputs`` maps names to plain values; texts are read by the declared type (ISO dates, durations, numbers);
        a missing input is null, one that nobody asks for is ignored. Raises UnknownDecisionError, InvalidInputError,
        NotUniqueError, AnyConflictError, LimitError.
        """
        plan = self._plan(decision)
        run = Run()
        given = _given(plan.decision, inputs, run)
        answers: dict[str, Value] = {}
        rows: list[tuple[str, tuple[str, ...]]] = []
        for step in plan.steps:
            run.rows = []
            try:
                answers[step.node.id] = _evaluate(step, given, answers, run)
            except RecursionError:
                raise LimitError(
                    "决策嵌套过深。", "The decision is nested too deeply.", decision=step.node.name
                ) from None
            except DecisionError as error:
                raise error.at(decision=step.node.name, line=step.node.line) from None
            rows.append((step.node.id, tuple(run.rows)))
        asked = plan.decision.id
        return Answer(answers[asked], rows[-1][1], asked, tuple(rows[:-1]), tuple(run.warnings), tuple(run.refused))


def _given(decision: Decision, inputs: Mapping[str, Any], run: Run) -> dict[str, Value]:
    given: dict[str, Value] = {}
    for wanted in decision.inputs:
        if wanted.name in inputs:
            value = wanted.type.read(from_python(inputs[wanted.name]))
            given[wanted.name] = wanted.type.conform(value, run, f"输入“{wanted.name}”", is_input=True)
        else:
            given[wanted.name] = None
    return given


def _evaluate(step: _Logic, given: Mapping[str, Value], answers: Mapping[str, Value], run: Run) -> Value:
    names: dict[str, Value] = {name: given.get(name) for name in (*step.undeclared, *step.inputs)}
    names.update((name, answers[id_]) for name, id_ in step.decisions.items())
    names.update(step.functions)
    return step.type.conform(step.evaluate(Scope(names, run)), run, f"决策“{step.node.name}”")


class _Compiler:
    """Compiles the nodes of a graph, each once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.functions: dict[str, Function] = {}
        self.logic: dict[str, _Logic] = {}
        self.component_names = Names(graph.types.names())
        self.input_nodes = [node for node in graph.nodes.values() if node.kind == "input"]

    def plan(self, root: Node) -> _Plan:
        steps = []
        for node in self.graph.order(root):
            if node.kind == "knowledge" and node.id not in self.functions:
                self.functions[node.id] = self.knowledge(node)
            elif node.kind == "decision":
                if node.id not in self.logic:
                    self.logic[node.id] = self.decision(node)
                steps.append(self.logic[node.id])
        decision = Decision(root.id, root.name, root.line, self.inputs(steps), self.logic[root.id].tables)
        return _Plan(decision, tuple(steps))

    def inputs(self, steps: list[_Logic]) -> tuple[Input, ...]:
        found: dict[str, Input] = {}
        for step in steps:
            for declared, names in ((True, step.inputs), (False, step.undeclared)):
                for name, type_ in names.items():
                    known = found.get(name)
                    if known is None or (known.type is ANY and type_ is not ANY):
                        found[name] = Input(name, type_, declared or (known is not None and known.declared))
        return tuple(found.values())

    def place(self, node: Node) -> Place:
        required = [self.graph.nodes[id_] for id_ in node.requires]
        visible = required if node.kind == "knowledge" else [*required, *self.input_nodes]
        declared = [part.variable for part in visible]
        return Place(
            decision=node.name,
            names=self.component_names.plus(declared),
            declared=frozenset(declared),
            find_type=self.graph.types.find,
            language=self.graph.language,
            parameters={
                name: tuple(parameter for parameter, _ in function.parameters)
                for name, function in self.known_functions(node).items()
            },
        )

    def input_type(self, node: Node, place: Place) -> Type:
        """The type of an input, else the one that a table column gives it."""
        declared = self.graph.types.find(node.type_reference)
        return place.input_types.get(node.variable, ANY) if declared is ANY else declared

    def known_functions(self, node: Node) -> dict[str, Function]:
        required = (self.graph.nodes[id_] for id_ in node.requires)
        return {part.variable: self.functions[part.id] for part in required if part.kind == "knowledge"}

    def knowledge(self, node: Node) -> Function:
        element = child(node.element, "encapsulatedLogic")
        if element is None:
            raise ModelRefusedError(
                f"业务知识模型“{node.name}”没有逻辑。", f"knowledge model {node.name!r} has no logic", line=node.line
            )
        return function_maker(element, self.place(node), node.variable)(self.known_functions(node))

    def decision(self, node: Node) -> _Logic:
        expression = expression_of(node.element)
        if expression is None:
            raise ModelRefusedError(
                f"决策“{node.name}”没有表达式。", f"decision {node.name!r} has no expression", line=node.line
            )
        place = self.place(node)
        declared = self.graph.types.find(node.type_reference)
        evaluate = compile_boxed(expression, place, declared)
        inputs = {
            part.variable: self.input_type(part, place)
            for part in self.input_nodes
            if part.id in node.requires or part.variable in place.used
        }
        decisions = [self.graph.nodes[id_] for id_ in node.requires if self.graph.nodes[id_].kind == "decision"]
        return _Logic(
            node=node,
            evaluate=evaluate,
            type=_result_type(declared, expression, place),
            inputs=inputs,
            undeclared={name: place.input_types.get(name, ANY) for name in sorted(place.undeclared)},
            decisions={part.variable: part.id for part in decisions},
            functions=self.known_functions(node),
            tables=tuple(place.tables),
        )


def _result_type(declared: Type, expression: Element, place: Place) -> Type:
    """The declared type; a table that answers with a list gives a list, also where modellers declare the item."""
    if declared is ANY or declared.is_list or local(expression) != "decisionTable":
        return declared
    table = place.tables[-1]
    return replace(declared, is_list=table.policy in LIST_POLICIES and not table.aggregation)


def load_model(data: bytes) -> Model:
    """Read and compile a DMN file; raises DecisionError kinds, with line and decision where they are known."""
    try:
        graph = read_graph(data)
        compiler = _Compiler(graph)
        plans: dict[str, _Plan] = {}
        for node in graph.nodes.values():
            if node.kind != "decision":
                continue
            try:
                plans[node.id] = compiler.plan(node)
            except DecisionError as error:
                raise error.at(decision=node.name, line=node.line) from None
    except RecursionError:
        raise LimitError("模型嵌套过深。", "The model is nested too deeply.") from None
    return Model(graph.name, plans)
