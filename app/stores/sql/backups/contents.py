"""The contents of a backup's log, whichever database it was made from."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DatabaseError

from app.cqrs.log.events import EventTypes, UnknownEvent, UnreadableEvent
from app.stores.sql.backups.files import opened
from app.stores.sql.backups.portable import BadRow, read, stored_rows
from app.stores.sql.backups.taking import SQLITE_FILE, LogCopy, rows_file
from app.stores.sql.codec import stored_names
from app.stores.sql.transactions import events


class Damaged(Exception):
    """A backup whose contents contradict themselves; the message says where."""


@dataclass(frozen=True, kw_only=True)
class Examined:
    """The findings about events that are intact, and that this program can't read."""

    unknown: Counter[str]
    """The number of events of each type that this program does not know."""
    unreadable: Counter[str]
    """The number of events of each type that this program knows, and whose data it can't read."""


def rows_of(copy: LogCopy, folder: Path, table: str) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield the rows of a table in portions, each in the order of the copy's columns; raise `Damaged`."""
    columns = copy.tables[table].columns
    try:
        if copy.engine == "sqlite":
            with opened(folder / SQLITE_FILE) as store:
                yield from stored_rows(store, table, columns)
        else:
            yield from read(rows_file(folder, table), columns)
    except DatabaseError as error:
        raise Damaged(f"{SQLITE_FILE} can't be read: {error.orig}") from error
    except (BadRow, OSError) as error:
        raise Damaged(str(error)) from error


def examine(copy: LogCopy, folder: Path, types: EventTypes) -> Examined:
    """Read all rows, and compare the log with itself and with the manifest; raise `Damaged`.

    Positions are without gaps and end at the head, and the versions of each stream are without gaps.
    """
    if copy.engine == "sqlite":
        _refuse_damaged_file(folder / SQLITE_FILE)
    for table, contents in copy.tables.items():
        if table != events.name:
            found = sum(len(rows) for rows in rows_of(copy, folder, table))
            _compare(found, contents.rows, f"rows of {table}")
    return _log_examined(copy, folder, types)


def _log_examined(copy: LogCopy, folder: Path, types: EventTypes) -> Examined:
    names = list(copy.tables[events.name].columns)
    versions = dict[str, int]()
    unknown, unreadable = Counter[str](), Counter[str]()
    position, event_id = 0, None
    for rows in rows_of(copy, folder, events.name):
        for values in rows:
            row = dict(zip(names, values, strict=True))
            position, event_id = position + 1, row["event_id"]
            _compare(row["position"], position, "the position of an event")
            stream = row["stream"]
            versions[stream] = versions.get(stream, 0) + 1
            _compare(row["stream_version"], versions[stream], f"the version of {stream} at {position}")
            event = types.read(row["type"], row["schema_version"], stored_names(row))
            unknown[row["type"]] += isinstance(event, UnknownEvent)
            unreadable[row["type"]] += isinstance(event, UnreadableEvent)
    _compare(position, copy.head, "the position of the newest event")
    _compare(event_id, copy.event_id, "the id of the newest event")
    return Examined(unknown=+unknown, unreadable=+unreadable)


def _compare(found: object, expected: object, what: str) -> None:
    if found != expected:
        raise Damaged(f"{what}: it is {found}, and should be {expected}")


def _refuse_damaged_file(file: Path) -> None:
    try:
        with opened(file) as store:
            found = store.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
            broken = store.exec_driver_sql("PRAGMA foreign_key_check").first()
    except DatabaseError as error:
        raise Damaged(f"{file.name} can't be read: {error.orig}") from error
    if found != "ok" or broken:
        raise Damaged(f"SQLite finds {file.name} damaged: {found if found != 'ok' else 'a missing row'}")
