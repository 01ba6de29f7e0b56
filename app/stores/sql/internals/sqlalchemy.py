"""All that Diptych uses of SQLAlchemy which SQLAlchemy keeps private, with the reasons.

`tests/stores/sql/internals/test_sqlalchemy.py` names the release that has changed one of them.
"""

from typing import NoReturn

from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection


class ClosedCursor:
    """A cursor that holds no statement open.

    SQLAlchemy closes the cursors of an asynchronous driver by a method of its own, and not by DBAPI's only.
    """

    def close(self) -> None:
        """Do nothing: the cursor is closed already."""

    async def _async_soft_close(self) -> None:
        """Do nothing."""


class Adapter(AsyncAdapt_aiosqlite_connection):
    """SQLAlchemy's view of a connection, which shares with our cursors how it translates errors."""

    __slots__ = ()

    def fail(self, error: Exception) -> NoReturn:
        """Raise what SQLAlchemy expects in place of `error`, which may be no error of sqlite3's."""
        self._handle_exception(error)
