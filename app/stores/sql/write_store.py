"""The write store: transactions of rows and events, and the event log, which is the outbox."""

import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    Integer,
    bindparam,
    select,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.cqrs.commands.outcomes import CommandKey, Receipt
from app.cqrs.commands.write_store import Cause, Conflict
from app.cqrs.impersonal import Impersonal, outline
from app.cqrs.log.browsing import FoundEvents, WantedEvents
from app.cqrs.log.events import Commits, EventTypes, RecordedEvent
from app.cqrs.log.personal import erased_name
from app.cqrs.log.stored import StoredEvent
from app.cqrs.projecting.skipping import EventSkipped, Skip
from app.cqrs.revocations import Revocation
from app.cqrs.unavailable import WriteStoreUnavailable
from app.stores.sql.codec import EventCodec, stored_names
from app.stores.sql.engines.opening import Engines, refuse_if_read_only
from app.stores.sql.expressions import AmongKeys
from app.stores.sql.failures import Failure
from app.stores.sql.groups import ClaimedTables, SqlGroup
from app.stores.sql.keys.person_keys import PersonKeys
from app.stores.sql.keys.upkeep import SealedLog
from app.stores.sql.operating import actors, revocations, skips
from app.stores.sql.operating.browsing import browse, browse_back
from app.stores.sql.operating.decisions import Decision
from app.stores.sql.transactions import HEAD, Listener, SqlWork, commands, events, log_head, secrets

logger = logging.getLogger(__name__)

_RECEIPTS = select(commands.c.actor, commands.c.command_id, commands.c.receipt).where(
    AmongKeys(commands.c.command_id)
)
_READ = (
    select(events)
    .where(events.c.position > bindparam("after"))
    .order_by(events.c.position)
    .limit(bindparam("most", type_=Integer))
)
_TOKEN_KEY = select(secrets.c.value).where(secrets.c.name == "tokens")


class RuleBroken(Impersonal):
    """A statement that violates a constraint, which the model should have checked before: a bug."""


