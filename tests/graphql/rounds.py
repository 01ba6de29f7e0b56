"""Somebody else on the event loop, who counts its rounds."""

import asyncio
import time


class Others:
    """Something else that runs in every round of the loop, and notes how long it had to wait."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._last = time.thread_time()
        self.rounds = 0
        self.longest = 0.0
        self._handle = self._loop.call_soon(self._run)

    def _run(self) -> None:
        now = time.thread_time()
        self.longest, self._last = max(self.longest, now - self._last), now
        self.rounds += 1
        self._handle = self._loop.call_soon(self._run)

    def stop(self) -> None:
        self._handle.cancel()
