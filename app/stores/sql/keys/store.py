"""The store of the keys with which personal data is sealed; it lies apart from the log and its backups.

A key is durable before the first event that needs it, because the two stores share no transaction; a key
that no event needs does no harm. The list of those who were forgotten lies beside the keys: it says who is to
be forgotten again after the log was restored from an older backup.

The names of actors lie here, too: the log has their pseudonyms.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import URL, Connection, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.schema import CreateSchema

from app.cqrs.impersonal import outline
from app.cqrs.unavailable import WriteStoreUnavailable
from app.stores.sql.engines.opening import Database, explained, parsed
from app.stores.sql.engines.sqlite import make_private, truncate_log
from app.stores.sql.keys.actors import Actor, new_pseudonym, person_in
from app.stores.sql.keys.layout import FINGERPRINTS, SCHEMA, STORE, KeysCopy, KeyTables
from app.stores.sql.keys.sealing import DataKey

AT_ONCE = 500
"""Persons whose keys are read by one statement."""

ADVICE = "Fix that, or set KEYS_URL to another store."
WHAT = "store of keys"

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Secrets:
    """The secrets of a store of keys that belong to no person."""

    store_id: UUID
    fingerprints: bytes


class KeyStore:
    """The keys of persons, in a database of their own; its methods raise `WriteStoreUnavailable`."""

    def __init__(self, url: URL, database: Database, writing: AsyncEngine, reading: AsyncEngine) -> None:
        self._database = database
        self._writing, self._reading = writing, reading
        self._url = url
        self._tables = KeyTables(url.get_backend_name())
        self._file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
        self.name = database.name(url)

    async def prepare(self) -> None:
        """Create what is missing; raise `WriteStoreUnavailable`, whose message says what is wrong."""
        with explained(self.name, ADVICE, WHAT):
            engine = self._database.migrating(self._url)
            try:
                async with engine.begin() as connection:
                    await connection.run_sync(self._create)
            finally:
                await engine.dispose()

    def _create(self, connection: Connection) -> None:
        self._database.refuse_if_unfit(connection)
        self._database.lock_migrations(connection)
        if self._tables.metadata.schema and not inspect(connection).has_schema(SCHEMA):
            connection.execute(CreateSchema(SCHEMA))
        self._tables.metadata.create_all(connection)
        fresh = {FINGERPRINTS: token_bytes(32), STORE: uuid4().bytes}
        rows = [{"name": name, "value": value} for name, value in fresh.items()]
        connection.execute(self._tables.add(self._tables.secrets), rows)

    async def close(self) -> None:
        """Close all connections."""
        await self._reading.dispose()
        await self._writing.dispose()

    async def secrets(self) -> Secrets:
        """Return the secrets that belong to no person."""
        async with self._answering(self._reading) as connection:
            found = (await connection.execute(select(self._tables.secrets))).all()
        values = {row.name: row.value for row in found}
        return Secrets(UUID(bytes=values[STORE]), values[FINGERPRINTS])

    async def find(self, people: Collection[UUID]) -> Mapping[UUID, bytes]:
        """Return the keys of those who have one."""
        keys: dict[UUID, bytes] = {}
        async with self._answering(self._reading) as connection:
            for some in _portions(people):
                rows = await connection.execute(self._tables.found, {"people": some})
                keys |= {row.person: row.key for row in rows}
        return keys

    async def make(self, people: Collection[UUID]) -> Mapping[UUID, bytes]:
        """Return the keys of people, and make those that are missing; there are none of the forgotten."""
        async with self._answering(self._writing) as connection:
            rows = self._database.rows(connection)
            await rows.execute(self._tables.lock)
            for some in _portions(people):
                gone = {row.person for row in await rows.execute(self._tables.gone, {"people": some})}
                if wanted := [
                    {"person": each, "key": DataKey.generated()} for each in some if each not in gone
                ]:
                    await rows.execute(self._tables.add(self._tables.keys), wanted)
            await rows.commit()
        return await self.find(people)

    async def destroy(self, people: Collection[UUID]) -> bool:
        """Destroy the keys of people for good, and note that they were forgotten; repeatable.

        Returns whether nothing of the keys remains, as `clean` says.
        """
        at = datetime.now(UTC)
        async with self._answering(self._writing) as connection:
            rows = self._database.rows(connection)
            await rows.execute(self._tables.lock)
            for some in _portions(people):
                forgotten = [{"person": each, "forgotten_at": at} for each in some]
                await rows.execute(self._tables.add(self._tables.forgotten), forgotten)
                for destroy in (self._tables.destroy, self._tables.destroy_names):
                    await rows.execute(destroy, {"people": some})
            await rows.commit()
        return await self.clean()

    async def names(self, pseudonyms: Collection[str]) -> Mapping[str, str]:
        """Return the names of the actors with these pseudonyms, without those who were forgotten."""
        names: dict[str, str] = {}
        async with self._answering(self._reading) as connection:
            for some in _portions(pseudonyms):
                rows = await connection.execute(self._tables.named, {"pseudonyms": some})
                names |= {row.pseudonym: row.name for row in rows}
        return names

    async def actors(self, names: Collection[str]) -> Mapping[str, Actor]:
        """Return all actors with these names, by their pseudonyms."""
        async with self._answering(self._reading) as connection:
            rows = await connection.execute(self._tables.of_names, {"names": list(names)})
            return {row.pseudonym: _actor(row) for row in rows}

    async def actors_of(self, people: Collection[UUID]) -> Mapping[str, Actor]:
        """Return all actors that are these people, by their pseudonyms."""
        async with self._answering(self._reading) as connection:
            rows = await connection.execute(self._tables.of_people, {"people": list(people)})
            return {row.pseudonym: _actor(row) for row in rows}

    async def pseudonym(self, actor: Actor) -> str:
        """Return the pseudonym of an actor, and make one that is durable if there is none.

        A customer who was forgotten gets one that nothing leads from to the name.
        """
        made = new_pseudonym(actor)
        async with self._answering(self._writing) as connection:
            rows, tables = self._database.rows(connection), self._tables
            await rows.execute(tables.lock)
            found = (await rows.execute(tables.of_names, {"names": [actor.name]})).all()
            for row in found:
                if _actor(row) == actor:
                    return str(row.pseudonym)
            person, is_customer = person_in(made), actor.customer is not None
            if (await rows.execute(tables.gone, {"people": [person]})).first() is None:
                new = {"pseudonym": made, "person": person, "name": actor.name, "is_customer": is_customer}
                await rows.execute(tables.add(tables.actors), new)
                await rows.commit()
        return made

    async def clean(self) -> bool:
        """Have an SQLite file keep nothing of destroyed keys: neither in itself nor in its log.

        Returns false if its log could not be emptied, because somebody reads it, or the disk is full.
        """
        return self._file is None or await asyncio.to_thread(truncate_log, self._file)

    async def forgotten(self) -> Sequence[UUID]:
        """Return the ids of all who were forgotten."""
        async with self._answering(self._reading) as connection:
            return (await connection.execute(select(self._tables.forgotten.c.person))).scalars().all()

    async def copy(self) -> KeysCopy:
        """Return everything, as it is at one moment."""
        async with self._answering(self._reading) as connection:
            return await connection.run_sync(self._copied)

    async def add(self, copy: KeysCopy) -> None:
        """Take in a backup: keys of persons who were not forgotten meanwhile, and those who were before.

        A store that has no keys yet becomes the one of the backup, with its secrets.
        """
        async with self._answering(self._writing) as connection:
            rows, tables = self._database.rows(connection), self._tables
            await rows.execute(tables.lock)
            if (await rows.execute(select(tables.keys).limit(1))).first() is None:
                for name, value in copy.secrets.items():
                    change = tables.secrets.update().where(tables.secrets.c.name == name).values(value=value)
                    await rows.execute(change)
            gone = [{"person": each, "forgotten_at": at} for each, at in copy.forgotten.items()]
            if gone:
                await rows.execute(tables.add(tables.forgotten), gone)
            there = set((await rows.execute(select(tables.forgotten.c.person))).scalars())
            keys = [{"person": each, "key": key} for each, key in copy.keys.items() if each not in there]
            if keys:
                await rows.execute(tables.add(tables.keys), keys)
            actors = [
                {"pseudonym": each, "person": person, "name": name, "is_customer": customer is not None}
                for each, (name, customer) in copy.actors.items()
                if (person := person_in(each)) not in there
            ]
            if actors:
                await rows.execute(tables.add(tables.actors), actors)
            for some in _portions(there):
                await rows.execute(tables.destroy, {"people": some})
                await rows.execute(tables.destroy_names, {"people": some})
            await rows.commit()
        await self.clean()

    def _copied(self, connection: Connection) -> KeysCopy:
        tables = self._tables
        return KeysCopy(
            forgotten={row.person: row.forgotten_at for row in connection.execute(select(tables.forgotten))},
            keys={row.person: row.key for row in connection.execute(select(tables.keys))},
            secrets={row.name: row.value for row in connection.execute(select(tables.secrets))},
            actors={row.pseudonym: _actor(row) for row in connection.execute(select(tables.actors))},
        )

    @asynccontextmanager
    async def _answering(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        try:
            async with engine.connect() as connection:
                yield connection
        except (DBAPIError, PoolTimeout, OSError, TimeoutError) as error:
            logger.warning("The store of keys has failed: error=%s", outline(error))
            raise WriteStoreUnavailable(
                "The store of the keys of personal data does not answer. Try again later."
            ) from error


def beside(write_store: str | Path) -> str | Path:
    """Return the store of keys of a write store for which none is named.

    It is a file beside that of SQLite, and the same database in PostgreSQL, where the keys have a schema.
    The file's name begins differently, so that a copy of `write.db*` does not have the keys.
    """
    url, _ = parsed(write_store)
    if url.get_backend_name() != "sqlite":
        return write_store
    file = Path(url.database or "")
    return file.with_name("keys.db" if file.name == "write.db" else f"keys-of-{file.name}")


@asynccontextmanager
async def open_keys(store: str | Path, *, prepares: bool = True) -> AsyncIterator[KeyStore]:
    """Open the store of keys at a URL or in a file, and create it if it does not exist.

    Raise `WriteStoreUnavailable`, whose message says what is wrong. Without `prepares` nothing is created,
    and the store need not answer yet.
    """
    url, database = parsed(store, setting="KEYS_URL")
    with explained(database.name(url), ADVICE, WHAT):
        if url.get_backend_name() == "sqlite":
            Path(url.database or "").parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            make_private(Path(url.database or ""))
        keys = KeyStore(url, database, database.writing(url), database.reading(url))
    try:
        if prepares:
            await keys.prepare()
        yield keys
    finally:
        await keys.close()


def _actor(row: Any) -> Actor:
    return Actor(row.name, row.person if row.is_customer else None)


def _portions(people: Iterable[T]) -> Iterable[list[T]]:
    everyone = list(people)
    return (everyone[start : start + AT_ONCE] for start in range(0, len(everyone), AT_ONCE))
