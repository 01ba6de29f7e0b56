"""Differences between the tables in the code and those in the database: a migration that was forgotten."""

from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Table

from app.stores.sql.engines.opening import metadata


def tables_of(modules: Iterable[ModuleType]) -> Sequence[Table]:
    """Return the tables that are defined in these modules, each once, also if one imports another's."""
    found = (value for module in modules for value in vars(module).values())
    return [*dict.fromkeys(each for each in found if isinstance(each, Table))]


def differences(connection: Connection, tables: Sequence[Table]) -> Iterator[str]:
    """Yield a phrase for each difference between these tables and the database's.

    Ignore other tables of the database, and additional indexes, which an operator may have created.
    """
    names = {table.name for table in tables}

    def is_named(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or name in names

    def is_meant(_thing: Any, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
        return kind != "table" or name in names

    options = {"include_name": is_named, "include_object": is_meant}
    found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    for difference in found:
        # Alembic returns the changes of a column as a list, and every other change as one tuple.
        for action, *target in difference if isinstance(difference, list) else [difference]:
            if action != "remove_index":
                yield f"{_ACTIONS.get(action, action.replace('_', ' '))} {_name_of(target)}"


_ACTIONS = {
    "add_table": "there is no table",
    "add_column": "there is no column",
    "add_index": "there is no index",
    "add_constraint": "there is no constraint",
    "add_fk": "there is no foreign key",
    "remove_column": "the code does not know the column",
    "remove_constraint": "the code does not know the constraint",
    "remove_fk": "the code does not know the foreign key",
    "modify_type": "the type differs of",
    "modify_nullable": "the nullability differs of",
}


def _name_of(target: Sequence[Any]) -> str:
    match target:
        case [Table(name=name)]:
            return str(name)
        case [str() | None, str(table), thing, *_]:
            return f"{table}.{getattr(thing, 'name', thing)}"
        case [thing, *_]:
            columns = ", ".join(column.name for column in getattr(thing, "columns", ()))
            return f"{getattr(thing, 'name', thing)} of {thing.table.name} ({columns})"
        case _:
            return "something"
