"""Texts as every database keeps them: no longer than their column, without NUL, without half a surrogate pair."""

from __future__ import annotations

from engine.errors import InvalidValuesError

MAX_ACCOUNT = 80  # characters, as all of these
MAX_KEY = 120
MAX_NAME = 200
MAX_REASON = 4_000
UNKEEPABLE = "含有不能保存的字符"


def trouble(text: str, most: int) -> str | None:
    """Why ``text`` cannot be kept, as the end of a Chinese sentence that names it; None if it can."""
    if len(text) > most:
        return f"不能超过 {most} 个字"
    if "\0" in text:
        return UNKEEPABLE
    try:
        text.encode()
    except UnicodeEncodeError:
        return UNKEEPABLE
    return None


def require_texts(most: int, **texts: str) -> None:
    """Raise :class:`InvalidValuesError` that names those of ``texts`` that cannot be kept."""
    problems = {name: f"{name} {found}" for name, text in texts.items() if (found := trouble(text, most))}
    if problems:
        raise InvalidValuesError(problems)


def storable(text: str, most: int) -> str:
    """``text`` with ``?`` for what cannot be kept, cut to ``most`` characters."""
    return text[:most].encode("utf-8", "replace").decode().replace("\0", "?")
