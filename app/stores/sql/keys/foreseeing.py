"""A store of keys as it would be after it has taken in a backup: nothing is created or changed to know it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import URL, Connection, inspect, select

from app.stores.sql.engines.opening import explained, parsed
from app.stores.sql.keys.layout import STORE, KeysCopy, KeyTables
from app.stores.sql.keys.store import ADVICE, AT_ONCE, WHAT


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """A store of keys that may not exist yet."""

    name: str
    id: UUID | None
    """The id of the store; `None` if it would be a new one."""
    has_keys: bool
    """True if it has keys already, so that it never becomes the store of a copy."""
    missing: Collection[UUID]
    """The people whose keys it would not have, and who were not forgotten."""


async def foreseen(store: str | Path, copy: KeysCopy | None, people: Collection[UUID]) -> Foreseen:
    """Return how the store at a URL or in a file would be for some people after it has taken in the copy.

    Raise `WriteStoreUnavailable`, whose message says what is wrong.
    """
    url, database = parsed(store, setting="KEYS_URL")
    name, tables = database.name(url), KeyTables(url.get_backend_name())
    id, has_keys, missing = None, False, set(people)
    if not _is_absent(url):
        with explained(name, ADVICE, WHAT):
            engine = database.reading(url)
            try:
                async with engine.connect() as connection:
                    id, has_keys = await connection.run_sync(_look, tables, missing)
            finally:
                await engine.dispose()
    if copy:
        id = id if has_keys else UUID(bytes=copy.secrets[STORE])
        missing -= {*copy.keys, *copy.forgotten}
    return Foreseen(name=name, id=id, has_keys=has_keys, missing=missing)


def _is_absent(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()


def _look(connection: Connection, tables: KeyTables, missing: set[UUID]) -> tuple[UUID | None, bool]:
    """Return the id of a store, and whether it has keys; remove from the set whom it knows."""
    if not inspect(connection).has_table(tables.secrets.name, schema=tables.metadata.schema):
        return None, False
    for some in _portions(missing):
        missing -= {row.person for row in connection.execute(tables.found, {"people": some})}
    missing -= set(connection.execute(select(tables.forgotten.c.person)).scalars())
    has_keys = connection.execute(select(tables.keys).limit(1)).first() is not None
    row = connection.execute(select(tables.secrets).where(tables.secrets.c.name == STORE)).first()
    return UUID(bytes=row.value) if row else None, has_keys


def _portions(people: Collection[UUID]) -> Iterable[list[UUID]]:
    everyone = list(people)
    return (everyone[start : start + AT_ONCE] for start in range(0, len(everyone), AT_ONCE))
