"""The file of the search index: its connections, and the version of its tables."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import local

FORMAT = 1
"""The version of the tables; a file of another version is emptied, and filled again."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BUSY_SECONDS = 10.0
_CACHE_KIB = 32_000
_MAPPED_BYTES = 2**30


def is_damage(error: Exception) -> bool:
    """Return whether an error says that the file is damaged, so that trying again is of no use."""
    code = getattr(error, "sqlite_errorcode", 0)
    return isinstance(error, sqlite3.DatabaseError) and code & 0xFF in _DAMAGED


class IndexFile:
    """The connections to the file: one that writes, and one for each thread that reads."""

    def __init__(self, file: Path) -> None:
        """Open the file, or create it; replace one that is damaged. Raise `sqlite3.Error`."""
        self._file = file
        self._readers = local()
        self._opened: list[sqlite3.Connection] = []
        self._mark = file.with_name(f"{file.name}-damaged")
        if self._mark.exists():
            self._remove()
        try:
            self.writer = self._prepared()
        except sqlite3.OperationalError:
            self.close()
            raise
        except sqlite3.DatabaseError:  # All that was in it is in the documents, too.
            self.close()
            self._remove()
            self.writer = self._prepared()

    @property
    def reader(self) -> sqlite3.Connection:
        """The connection of this thread, which can't write."""
        found: sqlite3.Connection | None = getattr(self._readers, "connection", None)
        if found is None:
            found = self._readers.connection = self._connection()
            found.execute("PRAGMA query_only = ON")
        return found

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection that writes; commit at the end, or undo all after an error."""
        self.writer.execute("BEGIN IMMEDIATE")
        try:
            yield self.writer
        except BaseException:
            self.writer.execute("ROLLBACK")
            raise
        self.writer.execute("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection of this thread, whose reads all show the same state."""
        reader = self.reader
        reader.execute("BEGIN")
        try:
            yield reader
        finally:
            reader.execute("ROLLBACK")

    def truncate_log(self) -> None:
        """Empty the write-ahead log, which has earlier contents, unless a reader still needs it."""
        self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def mark_damaged(self) -> None:
        """Have the file replaced when it is opened next; somebody may be reading it now."""
        self._mark.touch()

    def _remove(self) -> None:
        """Remove the file with all that belongs to it; the mark goes last."""
        for part in ("", "-wal", "-shm", "-damaged"):
            self._file.with_name(f"{self._file.name}{part}").unlink(missing_ok=True)

    def close(self) -> None:
        """Close all connections, once no thread uses them any more."""
        for connection in self._opened:
            connection.close()
        self._opened.clear()

    def _prepared(self) -> sqlite3.Connection:
        self.writer = self._connection()
        self.writer.execute("PRAGMA journal_mode = WAL")
        # After a loss of power the last transactions may be missing: they are made again, from the documents.
        self.writer.execute("PRAGMA synchronous = NORMAL")
        self.writer.execute("PRAGMA secure_delete = ON")
        with self.transaction():
            [version] = self.writer.execute("PRAGMA user_version").fetchone()
            if version != FORMAT:
                self._begin_anew()
        return self.writer

    def _begin_anew(self) -> None:
        for [name] in self.writer.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB '*.rows'"
        ).fetchall():
            for part in ("rows", "words"):
                self.writer.execute(f'DROP TABLE IF EXISTS "{name.removesuffix("rows")}{part}"')
        self.writer.execute("DROP TABLE IF EXISTS collections")
        self.writer.execute(
            "CREATE TABLE collections (name TEXT PRIMARY KEY, position INTEGER NOT NULL, origin TEXT)"
        )
        # FTS5 may be missing: this is found at the start, and not by the first search.
        self.writer.execute("CREATE VIRTUAL TABLE temp.probe USING fts5(words)")
        self.writer.execute("DROP TABLE temp.probe")
        self.writer.execute(f"PRAGMA user_version = {FORMAT}")

    def _connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._opened.append(connection)
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")
        return connection
