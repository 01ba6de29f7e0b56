"""The upkeep of a sealed log: its store of keys, the end of each forgetting, and events from before.

Each step may be interrupted, and is continued by the next start. Readers understand both forms meanwhile.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.cqrs.commands.asked import FORGOTTEN
from app.cqrs.impersonal import outline
from app.cqrs.log.events import UnknownEvent, UnreadableEvent
from app.cqrs.log.personal import person_of, split_stored
from app.cqrs.revocations import digest_of
from app.cqrs.unavailable import WriteStoreUnavailable
from app.stores.sql.codec import EventCodec
from app.stores.sql.engines.opening import Engines
from app.stores.sql.engines.sqlite import rewrite, truncate_log
from app.stores.sql.failures import UnfitStore
from app.stores.sql.keys import senders
from app.stores.sql.keys.actors import Actor
from app.stores.sql.keys.person_keys import PersonKeys
from app.stores.sql.keys.sealing import sealed
from app.stores.sql.keys.tables import forgotten, sealing
from app.stores.sql.operating import revocations
from app.stores.sql.transactions import commands, events

PORTION = 200
"""Rows that are sealed in one transaction; commands wait meanwhile, some 10 ms."""

PAUSE, AGAIN = 0.05, 30.0
"""Seconds between two portions, and between two looks for people whose forgetting was interrupted."""

EXPIRED_EVERY = 6 * 3600.0
"""Seconds between two looks for fingerprints that are older than they should be: all commands are read."""

Answering = Callable[[AsyncEngine], AbstractAsyncContextManager[AsyncConnection]]

PUT_BACK = (
    "Put its store of keys back, or name it in KEYS_URL. `seal --keys FILE` takes in keys from a backup. If "
    "they are lost for good, `seal --lost` goes on with new ones: events that were sealed before read as "
    "forgotten then."
)
"""The advice about a log whose keys are not found."""

_OPEN = (
    select(events)
    .where(events.c.position > bindparam("after"), events.c.position <= bindparam("until"))
    .order_by(events.c.position)
    .limit(PORTION)
)
_SEAL = (
    events.update()
    .where(events.c.position == bindparam("at"))
    .values(data=bindparam("d"), person=bindparam("p"), sealed=bindparam("s"))
)
_NAME = events.update().where(events.c.position == bindparam("at")).values(actor=bindparam("a"))
_INPUTS = senders.inputs(PORTION)
_EXPIRED = (
    select(commands.c.command_id)
    .where(
        commands.c.command_id > bindparam("after"),
        commands.c.accepted_at < bindparam("before"),
        commands.c.fingerprint != FORGOTTEN,
    )
    .order_by(commands.c.command_id)
    .limit(PORTION)
)
_EXPIRE = (
    commands.update()
    .where(
        commands.c.command_id.in_(bindparam("ids", expanding=True)),
        commands.c.accepted_at < bindparam("before"),
    )
    .values(fingerprint=FORGOTTEN)
)
logger = logging.getLogger(__name__)


async def sealing_of(engines: Engines) -> tuple[UUID | None, int]:
    """Return the id of the log's store of keys, and the number of positions that are still to be sealed."""
    async with engines.reading.connect() as connection:
        row = (await connection.execute(select(sealing))).one()
    return row.keys_id, max(0, row.until - row.sealed_to)


