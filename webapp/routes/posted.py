"""What every command's form carries beside its fields: the version token, the revision, the key of the command."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request

_DIGITS = 9  # more than any revision has; fits into every database's integers


def posted_number(name: str) -> int | None:
    """A whole number that a page put into its form; None for anything else."""
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None


def posted_token() -> int:
    """The task's revision when its page was made; -1, which no task has, where the form has none."""
    token = posted_number("token")
    return -1 if token is None else token


def posted_key() -> str | None:
    """The key by which a second arrival of the same form is known."""
    return request.form.get("key") or None


def posted_back() -> str | None:
    """The page of this desk to which the form wants to return; None for anything that leads elsewhere."""
    return own_address(request.form.get("back", ""))


def own_address(address: str) -> str | None:
    """``address`` if it leads to this site, however a browser reads it: tabs and line ends fall away there."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    plain = not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith("//")
    return address if plain and "\\" not in address and address.isprintable() else None
