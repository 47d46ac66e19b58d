"""How to reach a customer: whoever does not need it sees it masked, on pages, in lists, exports and the API alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.rights import Person, allowed

CONTACTS = frozenset({"staff_number", "phone", "mobile", "extension", "email", "external_contact"})
HIDDEN = "****"
KEPT = 2  # the last characters that stay, so that two colleagues can tell that they speak of the same number
SHORTEST_KEPT = 7  # of a shorter value nothing is left: two of five digits would be half of it


def may_reach(person: Person, incident: Mapping[str, Any]) -> bool:
    """Whether ``person`` sees the contact data of this incident's customer (right ``contact.read``)."""
    return allowed(person, "contact.read", incident=incident)


def seen_by(person: Person, incident: Mapping[str, Any]) -> Mapping[str, Any]:
    """The incident as ``person`` may see it: contact data masked where he does not need them."""
    if may_reach(person, incident):
        return incident
    return hidden(incident)


def hidden(values: Mapping[str, Any]) -> dict[str, Any]:
    """Facts or typed values with all contact data in them masked."""
    found = {name: values[name] for name in CONTACTS & values.keys() if values[name] is not None}
    return {**values, **{name: masked(str(value)) for name, value in found.items()}}


def masked(value: str | None) -> str | None:
    """A contact of which only its end is left; of an address the host. Empty stays empty."""
    if not value:
        return value
    _, at, host = value.partition("@")
    if at:
        return f"{HIDDEN}@{host}"
    return f"{HIDDEN}{value[-KEPT:]}" if len(value) >= SHORTEST_KEPT else HIDDEN
