"""Patterns of form fields: the part of regular expressions whose cost on a text can be told beforehand.

Taken are characters, ``.``, classes, ``\\d \\w \\s`` and their opposites, groups, ``|``, the quantifiers
``* + ? {m} {m,} {m,n}``, and ``^`` ``$``. No look-around, no back reference, no lazy or possessive quantifier. The
number of ways in which a pattern can divide a text among its parts is bounded, so that no text makes it search for
ever. As in JSON Schema ``\\d`` and ``\\w`` are ASCII, and ``$`` is the very end: no line break may follow.
"""

from __future__ import annotations

import re

MAX_PATTERN = 200  # characters
MAX_LENGTH = 1_000  # of a text that is matched against a pattern
MAX_WAYS = 100_000
MAX_DEPTH = 10
_QUANTIFIER = re.compile(r"\*|\+|\?|\{(\d{1,4})(,(\d{0,4}))?\}")
_CLASS = re.compile(r"\[\^?(?:\\.|[^\]\\\[])+\]")
_ESCAPES = frozenset("dDwWsS")


class PatternRefusedError(Exception):
    """The message is a piece of a Chinese sentence: what of the pattern is not taken."""


def compile_pattern(text: str, length: int) -> re.Pattern[str]:
    """The pattern for texts of at most ``length`` characters, to be searched. Raises :class:`PatternRefusedError`."""
    if len(text) > MAX_PATTERN:
        raise PatternRefusedError(f"超过 {MAX_PATTERN} 个字符")
    if length > MAX_LENGTH:
        raise PatternRefusedError(f"的字段须写明 maxLength，且不超过 {MAX_LENGTH}")
    reader = _Reader(text, length)
    ways = reader.alternatives(0)
    if reader.place < len(text):
        raise PatternRefusedError("括号不成对")
    if ways * (1 if text.startswith("^") and "|" not in text else length) > MAX_WAYS:
        raise PatternRefusedError("的写法会使匹配过慢，请减少可变长度的部分")
    try:
        return re.compile("".join(reader.python), re.ASCII)
    except re.error:
        raise PatternRefusedError("不是正则表达式") from None


class _Reader:
    """Reads a pattern once, from left to right: counts its ways and writes it down for Python."""

    def __init__(self, text: str, length: int) -> None:
        self.text = text
        self.length = length
        self.place = 0
        self.python: list[str] = []

    def alternatives(self, depth: int) -> int:
        """The ways of parts divided by ``|``, up to a closing bracket or the end."""
        if depth > MAX_DEPTH:
            raise PatternRefusedError("的括号嵌套过深")
        ways = self._sequence(depth)
        while self._next() == "|":
            self._take("|")
            ways += self._sequence(depth)
        return _capped(ways)

    def _sequence(self, depth: int) -> int:
        ways = 1
        while (character := self._next()) and character not in "|)":
            ways = _capped(ways * self._repeated(self._atom(character, depth)))
        return ways

    def _atom(self, character: str, depth: int) -> int:
        if character == "(":
            return self._group(depth)
        if character == "[":
            found = _CLASS.match(self.text, self.place)
            if found is None:
                raise PatternRefusedError("的字符集写法不支持")
            self._take(found.group())
        elif character == "\\":
            escaped = self.text[self.place + 1 : self.place + 2]
            if not escaped or (escaped.isalnum() and escaped not in _ESCAPES):
                raise PatternRefusedError(f"不支持 \\{escaped}")
            self._take("\\" + escaped)
        elif character == "$":
            self._take("$", r"\Z")
        elif character in "*+?{}":
            raise PatternRefusedError("的数量词位置不对")
        else:
            self._take(character)
        return 1

    def _group(self, depth: int) -> int:
        opening = "(?:" if self.text.startswith("(?:", self.place) else "("
        if opening == "(" and self.text.startswith("(?", self.place):
            raise PatternRefusedError("不支持 (?")
        self._take(opening, "(?:")
        ways = self.alternatives(depth + 1)
        if self._next() != ")":
            raise PatternRefusedError("括号不成对")
        self._take(")")
        return ways

    def _repeated(self, ways: int) -> int:
        """The ways of an atom with the quantifier that follows it."""
        found = _QUANTIFIER.match(self.text, self.place)
        if found is None:
            return ways
        self._take(found.group())
        if self._next() in ("*", "+", "?", "{"):
            raise PatternRefusedError("的数量词不能连用")
        least, most = self._counts(found)
        total = 0
        for count in range(least, most + 1):
            total = _capped(total + ways**count if ways > 1 else total + 1)
            if total > MAX_WAYS:
                break
        return total

    def _counts(self, found: re.Match[str]) -> tuple[int, int]:
        """How often at least and at most, as far as a text of the allowed length can go."""
        sign = found.group()
        if sign in ("*", "+", "?"):
            return (1 if sign == "+" else 0), (1 if sign == "?" else self.length)
        least = int(found.group(1))
        most = least if found.group(2) is None else int(found.group(3) or self.length)
        if least > most or least > self.length:
            raise PatternRefusedError("的次数范围不对")
        return least, min(most, self.length)

    def _next(self) -> str:
        return self.text[self.place : self.place + 1]

    def _take(self, text: str, written: str | None = None) -> None:
        self.place += len(text)
        self.python.append(text if written is None else written)


def _capped(ways: int) -> int:
    return min(ways, MAX_WAYS + 1)
