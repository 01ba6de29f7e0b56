"""The write store: rows and events in one transaction, and the event log that is the outbox."""

import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    Result,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    bindparam,
    func,
    select,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from uuid_utils.compat import uuid7

from app.cqrs.commands.bus import Cause, Conflict
from app.cqrs.commands.outcomes import EventMark, Receipt
from app.cqrs.impersonal import Impersonal, outline
from app.cqrs.log.events import Commits, EventTypes, RecordedEvent
from app.cqrs.messages import Event, encode
from app.cqrs.unavailable import WriteStoreUnavailable
from app.stores.sql.engines import Engines, Rows, UtcDateTime, metadata, refuse_if_read_only
from app.stores.sql.failures import Failure
from app.stores.sql.held_head import HeldHead

logger = logging.getLogger(__name__)

events = Table(
    "events",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("event_id", Uuid, nullable=False, unique=True),
    Column("stream", String(64), nullable=False),
    Column("stream_version", Integer, nullable=False),
    Column("type", String(64), nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("data", Text, nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("command_id", Uuid, nullable=False),
    Column("correlation_id", Uuid, nullable=False),
    Column("causation_id", Uuid, nullable=False),
    Column("actor", String(200), nullable=False),
    UniqueConstraint("stream", "stream_version"),  # the optimistic lock
)

# One row, which is locked until the commit by whoever appends. Its position is out of date.
log_head = Table(
    "log_head",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("position", BigInteger, nullable=False),
)

# What only this store knows; a restored copy knows it, too.
secrets = Table(
    "secrets",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

commands = Table(
    "commands",
    metadata,
    Column("command_id", Uuid, primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("receipt", Text, nullable=False),
    Column("accepted_at", UtcDateTime, nullable=False),
)

# Statements are made once: SQLAlchemy takes as long to put one together as to have it carried out.
_EARLIER = select(commands.c.fingerprint, commands.c.receipt).where(commands.c.command_id == bindparam("key"))
_RECEIPTS = select(commands.c.command_id, commands.c.receipt).where(
    commands.c.command_id.in_(bindparam("keys"))
)
_ACCEPT = commands.insert()
_APPEND = events.insert()
_READ = (
    select(events)
    .where(events.c.position > bindparam("after"))
    .order_by(events.c.position)
    .limit(bindparam("most", type_=Integer))
)
_TOKEN_KEY = select(secrets.c.value).where(secrets.c.name == "tokens")
_HEAD = select(func.coalesce(func.max(events.c.position), 0))
_HOLD = select(HeldHead(_HEAD.scalar_subquery()))


@lru_cache
def _locked(rows: Select[Any]) -> Select[Any]:
    # The lock that an UPDATE takes. A lock that several can share is no choice for those who only read:
    # PostgreSQL lets them go ahead of one who waits to change the row, and of a product that sells all the
    # time the price could never be changed.
    return rows.with_for_update(key_share=True)


class SqlWork:
    """One command's transaction.

    Handlers write rows through `rows`, and read them with `claim` or `rely_on`, in the order of their
    keys: where commands run side by side, that keeps them from overtaking or blocking one another.
    """

    def __init__(self, rows: Rows, cause: Cause, types: EventTypes) -> None:
        self.rows = rows
        self._cause = cause
        self._types = types
        self._recorded: list[tuple[str, int, Event]] = []

    @property
    def now(self) -> datetime:
        """The time of the command, UTC."""
        return self._cause.at

    async def claim(self, rows: Select[Any], **values: object) -> Result[Any]:
        """Read rows to change them: nobody else does, or relies on them, before the commit."""
        found: Result[Any] = await self.rows.execute(_locked(rows), values)
        return found

    async def rely_on(self, rows: Select[Any], **values: object) -> Result[Any]:
        """Read rows to decide by them: nobody changes them before the commit, and all take turns."""
        return await self.claim(rows, **values)

    def record(self, stream: str, version: int, events: Sequence[Event]) -> None:
        """Records `events` on `stream`, whose version was `version`, when the work is committed."""
        self._recorded += [(stream, version + step, event) for step, event in enumerate(events, start=1)]

    async def earlier(self, command_id: UUID) -> tuple[str, Receipt] | None:
        """The fingerprint and receipt of a command that was accepted before."""
        row = (await self.rows.execute(_EARLIER, {"key": command_id})).one_or_none()
        return (row.fingerprint, msgspec.json.decode(row.receipt, type=Receipt)) if row else None

    async def commit(self, fingerprint: str) -> Receipt:
        """Appends the recorded events, marks the command as done and commits."""
        marks = await self.append() if self._recorded else []
        receipt = Receipt(command_id=self._cause.command_id, events=tuple(marks))
        row = {
            "command_id": receipt.command_id,
            "fingerprint": fingerprint,
            "receipt": encode(receipt),
            "accepted_at": self.now,
        }
        await self.rows.execute(_ACCEPT, row)
        await self.rows.commit()
        return receipt

    async def append(self) -> list[EventMark]:
        """Put the recorded events at the end of the log; raises `UndeclaredEvent`."""
        for _, _, event in self._recorded:
            self._types.require(event)
        first = await self.take_positions()
        marks = [
            EventMark(event_id=uuid7(), type=type(event).__name__, stream=stream, position=position)
            for position, (stream, _, event) in enumerate(self._recorded, start=first)
        ]
        rows = [
            {
                "position": mark.position,
                "event_id": mark.event_id,
                "stream": stream,
                "stream_version": version,
                "type": mark.type,
                "schema_version": event.schema_version,
                "data": encode(event),
                "occurred_at": self.now,
                "command_id": self._cause.command_id,
                "correlation_id": self._cause.correlation_id,
                "causation_id": self._cause.command_id,
                "actor": self._cause.actor,
            }
            for mark, (stream, version, event) in zip(marks, self._recorded, strict=True)
        ]
        await self.rows.execute(_APPEND, rows)
        return marks

    async def take_positions(self) -> int:
        """Return the next position; others that want one wait until this transaction has ended.

        If it is rolled back they get the same: positions rise in the order of the commits.
        """
        last: int = (await self.rows.execute(_HOLD)).scalar_one()
        return last + 1


class RuleBroken(Impersonal):
    """A statement that can't succeed, because it breaks a rule that the model should have kept: a bug."""


class SqlWriteStore:
    """Begins transactions, and reads the log for relay and projectors."""

    def __init__(self, engines: Engines, types: EventTypes) -> None:
        self._engines = engines
        self._types = types

    @asynccontextmanager
    async def begin(self, cause: Cause) -> AsyncIterator[SqlWork]:
        """A transaction that is rolled back unless it was committed."""
        async with self._answering(self._engines.writing) as connection:
            yield SqlWork(self._engines.database.rows(connection), cause, self._types)

    async def token_key(self) -> bytes:
        """Return the key that consistency tokens of this store are signed with."""
        async with self._answering(self._engines.reading) as connection:
            key: bytes = (await connection.execute(_TOKEN_KEY)).scalar_one()
            return key

    async def refuse_if_read_only(self) -> None:
        """Raise `WriteStoreUnavailable`, whose text says what to do, where the store takes no writes."""
        await refuse_if_read_only(self._engines)

    async def probe(self) -> None:
        """Return if the store takes a write; leave nothing behind."""
        async with self._answering(self._engines.writing) as connection:
            await self._engines.database.probe(connection)

    async def head(self) -> int:
        """The position of the newest event; 0 in an empty log."""
        async with self._answering(self._engines.reading) as connection:
            position: int = (await connection.execute(_HEAD)).scalar_one()
            return position

    async def read(self, *, after: int, limit: int) -> Sequence[RecordedEvent]:
        """Up to `limit` events with a position greater than `after`, in order."""
        async with self._answering(self._engines.reading) as connection:
            rows = (await connection.execute(_READ, {"after": after, "most": limit})).all()
        found = ((row, self._types.read(row.type, row.schema_version, row.data)) for row in rows)
        return [
            RecordedEvent(
                position=row.position,
                event_id=row.event_id,
                stream=row.stream,
                stream_version=row.stream_version,
                type=self._types.name(event, row.type),
                occurred_at=row.occurred_at,
                command_id=row.command_id,
                correlation_id=row.correlation_id,
                causation_id=row.causation_id,
                actor=row.actor,
                event=event,
            )
            for row, event in found
        ]

    async def receipts(self, command_ids: Collection[UUID]) -> Mapping[UUID, Receipt]:
        """Return the receipts of those of the commands that were accepted, by the commands' ids."""
        async with self._answering(self._engines.reading) as connection:
            rows = (await connection.execute(_RECEIPTS, {"keys": command_ids})).all()
        return {row.command_id: msgspec.json.decode(row.receipt, type=Receipt) for row in rows}

    async def envelope(self, which: int | UUID) -> dict[str, Any] | None:
        """The event at a position, or with an id, exactly as it is stored; its `data` is JSON text."""
        key = events.c.position if isinstance(which, int) else events.c.event_id
        async with self._answering(self._engines.reading) as connection:
            found = (await connection.execute(select(events).where(key == which))).one_or_none()
        return found._asdict() if found else None

    async def listen(self, commits: Commits) -> None:
        """Tell `commits` of each commit of any process, for ever; returns where the database can't tell."""
        if listen := self._engines.database.listen:
            await listen(self._engines.reading, commits)

    @asynccontextmanager
    async def _answering(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        """A connection; raises `Conflict` and `WriteStoreUnavailable` for what the store itself raises."""
        try:
            async with engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            failure, said = self._engines.database.failure(error), self._engines.database.message(error)
            if failure is Failure.LOST_RACE:
                raise Conflict(said) from error
            if failure is Failure.IMPOSSIBLE:
                raise RuleBroken(said) from error
            raise _unavailable(said, failure) from error
        except (PoolTimeout, OSError, TimeoutError) as error:
            raise _unavailable(outline(error), Failure.AWAY) from error


def _unavailable(reason: str, failure: Failure) -> WriteStoreUnavailable:
    logger.warning("The write store failed: %s", reason)
    return WriteStoreUnavailable(failure.value)
