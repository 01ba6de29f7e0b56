"""Personal columns of rows in a backup: sealed in a file of their own, and empty in the copy of the tables.

The rows of commands have personal data in the open, because rules need it. A backup outlives a person who is
forgotten, so that what it has of them must be of no use without their key.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Table, bindparam, select

from app.stores.sql.backups.portable import Columns, table_of
from app.stores.sql.engines.opening import PERSONAL, metadata
from app.stores.sql.keys.person_keys import Keys
from app.stores.sql.keys.sealing import DataKey

PEOPLE_FILE = "people.jsonl"
"""The name of the file: each line has a table, the id of a person, and the sealed columns of their row."""

_AT_ONCE = 1_000


class _Person(msgspec.Struct, array_like=True):
    table: str
    id: UUID
    sealed: bytes


def personal_columns(table: str) -> Sequence[str]:
    """Return the columns of a table that have data of the person whose id is its primary key."""
    return [str(column.name) for column in metadata.tables[table].columns if column.info.get(PERSONAL)]


def people_in(connection: Connection, found: Mapping[str, Columns]) -> set[UUID]:
    """Return the ids of all people whose data is in rows of these tables."""
    return {row[0] for table, names in _with_people(found) for row in _rows(connection, table, names)}


def sealed_people(connection: Connection, found: Mapping[str, Columns], keys: Keys, folder: Path) -> int:
    """Write the file with the sealed columns of all people; return their number."""
    count = 0
    encode = msgspec.json.Encoder().encode
    with (folder / PEOPLE_FILE).open("xb") as file:
        for table, names in _with_people(found):
            for id, *values in _rows(connection, table, names):
                if key := keys.get(id):
                    plain = msgspec.json.encode(dict(zip(names, values, strict=True)))
                    file.write(encode(_Person(str(table.name), id, key.encrypted(plain, id))) + b"\n")
                    count += 1
    return count


def emptied(connection: Connection, found: Mapping[str, Columns]) -> None:
    """Remove personal data from all rows, so that nothing of it stays in an SQLite file."""
    for table, names in _with_people(found):
        connection.execute(table.update().values(dict.fromkeys(names)))
    connection.exec_driver_sql("VACUUM")


def sealed_in(folder: Path) -> Sequence[UUID]:
    """Return the ids of the people in a backup; there are none in one of an older program."""
    return [each.id for each in _people(folder)]


def put_back(connection: Connection, folder: Path, keys: Mapping[UUID, DataKey]) -> None:
    """Fill the columns of people whose keys there are; those of others stay empty."""
    for each in _people(folder):
        if key := keys.get(each.id):
            values = msgspec.json.decode(key.decrypted(each.sealed, each.id), type=dict[str, Any])
            table = metadata.tables[each.table]
            [primary] = table.primary_key.columns
            connection.execute(table.update().where(primary == each.id).values(values))


def _with_people(found: Mapping[str, Columns]) -> Iterator[tuple[Table, list[str]]]:
    for name, columns in found.items():
        if names := [each for each in personal_columns(name) if each in columns]:
            yield table_of(name, columns), names


def _rows(connection: Connection, table: Table, names: Sequence[str]) -> Iterator[Sequence[Any]]:
    """Yield the id and the personal columns of each row that has any personal data, in the order of ids."""
    [key] = metadata.tables[table.name].primary_key.columns.keys()
    statement = select(table.c[key], *(table.c[name] for name in names)).order_by(table.c[key])
    statement = statement.where(table.c[key] > bindparam("after")).limit(_AT_ONCE)
    after = UUID(int=0)
    while rows := connection.execute(statement, {"after": after}).all():
        yield from (row for row in rows if any(value is not None for value in row[1:]))
        after = rows[-1][0]


def _people(folder: Path) -> Iterator[_Person]:
    try:
        file = (folder / PEOPLE_FILE).open("rb")
    except FileNotFoundError:
        return
    decode = msgspec.json.Decoder(_Person).decode
    with file:
        for line in file:
            yield decode(line)
