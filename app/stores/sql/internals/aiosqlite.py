"""All private names of aiosqlite that Diptych uses, with the reasons.

`tests/stores/sql/internals/test_aiosqlite.py` fails with the release that has changed one of them.
"""

import sqlite3
from collections.abc import Callable
from threading import Thread

import aiosqlite


class OpenConnection(aiosqlite.Connection):
    """A connection that gives access to its thread and to the connection that is open there.

    Each public method of aiosqlite makes one trip to the thread for one step of a statement. None of them
    takes a function that does several steps in one trip.
    """

    @property
    def opened(self) -> sqlite3.Connection:
        """The connection of sqlite3; `ValueError` if it is closed."""
        return self._conn

    @property
    def thread(self) -> Thread:
        """The thread that executes statements."""
        return self._thread

    async def in_thread(self, work: Callable[..., object], *arguments: object) -> None:
        """Call `work` in the thread; raise `ValueError` if the connection is closed."""
        await self._execute(work, *arguments)  # type: ignore[no-untyped-call]
