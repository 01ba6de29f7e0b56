"""Consistency tokens: a place in one store's history, opaque to clients."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from app.cqrs.notices import LAST, Place
from app.cqrs.opaque import unwrapped, wrapped


class BadToken(Exception):
    """Not a token of this store."""


@dataclass(frozen=True)
class Token:
    """A position in the log; for a listener also the exact place it has reached in each read model.

    Read models move apart, so one position can't say what a listener to several of them has seen.
    """

    position: int
    reached: Mapping[str, Place] = field(default_factory=dict)

    def place_in(self, read_model: str) -> Place:
        """The last place in `read_model` that whoever holds this token has seen."""
        return self.reached.get(read_model, (self.position, LAST))

    def position_in(self, read_model: str) -> int:
        """The position that `read_model` must have reached to satisfy this token."""
        return self.place_in(read_model)[0]


class Tokens:
    """Writes and reads the tokens of the store with this id."""

    def __init__(self, store_id: UUID) -> None:
        self._store = store_id.bytes[-6:]

    def write(self, position: int, reached: Mapping[str, Place] | None = None) -> str:
        """The token for `position`, as text that fits a header and a URL."""
        body = msgspec.msgpack.encode((self._store, position, reached or None))
        return wrapped(zlib.crc32(body).to_bytes(4) + body)

    def read(self, text: str) -> Token:
        """The token in `text`; raises `BadToken` for garbage and for another store's tokens."""
        try:
            raw = unwrapped(text)
            body = raw[4:]
            if zlib.crc32(body).to_bytes(4) != raw[:4]:
                raise ValueError("not written by any store")
            store, position, reached = msgspec.msgpack.decode(
                body, type=tuple[bytes, int, dict[str, Place] | None]
            )
        except (ValueError, msgspec.MsgspecError):
            raise BadToken("This is not a consistency token. Send one as you received it.") from None
        if store != self._store:
            raise BadToken("This consistency token is of another store. Drop it and read again.")
        return Token(position, reached or {})
