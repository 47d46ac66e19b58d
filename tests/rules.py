"""The requirements that hold now: docs/rules.toml read, and held against the tests' marks and the homes it names."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "docs" / "rules.toml"
RULE_ID = re.compile(r"R\d{3}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One requirement: what it says, where it lives (``file`` or ``file#name``), which tests prove it."""

    id: str
    says: str
    homes: tuple[str, ...]
    tests: tuple[str, ...]


def read_rules() -> dict[str, Rule]:
    """All rules of docs/rules.toml by their number."""
    entries = tomllib.loads(RULES.read_text(encoding="utf-8"))
    return {
        id_: Rule(id_, entry["says"], tuple(entry["home"]), tuple(entry["tests"])) for id_, entry in entries.items()
    }


def marked_tests() -> dict[str, set[str]]:
    """R-number → tests marked with it (``tests/…/test_x.py::test_name``), read from the sources."""
    marked: dict[str, set[str]] = defaultdict(set)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        _collect(tree, str(path.relative_to(ROOT)), _module_marks(tree), marked)
    return marked


def _collect(node: ast.AST, prefix: str, inherited: list[str], marked: dict[str, set[str]]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            _collect(child, f"{prefix}::{child.name}", inherited + _marks(child.decorator_list), marked)
        elif isinstance(child, ast.FunctionDef) and child.name.startswith("test_"):
            for rule in inherited + _marks(child.decorator_list):
                marked[rule].add(f"{prefix}::{child.name}")


def _module_marks(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets):
            values = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]
            return _marks(values)
    return []


def _marks(decorators: list[ast.expr]) -> list[str]:
    """The arguments of ``@pytest.mark.proves("R203", …)``."""
    return [
        argument.value
        for decorator in decorators
        if isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr == "proves"
        for argument in decorator.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]


def home_problem(home: str) -> str | None:
    """Why ``home`` is no place of this project, or None."""
    file, _, name = home.partition("#")
    path = ROOT / file
    if not path.is_file():
        return f"{file} does not exist"
    if name and not re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", path.read_text(encoding="utf-8")):
        return f"{file} has no {name}"
    return None


def write_tests_into_rules() -> None:
    """Bring the ``tests`` of every rule in docs/rules.toml up to date with the marks; ``python -m tests.rules``."""
    marked = marked_tests()
    blocks = [
        "# The handbook's requirements that hold now: where each lives, and the tests that prove it.\n"
        "# `part` says what of a requirement is still open. Lists of tests: `python -m tests.rules`.\n"
    ]
    for id_, entry in sorted(tomllib.loads(RULES.read_text(encoding="utf-8")).items()):
        lines = [f"[{id_}]", f"says = {json.dumps(entry['says'], ensure_ascii=False)}"]
        if part := entry.get("part"):
            lines.append(f"part = {json.dumps(part, ensure_ascii=False)}")
        lines.append(f"home = {json.dumps(entry['home'], ensure_ascii=False)}")
        tests = sorted(marked.get(id_, ()))
        lines += ["tests = [", *(f"  {json.dumps(test)}," for test in tests), "]"]
        blocks.append("\n".join(lines) + "\n")
    RULES.write_text("\n".join(blocks), encoding="utf-8")


if __name__ == "__main__":
    write_tests_into_rules()
