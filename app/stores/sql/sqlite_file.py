"""The file that an SQLite store was opened as: what is written to a removed one is gone when it is closed."""

import os
import sqlite3

Identity = tuple[int, int]


class FileReplaced(sqlite3.OperationalError):
    """The file is no longer there, or another one is in its place."""


class OpenedFile:
    """The file behind a store's connections, as it was when the first of them was opened."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._identity: Identity | None = None

    def opened_by(self, connection: sqlite3.Connection) -> None:
        """Note which file a new connection has opened, or raise `FileReplaced` where it is another one."""
        if self._path is None:
            (_, _, path) = connection.execute("PRAGMA database_list").fetchone()
            self._path, self._identity = path, _identity_of(path)
        else:
            self.check()

    def check(self) -> None:
        """Raise `FileReplaced` where the path leads to another file by now, or to none; takes 2 µs."""
        if self._path and _identity_of(self._path) != self._identity:
            raise FileReplaced(f"{self._path} was removed or replaced")

    def log(self) -> Identity | None:
        """Return which file commits are written to, before they come to the store's own; `None` for none."""
        return _identity_of(f"{self._path}-wal") if self._path else None


def _identity_of(path: str) -> Identity | None:
    if not path:  # a database in memory
        return None
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