class SqlWriteStore:
    """The write store, which begins transactions, and reads the log for relay and projectors."""

    def __init__(
        self,
        engines: Engines,
        types: EventTypes,
        listener: Listener = lambda _appended: None,
        keys: PersonKeys | None = None,
    ) -> None:
        """Call `listener` with the events of each commit; without `keys` personal data is stored openly."""
        self._engines = engines
        self._listener = listener
        self._codec = EventCodec(types, keys)
        self.sealed = SealedLog(engines, self._answering, self._codec, keys) if keys else None
        """The upkeep of personal data; `None` without keys."""
        self._claimed = ClaimedTables()

    @asynccontextmanager
    async def begin(self, cause: Cause) -> AsyncIterator[SqlWork]:
        """Yield a transaction, which is rolled back unless the block commits it."""
        async with self._deciding() as connection:
            work = SqlWork(self._engines.database.rows(connection), cause, self._codec, self._listener)
            yield work
        if work.forgets:
            await self._finish_forgetting()

    @asynccontextmanager
    async def begin_group(self) -> AsyncIterator[SqlGroup]:
        """Begin a transaction for several commands that is rolled back unless it was committed."""
        async with self._deciding() as connection:
            rows = self._engines.database.rows(connection)
            group = SqlGroup(rows, self._codec, self._claimed, self._listener)
            yield group
        if group.forgets:
            await self._finish_forgetting()

    async def token_key(self) -> bytes:
        """Return the key with which this store's consistency tokens are signed."""
        async with self._answering(self._engines.reading) as connection:
            key: bytes = (await connection.execute(_TOKEN_KEY)).scalar_one()
            return key

    async def store_id(self) -> UUID:
        """Return the id of this store, which no other has: a restored copy gets a new one."""
        async with self._answering(self._engines.reading) as connection:
            id: UUID = (await connection.execute(select(log_head.c.store_id))).scalar_one()
            return id

    async def refuse_if_read_only(self) -> None:
        """Raise `WriteStoreUnavailable`, whose message says what to do, if the store takes no writes."""
        await refuse_if_read_only(self._engines)

    async def probe(self) -> None:
        """Check that the store takes a write, and leave nothing behind; raise `WriteStoreUnavailable`."""
        async with self._answering(self._engines.writing) as connection:
            await self._engines.database.probe(connection)

    async def head(self) -> int:
        """Return the position of the newest event, or 0 if the log is empty."""
        async with self._answering(self._engines.reading) as connection:
            position: int = (await connection.execute(HEAD)).scalar_one()
            return position

    async def read(self, *, after: int, limit: int) -> Sequence[RecordedEvent]:
        """Return up to `limit` events with positions greater than `after`, in order."""
        return await self.decoded(await self._rows(after, limit))

    async def read_stored(self, *, after: int, limit: int) -> Sequence[StoredEvent]:
        """Return up to `limit` events with positions greater than `after`, in order, as they are stored."""
        return [StoredEvent.of(row) for row in await self._rows(after, limit)]

    async def decoded(self, stored: Sequence[Any]) -> Sequence[RecordedEvent]:
        """Return the events in rows of this log, wherever they were read: here, or from a copy of the log."""
        return await self._codec.recorded(stored)

    async def receipts(self, command_ids: Collection[UUID]) -> Mapping[CommandKey, Receipt]:
        """Return the receipts of all accepted commands with these ids, whoever sent them."""
        async with self._answering(self._engines.reading) as connection:
            rows = (await connection.execute(_RECEIPTS, {"keys": command_ids})).all()
        return {
            key: msgspec.json.decode(row.receipt, type=Receipt)
            for key, row in zip(await self._codec.command_keys(rows), rows, strict=True)
        }

    async def browse(self, wanted: WantedEvents, *, before: int | None, limit: int) -> FoundEvents:
        """Return the newest events before a position that meet some conditions, as `EventArchive` says."""
        async with self._answering(self._engines.reading) as connection:
            return await browse(connection, self._codec, wanted, before, limit)

    async def browse_back(self, wanted: WantedEvents, *, after: int, limit: int) -> FoundEvents:
        """Return the next events after a position that meet some conditions, as `EventArchive` says."""
        async with self._answering(self._engines.reading) as connection:
            return await browse_back(connection, self._codec, wanted, after, limit)

    async def envelope(self, which: int | UUID) -> dict[str, Any] | None:
        """Return the columns of the event at a position or with an id, or `None`.

        `data` is JSON text, with `null` for each personal field.
        """
        key = events.c.position if isinstance(which, int) else events.c.event_id
        async with self._answering(self._engines.reading) as connection:
            found = (await connection.execute(select(events).where(key == which))).one_or_none()
        if found is None:
            return None
        columns = found._asdict()
        columns["data"] = stored_names(columns)
        columns["actor"], _ = self._codec.actor_in(found.actor, await self._codec.names_of([found.actor]))
        del columns["sealed"]
        return columns

    async def revoke(self, actor: str, *, by: str) -> Revocation:
        """Record that the tokens of an actor are revoked now; raise `WriteStoreUnavailable`."""
        async with self._answering(self._engines.writing) as connection:
            return await revocations.revoke(self._engines.database.rows(connection), actor, by)

    async def revocations(self, *, after: int) -> Sequence[Revocation]:
        """Return the revocations with greater numbers, in order; raise `WriteStoreUnavailable`."""
        async with self._answering(self._engines.reading) as connection:
            return await revocations.later(connection, after)

    def revocation_key(self) -> bytes:
        """Return the key of the digests that revocations have in place of names that were forgotten."""
        return self._codec.keys.revocation_key if self._codec.keys else b""

    async def forget_actor(self, name: str, *, by: str) -> Sequence[str]:
        """Forget an actor who is no customer, for good; return what is shown in place of the name.

        Raise `IsCustomer` if the name is a customer's only, and `WriteStoreUnavailable`.
        """
        found = await self._codec.keys.store.actors([name]) if self._codec.keys else {}
        people = actors.people_in(name, found)
        for person in people:
            await self._decide(actors.forgetting(person), by)
        return [erased_name(person) for person in people]

    async def skips(self) -> Sequence[Skip]:
        """Return all decisions to skip events, in their order; raise `WriteStoreUnavailable`."""
        async with self._answering(self._engines.reading) as connection:
            return await skips.decisions(connection, self._codec)

    async def skip(self, event: EventSkipped, *, by: str) -> None:
        """Record a decision to skip an event, once; raise `WriteStoreUnavailable`."""
        await self._decide(skips.skipping(event), by)

    async def listen(self, commits: Commits) -> None:
        """Notify `commits` of each commit of any process until cancelled; return if the database can't."""
        if listen := self._engines.database.listen:
            await listen(self._engines.reading, commits)

    def meaning_of(self, error: Exception) -> Exception:
        """Return `Conflict`, `RuleBroken` or `WriteStoreUnavailable` for an error of the database.

        Any other error is returned as it is.
        """
        if isinstance(error, DBAPIError):
            failure, said = self._engines.database.failure(error), self._engines.database.message(error)
            if failure is Failure.LOST_RACE:
                return Conflict(said)
            return RuleBroken(said) if failure is Failure.IMPOSSIBLE else _unavailable(said, failure)
        if isinstance(error, PoolTimeout | OSError | TimeoutError):
            return _unavailable(outline(error), Failure.AWAY)
        return error

    async def _decide(self, decision: Decision, by: str) -> None:
        async with self.begin(decision.cause(by)) as work:
            await decision.record(work)

    async def _rows(self, after: int, limit: int) -> Sequence[Any]:
        async with self._answering(self._engines.reading) as connection:
            return (await connection.execute(_READ, {"after": after, "most": limit})).all()

    async def _finish_forgetting(self) -> None:
        """Destroy the keys of those whose forgetting was committed; if that fails, it is repeated later."""
        if self.sealed:
            try:
                await self.sealed.finish_forgetting()
            except WriteStoreUnavailable as error:
                logger.error("The key of a forgotten person is destroyed later: error=%s", outline(error))

    @asynccontextmanager
    async def _deciding(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for commands; raise what its errors mean."""
        try:
            async with self._engines.writing.connect() as connection:
                yield connection
        except (DBAPIError, PoolTimeout, OSError, TimeoutError) as error:
            raise self.meaning_of(error) from error

    @asynccontextmanager
    async def _answering(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        """Open a connection for anything else; raise what its errors mean.

        Nothing is decided again then: whoever waited in vain for a lock comes back as if the store were away.
        """
        try:
            async with engine.connect() as connection:
                yield connection
        except (DBAPIError, PoolTimeout, OSError, TimeoutError) as error:
            meaning = self.meaning_of(error)
            if isinstance(meaning, Conflict):
                meaning = _unavailable(str(meaning), Failure.AWAY)
            raise meaning from error


def _unavailable(reason: str, failure: Failure) -> WriteStoreUnavailable:
    logger.warning("The write store has failed: failure=%s reason=%s", failure.name, reason)
    return WriteStoreUnavailable(failure.value)
