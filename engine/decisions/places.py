"""Where an expression stands in a model, and the compiling of the texts that stand there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from engine.decisions.closures import Cell, Code
from engine.decisions.compiler import compile_cell, compile_expression
from engine.decisions.datatypes import Type
from engine.decisions.elements import Element, line_of, text_in
from engine.decisions.errors import DecisionError, UnsupportedError
from engine.decisions.tables import DecisionTable
from engine.decisions.tokens import Names


@dataclass(slots=True)
class Place:
    """Where an expression stands: what it may name, the types of the model, and what was found on the way."""

    decision: str
    names: Names
    declared: frozenset[str]
    find_type: Callable[[str | None], Type]
    language: str | None
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The business knowledge models that it may call, with their parameters."""
    used: set[str] = field(default_factory=set)
    undeclared: set[str] = field(default_factory=set)
    input_types: dict[str, Type] = field(default_factory=dict)
    tables: list[DecisionTable] = field(default_factory=list)

    def inside(self, names: list[str]) -> Place:
        """The same place with more variables; findings are shared."""
        visible = {name: known for name, known in self.parameters.items() if name not in names}
        return replace(self, names=self.names.plus(names), declared=self.declared | set(names), parameters=visible)

    def saw(self, names: frozenset[str]) -> None:
        """Remember what is read; names that nobody declared become inputs of the decision."""
        self.used |= names
        self.undeclared |= names - self.declared - {"?"}


def check_language(element: Element, place: Place) -> None:
    """UnsupportedError for an expression language that is not FEEL."""
    language = element.get("expressionLanguage") or place.language
    if language and "feel" not in language.lower():
        raise UnsupportedError(
            f"表达式语言 {language} 不受支持，请使用 FEEL。",
            f"expression language {language} is not FEEL",
            line=line_of(element),
        )


def code_in(element: Element | None, place: Place) -> Code | None:
    """The compiled ``<text>`` of an element; None where it is absent or empty."""
    text = text_in(element)
    if element is None or not text:
        return None
    check_language(element, place)
    try:
        code = compile_expression(text, place.names)
    except DecisionError as error:
        raise error.at(decision=place.decision, line=line_of(element)) from None
    place.saw(code.names)
    return code


def cell_in(element: Element | None, place: Place) -> Cell | None:
    """The compiled unary tests of an element; None where it is absent or empty."""
    text = text_in(element)
    if element is None or not text:
        return None
    check_language(element, place)
    try:
        cell = compile_cell(text, place.names)
    except DecisionError as error:
        raise error.at(decision=place.decision, line=line_of(element)) from None
    place.saw(cell.names)
    return cell
