"""All private names of SQLAlchemy that Diptych uses, with the reasons.

`tests/stores/sql/internals/test_sqlalchemy.py` fails with the release that has changed one of them.
"""

from typing import NoReturn

from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection


class ClosedCursor:
    """A cursor that holds no statement open.

    SQLAlchemy closes the cursors of an asynchronous driver with a private method, besides that of the DBAPI.
    """

    def close(self) -> None:
        """Do nothing: the cursor is already closed."""

    async def _async_soft_close(self) -> None:
        """Do nothing."""


class Adapter(AsyncAdapt_aiosqlite_connection):
    """A connection of SQLAlchemy that translates the errors of our cursors, too."""

    __slots__ = ()

    def fail(self, error: Exception) -> NoReturn:
        """Raise the exception that SQLAlchemy expects instead of `error`, which may not be from sqlite3."""
        self._handle_exception(error)
