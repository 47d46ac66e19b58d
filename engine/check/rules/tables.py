"""K05: decision tables and forms, as far as they can be judged before anybody asks them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from engine.cache import Cache
from engine.check.deployment import DecisionFile, Deployment
from engine.check.findings import ERROR, WARNING, Hit, Place, Text, declare, rule
from engine.check.texts import keys_written
from engine.decisions import Budget, Model, TableFinding, check_table

DECISION_REFUSED = declare(
    "K051",
    ERROR,
    what=Text("决策文件不能使用：{zh}", "The decision file cannot be used: {en}"),
    do=Text("请在决策表编辑器中改正", "Correct it in the editor for decision tables"),
    why="A decision that does not compile would fail when it is asked.",
)
ONE_DECISION = declare(
    "K052",
    ERROR,
    what=Text("文件中有 {count} 个顶层决策", "The file has {count} decisions that no other one requires"),
    do=Text("请让每个文件恰好有一个", "Keep exactly one in each file"),
    why="A file is known by its one top decision; the others could not be asked.",
)
FORM_REFUSED = declare(
    "K056",
    ERROR,
    what=Text("表单不能使用：{zh}", "The form cannot be used ({zh})"),
    do=Text("请按表单格式改正", "Correct it after the format of forms"),
    why="Nobody could complete the task that shows it.",
)


@dataclass(frozen=True, slots=True)
class _Proof:
    """What was found in the tables of one file, and the steps that it took."""

    findings: tuple[TableFinding, ...]
    steps: int


_kept: Cache[str, _Proof] = Cache(256)
"""Proofs by the hash of the file: most files of a deployment were proved by an earlier check."""


def _prove(model: Model) -> _Proof:
    budget = Budget()
    findings = check_table(model, budget=budget)
    return _Proof(tuple(findings), budget.spent)


def _proofs(deployment: Deployment) -> list[tuple[DecisionFile, TableFinding]]:
    """What stands against the tables; those that are not looked at any more are said to be unchecked.

    Every file may take the steps of one budget, all together ``max_proof_steps``. A kept proof counts like a new one,
    so that the same files always give the same findings.
    """
    found: list[tuple[DecisionFile, TableFinding]] = []
    spent = 0
    for key, file in deployment.decisions.items():
        if spent > deployment.max_proof_steps:
            said = TableFinding("unchecked", key, "前面的决策表已用完证明的步数", "tables before it took all the steps")
            found.append((file, said))
            continue
        proof = _kept.get(file.content_hash, partial(_prove, file.model))
        spent += proof.steps
        found.extend((file, finding) for finding in proof.findings)
    return found


def _of_kind(deployment: Deployment, *kinds: str) -> Iterator[Hit]:
    for file, finding in deployment.once(_proofs):
        if finding.kind in kinds:
            place = Place(file.place.file, finding.line or file.place.line, finding.decision)
            yield Hit(place, {"zh": finding.zh.rstrip("。"), "en": finding.en.rstrip(".")})


@rule(
    "K053",
    ERROR,
    what=Text("有两行同时适用：{zh}", "Two rows match together: {en}"),
    do=Text("请改写其中一行，或改用 FIRST", "Rewrite one of the rows, or choose FIRST"),
    why="The decision fails whenever such a case is asked.",
)
def rows_do_not_overlap(deployment: Deployment) -> Iterator[Hit]:
    """No two rows of a UNIQUE table match together, none of an ANY table contradict each other."""
    return _of_kind(deployment, "overlap")


@rule(
    "K054",
    WARNING,
    what=Text("有情形没有适用的行：{zh}", "For some case no row matches: {en}"),
    do=Text("请补一行，或写默认输出", "Add a row, or a default output"),
    why="The answer to such a case is null.",
)
def tables_are_complete(deployment: Deployment) -> Iterator[Hit]:
    """Some row matches every input."""
    return _of_kind(deployment, "gap")


@rule(
    "K055",
    WARNING,
    what=Text("未能证明：{zh}", "This could not be proved: {en}"),
    do=Text("请核对该处", "Check the place"),
    why="What cannot be proved must be looked at by a person.",
)
def tables_are_proved(deployment: Deployment) -> Iterator[Hit]:
    """Every table could be proved, and its cells use declared names."""
    return _of_kind(deployment, "unchecked", "unknown-name")


@rule(
    "K057",
    ERROR,
    what=Text(
        "“{name}”的结果 {field} 不是表单 {form} 的字段", "The result {field} of {name} is no field of the form {form}"
    ),
    do=Text("请写对字段名，或指定操作", "Correct the name, or name an operation"),
    why="Without an operation the result is the field of that name.",
)
def results_are_fields(deployment: Deployment) -> Iterator[Hit]:
    """A user task without an operation takes its result from its form."""
    for node in deployment.of("userTask"):
        field, form = node.properties.get("result"), deployment.forms.get(node.properties.get("form", ""))
        if field and form is not None and not node.properties.get("operation") and field not in form.form.fields:
            yield node.at(field=field, form=form.form.key)


@rule(
    "K058",
    WARNING,
    what=Text(
        "决策 {decision} 的输入 {key} 没有任何步骤写入", "No step writes {key}, an input of the decision {decision}"
    ),
    do=Text("请核对键名；若由启动数据带来，可不理会", "Check the name; ignore this if the start data bring it"),
    why="A missing input is null, and the table answers as if nothing were known.",
)
def inputs_are_written(deployment: Deployment) -> Iterator[Hit]:
    """A business rule task has the inputs of its decision among the process data."""
    keys = deployment.once(keys_written)
    for node in deployment.of("businessRuleTask"):
        decision = node.properties.get("decision", "")
        file = deployment.decisions.get(decision)
        if file is not None:
            for wanted in file.model.find(decision).inputs:
                if wanted.name not in keys:
                    yield node.at(decision=decision, key=wanted.name)
