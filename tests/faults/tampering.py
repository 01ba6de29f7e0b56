"""Events that the service did not write: broken ones, and those of a newer version of the program."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from app.cqrs.commands.outcomes import EventMark, Refused
from app.cqrs.commands.write_store import Cause
from app.cqrs.documents.read_model import ReadModel
from app.cqrs.log.events import EventTypes, EventUnreadable, RecordedEvent
from app.cqrs.messages import Command, Event, Message
from app.declared import EVENTS, HANDLERS, READ_MODELS
from app.stores.sql.codec import EventCodec
from app.stores.sql.engines.opening import open_database
from app.stores.sql.failures import Failure
from app.stores.sql.keys.person_keys import PersonKeys
from app.stores.sql.transactions import SqlWork, events
from app.stores.sql.write_store import SqlWriteStore
from tests.faults.journal import Journal
from tests.keys import keys_of

Columns = Mapping[str, Any]

NEWER: Columns = {"schema_version": 99}
EMPTY: Columns = {"data": "{}"}


class LoyaltyGranted(Event):
    """What no program knows yet."""

    points: int


@dataclass(frozen=True)
class Poison:
    """An event that can't be read."""

    event: RecordedEvent
    original: Columns
    """What was in its row."""
    victims: tuple[str, ...]
    """The names of the read models that need it."""

    async def cure(self, url: str) -> None:
        """Mends its row."""
        row = events.c.event_id == self.event.event_id
        async with open_database(url) as engines, engines.writing.begin() as connection:
            await connection.execute(update(events).where(row).values(**self.original))


class _BreakingWork(SqlWork):
    """A command's transaction, whose last event can't be read."""

    def __init__(self, rows: AsyncConnection, cause: Cause, broken: Columns, keys: PersonKeys) -> None:
        super().__init__(rows, cause, EventCodec(EVENTS, keys))
        self._broken = broken
        self.original: Columns = {}

    async def append(self) -> list[EventMark]:
        marks = await super().append()
        row = events.c.event_id == marks[-1].event_id
        columns = [events.c[name] for name in self._broken]
        self.original = (await self.rows.execute(select(*columns).where(row))).one()._asdict()
        await self.rows.execute(update(events).where(row).values(**self._broken))
        return marks


async def poison(url: str, journal: Journal, command: Command, broken: Columns) -> Poison:
    """Carries out a command as the service would; but its event's row is broken from the beginning."""
    async with open_database(url) as engines, keys_of(url) as keys:
        store = SqlWriteStore(engines, EVENTS, keys=keys)
        while True:
            try:
                async with engines.writing.connect() as connection:
                    work = _BreakingWork(connection, _cause(journal, command), broken, keys)
                    outcome = await HANDLERS[type(command)](command, work)
                    assert not isinstance(outcome, Refused), outcome
                    receipt = await work.commit("tampering")
                break
            except DBAPIError as error:
                if engines.database.failure(error) is not Failure.LOST_RACE:  # a user was faster
                    raise
        [event] = await store.read(after=receipt.events[-1].position - 1, limit=1)
    return Poison(event, work.original, tuple(model.name for model in READ_MODELS if _needs(model, event)))


async def append_unknown(url: str, journal: Journal) -> None:
    """Appends an event of a type that no program knows yet."""
    async with open_database(url) as engines, engines.writing.connect() as connection:
        types = EventTypes()
        types.add(LoyaltyGranted)
        work = SqlWork(connection, _cause(journal, LoyaltyGranted(points=7)), EventCodec(types))
        work.record(f"loyalty-{uuid7()}", 0, [LoyaltyGranted(points=7)])
        await work.commit("tampering")


def _needs(model: ReadModel, event: RecordedEvent) -> bool:
    try:
        model.changes(event)
    except EventUnreadable:
        return True
    return False


def _cause(journal: Journal, why: Message) -> Cause:
    """The journal is told of it before it happens, as of any command."""
    id = uuid7()
    journal.write(id, type(why).__name__, {})
    return Cause(command_id=id, correlation_id=id, actor="a newer version", at=datetime.now(UTC))
