"""Consistency tokens: a place in one store's history, opaque to clients but for their order.

Of two tokens of one store, the later one is the greater text: a client whose requests overlap keeps the
greatest that it has seen. So the position comes first, and the alphabet is one that sorts as its bytes do.

A token also names an event, so that it is refused after the log was set back to before that event; and it
is signed with a key of the store, so that nobody can make one for a position that was never given.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest

import msgspec

from app.cqrs.freshness.places import LAST, Place
from app.cqrs.log.history import TAG_BYTES, History, Positioned, tag_of
from app.cqrs.unavailable import WriteStoreUnavailable

_POSITION, _SIGNATURE = 8, 8
"""Bytes of a position, and of the signature."""
_FIXED = 2 * _POSITION + TAG_BYTES
"""Bytes of every token before its places: the position, and the position and tag of the event it names."""

LONGEST = 4_000
"""Characters of a token; with the places of a hundred read models it is shorter."""

REMEMBERED = 1_000
"""Tokens that are kept as they were written, or read."""


class BadToken(Exception):
    """Not a token of this store."""


class LostHistory(BadToken):
    """A token of this store, for a position whose event the log does not have any more."""


@dataclass(frozen=True)
class Token:
    """A position in the log; for a listener also the exact place it has reached in each read model.

    Read models move apart, so one position can't say what a listener to several of them has seen.
    """

    position: int
    reached: Mapping[str, Place] = field(default_factory=dict)
    witness: tuple[int, int] = (0, 0)
    """The position and the tag of an event: as long as the log has it there, it has all that was seen."""

    def place_in(self, read_model: str) -> Place:
        """The last place in `read_model` that whoever holds this token has seen."""
        return self.reached.get(read_model, (self.position, LAST))

    def position_in(self, read_model: str) -> int:
        """The position that `read_model` must have reached to satisfy this token."""
        return self.place_in(read_model)[0]


class Tokens:
    """Writes and reads the tokens of one store, which are signed with `key`."""

    def __init__(self, key: bytes, history: History) -> None:
        self._key = key
        self._history = history
        self._of_position = lru_cache(REMEMBERED)(
            self._written
        )  # the newest ones are asked for again and again
        self.decode = lru_cache(REMEMBERED)(self._decoded)
        """Reads a token without asking whether the log has still what it stands for; raises `BadToken`."""

    def write(self, position: int, reached: Mapping[str, Place] | None = None) -> str:
        """Return the token for `position`, as text that fits a header and a URL."""
        if reached:
            newest = self._history.newest
            return self._written(position, newest, self._history.tag_at(newest) or 0, reached)
        named = position
        if (tag := self._history.tag_at(position)) is None:  # It is older than what is remembered.
            named = self._history.newest
            tag = self._history.tag_at(named) or 0
        return self._of_position(position, named, tag)

    def again(self, token: Token) -> str:
        """Return the token for the position of one that was read; it names the same event."""
        return self._of_position(token.position, *token.witness)

    def of(self, event: Positioned) -> str:
        """Return the token that stands for `event`, and names it."""
        return self._of_position(event.position, event.position, tag_of(event.event_id))

    def _written(
        self, position: int, named: int, tag: int, reached: Mapping[str, Place] | None = None
    ) -> str:
        body = position.to_bytes(_POSITION) + named.to_bytes(_POSITION) + tag.to_bytes(TAG_BYTES)
        if reached:
            body += msgspec.msgpack.encode(reached)
        return base64.b32hexencode(body + self._signature(body)).rstrip(b"=").decode()

    async def read(self, text: str) -> Token:
        """Return the token in `text`.

        Raises `BadToken` for what this store did not write, and `LostHistory` for what it wrote before it was
        set back to an earlier state.
        """
        token = self.decode(text)
        named, tag = token.witness
        try:
            if named and not await self._history.has(named, tag):
                raise LostHistory(
                    "This consistency token stands for changes that the store has lost, for it was set back "
                    "to an earlier state. Drop the token and read again."
                )
        except WriteStoreUnavailable:
            pass  # What the documents show can be read all the same, and they know what they were made from.
        return token

    def read_at_once(self, text: str) -> Token | None:
        """Return the token in `text`, or `None` where the log has to be asked, or the token is refused."""
        try:
            token = self.decode(text)
        except BadToken:
            return None
        named, tag = token.witness
        return None if named and self._history.tag_at(named) != tag else token

    def _decoded(self, text: str) -> Token:
        try:
            if len(text) > LONGEST:
                raise ValueError("no token is as long")
            raw = base64.b32hexdecode(text + "=" * (-len(text) % 8))
            body, signature = raw[:-_SIGNATURE], raw[-_SIGNATURE:]
            if len(body) < _FIXED or not compare_digest(self._signature(body), signature):
                raise ValueError("not written by this store")
            places = body[_FIXED:]
            reached = msgspec.msgpack.decode(places, type=dict[str, Place]) if places else {}
            position, named = int.from_bytes(body[:8]), int.from_bytes(body[8:16])
            tag = int.from_bytes(body[16:_FIXED])
            if self._written(position, named, tag, reached) != text:  # The last character has bits to spare.
                raise ValueError("not the text that was written")
        except (ValueError, msgspec.MsgspecError):
            raise BadToken(
                "This is not a consistency token of this store. Send one as you received it, or drop it and "
                "read again."
            ) from None
        return Token(position, reached, (named, tag))

    def _signature(self, body: bytes) -> bytes:
        return blake2b(body, digest_size=_SIGNATURE, key=self._key).digest()
