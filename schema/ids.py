"""Global ids: opaque to clients, unique over all types."""

import base64
import binascii
from uuid import UUID

import strawberry

from app.cqrs.commands import Path


class BadId(Exception):
    """Not an id of the type that was asked for."""

    def __init__(self, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.path = path


def global_id(type_name: str, key: object) -> strawberry.ID:
    """The id of the node of this type with this key."""
    return strawberry.ID(base64.urlsafe_b64encode(f"{type_name}:{key}".encode()).rstrip(b"=").decode())


def split_id(id: str, path: Path = ()) -> tuple[str, str]:
    """The type and key in a global id; raises `BadId`."""
    try:
        text = base64.b64decode(id + "=" * (-len(id) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    type_name, colon, key = text.partition(":")
    if not colon:
        raise BadId("This is not an id. Send one as you received it.", path)
    return type_name, key


def key_of(type_name: str, id: str, path: Path = ()) -> UUID:
    """The key in the id of a node of this type; raises `BadId`."""
    found, key = split_id(id, path)
    if found != type_name:
        raise BadId(f"This is the id of a {found[:40]}, not of a {type_name}.", path)
    try:
        return UUID(key)
    except ValueError:
        raise BadId("This is not an id. Send one as you received it.", path) from None
