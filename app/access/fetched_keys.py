"""The keys of an issuer, fetched again when a token names a new one, but seldom."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

from app.access.fetching import NotFetched, in_thread
from app.access.keys import PUBLISHED, Key, KeySet, wrong_algorithm
from app.cqrs.impersonal import outline
from app.cqrs.viewers import NotVerifiable, Unauthenticated

SELDOM = 5.0
"""Seconds between the beginnings of two fetches, however many tokens name unknown keys."""

REFRESH = 600.0
"""Seconds after which the keys are fetched again in any case: one may have been withdrawn."""

MOST_WAITING = 2_000
"""Tokens with unknown keys that wait for the next fetch; others are answered that they should try again."""

AT_A_TIME = 20
"""Waiting tokens that go on in one round of the event loop, so that nobody else waits for all of them."""

logger = logging.getLogger(__name__)


class FetchedKeys:
    """The last keys that were fetched, which stay in use while the issuer does not answer.

    A token with an unknown key waits for a fetch that begins after it came: its key may have been published
    just before. At most one fetch is under way.
    """

    def __init__(self, fetch: Callable[[], KeySet], *, seldom: float = SELDOM) -> None:
        self._fetch = fetch
        self.withdrawn: Callable[[], None] = lambda: None
        """The function to call when a key is no longer published."""
        self.seldom = seldom
        """Seconds between the beginnings of two fetches."""
        self._keys = KeySet()
        self._trouble: str | None = "they have not been fetched yet"
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._begun_at = float("-inf")
        self.begun = self.ended = 0
        """The number of fetches that have begun, and that have ended."""

    def start(self) -> None:
        """Fetch the keys before the first token comes."""
        self._go()

    def stop(self) -> None:
        """Fetch no more."""
        if self._task:
            self._task.cancel()

    async def find(self, algorithm: str, key_id: str | None) -> Key:
        """Return the key of a token; raise `Unauthenticated`, or `NotVerifiable` without an answer."""
        if algorithm not in PUBLISHED:
            raise wrong_algorithm(algorithm, PUBLISHED)
        arrived = self.begun
        while True:
            if key := self._keys.find(algorithm, key_id):
                if time.monotonic() - self._begun_at > REFRESH:
                    self._go()
                return key
            if self.ended > arrived:
                break
            if len(self._waiting) >= MOST_WAITING:
                raise NotVerifiable(
                    "Too many tokens have unknown keys at the moment. Try again in 5 seconds."
                )
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            self._go()
            await waiter
        if self._trouble:
            raise NotVerifiable(
                "The keys of the tokens' issuer can't be fetched at the moment. Try again in 5 seconds."
            )
        raise Unauthenticated(
            "The token is signed with a key that its issuer does not publish. Get a new one."
        )

    def _go(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="keys")

    async def _run(self) -> None:
        """Fetch once, and again while tokens wait that came after the beginning."""
        try:
            while True:
                await asyncio.sleep(self._begun_at + self.seldom - time.monotonic())
                self._begun_at = time.monotonic()
                self.begun += 1
                await self._fetch_once()
                self.ended = self.begun
                await self._wake()
                if not self._waiting:
                    return
        finally:
            self._task = None
            for waiter in self._waiting:
                waiter.cancel()

    async def _fetch_once(self) -> None:
        try:
            keys = await in_thread(self._fetch)
        except NotFetched as reason:
            if self._trouble != str(reason):
                logger.warning(
                    "The keys of the issuer can't be fetched, and the last ones are kept: %s", reason
                )
            self._trouble = str(reason)
            return
        except Exception as fault:
            self._trouble = outline(fault)
            logger.error(
                "The keys of the issuer can't be read, and the last ones are kept: %s", self._trouble
            )
            return
        is_new, is_short = not self._keys.has_all_of(keys), not keys.has_all_of(self._keys)
        if self._trouble or is_new or is_short:
            logger.info("The keys of the issuer were fetched: new=%s withdrawn=%s", is_new, is_short)
        self._keys, self._trouble = keys, None
        if is_short:
            self.withdrawn()

    async def _wake(self) -> None:
        for count in range(len(self._waiting)):
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
            if count % AT_A_TIME == AT_A_TIME - 1:
                await asyncio.sleep(0)
