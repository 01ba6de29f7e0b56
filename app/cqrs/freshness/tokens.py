"""Consistency tokens: positions in one store's log, opaque to clients except for their order.

Of two tokens of one store, the later one is the greater text: a client with concurrent requests keeps the
greatest one that it has received. For this reason the position comes first, and the alphabet sorts like the
bytes.

A token also contains an event, and is refused if the log was set back to before that event. It is signed
with a key of the store: clients can't forge a token for a position that was never issued.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest

import msgspec

from app.cqrs.freshness.document_positions import AFTER_ALL_DOCUMENTS, DocumentPosition
from app.cqrs.log.history import TAG_BYTES, History, Positioned, tag_of
from app.cqrs.unavailable import WriteStoreUnavailable

_POSITION, _SIGNATURE = 8, 8
"""Bytes of a position, and of the signature."""
_FIXED = 2 * _POSITION + TAG_BYTES
"""Bytes of every token: its position, and its event's position and tag; those of read models follow."""

LONGEST = 4_000
"""Maximum characters of a token; one with the positions of a hundred read models is shorter."""

REMEMBERED = 1_000
"""Maximum tokens in the cache of written tokens, and in that of decoded ones."""


class BadToken(Exception):
    """A text that is not a token of this store."""


class LostHistory(BadToken):
    """A token of this store whose event is no longer in the log."""


@dataclass(frozen=True)
class Token:
    """A position in the log; for a listener also the last notice that it received from each read model.

    Read models progress independently: one position can't describe what a listener to several has received.
    """

    position: int
    reached: Mapping[str, DocumentPosition] = field(default_factory=dict)
    witness: tuple[int, int] = (0, 0)
    """The position and tag of an event: while the log has it, the log has all that the client has seen."""

    def document_position_in(self, read_model: str) -> DocumentPosition:
        """Return the last document position in `read_model` that the token's holder has seen."""
        return self.reached.get(read_model, (self.position, AFTER_ALL_DOCUMENTS))

    def position_in(self, read_model: str) -> int:
        """Return the position that `read_model` must have reached to satisfy this token."""
        return self.document_position_in(read_model)[0]


class Tokens:
    """The tokens of one store, signed with `key`."""

    def __init__(self, key: bytes, history: History) -> None:
        self._key = key
        self._history = history
        self._of_position = lru_cache(REMEMBERED)(self._written)
        self.decode = lru_cache(REMEMBERED)(self._decoded)
        """Decodes a token without a check of its event against the log; raises `BadToken`."""

    def write(self, position: int, reached: Mapping[str, DocumentPosition] | None = None) -> str:
        """Return the token for `position`, as text that fits a header and a URL."""
        if reached:
            newest = self._history.newest
            return self._written(position, newest, self._history.tag_at(newest) or 0, reached)
        named = position
        # The position may be older than the history in memory.
        if (tag := self._history.tag_at(position)) is None:
            named = self._history.newest
            tag = self._history.tag_at(named) or 0
        return self._of_position(position, named, tag)

    def again(self, token: Token) -> str:
        """Return the text of a decoded token without its read models' positions."""
        return self._of_position(token.position, *token.witness)

    def of(self, event: Positioned) -> str:
        """Return the token for the position of `event`, which contains that event."""
        return self._of_position(event.position, event.position, tag_of(event.event_id))

    def _written(
        self, position: int, named: int, tag: int, reached: Mapping[str, DocumentPosition] | None = None
    ) -> str:
        body = position.to_bytes(_POSITION) + named.to_bytes(_POSITION) + tag.to_bytes(TAG_BYTES)
        if reached:
            body += msgspec.msgpack.encode(reached)
        return base64.b32hexencode(body + self._signature(body)).rstrip(b"=").decode()

    async def read(self, text: str) -> Token:
        """Return the token in `text`, after a check of its event against the log.

        Raises `BadToken` for a text that this store did not write, and `LostHistory` for a token whose event
        was lost when the store was set back to an earlier state.
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
            pass  # Reads need only the documents, whose checkpoint is compared with the log by the projector.
        return token

    def read_at_once(self, text: str) -> Token | None:
        """Return the token in `text`; `None` if that needs a read of the log, or if the token is refused."""
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
            positions = body[_FIXED:]
            reached = msgspec.msgpack.decode(positions, type=dict[str, DocumentPosition]) if positions else {}
            position, named = int.from_bytes(body[:8]), int.from_bytes(body[8:16])
            tag = int.from_bytes(body[16:_FIXED])
            if self._written(position, named, tag, reached) != text:  # The last character has unused bits.
                raise ValueError("not the text that was written")
        except (ValueError, msgspec.MsgspecError):
            raise BadToken(
                "This is not a consistency token of this store. Send one as you received it, or drop it and "
                "read again."
            ) from None
        return Token(position, reached, (named, tag))

    def _signature(self, body: bytes) -> bytes:
        return blake2b(body, digest_size=_SIGNATURE, key=self._key).digest()
