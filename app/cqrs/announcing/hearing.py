"""The hearing of a projector's announcements in a process that answers queries."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic

import msgspec

from app.cqrs.announcing.heard_model import SILENCE, HeardModel
from app.cqrs.announcing.messages import Packet, decoded
from app.cqrs.announcing.transport import Announcements
from app.cqrs.documents.generations import Generation
from app.cqrs.impersonal import outline
from app.cqrs.reading.cache import ReadCache
from app.cqrs.unavailable import ReadStoreUnavailable

ASKED_EVERY = 0.05
"""Seconds between two questions to the store while no projector is heard."""

MOST_WAITING = 20_000
"""Packets that may wait to be heeded; if there were more, the oldest are lost, which is noticed."""

logger = logging.getLogger(__name__)

Positions = Callable[[Sequence[Generation]], Awaitable[Mapping[str, int]]]
"""Reads the positions of these generations' documents, by key; raises `ReadStoreUnavailable`."""


class Hearer:
    """Moves progress, cache, lists and subscribers of this process as the announcements of projectors say.

    While none is heard, the positions in the document store are read instead, every `ASKED_EVERY` seconds:
    waiting reads go on, nothing is answered from memory, and subscribers read their documents again.
    """

    def __init__(
        self,
        models: Sequence[HeardModel],
        *,
        transport: Announcements,
        positions: Positions,
        cache: ReadCache,
    ) -> None:
        self._models = {each.name: each for each in models}
        self._transport = transport
        self._positions = positions
        self._cache = cache
        self._packets = deque[Packet](maxlen=MOST_WAITING)
        self._arrived = asyncio.Event()
        self._begun = asyncio.Event()
        self._told_of_silence = True
        """True until a projector is heard for the first time."""

    async def run(self) -> None:
        """Heed announcements until cancelled."""
        with self._transport.hear(self._heard):
            await self._begin()
            self._begun.set()
            while True:
                try:
                    async with asyncio.timeout(max(ASKED_EVERY, self._heard_at + SILENCE - monotonic())):
                        await self._arrived.wait()
                except TimeoutError:
                    pass
                self._arrived.clear()
                await self._heed()
                if self._is_silent:
                    await self._ask()

    async def begun(self) -> None:
        """Return once `run` has learnt what was announced lately.

        A subscriber who resumed earlier would be told that changes were skipped, and then get old ones.
        """
        await self._begun.wait()

    async def stored(self, read_model: str) -> int:
        """Return the position of a read model's documents where they are read; 0 if there are none."""
        generation = self._models[read_model].generation
        return (await self._positions([generation])).get(generation.key, 0)

    def doubt(self) -> None:
        """Compare with the document store as soon as possible, because it may have been set back."""
        for model in self._models.values():
            model.doubt()
        self._arrived.set()

    @property
    def _is_silent(self) -> bool:
        return any(model.is_silent for model in self._models.values())

    @property
    def _heard_at(self) -> float:
        """The time at which the read model was heard of that has been silent for longest."""
        return min((model.heard_at for model in self._models.values()), default=0.0)

    def _heard(self, message: bytes) -> None:
        try:
            packet = decoded(message)
        except msgspec.MsgspecError as error:
            # Another version of the program tells of other documents, in words of its own.
            logger.debug("An announcement can't be read: error=%s", outline(error))
            return
        self._packets.append(packet)
        self._arrived.set()

    async def _begin(self) -> None:
        """Learn what was announced lately, for subscribers who resume."""
        kept = list[Packet]()
        for message in await self._transport.recent():
            with suppress(msgspec.MsgspecError):
                kept.append(decoded(message))
        for model in self._models.values():
            await model.remember([(each.teller, told) for each in kept for told in each.told])
        self._keep_answers()

    async def _heed(self) -> None:
        while self._packets:
            packet = self._packets.popleft()
            for told in packet.told:
                read_model = Generation.of_key(told.documents).read_model
                if model := self._models.get(read_model):
                    await model.heed(packet.teller, told)
            self._keep_answers()
        self._keep_answers()

    def _keep_answers(self) -> None:
        """Answers are kept while every projector was heard a moment ago."""
        used_until = self._heard_at + SILENCE
        self._cache.use_until(used_until)
        silent = monotonic() > used_until
        if silent != self._told_of_silence:
            self._told_of_silence = silent
            if silent:
                logger.warning("No projector is heard. The document store is asked instead.")
            else:
                logger.info("A projector is heard.")

    async def _ask(self) -> None:
        self._keep_answers()
        unheard = [model for model in self._models.values() if model.is_silent]
        try:
            found = await self._positions([model.generation for model in unheard])
        except ReadStoreUnavailable as reason:
            logger.debug("The positions could not be read: error=%s", outline(reason))
            return
        for model in unheard:
            model.found_at(found.get(model.generation.key, 0))
