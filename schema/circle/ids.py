"""Global ids: opaque to clients, unique over all types."""

import re
from functools import lru_cache
from uuid import UUID

import strawberry

from app.cqrs.commands.outcomes import Path
from app.cqrs.opaque import unwrapped, wrapped
from app.graphql.execution.refusals import BadArgument

_KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

LONGEST_SHOWN = 60
"""Characters of a malformed id that an error repeats; most ids have about as many."""


class BadInput(BadArgument):
    """An error about a value of which no command can be made; `path` leads to the value."""

    def __init__(self, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.path = path


class BadId(BadInput):
    """An error about an id that is malformed, or belongs to another type than the expected one."""

    code = "BAD_ID"


def not_an_id(id: str, path: Path = ()) -> BadId:
    """Return the error about an id that is malformed, which tells which one it is: a client may send many."""
    shown = id if len(id) <= LONGEST_SHOWN else f"{id[:LONGEST_SHOWN]}…"
    return BadId(f'"{shown}" is not an id. Send one as you received it.', path)


@lru_cache(20_000)  # Making ids takes half of the time of an answer, and most are asked for again.
def global_id(type_name: str, key: object) -> strawberry.ID:
    """Return the global id of the object of this type with this key."""
    return strawberry.ID(wrapped(f"{type_name}:{key}".encode()))


def split_id(id: str, path: Path = ()) -> tuple[str, str]:
    """Return the type name and the key in a global id; raise `BadId`."""
    try:
        text = unwrapped(id).decode()
    except ValueError:
        text = ""
    type_name, colon, key = text.partition(":")
    if not colon:
        raise not_an_id(id, path)
    return type_name, key


def text_key_of(type_name: str, id: str, path: Path = ()) -> str:
    """Return the key in the global id of an object of this type, as text; raise `BadId`."""
    found, key = split_id(id, path)
    if found != type_name:
        raise BadId(f"This id is of the type {found[:40]}; send one of the type {type_name}.", path)
    if not key:
        raise not_an_id(id, path)
    return key


def key_of(type_name: str, id: str, path: Path = ()) -> UUID:
    """Return the key in the global id of an object of this type; raise `BadId`."""
    key = text_key_of(type_name, id, path)
    if not _KEY.fullmatch(key):  # `UUID` also takes signs, prefixes, braces and the digits of other scripts.
        raise not_an_id(id, path)
    return UUID(key)
