"""The pseudonyms under which the log has its actors; only the store of keys knows the names.

A pseudonym begins with a person: the customer who acts, or a random id of somebody else. Equal actors have
equal pseudonyms, also once the name is destroyed.
"""

import re
from functools import lru_cache
from secrets import token_hex
from typing import NamedTuple
from uuid import UUID, uuid4

from app.cqrs.log.personal import ERASED_DIGITS

_PSEUDONYM = re.compile(r"~([0-9a-f]{32})(?:-[0-9a-f]{8})?")
_LABEL = re.compile(rf"erased ([0-9a-f]{{{ERASED_DIGITS}}})")


class Actor(NamedTuple):
    """A person or program that has signed in."""

    name: str
    customer: UUID | None = None
    """The customer whom the name belongs to; `None` for staff and programs."""


def new_pseudonym(actor: Actor) -> str:
    """Return a pseudonym for an actor who has none yet. A customer may have several names."""
    return f"~{actor.customer.hex}-{token_hex(4)}" if actor.customer else f"~{uuid4().hex}"


def person_in(stored: str) -> UUID | None:
    """Return the person of a stored actor; `None` if that is an open name."""
    return _person_in(stored) if stored.startswith("~") else None  # No name is kept in memory.


@lru_cache(maxsize=10_000)
def _person_in(pseudonym: str) -> UUID | None:
    found = _PSEUDONYM.fullmatch(pseudonym)
    return UUID(hex=found[1]) if found else None


def pattern_of(label: str) -> str | None:
    """Return the SQL pattern of the pseudonyms that read as this label; `None` if it is a name."""
    found = _LABEL.fullmatch(label)
    return f"~{'_' * (32 - ERASED_DIGITS)}{found[1]}%" if found else None
