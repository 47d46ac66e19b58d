"""S-FEEL text into tokens, and names that may hold spaces and operators out of tokens (DMN 1.3, 10.3.1.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from engine.decisions.errors import ExpressionRefusedError

MAX_SOURCE = 10_000
MAX_NAME = 200
KEYWORDS = frozenset(("true", "false", "null", "and", "or", "between", "in", "if", "then", "else", "for", "some"))
KEYWORDS |= frozenset(("every", "return", "satisfies", "function", "instance", "external"))
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<text>@?"(?:[^"\\]|\\.)*")
    |(?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[^\W\d]\w*)
    |(?P<sign>\.\.|\*\*|[<>!]=|.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{6})|(.))", re.DOTALL)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of source; ``kind`` is text, number, word, sign or end."""

    kind: str
    text: str
    start: int


def refuse(source: str, start: int, zh: str, en: str) -> ExpressionRefusedError:
    """An error that shows the source and the column (from 1)."""
    shown = source if len(source) <= 80 else source[:77] + "…"
    return ExpressionRefusedError(
        f"表达式“{shown}”第 {start + 1} 个字符处有误：{zh}", f"expression {shown!r}, column {start + 1}: {en}"
    )


def tokenize(source: str) -> list[Token]:
    """All tokens, ended by one of kind ``end``. A text longer than 10,000 characters is refused."""
    if len(source) > MAX_SOURCE:
        raise refuse(source, MAX_SOURCE, f"表达式不得超过 {MAX_SOURCE} 个字符", f"longer than {MAX_SOURCE} characters")
    tokens = [
        Token(found.lastgroup or "", found[0], found.start())
        for found in _TOKEN.finditer(source)
        if found.lastgroup != "space"
    ]
    tokens.append(Token("end", "", len(source)))
    return tokens


def unescape(literal: str) -> str:
    """The text between the quotes, with escapes resolved; an unknown escape stays as it is written."""

    def plain(found: re.Match[str]) -> str:
        code = found[1] or found[2]
        if code:
            return chr(int(code, 16)) if int(code, 16) <= 0x10FFFF else found[0]
        return _PLAIN.get(found[3], found[0])

    text = _ESCAPE.sub(plain, literal)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def normalized(name: str) -> str:
    """A declared name with its white space made single."""
    return " ".join(name.split())


class Names:
    """Declared names, found in tokens by the longest match. Immutable."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """``names`` as the model declares them; one of more than 200 characters is refused."""
        self._known: dict[tuple[str, ...], str] = {}
        self._lengths: dict[str, tuple[int, ...]] = {}
        for name in names:
            self._add(normalized(name))

    def _add(self, name: str) -> None:
        if len(name) > MAX_NAME:
            raise refuse(name, MAX_NAME, f"名称不得超过 {MAX_NAME} 个字符", f"a name longer than {MAX_NAME} characters")
        parts = tuple(token.text for token in tokenize(name)[:-1])
        if parts:
            self._known[parts] = name
            lengths = {*self._lengths.get(parts[0], ()), len(parts)}
            self._lengths[parts[0]] = tuple(sorted(lengths, reverse=True))

    def plus(self, names: Iterable[str]) -> Names:
        """A copy with more names."""
        more = Names()
        more._known.update(self._known)
        more._lengths.update(self._lengths)
        for name in names:
            more._add(normalized(name))
        return more

    def __contains__(self, name: str) -> bool:
        """Is this very name declared?"""
        return tuple(token.text for token in tokenize(name)[:-1]) in self._known

    def longest(self, tokens: list[Token], position: int) -> tuple[str, int] | None:
        """The declared name that starts here and how many tokens it takes."""
        for length in self._lengths.get(tokens[position].text, ()):
            name = self._known.get(tuple(token.text for token in tokens[position : position + length]))
            if name is not None:
                return name, length
        return None
