"""Consistency tokens: a place in one store's history, opaque to clients but for their order.

Of two tokens of one store, the later one is the greater text: a client whose requests overlap keeps the
greatest that it has seen. So the position comes first, and the alphabet is one that sorts as its bytes do.
"""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID

import msgspec

from app.cqrs.notices import LAST, Place

_FIXED = 8 + 6
"""Bytes of every token: the position, and the end of the store's id."""


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
        self._of_position = lru_cache(1_000)(self._written)  # the newest ones are asked for again and again

    def write(self, position: int, reached: Mapping[str, Place] | None = None) -> str:
        """The token for `position`, as text that fits a header and a URL."""
        return self._written(position, reached) if reached else self._of_position(position)

    def _written(self, position: int, reached: Mapping[str, Place] | None = None) -> str:
        body = position.to_bytes(8) + self._store + (msgspec.msgpack.encode(reached) if reached else b"")
        return base64.b32hexencode(body + zlib.crc32(body).to_bytes(4)).rstrip(b"=").decode()

    def read(self, text: str) -> Token:
        """The token in `text`; raises `BadToken` for garbage and for another store's tokens."""
        try:
            raw = base64.b32hexdecode(text + "=" * (-len(text) % 8))
            body, check = raw[:-4], raw[-4:]
            if len(body) < _FIXED or zlib.crc32(body).to_bytes(4) != check:
                raise ValueError("not written by any store")
            places = body[_FIXED:]
            reached = msgspec.msgpack.decode(places, type=dict[str, Place]) if places else {}
        except (ValueError, msgspec.MsgspecError):
            raise BadToken("This is not a consistency token. Send one as you received it.") from None
        if body[8:_FIXED] != self._store:
            raise BadToken("This consistency token is of another store. Drop it and read again.")
        token = Token(int.from_bytes(body[:8]), reached)
        if self.write(token.position, token.reached) != text:
            raise BadToken("This is not a consistency token. Send one as you received it.")
        return token
