"""Actors whose tokens were revoked: what they were issued before counts no more."""

import asyncio
import hmac
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.cqrs.unavailable import WriteStoreUnavailable

POLL = 0.4
"""Seconds between two looks for revocations that other processes have recorded."""

LONGEST_ACTOR = 200
"""Characters of the longest actor's name."""

DIGEST = "k1:"
"""The beginning of what stands in place of a name that was forgotten."""

logger = logging.getLogger(__name__)


def problem_with_actor(actor: str) -> str | None:
    """Return why no token can name this actor; `None` if one can."""
    if not actor.strip() or len(actor) > LONGEST_ACTOR:
        return f"An actor's name has 1 to {LONGEST_ACTOR} characters, and this has {len(actor)}."
    if not actor.isprintable():
        return "An actor's name has no control characters, and this has some. Remove them."
    return None


def digest_of(actor: str, key: bytes) -> str:
    """Return what stands in place of an actor's name, and can be compared with names by the key only."""
    return DIGEST + hmac.digest(key, actor.encode(), "sha256")[:30].hex()


@dataclass(frozen=True, kw_only=True)
class Revocation:
    """The revocation of all tokens that were issued to an actor until then."""

    number: int
    """The place among all revocations, in the order of their commits, from 1 and without gaps."""
    actor: str
    at: datetime
    by: str
    """The actor who revoked them."""


class RevocationStore(Protocol):
    """The store that keeps revocations."""

    async def revoke(self, actor: str, *, by: str) -> Revocation:
        """Record that an actor's tokens are revoked now; raise `WriteStoreUnavailable`."""

    async def revocations(self, *, after: int) -> Sequence[Revocation]:
        """Return the revocations with greater numbers, in order; raise `WriteStoreUnavailable`."""


class Revocations:
    """The revocations of all processes on one store, as far as this process has read them."""

    def __init__(self, store: RevocationStore) -> None:
        """Begin with none, and compare names with no digest yet."""
        self._store = store
        self._key = b""
        self._seen = 0
        self._has_digests = False
        self._times: dict[str, float] = {}
        self._listeners: list[Callable[[str], None]] = []

    @property
    def newest(self) -> int:
        """The number of the newest revocation that was read."""
        return self._seen

    def digests(self) -> Mapping[str, float]:
        """Return the time of the last revocation of each actor, by digest, in seconds since the epoch."""
        times: dict[str, float] = {}
        for actor, at in self._times.items():
            digest = actor if actor.startswith(DIGEST) else digest_of(actor, self._key)
            times[digest] = max(at, times.get(digest, 0))
        return times

    def compare_by(self, key: bytes) -> None:
        """Compare names with digests that were made with this key."""
        self._key = key

    def begin(self, newest: int, digests: Mapping[str, float]) -> None:
        """Begin with the revocations that another process has read, up to a number."""
        self._seen, self._times, self._has_digests = newest, dict(digests), bool(digests)

    def listen(self, revoked: Callable[[str], None]) -> None:
        """Call `revoked` with each actor whose tokens are revoked from now on."""
        self._listeners.append(revoked)

    def is_revoked(self, actor: str, issued_at: float | None) -> bool:
        """Return whether an actor's token is revoked that was issued then, in seconds since the epoch.

        A token that does not say when it was issued may be older than the revocation.
        """
        revoked_at = self._times.get(actor)
        if revoked_at is None and self._has_digests:
            revoked_at = self._times.get(digest_of(actor, self._key))
        return revoked_at is not None and (issued_at is None or issued_at <= revoked_at)

    async def revoke(self, actor: str, *, by: str) -> Revocation:
        """Revoke an actor's tokens here and in all other processes; raise `WriteStoreUnavailable`."""
        revocation = await self._store.revoke(actor, by=by)
        await self.read()
        return revocation

    async def read(self) -> None:
        """Take over the revocations that were recorded since the last call; raise `WriteStoreUnavailable`."""
        for each in await self._store.revocations(after=self._seen):
            if each.number <= self._seen:  # A call that ran meanwhile has taken it over.
                continue
            self._seen = each.number
            self._has_digests |= each.actor.startswith(DIGEST)
            self._times[each.actor] = max(each.at.timestamp(), self._times.get(each.actor, 0))
            logger.info("Tokens were revoked: number=%d", each.number)
            for revoked in self._listeners:
                revoked(each.actor)

    async def follow(self) -> None:
        """Take over the revocations of other processes as they come, until cancelled."""
        while True:
            with suppress(WriteStoreUnavailable):  # The store has logged it, and commands meet it, too.
                await self.read()
            await asyncio.sleep(POLL)
