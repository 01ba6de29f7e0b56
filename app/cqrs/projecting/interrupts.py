"""Interrupts the waits of a projector: for a retry, or to have documents and log compared."""

import asyncio
from contextlib import suppress

from app.cqrs.impersonal import Impersonal
from app.cqrs.log.event_bus import BatchSource, EventBatch


class Doubted(Impersonal):
    """Documents and log are to be compared before another event is applied."""


class Interrupts:
    """Ends the waits of one projector when others ask it to."""

    def __init__(self) -> None:
        self.doubted = False
        """Whether documents and log are to be compared before anything else is done."""
        self._woken = asyncio.Event()
        self._batch_by: asyncio.Timeout | None = None
        """The limit of the wait for the next batch, while there is one."""

    def wake(self) -> None:
        """End a pause."""
        self._woken.set()

    def doubt(self) -> None:
        """End every wait, and have documents and log compared."""
        self.doubted = True
        self._woken.set()
        if self._batch_by and not self._batch_by.expired():
            self._batch_by.reschedule(0)

    async def pause(self, seconds: float | None) -> None:
        """Wait so many seconds, or for ever, unless somebody calls `wake` or `doubt` from now on."""
        self.clear()
        await self.woken_within(seconds)

    def clear(self) -> None:
        """Forget that `wake` was called."""
        self._woken.clear()

    async def woken_within(self, seconds: float | None) -> bool:
        """Return whether somebody has called `wake` or `doubt`, at the latest after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not (self.doubted or self._woken.is_set()):
                    await self._woken.wait()
        return self.doubted or self._woken.is_set()

    async def next_batch(self, batches: BatchSource, until: float) -> EventBatch | None:
        """Return the next batch; `None` if there is none `until` then, by the event loop's clock.

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
