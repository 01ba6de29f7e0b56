"""The facts of the log without which no process can answer queries, kept in the document store, too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class KnownLog:
    """The part of a write store without which no query can be answered."""

    store_id: UUID
    """The id of the store, by which processes find each other."""
    token_key: bytes
    """The key with which its consistency tokens are signed."""
    revocations: int = 0
    """The number of the newest revocation of tokens of viewers."""
    revocation_key: bytes
    """The key with which names of actors are compared with the digests of those who were revoked."""
    revoked: Mapping[str, float]
    """The time of the last revocation of each actor, by digest, in seconds since the epoch."""


class KnownLogs(Protocol):
    """A store of copies of this, apart from the log; it raises `ReadStoreUnavailable`."""

    async def known_log(self) -> KnownLog | None:
        """Return the newest copy; `None` if no process has left one."""

    async def keep(self, known: KnownLog) -> None:
        """Replace the copy, unless it is of the same store and has later revocations."""
