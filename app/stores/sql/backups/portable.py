"""Rows of the write store in a form that both databases can write and read: a JSON array in each line."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import GenericAlias
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    CHAR,
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
    inspect,
    null,
    select,
)
from sqlalchemy.types import TypeEngine

from app.cqrs.impersonal import Impersonal
from app.stores.sql.engines.opening import UtcDateTime, metadata

BATCH = 1_000
"""Rows that are read or written at a time."""

_KINDS: Mapping[str, tuple[type[TypeEngine[Any]], Any]] = {
    "boolean": (Boolean, bool),
    "integer": (BigInteger, int),
    "uuid": (Uuid, UUID),
    "moment": (UtcDateTime, datetime),
    "bytes": (LargeBinary, bytes),
    "json": (JSON, Any),
    "text": (Text, str),
}
"""By kind of column: its type in a database, and its type in Python."""

Columns = Mapping[str, str]
"""The columns of a table in their order, each with its kind."""


class NotPortable(Impersonal):
    """A column whose type has no portable form: a migration has introduced it, and `_KINDS` lacks it."""


class BadRow(Exception):
    """A line that is no row of its table; the message says which."""


def layout(connection: Connection) -> Mapping[str, Columns]:
    """Return Diptych's tables in the database, each after those that its rows refer to, with their columns.

    The database may be at an earlier migration than the program.
    """
    inspector = inspect(connection)
    existing = set(inspector.get_table_names())
    return {
        table.name: {each["name"]: _kind(table.name, each) for each in inspector.get_columns(table.name)}
        for table in metadata.sorted_tables
        if table.name in existing
    }


def table_of(name: str, columns: Columns) -> Table:
    """Return a table with these columns, without keys, for statements that read or write all rows."""
    return Table(name, MetaData(), *(Column(each, _KINDS[kind][0]()) for each, kind in columns.items()))


def stored_rows(
    connection: Connection, name: str, columns: Columns, hidden: Collection[str] = ()
) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield all rows of a table in portions, in the order of its primary key; `hidden` columns are empty."""
    table = table_of(name, columns)
    keys = inspect(connection).get_pk_constraint(name)["constrained_columns"]
    shown = (null().label(each) if each in hidden else table.c[each] for each in columns)
    statement = select(*shown).order_by(*(table.c[key] for key in keys))
    streaming = connection.execution_options(stream_results=True, max_row_buffer=BATCH)
    with streaming.execute(statement) as found:
        yield from found.partitions(BATCH)


def written(file: Path, portions: Iterable[Sequence[Sequence[Any]]]) -> int:
    """Write rows to a new file; return their number."""
    count = 0
    encode = msgspec.json.Encoder().encode
    with file.open("xb") as lines:
        for rows in portions:
            lines.write(b"".join(encode(tuple(row)) + b"\n" for row in rows))
            count += len(rows)
    return count


def read(file: Path, columns: Columns) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield the rows in a file in portions; raise `BadRow`."""
    kinds = tuple(_KINDS[kind][1] | None for kind in columns.values())
    row: Any = GenericAlias(tuple, kinds)
    decode = msgspec.json.Decoder(row).decode
    with file.open("rb") as lines:
        portion = []
        for number, line in enumerate(lines, start=1):
            try:
                portion.append(decode(line))
            except msgspec.MsgspecError:
                raise BadRow(f"line {number} of {file.name} is no row of that table") from None
            if len(portion) == BATCH:
                yield portion
                portion = []
        if portion:
            yield portion


def _kind(table: str, column: Mapping[str, Any]) -> str:
    """Return the kind of a column from the type that the database says it has."""
    match column["type"]:
        case Boolean():
            return "boolean"
        case Integer():
            return "integer"
        case Uuid() | CHAR(length=32):
            return "uuid"
        case DateTime():
            return "moment"
        case LargeBinary():
            return "bytes"
        case JSON():
            return "json"
        case String():
            return "text"
    raise NotPortable(f"the column {table}.{column['name']} has the type {column['type']}")