class SealedLog:
    """The upkeep of one log with one store of keys."""

    def __init__(self, engines: Engines, answering: Answering, codec: EventCodec, keys: PersonKeys) -> None:
        self._engines = engines
        self._answering = answering
        self._codec = codec
        self._keys = keys

    async def refuse_other_keys(self, *, adopt: bool = False) -> None:
        """Raise `UnfitStore` if the log was sealed with another store of keys; `adopt` this one instead.

        Otherwise all personal data would silently read as forgotten, and read models would drop it.
        """
        async with self._answering(self._engines.reading) as connection:
            known: UUID | None = (await connection.execute(select(sealing.c.keys_id))).scalar_one()
        own = self._keys.secrets.store_id
        if known == own:
            return
        if known is not None and not adopt:
            raise UnfitStore(
                f"Can't use the write store ({self._engines.name}): the keys of its personal data are not in "
                f"{self._keys.store.name}.\n"
                f"{PUT_BACK}"
            )
        async with self._answering(self._engines.writing) as connection:
            rows = self._engines.database.rows(connection)
            await rows.execute(sealing.update().values(keys_id=own))
            await rows.commit()

    async def follow(self, inputs_kept: timedelta) -> None:
        """Seal what is open, finish what was interrupted, and expire inputs, until cancelled.

        Fingerprints of inputs are kept for `inputs_kept`.
        """
        now = asyncio.get_running_loop().time
        expires = now()
        while True:
            try:
                await self.finish_forgetting()
                async for _ in self.seal():
                    await asyncio.sleep(PAUSE)
                if now() >= expires:
                    async for _ in self.expire(datetime.now(UTC) - inputs_kept):
                        await asyncio.sleep(PAUSE)
                    expires = now() + EXPIRED_EVERY
            except WriteStoreUnavailable as error:
                logger.warning("Personal data is sealed later: error=%s", outline(error))
            await asyncio.sleep(AGAIN)

    async def finish_forgetting(self) -> None:
        """Destroy the keys of those whose forgetting is decided; raise `WriteStoreUnavailable`.

        Of SQLite stores, the logs that still have earlier states of their rows and keys are emptied as well;
        until that is done, it is not.
        """
        async with self._answering(self._engines.reading) as connection:
            found = await connection.execute(select(forgotten.c.person).where(~forgotten.c.done))
            people = found.scalars().all()
        if not people:
            return
        await self._forget_revocations(await self._keys.store.actors_of(people))
        emptied = [await self._keys.store.destroy(people)]
        for person in people:
            self._keys.drop(person)
        if file := self._file():
            emptied.append(await asyncio.to_thread(truncate_log, file))
        if not all(emptied):
            logger.warning("Something of forgotten people is left until later: retry_seconds=%.0f", AGAIN)
            return
        async with self._answering(self._engines.writing) as connection:
            rows = self._engines.database.rows(connection)
            await rows.execute(forgotten.update().where(forgotten.c.person.in_(people)).values(done=True))
            await rows.commit()

    async def _forget_revocations(self, actors: Mapping[str, Actor]) -> None:
        """Have revocations go on without the names of actors."""
        if actors:
            async with self._answering(self._engines.writing) as connection:
                rows = self._engines.database.rows(connection)
                key = self._keys.revocation_key
                for pseudonym, (name, _) in actors.items():
                    shown, _ = self._codec.actor_in(pseudonym, {})
                    await revocations.forget(rows, name, digest=digest_of(name, key), shown=shown)
                await rows.commit()

    async def unreplayed(self) -> list[UUID]:
        """Return those who were forgotten, and of whom a log that was set back does not know it."""
        async with self._answering(self._engines.reading) as connection:
            known = set((await connection.execute(select(forgotten.c.person))).scalars())
        return [person for person in await self._keys.store.forgotten() if person not in known]

    async def remaining(self) -> int:
        """Return the number of positions that are still to be gone through."""
        async with self._answering(self._engines.reading) as connection:
            row = (await connection.execute(select(sealing))).one()
        return int(max(0, row.until - row.sealed_to))

    async def start_over(self) -> None:
        """Have `seal` go through the whole log again."""
        head = select(func.coalesce(func.max(events.c.position), 0)).scalar_subquery()
        async with self._answering(self._engines.writing) as connection:
            rows = self._engines.database.rows(connection)
            again = {"until": head, "sealed_to": 0, "fingerprints_keyed": False}
            await rows.execute(sealing.update().values(again))
            await rows.commit()

    async def seal(self) -> AsyncIterator[int]:
        """Seal what is open, portion by portion; yield the number of rows that were gone through in each."""
        while count := await self._seal_events():
            yield count
        async with self._answering(self._engines.reading) as connection:
            keyed = (await connection.execute(select(sealing.c.fingerprints_keyed))).scalar_one()
        if not keyed:
            async for count in self._key_fingerprints():
                yield count

    async def expire(self, before: datetime) -> AsyncIterator[int]:
        """Remove the fingerprints of commands from before that time; yield the number of each portion.

        A repeated command returns its first receipt all the same, whatever its input is.
        """
        after = UUID(int=0)
        while True:
            async with self._answering(self._engines.reading) as connection:
                found = await connection.execute(_EXPIRED, {"after": after, "before": before})
                ids = found.scalars().all()
            if not ids:
                return
            async with self._answering(self._engines.writing) as connection:
                rows = self._engines.database.rows(connection)
                await rows.execute(_EXPIRE, {"ids": ids, "before": before})
                await rows.commit()
            after = ids[-1]
            yield len(ids)

    async def rewrite(self) -> bool:
        """Rewrite an SQLite file without what it once had; return `False` for PostgreSQL.

        Raise `WriteStoreUnavailable`.
        """
        if not (file := self._file()):
            return False
        await asyncio.to_thread(rewrite, file)
        return True

    async def _seal_events(self) -> int:
        async with self._answering(self._engines.reading) as connection:
            row = (await connection.execute(select(sealing))).one()
            if row.sealed_to >= row.until:
                return 0
            span = {"after": row.sealed_to, "until": row.until}
            found = (await connection.execute(_OPEN, span)).all()
        changes = [change for each in found if each.sealed is None and (change := self._change(each))]
        names = [
            {"at": each.position, "a": stored}
            for each in found
            if (stored := await self._codec.sealed_actor(each.actor)) != each.actor
        ]
        keys = await self._keys.made({change["p"] for change in changes})
        for change in changes:
            change["s"] = sealed(change["s"], keys.get(change["p"]), change.pop("id"))
        last = found[-1].position if found else row.until
        async with self._answering(self._engines.writing) as connection:
            rows = self._engines.database.rows(connection)
            for statement, values in ((_SEAL, changes), (_NAME, names)):
                if values:
                    await rows.execute(statement, values)
            await rows.execute(sealing.update().where(sealing.c.sealed_to < last).values(sealed_to=last))
            await rows.commit()
        return len(found) or 1

    def _change(self, row: Any) -> dict[str, Any] | None:
        """Return the new columns of an open event; `None` if it has no personal data, or can't be read."""
        event = self._codec.types.read(row.type, row.schema_version, row.data)
        if isinstance(event, UnknownEvent | UnreadableEvent):
            return None
        for part in getattr(event, "events", (event,)):
            person = person_of(part)
            if person is not None and type(part).personal_fields:
                parts = split_stored(row.data, type(part))
                return {
                    "at": row.position,
                    "id": row.event_id,
                    "d": parts.open,
                    "p": person,
                    "s": parts.personal,
                }
        return None

    async def _key_fingerprints(self) -> AsyncIterator[int]:
        after = UUID(int=0)
        while True:
            async with self._answering(self._engines.reading) as connection:
                found = (await connection.execute(_INPUTS, {"after": after})).all()
            changes, names = senders.keyed(found, self._keys), await senders.named(found, self._codec)
            async with self._answering(self._engines.writing) as connection:
                rows = self._engines.database.rows(connection)
                for statement, values in ((senders.KEY, changes), (senders.NAME, names)):
                    if values:
                        await rows.execute(statement, values)
                if not found:
                    await rows.execute(sealing.update().values(fingerprints_keyed=True))
                await rows.commit()
            if not found:
                return
            after = found[-1].command_id
            yield len(found)

    def _file(self) -> Path | None:
        url = self._engines.writing.url
        return Path(url.database or "") if url.get_backend_name() == "sqlite" else None
