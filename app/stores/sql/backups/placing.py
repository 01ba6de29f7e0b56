"""Replacement of an SQLite file by a restored one, so that an interruption is noticed."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import DatabaseError, OperationalError

from app.stores.sql.backups.files import opened, saved
from app.stores.sql.engines.sqlite_file import marker_of
from app.stores.sql.failures import UnfitStore
from app.stores.sql.transactions import events

_BESIDE = ("-wal", "-shm", "-journal")
"""The endings of the files that SQLite keeps beside a database."""


class Placing:
    """An SQLite file that is to be replaced."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._marker = marker_of(file)
        self._new = Path(f"{file}-restored")

    @property
    def is_unfinished(self) -> bool:
        """True if an earlier restore of this file was interrupted."""
        return self._marker.exists()

    def refuse_if_in_use(self) -> None:
        """Raise `UnfitStore` if a program has the file open.

        Afterwards the file has no write-ahead log, unless it is damaged: with the log of another file beside
        it, SQLite would mix the two.
        """
        if not self._file.exists():
            return
        try:
            with opened(self._file, writes=True, patience=1) as store:
                store.exec_driver_sql("PRAGMA journal_mode=DELETE")
        except OperationalError as error:
            if "locked" in str(error.orig):
                raise UnfitStore("a program has it open.\nStop the service, and restore again.") from None
        except DatabaseError:
            pass  # A damaged file is what a restore is for.

    def data(self) -> str | None:
        """Return what the file has, as a part of a sentence; `None` if it has no events."""
        if not self._file.exists() or not self._file.stat().st_size:
            return None
        try:
            with opened(self._file) as store:
                head = store.execute(select(func.max(events.c.position))).scalar_one()
        except DatabaseError as error:
            return f"it can't be read ({error.orig})"
        return f"its log has {head:,} events" if head else None

    @contextmanager
    def replacement(self, backup: str) -> Iterator[Path]:
        """Yield the path of a new file, which replaces the old one after the block.

        If the block fails, the old file stays as it is. If the process ends, a marker stays that names the
        backup, and with which no program opens the store.
        """
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._marker.write_text(json.dumps({"backup": backup}), "utf-8")
        saved(self._marker)
        saved(self._file.parent)
        try:
            self._remove_new()
            yield self._new
            saved(self._new)
            self.refuse_if_in_use()
        except BaseException:
            self._remove_new()
            self._marker.unlink()
            raise
        _replaced(self._file, self._new)
        self._marker.unlink()
        saved(self._file.parent)

    def _remove_new(self) -> None:
        for suffix in ("", *_BESIDE):
            with suppress(FileNotFoundError):
                os.unlink(f"{self._new}{suffix}")


def _replaced(file: Path, new: Path) -> None:
    for suffix in _BESIDE:  # Only a damaged file still has some.
        with suppress(FileNotFoundError):
            os.unlink(f"{file}{suffix}")
    os.replace(new, file)
    saved(file.parent)
