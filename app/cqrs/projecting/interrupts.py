"""Interruption of a projector's waits, for a retry or a comparison of documents and log."""

import asyncio
from contextlib import suppress

from app.cqrs.impersonal import Impersonal
from app.cqrs.log.event_bus import BatchSource, EventBatch


class Doubted(Impersonal):
    """An interruption: documents and log must be compared before another event is applied."""


class Interrupts:
    """The waits of one projector, and the requests that end them."""

    def __init__(self) -> None:
        self.doubted = False
        """True if documents and log must be compared before anything else."""
        self._woken = asyncio.Event()
        self._batch_by: asyncio.Timeout | None = None
        """The timeout of the current wait for a batch; `None` if there is none."""

    def wake(self) -> None:
        """End a pause."""
        self._woken.set()

    def doubt(self) -> None:
        """End every wait, and request a comparison of documents and log."""
        self.doubted = True
        self._woken.set()
        if self._batch_by and not self._batch_by.expired():
            self._batch_by.reschedule(0)

    async def pause(self, seconds: float | None) -> None:
        """Wait for some seconds, without limit if `None`, or until a later call of `wake` or `doubt`."""
        self.clear()
        await self.woken_within(seconds)

    def clear(self) -> None:
        """Reset earlier calls of `wake`."""
        self._woken.clear()

    async def woken_within(self, seconds: float | None) -> bool:
        """Wait for a call of `wake` or `doubt`; return whether there was one within these seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not (self.doubted or self._woken.is_set()):
                    await self._woken.wait()
        return self.doubted or self._woken.is_set()

    async def next_batch(self, batches: BatchSource, until: float) -> EventBatch | None:
        """Return the next batch; `None` if none arrives by `until`, by the event loop's clock.

        Raises `Doubted`.
        """
        batch = None
        if not self.doubted and asyncio.get_running_loop().time() < until:
            try:
                async with asyncio.timeout_at(until) as self._batch_by:
                    batch = await batches.next()
            except TimeoutError:
                pass
            finally:
                self._batch_by = None
        if self.doubted:
            raise Doubted
        return batch
