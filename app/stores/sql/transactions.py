"""The transactions of commands: rows, events and receipts together, or none of them."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    literal,
    select,
    text,
)
from uuid_utils.compat import uuid7

from app.cqrs.commands.asked import FORGOTTEN
from app.cqrs.commands.outcomes import CommandKey, EventMark, EventPlace, Receipt
from app.cqrs.commands.write_store import Cause
from app.cqrs.log.events import Appended
from app.cqrs.messages import Event, encode
from app.stores.sql.codec import EventCodec, Newest, forgotten_in
from app.stores.sql.engines.opening import Rows, UtcDateTime, Uuid, metadata
from app.stores.sql.expressions import AmongKeys, HeldHead
from app.stores.sql.keys.person_keys import Keys
from app.stores.sql.keys.tables import forgotten
from app.stores.sql.pending_writes import Statement, Values

logger = logging.getLogger(__name__)

Listener = Callable[[Appended], None]
"""A function that is called with the events of each commit."""

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
    Column("person", Uuid),  # whose personal data it has, or who is forgotten
    Column("sealed", LargeBinary),  # the personal fields, which then are not in `data`
    Column("trace", String(55)),
    UniqueConstraint("stream", "stream_version"),  # the optimistic lock
)
# By it decisions of operators are found without a read of the log. No other event is in it.
_DECIDED = text("type = 'EventSkipped'")
Index("ix_events_skipped", events.c.position, sqlite_where=_DECIDED, postgresql_where=_DECIDED)

_OF_SOMEBODY = events.c.person.is_not(None)
Index(None, events.c.person, sqlite_where=_OF_SOMEBODY, postgresql_where=_OF_SOMEBODY)

# One row, which a transaction that appends events locks until its commit. Its position is not updated.
log_head = Table(
    "log_head",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("position", BigInteger, nullable=False),
)

# Secrets of this store, which a restored copy of it has, too.
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
    # The id of a command belongs to its actor. Programs from before that rule still write without an actor.
    Column("actor", String(200), primary_key=True, server_default="anonymous"),
)

# Statements are built once: SQLAlchemy takes as long to build one as to execute it.
_EARLIER = select(commands).where(AmongKeys(commands.c.command_id))
ACCEPT = commands.insert()
APPEND = events.insert()
HEAD = select(func.coalesce(func.max(events.c.position), 0))
_NEWEST = select(events.c.position, events.c.event_id).order_by(events.c.position.desc()).limit(1)
_held = select(HeldHead(HEAD.scalar_subquery()).label("position")).subquery()
HOLD = select(_held.c.position, events.c.event_id).outerjoin_from(
    _held, events, events.c.position == _held.c.position
)


_FORGOTTEN = select(forgotten.c.person).where(forgotten.c.person == bindparam("p", type_=Uuid))
_NOT_NOTED = forgotten.insert().from_select(
    ["person", "done"], select(bindparam("p", type_=Uuid), literal(False)).where(~_FORGOTTEN.exists())
)
_FORGET_INPUTS = (
    commands.update()
    .where(commands.c.command_id.in_(select(events.c.command_id).where(events.c.person == bindparam("p"))))
    .values(fingerprint=FORGOTTEN)
)


@lru_cache
def claimed(table: Table) -> Select[Any]:
    """Return the statement that reads and locks the rows with the primary keys `keys`, in their order."""
    [key] = table.primary_key.columns
    # The exclusive lock of an UPDATE, also for transactions that only read the row. PostgreSQL would let
    # holders of a shared lock overtake a waiting change, and the price of a product that is ordered all the
    # time could never be changed.
    found = select(table).where(AmongKeys(key)).order_by(key)
    return found.with_for_update(key_share=True)


@lru_cache
def holder_of(column: Column[Any]) -> Select[Any]:
    """Return the statement that finds the primary key of the row whose unique column has the value `key`."""
    [primary] = column.table.primary_key.columns
    return select(primary).where(column == bindparam("key"))


async def earlier_of(
    rows: Rows, keys: Sequence[CommandKey], codec: EventCodec
) -> dict[CommandKey, tuple[str, Receipt] | None]:
    """Return the fingerprints and receipts of those commands that were accepted before; `None` for others."""
    found = dict[CommandKey, tuple[str, Receipt] | None].fromkeys(keys)
    stored = (await rows.execute(_EARLIER, {"keys": [key.command_id for key in keys]})).all()
    for key, row in zip(await codec.command_keys(stored), stored, strict=True):
        if key in found:
            found[key] = row.fingerprint, msgspec.json.decode(row.receipt, type=Receipt)
    return found


async def note_forgotten(rows: Rows, people: Collection[UUID]) -> None:
    """Note people as forgotten, and remove the fingerprints of the commands that had their data."""
    for person in people:
        await rows.execute(_NOT_NOTED, {"p": person})
        await rows.execute(_FORGET_INPUTS, {"p": person})


class SqlWork:
    """The transaction of one command.

    Handlers write with `write`, and read rows by their keys with `claim` or `rely_on`, which lock them in the
    order of the keys, so that concurrent commands neither overtake nor deadlock one another. Other reads go
    through `rows`.
    """

    def __init__(
        self, rows: Rows, cause: Cause, codec: EventCodec, listener: Listener = lambda _appended: None
    ) -> None:
        self.rows = rows
        self._cause = cause
        self._codec = codec
        self._listener = listener
        self._own: Appended | None = None
        self._actor = cause.actor
        self.recorded: list[tuple[str, int, Event]] = []
        self.forgets = False
        """True once a commit has recorded that somebody is forgotten."""

    @property
    def now(self) -> datetime:
        """The time of the command, UTC."""
        return self._cause.at

    async def claim(self, table: Table, keys: Collection[UUID]) -> Sequence[Row[Any]]:
        """Return the rows of `table` with these primary keys, in the order of the keys, to be changed.

        They are locked until the commit against changes and reads by `rely_on`.
        """
        return (await self.rows.execute(claimed(table), {"keys": list(keys)})).all()

    async def rely_on(self, table: Table, keys: Collection[UUID]) -> Sequence[Row[Any]]:
        """Return rows that a decision depends on, locked until the commit as by `claim`."""
        return await self.claim(table, keys)

    async def holder(self, column: Column[Any], value: Any) -> UUID | None:
        """Return the primary key of the row whose unique `column` has this value, or `None`; lock nothing."""
        found: UUID | None = (await self.rows.execute(holder_of(column), {"key": value})).scalar_one_or_none()
        return found

    async def has_forgotten(self, person: UUID) -> bool:
        """Return whether a person was forgotten before."""
        return (await self.rows.execute(_FORGOTTEN, {"p": person})).first() is not None

    async def write(self, statement: Statement, *rows: Values) -> None:
        """Execute a statement that writes to one table, once for each of `rows`; no later than the commit.

        A violated constraint may be raised by the commit only: check before what the command can violate.
        """
        await self.rows.execute(statement, list(rows) if len(rows) > 1 else rows[0])

    def record(self, stream: str, version: int, events: Sequence[Event]) -> None:
        """Record `events` on `stream`, whose version was `version`, when the work is committed."""
        self.recorded += [(stream, version + step, event) for step, event in enumerate(events, start=1)]

    async def earlier(self, key: CommandKey) -> tuple[str, Receipt] | None:
        """Return the fingerprint and receipt of a command that was accepted before."""
        return (await earlier_of(self.rows, [key], self._codec))[key]

    async def newest(self) -> EventPlace | None:
        """Return the newest event that the transaction may have seen; `None` if there is none."""
        found = (await self.rows.execute(_NEWEST)).first()
        return EventPlace(event_id=found.event_id, position=found.position) if found else None

    async def commit(self, fingerprint: str) -> Receipt:
        """Append the recorded events, mark the command as done, and commit."""
        await self.name_actor()
        marks = await self.append() if self.recorded else []
        receipt, row = self.accepted(fingerprint, marks, None if marks else await self.newest())
        await self.rows.execute(ACCEPT, row)
        await self.rows.commit()
        self.forgets = bool(forgotten_in(event for _, _, event in self.recorded))
        if self._own:
            self._listener(self._own)
        return receipt

    async def append(self) -> list[EventMark]:
        """Put the recorded events at the end of the log; raise `UndeclaredEvent`."""
        recorded = [event for _, _, event in self.recorded]
        keys = await self._codec.keys_to_append(recorded)  # before others wait for their positions
        newest = await self.take_positions()
        marks, rows = self.lay_out(newest.position + 1, keys)
        await self.rows.execute(APPEND, rows)
        await note_forgotten(self.rows, forgotten_in(recorded))
        self._own = self._codec.appended(newest, rows, keys, {self._actor: self._cause.actor})
        return marks

    async def name_actor(self) -> Mapping[str, str]:
        """Return the actor's name by what is stored for it from now on; raise `WriteStoreUnavailable`."""
        self._actor = await self._codec.stored_actor(self._cause)
        return {self._actor: self._cause.actor}

    def lay_out(self, first: int, keys: Keys) -> tuple[list[EventMark], list[dict[str, Any]]]:
        """Return the marks and the rows of the recorded events, from the position `first` on.

        Raises `UndeclaredEvent`.
        """
        for _, _, event in self.recorded:
            self._codec.types.require(event)
        marks = [
            EventMark(event_id=uuid7(), type=type(event).__name__, stream=stream, position=position)
            for position, (stream, _, event) in enumerate(self.recorded, start=first)
        ]
        rows = [
            {
                "position": mark.position,
                "event_id": mark.event_id,
                "stream": stream,
                "stream_version": version,
                "type": mark.type,
                "schema_version": event.schema_version,
                **self._codec.columns(event, mark.event_id, keys),
                "occurred_at": self.now.astimezone(UTC),
                "command_id": self._cause.command_id,
                "correlation_id": self._cause.correlation_id,
                "causation_id": self._cause.command_id,
                "actor": self._actor,
                "trace": self._cause.trace,
            }
            for mark, (stream, version, event) in zip(marks, self.recorded, strict=True)
        ]
        return marks, rows

    def accepted(
        self, fingerprint: str, marks: Sequence[EventMark], newest: EventPlace | None
    ) -> tuple[Receipt, dict[str, Any]]:
        """Return the command's receipt, and the row that marks it as done.

        `newest` is the newest event before it, which counts if the command changed nothing.
        """
        before = None if marks else newest
        receipt = Receipt(command_id=self._cause.command_id, events=tuple(marks), decided_after=before)
        row = {
            "command_id": receipt.command_id,
            "fingerprint": fingerprint,
            "receipt": encode(receipt),
            "accepted_at": self.now,
            "actor": self._actor,
        }
        return receipt, row

    async def take_positions(self) -> Newest:
        """Return the newest event, and block other transactions that append until this one has ended.

        After a rollback another transaction gets the same positions, so positions rise in commit order.
        """
        found = (await self.rows.execute(HOLD)).one()
        return Newest(found.position, found.event_id)
