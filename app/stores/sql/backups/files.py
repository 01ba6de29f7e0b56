"""SQLite files that are opened by themselves, without the service's connections."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, NullPool, create_engine


@contextmanager
def opened(file: Path, *, writes: bool = False, patience: float = 5) -> Iterator[Connection]:
    """Open a file that exists; each statement is a transaction of its own.

    Wait for at most `patience` seconds while others lock the file. Errors are SQLAlchemy's.
    """
    path = f"file:{quote(str(file.absolute()))}?mode={'rw' if writes else 'ro'}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, uri=True, isolation_level=None, timeout=patience)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def saved(path: Path) -> None:
    """Have the disk keep a file, or the names in a folder, even if the machine fails."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
