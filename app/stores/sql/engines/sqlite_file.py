"""Detection of an SQLite file that was removed or replaced while it is open.

Whatever is written to a removed file disappears when the file is closed.
"""

import json
import os
import sqlite3
from pathlib import Path

from app.stores.sql.failures import UnfitStore

Identity = tuple[int, int]


class FileReplaced(sqlite3.OperationalError):
    """The file was removed, or replaced by another one."""


class OpenedFile:
    """The identity of a store's file at the time when the first connection opened it."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._identity: Identity | None = None

    def opened_by(self, connection: sqlite3.Connection) -> None:
        """Remember the file of the first connection; raise `FileReplaced` if a later one has another file."""
        if self._path is None:
            (_, _, path) = connection.execute("PRAGMA database_list").fetchone()
            self._path, self._identity = path, _identity_of(path)
        else:
            self.check()

    def check(self) -> None:
        """Raise `FileReplaced` if the path now leads to another file or to none; this takes 2 µs."""
        if self._path and _identity_of(self._path) != self._identity:
            raise FileReplaced(f"{self._path} was removed or replaced")

    def log(self) -> Identity | None:
        """Return the identity of the write-ahead log, or `None` if there is none."""
        return _identity_of(f"{self._path}-wal") if self._path else None


def _identity_of(path: str) -> Identity | None:
    if not path:  # a database in memory
        return None
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def marker_of(file: Path) -> Path:
    """Return the file that stands beside a store while it is replaced by a restored one."""
    return Path(f"{file}-restoring")


def refuse_if_half_restored(file: Path) -> None:
    """Raise `UnfitStore` if a restore of the store was interrupted."""
    marker = marker_of(file)
    try:
        backup = json.loads(marker.read_text("utf-8"))["backup"]
    except FileNotFoundError:
        return
    except (ValueError, LookupError, TypeError):
        backup = "DIR"  # The interruption came before its name was written.
    raise UnfitStore(
        f"its restore from {backup} was interrupted, or still goes on.\n"
        f"Repeat it with `restore {backup}`, which needs no --overwrite."
    )
