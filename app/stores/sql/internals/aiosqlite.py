"""All that Diptych uses of aiosqlite which aiosqlite keeps private, with the reasons.

`tests/stores/sql/internals/test_aiosqlite.py` names the release that has changed one of them.
"""

import sqlite3
from collections.abc import Callable
from threading import Thread

import aiosqlite


class OpenConnection(aiosqlite.Connection):
    """A connection that also gives its thread, and what is open in it.

    aiosqlite's public methods each do one step of a statement in one trip to the thread. None of them takes
    a function that does several steps in one trip.
    """

    @property
    def opened(self) -> sqlite3.Connection:
        """The connection that sqlite3 has opened; raises `ValueError` if it is closed."""
        return self._conn

    @property
    def thread(self) -> Thread:
        """The thread that executes statements."""
        return self._thread

    async def in_thread(self, work: Callable[..., object], *arguments: object) -> None:
        """Have `work` done in the thread; raises `ValueError` if the connection is closed."""
        await self._execute(work, *arguments)  # type: ignore[no-untyped-call]
